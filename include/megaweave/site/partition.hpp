#pragma once

#include <cstdint>
#include <vector>

#include "megaweave/core/ids.hpp"
#include "megaweave/site/plan.hpp"

namespace mw::site {

/*!
 * Which rank runs which racks: runs of consecutive racks with about equal expected work (accelerators). A pure function of the
 * plan and the number of ranks; ranks beyond the racks get none.
 */
class Partition {
  public:
    Partition(Plan const& plan, int ranks);

    [[nodiscard]] std::int64_t first_rack(int rank) const { return first_[static_cast<std::size_t>(rank)]; }
    [[nodiscard]] std::int64_t rack_count(int rank) const { return first_rack(rank + 1) - first_rack(rank); }
    [[nodiscard]] int rank_of(core::RackId rack) const;

  private:
    std::vector<std::int64_t> first_;  //!< one more than ranks
};

}  // namespace mw::site
