#pragma once

#include <cstdint>

#include "megaweave/core/time.hpp"
#include "megaweave/plant/params.hpp"

namespace mw::plant {

//! Over a step [uJ]: supply = load + stored + lost, exactly.
struct StoreFlow {
    std::int64_t supply_uj{0};  //!< what comes from upstream
    std::int64_t stored_uj{0};  //!< into the store; negative: out of it
    std::int64_t lost_uj{0};    //!< heat
};

/*!
 * Batteries or capacitors between a rack's AC meter and its supplies: they smooth what the rack draws, and bridge what upstream cannot give.
 *
 *     dG/dt = (P + return - G) / smoothing,   return = (set point - charge) / 600 s;   the store takes G - P, as far as power and charge allow
 *
 * While upstream gives only a share of the load, the store gives the rest of it, as far as it can. Losses (1 - round trip) are taken on
 * charging. In integers: energy is conserved to the microjoule. Steps should be at most a tenth of the smoothing time.
 * Leaves out: ageing, voltage that falls with charge, self-discharge, the converter's own idle draw.
 * Worked: a step from 60 to 120 kW with 30 s smoothing and enough charge: upstream gives 60 kW at once, 97.9 kW after 30 s (63 %).
 */
class RackStorage {
  public:
    //! Begins at its set point; upstream gives the first load as it is.
    explicit RackStorage(RackStorageParams const& params);

    //! `supply_share`: of the load, that upstream can give; below 1 nothing is smoothed.
    StoreFlow step(std::int64_t load_uj, core::TimeNs dt_ns, double supply_share = 1.0);
    [[nodiscard]] std::int64_t charge_uj() const { return charge_uj_; }

    template <class Archive>
    void archive(Archive& ar) {
        ar& supply_w_& charge_uj_;
    }

  private:
    [[nodiscard]] double wish_w(double load_w, double seconds, double supply_share);

    RackStorageParams params_;
    std::int64_t capacity_uj_;
    std::int64_t charge_uj_;
    double supply_w_{-1};  //!< what upstream gave last; negative: nothing yet
};

/*!
 * The batteries of a site's UPS: they carry what the utility and the generators do not, and charge again from what these have to spare.
 *
 *     capacity = design load x autonomy;   charging at most `recharge` of the design load, with the losses of a round trip
 *
 * In integers. Leaves out: the charge that high currents cannot use (Peukert), ageing.
 * Worked: 1 MW design load and 5 min hold 300 MJ; one minute of 0.8 MW takes 48 MJ, and at 0.1 MW with 0.9 it takes 533 s to put them back.
 */
class UpsBattery {
  public:
    UpsBattery(UpsBatteryParams const& params, double design_w);

    //! The site needs `load_uj` for `dt_ns`, and its feeds can give `available_uj` of it. Where charge and feeds together are not enough,
    //! `supply_uj` passes what is available: the supplies' own capacitors give it (some ten milliseconds), and the site goes dark.
    StoreFlow step(std::int64_t load_uj, std::int64_t available_uj, core::TimeNs dt_ns);
    [[nodiscard]] std::int64_t charge_uj() const { return charge_uj_; }

    template <class Archive>
    void archive(Archive& ar) {
        ar& charge_uj_;
    }

  private:
    double recharge_w_;
    double round_trip_;
    std::int64_t capacity_uj_;
    std::int64_t charge_uj_;
};

/*!
 * What the utility and the generators can give, as a function of time alone.
 *
 * An event leaves `available` of the design power for its length; generators join `start` after its beginning, and leave with its end.
 * Times count from the end of the warm-up. Leaves out: voltage and frequency, generators that do not start, fuel.
 */
class GridFeed {
  public:
    GridFeed(GridParams const& params, double design_w) : params_{params}, design_w_{design_w} {}

    //! Within the sample that ends at `since_ns` [W]; infinite without an event.
    [[nodiscard]] double available_w(core::TimeNs since_ns) const;
    //! When more comes than at `since_ns`: generators start or the event ends.
    [[nodiscard]] core::TimeNs next_return_ns(core::TimeNs since_ns) const;

  private:
    [[nodiscard]] core::TimeNs event_end_ns() const { return params_.event_start_ns + params_.event_ns; }
    [[nodiscard]] core::TimeNs generators_ns() const;

    GridParams params_;
    double design_w_;
};

}  // namespace mw::plant
