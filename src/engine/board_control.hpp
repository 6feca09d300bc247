#pragma once

#include <cstdint>
#include <optional>

#include "megaweave/engine/world.hpp"
#include "megaweave/hardware/power_cap.hpp"
#include "megaweave/plant/thermal.hpp"

namespace mw::engine {

/*!
 * The boards of one instance where their clock may change: power caps, clock lock, hot dies.
 *
 * An iteration begins at the clock that the lock, the dies' temperature and the cap's controller allow, and keeps it; what it drew is
 * shown to the controller when it ends (PowerCapController), so a cap may be passed for some iterations, as on real boards. Compute and
 * HBM time stretch as hardware::OperatingPointSolver says. All boards of an instance run alike, for they wait for each other anyway: one
 * die stands for each of theirs.
 * Leaves out: a cap's effect within an iteration.
 */
class BoardControl {
  public:
    //! `dies`: none where the deck has no thermal plant.
    BoardControl(ServiceModel const& service, bool prefill, hardware::BoardControlParams const& boards,
                 hardware::AcceleratorParams const& accelerator, std::int64_t accelerators,
                 std::optional<plant::AcceleratorThermal> const& dies);
    BoardControl(BoardControl const&) = delete;
    BoardControl& operator=(BoardControl const&) = delete;

    //! What the instance takes for its iterations' times; points here.
    [[nodiscard]] serving::Timing const& timing() const { return timing_; }
    //! An iteration that begins now.
    [[nodiscard]] llm::IterationCost operator()(llm::Batch const& batch) const;
    //! Shows the controller what was drawn up to now. Before anything is done to the instance.
    void observe(core::TimeNs now_ns);
    //! From the time last observed on.
    void set_power(hardware::DynamicPower const& power) { power_w_ = power.total_w(); }

    //! The site's control: a cap for each board, beside the deck's; 0: none.
    void set_cap(double cap_w);
    //! The dies follow what was observed in the last `seconds`, or cool down where power was off; the clock follows them.
    void warm(double coolant_c, double seconds, bool powered);
    //! Of every board's die [degC]; none without a thermal plant.
    [[nodiscard]] std::optional<double> die_c() const;
    [[nodiscard]] double clock() const;
    [[nodiscard]] std::int64_t accelerators() const { return accelerators_; }
    //! Of all boards since this was last called, resident idle included, up to the time last observed.
    [[nodiscard]] std::int64_t take_energy_uj();

    template <class Archive>
    void archive(Archive& ar) {
        ar& controller_& thermal_ceiling_& power_w_& energy_j_& heat_j_& at_ns_;
        if (dies_) ar&* dies_;
    }

  private:
    [[nodiscard]] double ceiling() const;

    ServiceModel const* service_;
    bool prefill_;
    std::int64_t accelerators_;
    double deck_cap_w_;    // 0: none
    double lock_ceiling_;  // share of the highest clock
    hardware::PowerCapController controller_;
    double thermal_ceiling_{1};
    double power_w_{0};   // of one board, above its resident idle
    double energy_j_{0};  // of one board, not yet taken
    double heat_j_{0};    // of one board, not yet in its die
    hardware::ThermalParams const* thermal_;
    std::optional<plant::AcceleratorThermal> dies_;
    core::TimeNs at_ns_{0};
    serving::Timing timing_;
};

}  // namespace mw::engine
