#pragma once

#include <cstdint>
#include <optional>

#include "megaweave/config/deck.hpp"
#include "megaweave/engine/tally.hpp"
#include "megaweave/engine/world.hpp"
#include "megaweave/hardware/memory_pool.hpp"
#include "megaweave/plant/chassis.hpp"
#include "megaweave/plant/facility.hpp"
#include "megaweave/plant/supply.hpp"
#include "megaweave/plant/thermal.hpp"
#include "megaweave/plant/weather.hpp"
#include "meter.hpp"

namespace mw::engine {

//! What there is in a rack, and what passed its NICs in a sample.
struct RackInventory {
    std::int64_t accelerators{0};
    std::int64_t assigned{0};  //!< with a model on them
    std::int64_t nodes{0};
    core::TimeNs sample_ns{0};
    std::int64_t nic_bytes{0};     //!< both directions
    double die_c{55};              //!< of its accelerators
    bool dark{false};              //!< without power
    std::int64_t pool_bytes{0};    //!< moved by its memory pools, or read by its accelerators from the site's
    std::int64_t memory_nodes{0};  //!< of the site's pool that stand in it
};

//! Energy of a rack over a sample.
struct RackEnergy {
    Energies by_consumer;       //!< at the rack's AC meter; their sum is the meter
    std::int64_t boards_uj{0};  //!< of it, the accelerator boards: idle, dynamic, their links and leakage
};

/*!
 * The memory pools of racks, with the supplies that feed them. A site's pool counts by its memory nodes, each a box with its part of the
 * capacity and a node's NICs, which draw their idle power here (optics and what traffic adds are the network's); bytes count where they
 * are read.
 *
 * Supplies: on the deck's curve, rated at twice what the pool draws at full bandwidth, as in a pair. What moved bytes cost on the
 * accelerators' dies is HBM's energy a byte without its devices' part. Sources: hardware::PoolPower, plant::PowerSupply.
 */
class PoolsPower {
  public:
    explicit PoolsPower(config::Deck const& deck);

    //! Boxes in a rack; racks' last pools may have fewer accelerators, but are whole.
    [[nodiscard]] std::int64_t boxes_in(RackInventory const& rack) const;
    //! DC energy of that many boxes [J].
    [[nodiscard]] double energy_j(std::int64_t boxes, std::int64_t bytes, double seconds) const;
    //! Loss of the supplies of boxes that took this energy [J].
    [[nodiscard]] double conversion_j(std::int64_t boxes, double dc_j, double seconds) const;
    //! On the accelerators' dies [J].
    [[nodiscard]] double on_die_j(std::int64_t bytes) const {
        return on_die_joules_per_byte_ * static_cast<double>(bytes);
    }
    //! Of one box at full bandwidth, at its inlet [W].
    [[nodiscard]] double nameplate_w() const { return most_w() + supply_.loss_w(most_w()); }

  private:
    [[nodiscard]] double most_w() const { return pool_.most_w() + nics_w_; }

    hardware::PoolScope scope_;
    double nics_w_;
    hardware::PoolPower pool_;
    plant::PowerSupply supply_;
    double on_die_joules_per_byte_;
};

//! The deck's racks give heat to the liquid loop, and their accelerators have cold plates.
[[nodiscard]] bool is_liquid_cooled(config::Deck const& deck);

//! A node's share of what the optical ends of its scale-up domain draw.
[[nodiscard]] double scale_up_optics_w(hardware::RackParams const& rack);

/*!
 * Energy of one rack over a sample, by consumer, at the rack's AC meter.
 *
 * Accelerators: resident idle where a model is loaded, idle elsewhere, leakage at the dies' temperature, and what the meter
 * integrated above it. Host: idle plus its active
 * part in proportion to busy accelerators. NIC: idle plus its active part in proportion to traffic. Scale-up switches and
 * optics: always on, a node's share of its domain's (the rack feeds them; a last domain that is not full has fewer).
 * Memory pools: see PoolsPower. Fans and supplies at the node's mean load in the sample. Sources: physics.md sections 3 to 5.
 */
class RackPower {
  public:
    explicit RackPower(config::Deck const& deck);

    [[nodiscard]] RackEnergy operator()(RackInventory const& rack, MeterReading const& meter) const;

  private:
    void add_pools(Energies& energy, RackInventory const& rack, double seconds) const;

    hardware::RackParams rack_;
    double scale_up_optics_w_;  //!< of a node
    double nic_bytes_per_s_;
    plant::ChassisPower chassis_;  //!< of one node
    hardware::AcceleratorPower accelerator_;
    std::optional<PoolsPower> pools_;
    double racks_;  //!< of the site
};

//! Whether the site's equipment has power.
struct SiteState {
    bool dark{false};
    bool cooling_runs{true};
};

/*!
 * What the site adds to its racks: scale-out switches and optics, which count as IT, and conversion and cooling, which do not.
 *
 * Switches: idle plus their active part in proportion to the fabric's mean utilisation; optics draw the same whatever the load. Heat
 * leaves as it arises, or, with the deck's thermal plant, through the loop's and the halls' heat capacity, which a cooling failure warms.
 */
class SitePower {
  public:
    explicit SitePower(World const& world);

    //! Adds the site's consumers to the racks' energies of the sample that ends now; returns the energy of IT alone [uJ]. The
    //! loop, the halls and the weather go on to the end of the sample.
    std::int64_t add(Energies& energy_uj, core::TimeNs now_ns, double sample_s, double fabric_utilisation,
                     SiteState const& state);
    //! Of what cools the accelerators, at the end of the last sample [degC].
    [[nodiscard]] double coolant_c() const;
    //! Memory pools of all racks.
    [[nodiscard]] std::int64_t pools() const { return pools_; }
    [[nodiscard]] double loop_c() const { return loop_.temperature_c(); }
    [[nodiscard]] double hall_c() const { return hall_.temperature_c(); }
    [[nodiscard]] double wet_bulb_c(core::TimeNs now_ns) const;
    //! Sum of the nameplates: racks and network at full load [W].
    [[nodiscard]] double nameplate_it_w() const { return nameplate_it_w_; }
    //! The same with conversion and cooling.
    [[nodiscard]] double nameplate_facility_w() const;
    //! Of the racks alone.
    [[nodiscard]] double nameplate_racks_w() const { return nameplate_it_w_ - switch_active_w_ - optics_w_; }

    template <class Archive>
    void archive(Archive& ar) {
        ar& loop_& hall_;
    }

  private:
    [[nodiscard]] double available(core::TimeNs now_ns) const;

    config::Deck const* deck_;
    double switch_idle_w_;
    double switch_active_w_;
    double optics_w_;
    std::int64_t pools_;
    double nameplate_it_w_;
    double liquid_share_;
    plant::Facility facility_;
    plant::Weather weather_;
    plant::ThermalStore loop_;
    plant::ThermalStore hall_;
};

}  // namespace mw::engine
