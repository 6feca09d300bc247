#include "megaweave/parallel/team.hpp"

#include <sched.h>
#include <tbb/blocked_range.h>
#include <tbb/global_control.h>
#include <tbb/parallel_for.h>
#include <tbb/task_arena.h>

#include <algorithm>

namespace mw::parallel {

int usable_processors() {
    cpu_set_t mask;
    CPU_ZERO(&mask);
    if (sched_getaffinity(0, sizeof(mask), &mask) != 0) return 1;
    return std::max(1, CPU_COUNT(&mask));
}

// Without the global control TBB silently makes only as many threads as the affinity mask has processors.
struct Team::Arena {
    explicit Arena(int threads)
        : control{tbb::global_control::max_allowed_parallelism, static_cast<std::size_t>(threads)},
          arena{threads} {}
    tbb::global_control control;
    tbb::task_arena arena;
};

Team::Team(int threads) : threads_{threads > 0 ? threads : usable_processors()} {
    if (threads_ > 1) arena_ = std::make_unique<Arena>(threads_);
}

Team::~Team() = default;

void Team::for_ranges(std::size_t count, std::size_t grain,
                      std::function<void(std::size_t, std::size_t)> const& body) {
    if (arena_ == nullptr || count <= grain) {
        if (count > 0) body(0, count);
        return;
    }
    arena_->arena.execute([&] {
        tbb::parallel_for(
            tbb::blocked_range<std::size_t>{0, count, grain},
            [&](tbb::blocked_range<std::size_t> const& range) { body(range.begin(), range.end()); },
            tbb::simple_partitioner{});
    });
}

}  // namespace mw::parallel
