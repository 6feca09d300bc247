#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "megaweave/serving/params.hpp"
#include "megaweave/serving/request.hpp"

namespace mw::serving {

/*!
 * The front end of a cell: gives each request its instances and keeps count of what they owe.
 *
 * `least_loaded`: for prompts the instance with the fewest prompt tokens outstanding, for decode and unified instances the one
 * with the fewest requests; ties go to the next in turn. `round_robin`: in turn. Loads are what the router has heard: an instance's
 * answer reaches it a window later. Leaves out: knowledge of KV occupancy and of cached prefixes.
 */
class Router {
  public:
    //! Unified: `prefill` and `decode` name the same instances.
    Router(RouterPolicy policy, std::vector<core::InstanceId> prefill, std::vector<core::InstanceId> decode,
           bool unified);

    //! Sets `request.prefill` and `request.decode`.
    void assign(Request& request);
    void prefill_done(Request const& request);
    //! Completed or rejected; a rejected prompt is no longer owed either.
    void request_done(Request const& request, bool rejected);

    //! Assigned and not done.
    [[nodiscard]] std::int64_t outstanding() const { return outstanding_; }

    template <class Archive>
    void archive(Archive& ar) {
        ar& prefill_.load& prefill_.turn& decode_.load& decode_.turn& outstanding_;
    }

  private:
    struct Pool {
        std::vector<core::InstanceId> instances;  //!< ascending
        std::vector<std::int64_t> load;
        std::uint64_t turn{0};
    };

    std::size_t choose(Pool& pool) const;
    static std::int64_t& load_of(Pool& pool, core::InstanceId instance);

    RouterPolicy policy_;
    bool unified_;
    Pool prefill_;
    Pool decode_;
    std::int64_t outstanding_{0};
};

}  // namespace mw::serving
