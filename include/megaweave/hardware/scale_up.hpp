#pragma once

#include <cstdint>
#include <vector>

#include "megaweave/core/time.hpp"
#include "megaweave/hardware/params.hpp"

namespace mw::hardware {

//! What a collective among some members of a domain gets of their links, as shares of an accelerator's rate; and how long steps take.
struct ScaleUpShares {
    double ring{1};           //!< to neighbours in rings
    double all_to_all{1};     //!< when each member sends as much to every other
    core::TimeNs step_ns{0};  //!< of a message to the farthest member, above one that passes one switch
    core::TimeNs ring_ns{0};  //!< of all steps of a ring all-reduce, above those of one switch
};

/*!
 * A scale-up domain of n accelerators with L links each: what it is built of, how far apart its members are, what it bisects to, and what
 * collectives get of it.
 *
 *     switched  every switch has the same number of links to each accelerator, spread over L planes. Full bisection.
 *               n <= radix: one tier, S = ceil(n L / radix) switches, every pair 1 switch and 2 cables apart
 *               n > radix:  two tiers per plane: ceil(n / (radix/2)) leaves and half as many above, 3 switches and 4 cables apart;
 *                           at most radix^2 / 2 accelerators
 *               bisection = n L / 2 links, one direction
 *     mesh      a cable (or several) between every two; L is a multiple of n - 1; bisection = floor(n/2) ceil(n/2) L / (n - 1)
 *     torus     nearly equal sides k_i, L / (2 D) links to each neighbour; n - 1 accelerators pass traffic on, no switches
 *               mean distance = sum over sides of k^2/4 (even k) or (k^2 - 1)/4 (odd), over k, times n / (n - 1)
 *               bisection = 2 (n / k_max) L / (2 D) links, one direction (k_max > 2)
 *
 * Collectives of m members: in switched domains and meshes at their links' rate, whoever they are. In a torus m members lie in the
 * smallest box b_i <= k_i that holds them, and have the links inside it: both ways around where it spans a side, else one way at its
 * edges, which bind. Rings use neighbours' links: sum of these over L. All to all is bound by the box's worst cut,
 * links(cut) (m - 1) / (left right L), at most 1. A ring all-reduce takes 2 sum (b_i - 1) hops one after the other.
 *
 * `step_ns` and `ring_ns` come on top of what engines measured through one switch (2 cables and a switch, 270 ns).
 * Optical ends: two of every cable where the medium is optical, none in copper. Cables of a domain that spans racks are as long as the
 * layout's: along the racks' row, and 2.5 m up and down again; within a rack 2 m; 5 ns a metre.
 * Source: NVIDIA DGX H100 (8 x 18 links on 4 switches, 36 ports of each in use), GB200 NVL72 (72 x 18 links, 18 switches of 72);
 * torus: Google TPU v4 (Jouppi et al., ISCA 2023: 4 x 4 x 4 cubes, 6 links); Dally & Towles, Principles and Practices of
 * Interconnection Networks, 3.2 and 5.2 (bisection, channel load).
 * Leaves out: contention between collectives, failures, boxes that members do not fill, messages from one to one (they have their
 * share of all links, not one neighbour's), in-switch reduction in two tiers costs what it does in one.
 * Worked: 72 accelerators of 18 links on switches of 72: 18 switches, 1,296 cables, 2 x 10 + 250 = 270 ns, 648 links of bisection. 64 in
 * a 4 x 4 x 4 torus of 6 links: 192 cables, mean distance 3 x 1 x 64/63 = 3.048 hops, bisection 32 links, all to all 32 x 63 / (32 x 32 x 6)
 * = 0.328 of the links' rate. 8 of them lie in a box of 2 x 2 x 2 and have half of their links for rings.
 */
class ScaleUp {
  public:
    //! Throws `core::InputError` where it cannot be built; says what would do.
    explicit ScaleUp(RackParams const& rack);

    [[nodiscard]] std::int64_t accelerators() const { return accelerators_; }
    [[nodiscard]] std::int64_t racks() const { return racks_; }
    [[nodiscard]] std::int64_t switch_tiers() const;
    [[nodiscard]] std::int64_t switches() const { return switches_; }
    [[nodiscard]] std::int64_t cables() const { return cables_; }
    [[nodiscard]] std::int64_t optical_ends() const;
    //! Links that cross the middle, one direction.
    [[nodiscard]] std::int64_t bisection_links() const { return bisection_; }
    [[nodiscard]] double link_bytes_per_s() const { return link_bytes_per_s_; }
    [[nodiscard]] double bisection_bytes_per_s() const {
        return static_cast<double>(bisection_) * link_bytes_per_s_;
    }
    //! Cables between two members, the mean over pairs and the most.
    [[nodiscard]] double mean_hops() const { return mean_hops_; }
    [[nodiscard]] std::int64_t most_hops() const { return most_hops_; }
    //! One way between the farthest two, without serialisation.
    [[nodiscard]] core::TimeNs latency_ns() const { return latency_of(most_hops_); }
    //! Of `members` that work together, at most the domain's.
    [[nodiscard]] ScaleUpShares shares(std::int64_t members) const;

    //! Of all switches, whatever the load; of all optical ends likewise.
    [[nodiscard]] double switches_w() const { return static_cast<double>(switches_) * params_.switch_w; }
    [[nodiscard]] double optics_w() const;

  private:
    void lay_switches();
    void lay_mesh();
    void lay_torus();
    [[nodiscard]] std::vector<std::int64_t> box_of(std::int64_t members) const;
    [[nodiscard]] core::TimeNs latency_of(std::int64_t hops) const;

    ScaleUpParams params_;
    std::int64_t accelerators_;
    std::int64_t racks_;
    double link_bytes_per_s_;
    core::TimeNs cable_ns_;
    std::vector<std::int64_t> sides_;  //!< of a torus
    std::int64_t switches_{0};
    std::int64_t cables_{0};
    std::int64_t bisection_{0};
    double mean_hops_{0};
    std::int64_t most_hops_{0};
};

}  // namespace mw::hardware
