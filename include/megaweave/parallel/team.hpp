#pragma once

#include <cstddef>
#include <functional>
#include <memory>

namespace mw::parallel {

//! Processors that this process may run on (its affinity mask), which mpirun's binding may have narrowed.
[[nodiscard]] int usable_processors();

//! The threads of one rank. One thread: everything runs inline.
class Team {
  public:
    //! `threads` <= 0: as many as the affinity mask has processors.
    explicit Team(int threads);
    ~Team();
    Team(Team const&) = delete;
    Team& operator=(Team const&) = delete;

    [[nodiscard]] int threads() const { return threads_; }

    //! Calls body(begin, end) over [0, count) in pieces of about `grain`, at least half of it; returns when all are done.
    //! Exceptions reach the caller.
    void for_ranges(std::size_t count, std::size_t grain,
                    std::function<void(std::size_t, std::size_t)> const& body);

  private:
    struct Arena;
    int threads_{1};
    std::unique_ptr<Arena> arena_;
};

}  // namespace mw::parallel
