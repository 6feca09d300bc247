#include "megaweave/site/partition.hpp"

#include <algorithm>

#include "megaweave/core/integer.hpp"

namespace mw::site {

Partition::Partition(Plan const& plan, int ranks) {
    first_.push_back(0);
    std::int64_t rack = 0;
    std::int64_t before = 0;
    for (int rank = 1; rank <= ranks; ++rank) {
        std::int64_t const share = core::mul_div(plan.accelerators(), rank, ranks);
        // A rack goes to the rank that holds its middle.
        while (rack < plan.racks()) {
            std::int64_t const here = plan.accelerators_in(core::RackId::of(static_cast<std::size_t>(rack)));
            if (rank < ranks && 2 * before + here > 2 * share) break;
            before += here;
            ++rack;
        }
        first_.push_back(rack);
    }
}

int Partition::rank_of(core::RackId rack) const {
    auto const after = std::ranges::upper_bound(first_, static_cast<std::int64_t>(rack.index()));
    return static_cast<int>(after - first_.begin()) - 1;
}

}  // namespace mw::site
