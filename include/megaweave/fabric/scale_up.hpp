#pragma once

#include <cstdint>
#include <string>

#include "megaweave/core/time.hpp"

namespace mw::fabric {

enum class ScaleUpKind : std::uint8_t { switched, torus };
enum class Medium : std::uint8_t { copper, optical };

//! The fabric inside a scale-up domain.
struct ScaleUpParams {
    std::int64_t accelerators{8};  //!< of a domain
    ScaleUpKind kind{ScaleUpKind::switched};
    Medium medium{Medium::copper};  //!< of the cables between accelerators and switches, or neighbours
    std::int64_t links{18};         //!< of one accelerator
    double link_bytes_per_s{50e9};  //!< one link, one direction
    std::int64_t radix{64};         //!< links of a switch (switched)
    std::int64_t dimensions{3};     //!< of a torus
    core::TimeNs switch_ns{250};    //!< of a switch, or of an accelerator that passes traffic on
    core::TimeNs cable_ns{10};      //!< about 2 m
};

/*!
 * A scale-up domain of n accelerators with L links each: what it is built of, how far apart its members are, what it bisects to.
 *
 *     switched  every switch has the same number of links to each accelerator, spread over L planes.
 *               n <= radix: one tier, S = ceil(n L / radix) switches, every pair 1 switch and 2 cables apart
 *               n > radix:  two tiers per plane: ceil(n / (radix/2)) leaves and half as many above, 3 switches and 4 cables apart;
 *                           at most radix^2 / 2 accelerators
 *               bisection = n L / 2 links, one direction
 *     torus     nearly equal sides k_i, L / (2 D) links to each neighbour; n - 1 accelerators pass traffic on, no switches
 *               mean distance = sum over sides of k^2/4 (even k) or (k^2 - 1)/4 (odd), over k, times n / (n - 1)
 *               bisection = 2 (n / k_max) L / (2 D) links, one direction (k_max > 2)
 *
 * Optical ends: two of every cable where the medium is optical, none in copper.
 * Source: NVIDIA DGX H100 (8 x 18 links on 4 switches, 36 ports of each in use), GB200 NVL72 (72 x 18 links, 18 switches of 72);
 * torus: Google TPU v4 (Jouppi et al., ISCA 2023: 4 x 4 x 4 cubes, 6 links).
 * Leaves out: in-switch reduction (see llm), contention between collectives, failures.
 * Worked: 72 accelerators of 18 links on switches of 72: 18 switches, 1,296 cables, 2 x 10 + 250 = 270 ns, 648 links of bisection. 64 in
 * a 4 x 4 x 4 torus of 6 links: 192 cables, mean distance 3 x 1 x 64/63 = 3.048 hops, bisection 32 links.
 */
class ScaleUp {
  public:
    //! Throws `core::InputError` where it cannot be built; says what would do.
    explicit ScaleUp(ScaleUpParams const& params);

    [[nodiscard]] std::int64_t switches() const { return switches_; }
    [[nodiscard]] std::int64_t cables() const { return cables_; }
    [[nodiscard]] std::int64_t optical_ends() const;
    //! Links that cross the middle, one direction.
    [[nodiscard]] std::int64_t bisection_links() const { return bisection_; }
    [[nodiscard]] double bisection_bytes_per_s() const {
        return static_cast<double>(bisection_) * params_.link_bytes_per_s;
    }
    //! Cables between two members, the mean over pairs and the most.
    [[nodiscard]] double mean_hops() const { return mean_hops_; }
    [[nodiscard]] std::int64_t most_hops() const { return most_hops_; }
    //! One way between the farthest two, without serialisation.
    [[nodiscard]] core::TimeNs latency_ns() const;
    [[nodiscard]] ScaleUpParams const& params() const { return params_; }

  private:
    void lay_switches();
    void lay_torus();

    ScaleUpParams params_;
    std::int64_t switches_{0};
    std::int64_t cables_{0};
    std::int64_t bisection_{0};
    double mean_hops_{0};
    std::int64_t most_hops_{0};
};

}  // namespace mw::fabric
