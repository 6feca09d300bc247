#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "megaweave/core/integer.hpp"
#include "megaweave/fabric/max_min.hpp"

namespace mw::fabric {

/*!
 * Holds shares against the definition of max-min fairness (integer filling, `MaxMinSolver`), whoever found them.
 *
 *     no link carries more than its capacity
 *     a flow below its demand has a link on its path (its bottleneck) on which no flow of its priority stands at a
 *     higher level, and which one step more for those that are stopped at this level would load above capacity
 *
 * By the bottleneck theorem (Bertsekas & Gallager, 6.5.2) an allocation with both is the max-min fair one, up to that last
 * step. Of strict priorities, what lower ones carry does not excuse a flow.
 * Cost: two passes over the flows' links. A partition adds the flows that it knows on the links that it owns; a flow is
 * explained if any partition explains it.
 * Worked: on a link of 10, A and B with 5 each are fair. With 6 and 4, B is not explained: A stands higher.
 */
class ShareCheck {
  public:
    struct Flow {
        std::int64_t rate{0};
        std::int64_t demand{0};  //!< > 0
        std::int64_t weight{1};
        std::span<LinkUse const> uses;
        std::size_t priority{0};  //!< 0 first
    };

    //! `levels` of priority.
    explicit ShareCheck(std::vector<std::int64_t> capacities, std::size_t levels = 1);

    //! First pass: every flow.
    void add(Flow const& flow);
    //! Then: links above their capacity, …
    [[nodiscard]] std::int64_t overloaded() const;
    //! … and whether a link here, or its own demand, explains the flow's share.
    [[nodiscard]] bool explains(Flow const& flow) const;

  private:
    struct State {
        core::Wide load{0};
        std::int64_t highest{0};  //!< level of its flows
        core::Wide step{0};       //!< units that one step more takes for those that are stopped there
    };
    [[nodiscard]] static std::int64_t level_of(Flow const& flow);

    std::vector<std::int64_t> capacities_;
    std::size_t priorities_;
    std::vector<State> states_;  //!< [link x priority]
};

}  // namespace mw::fabric
