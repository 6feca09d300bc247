#include "board_control.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "megaweave/core/integer.hpp"

namespace mw::engine {

namespace {

constexpr double most_board_uj = 4e13;  // of a period: 100,000 boards still add up

}  // namespace

BoardControl::BoardControl(ServiceModel const& service, bool prefill,
                           hardware::BoardControlParams const& boards,
                           hardware::AcceleratorParams const& accelerator, std::int64_t accelerators,
                           std::optional<plant::AcceleratorThermal> const& dies)
    : service_{&service},
      prefill_{prefill},
      accelerators_{accelerators},
      deck_cap_w_{boards.power_cap_w < accelerator.tdp_w ? boards.power_cap_w : 0.0},
      lock_ceiling_{boards.clock_mhz > 0 ? service.power_law().clock_law().share(boards.clock_mhz) : 1.0},
      controller_{{deck_cap_w_, boards.cap_average_ns, boards.cap_lag_ns}, service.power_law().clock_law()},
      thermal_{&accelerator.thermal},
      dies_{dies},
      timing_{[this](llm::Batch const& batch) { return (*this)(batch); }} {}

double BoardControl::ceiling() const {
    return std::min(lock_ceiling_, thermal_ceiling_);
}

double BoardControl::clock() const {
    return std::min(ceiling(), controller_.clock());
}

llm::IterationCost BoardControl::operator()(llm::Batch const& batch) const {
    llm::IterationCost cost = service_->timing(prefill_)(batch);
    if (cost.duration_ns == 0) return cost;
    core::TimeNs& compute_ns = cost.share_ns[llm::index_of(llm::Share::compute)];
    core::TimeNs& hbm_ns = cost.share_ns[llm::index_of(llm::Share::hbm)];
    hardware::IterationTimes const times{core::to_seconds(compute_ns), core::to_seconds(hbm_ns),
                                         core::to_seconds(cost.duration_ns - compute_ns - hbm_ns)};
    hardware::OperatingPoint const point = hardware::OperatingPointSolver{service_->power_law()}.at_clock(
        service_->activity(cost, prefill_), service_->params().weights, times, clock());
    auto const stretch = [](core::TimeNs& part_ns, double factor) {
        core::TimeNs const longer_ns =
            core::to_count(static_cast<double>(part_ns) * factor, "the time of an iteration [ns]");
        return longer_ns - std::exchange(part_ns, longer_ns);
    };
    cost.duration_ns += stretch(compute_ns, point.compute_stretch) + stretch(hbm_ns, point.hbm_stretch);
    cost.clock = point.clock;
    return cost;
}

void BoardControl::observe(core::TimeNs now_ns) {
    core::TimeNs const dt_ns = now_ns - std::exchange(at_ns_, now_ns);
    if (dt_ns <= 0) return;
    double const board_w = service_->power_law().resident_w() + power_w_;
    energy_j_ += board_w * core::to_seconds(dt_ns);
    heat_j_ += board_w * core::to_seconds(dt_ns);
    controller_.observe(board_w, dt_ns, ceiling());
}

void BoardControl::warm(double coolant_c, double seconds, bool powered) {
    double const observed_w = std::exchange(heat_j_, 0.0) / seconds;
    if (!dies_) return;
    hardware::AcceleratorPower const& law = service_->power_law();
    double const leakage_w = law.leakage_w(law.resident_w(), dies_->die_c());
    dies_->step(powered ? observed_w + leakage_w : 0.0, coolant_c, seconds);
    thermal_ceiling_ = hardware::thermal_ceiling(*thermal_, law.clock_law(), dies_->die_c());
}

std::optional<double> BoardControl::die_c() const {
    return dies_ ? std::optional{dies_->die_c()} : std::nullopt;
}

void BoardControl::set_cap(double cap_w) {
    bool const lower = deck_cap_w_ <= 0 || (cap_w > 0 && cap_w < deck_cap_w_);
    controller_.set_limit(lower ? cap_w : deck_cap_w_);
}

std::int64_t BoardControl::take_energy_uj() {
    return accelerators_ *
           core::to_count(std::exchange(energy_j_, 0.0) * 1e6, "the energy of a board [uJ]", most_board_uj);
}

}  // namespace mw::engine
