#pragma once

#include <cstdint>

#include "megaweave/config/deck.hpp"
#include "megaweave/engine/tally.hpp"
#include "megaweave/engine/world.hpp"
#include "megaweave/plant/facility.hpp"
#include "megaweave/plant/fans.hpp"
#include "megaweave/plant/supply.hpp"
#include "meter.hpp"

namespace mw::engine {

//! What there is in a rack, and what passed its NICs in a sample.
struct RackInventory {
    std::int64_t accelerators{0};
    std::int64_t assigned{0};  //!< with a model on them
    std::int64_t nodes{0};
    core::TimeNs sample_ns{0};
    std::int64_t nic_bytes{0};  //!< both directions
};

/*!
 * Energy of one rack over a sample, by consumer, at the rack's AC meter.
 *
 * Accelerators: resident idle where a model is loaded, idle elsewhere, and what the meter integrated above it. Host: idle plus its active
 * part in proportion to busy accelerators. NIC: idle plus its active part in proportion to traffic. Scale-up switches: always on.
 * Fans and supplies at the node's mean load in the sample. Sources: physics.md sections 3 to 5.
 */
class RackPower {
  public:
    explicit RackPower(config::Deck const& deck);

    [[nodiscard]] Energies operator()(RackInventory const& rack, MeterReading const& meter) const;

  private:
    hardware::RackParams rack_;
    double nic_bytes_per_s_;
    plant::ServerFans fans_;
    plant::PowerSupply supply_;  //!< of one node
};

/*!
 * What the site adds to its racks: scale-out switches and optics, which count as IT, and conversion and cooling, which do not.
 *
 * Switches: idle plus their active part in proportion to the fabric's mean utilisation; optics draw the same whatever the load.
 */
class SitePower {
  public:
    explicit SitePower(World const& world);

    //! Adds the site's consumers to the racks' energies of a sample; returns the energy of IT alone [uJ].
    std::int64_t add(Energies& energy_uj, double sample_s, double fabric_utilisation) const;
    //! Sum of the nameplates: racks and network at full load [W].
    [[nodiscard]] double nameplate_it_w() const { return nameplate_it_w_; }
    //! The same with conversion and cooling.
    [[nodiscard]] double nameplate_facility_w() const;

  private:
    double switch_idle_w_;
    double switch_active_w_;
    double optics_w_;
    double nameplate_it_w_;
    double liquid_share_;
    plant::Facility facility_;
};

}  // namespace mw::engine
