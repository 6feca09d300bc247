#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "megaweave/fabric/params.hpp"

namespace mw::fabric {

//! The two switches that a cable joins.
struct CableEnds {
    std::int64_t a{0};
    std::int64_t b{0};
};

//! A network of switches by number, as failures see it.
struct SwitchGraph {
    std::int64_t switches{0};
    std::int64_t cables{0};  //!< between switches
    std::function<CableEnds(std::int64_t)> ends;
    std::function<std::string(std::int64_t)> switch_name;
    std::function<std::string(std::int64_t)> cable_name;
    std::function<bool(std::int64_t)> carries_nodes;  //!< of a switch
};

/*!
 * Which switches and cables are broken: those named, and a share chosen by a seed.
 *
 * Of n cables, round(rate x n) break: those with the smallest hashes of (seed, number). Switches that carry nodes never break at
 * random. Throws `core::InputError` for a name that does not exist, for a switch that carries nodes, and where the nodes' switches
 * are no longer joined (by union-find over what works).
 *
 * Worked: 1,000 cables at a rate of 0.0101 lose 10.
 */
class Failures {
  public:
    Failures() = default;
    Failures(FailureParams const& params, SwitchGraph const& graph);

    [[nodiscard]] bool none() const { return switches_.empty() && cables_.empty(); }
    [[nodiscard]] bool switch_broken(std::int64_t number) const;
    [[nodiscard]] bool cable_broken(std::int64_t number) const;  //!< itself, whatever its switches do
    [[nodiscard]] std::vector<std::int64_t> const& switches() const { return switches_; }
    [[nodiscard]] std::vector<std::int64_t> const& cables() const { return cables_; }

  private:
    void check_joined(SwitchGraph const& graph) const;

    std::vector<std::int64_t> switches_;  // ascending
    std::vector<std::int64_t> cables_;
};

}  // namespace mw::fabric
