#include "power_control.hpp"

#include <algorithm>

namespace mw::engine {

namespace {

constexpr double shed_step = 0.10;
constexpr double shed_return = 0.05;
constexpr double binding_share = 0.97;  // of the target that boards draw when caps hold them back

double lower_cap(double a, double b) {
    return a <= 0 ? b : b <= 0 ? a : std::min(a, b);
}

}  // namespace

PowerControl::PowerControl(World const& world) : world_{&world} {
    site::Plan const& plan = world.plan();
    std::int32_t hall = -1;
    std::int32_t row = -1;
    for (std::int64_t r = 0; r < plan.racks(); ++r) {
        site::RackPlace const place = plan.place(core::RackId::of(static_cast<std::size_t>(r)));
        if (rows_ == 0 || place.hall != hall || place.row != row) ++rows_;
        hall = place.hall;
        row = place.row;
        row_of_.push_back(static_cast<std::uint32_t>(rows_ - 1));
    }
    row_governors_.resize(rows_);
    row_period_uj_.assign(rows_, 0);
}

void PowerControl::step(core::TimeNs now_ns, core::TimeNs sample_ns, SiteEnergy const& site,
                        std::span<std::int64_t const> row_uj, std::span<std::unique_ptr<Rack> const> racks,
                        parallel::Comm const& comm) {
    plant::ControlParams const& control = world_->deck().facility.control;
    if (!control.on()) return;
    period_ns_ += sample_ns;
    period_facility_uj_ += site.facility_uj;
    period_it_uj_ += site.it_uj;
    for (std::size_t row = 0; row < rows_; ++row) row_period_uj_[row] += row_uj[row];
    if (period_ns_ < control.period_ns) return;
    decide(now_ns, racks, comm);
    period_ns_ = 0;
    period_facility_uj_ = 0;
    period_it_uj_ = 0;
    std::ranges::fill(row_period_uj_, 0);
}

ClassCaps PowerControl::facility_caps(core::TimeNs now_ns, ClassSums const& sums, double boards_w) {
    config::Deck const& deck = world_->deck();
    plant::ControlParams const& control = deck.facility.control;
    hardware::AcceleratorParams const& accelerator = deck.cluster.rack.accelerator;
    double const seconds = core::to_seconds(period_ns_);
    std::array<double, most_classes> drew_w{};
    double boards = 0;
    for (std::size_t c = 0; c < most_classes; ++c) {
        drew_w[c] = static_cast<double>(sums.energy_uj[c]) * 1e-6 / seconds;
        boards += static_cast<double>(sums.boards[c]);
    }
    double const facility_w = static_cast<double>(period_facility_uj_) * 1e-6 / seconds;
    double const factor =  // of a dark period: 1
        period_it_uj_ > 0 ? static_cast<double>(period_facility_uj_) / static_cast<double>(period_it_uj_)
                          : 1.0;
    double const target_w =
        governor_.step(budget_w(deck, now_ns), control.margin, facility_w, boards_w, factor,
                       boards * accelerator.resident_idle_w, boards * accelerator.tdp_w);
    bool const alike =
        control.policy == plant::BudgetPolicy::proportional || control.policy == plant::BudgetPolicy::shed;
    return share_out(target_w, drew_w, sums.boards, alike, accelerator.resident_idle_w, accelerator.tdp_w);
}

void PowerControl::update_shedding(double boards_w) {
    if (world_->deck().facility.control.policy != plant::BudgetPolicy::shed) return;
    bool const caps_bind = boards_w > binding_share * governor_.target_w();
    shed_share_ = std::clamp(shed_share_ + (caps_bind ? shed_step : -shed_return), 0.0, 1.0);
}

void PowerControl::decide(core::TimeNs now_ns, std::span<std::unique_ptr<Rack> const> racks,
                          parallel::Comm const& comm) {
    plant::ControlParams const& control = world_->deck().facility.control;
    hardware::AcceleratorParams const& accelerator = world_->deck().cluster.rack.accelerator;
    double const seconds = core::to_seconds(period_ns_);
    ClassSums sums;
    std::vector<std::int64_t> row(2 * rows_, 0);  // energy of the boards, then their number
    for (auto const& rack : racks) {
        rack->add_classes(now_ns, sums);
        row[row_of(rack->id())] += rack->period_energy().boards_uj;
        row[rows_ + row_of(rack->id())] += rack->assigned_accelerators();
    }
    comm.sum(std::span{sums.energy_uj});
    comm.sum(std::span{sums.boards});
    comm.sum(std::span{row});
    auto const watts = [&](std::int64_t uj) { return static_cast<double>(uj) * 1e-6 / seconds; };
    double boards_w = 0;
    for (std::int64_t const uj : sums.energy_uj) boards_w += watts(uj);
    ClassCaps const site_caps = facility_caps(now_ns, sums, boards_w);
    update_shedding(boards_w);

    // A cap for each board of a row or rack, 0 where there is no budget.
    auto const own_cap = [&](BudgetGovernor& governor, double budget_w, double power_w, double drawn_w,
                             std::int64_t count) {
        if (budget_w <= 0 || count == 0) return 0.0;
        auto const boards = static_cast<double>(count);
        return governor.step(budget_w, control.margin, power_w, drawn_w, 1.0,
                             boards * accelerator.resident_idle_w, boards * accelerator.tdp_w) /
               boards;
    };
    std::vector<double> row_caps(rows_);
    for (std::size_t r = 0; r < rows_; ++r)
        row_caps[r] = own_cap(row_governors_[r], control.row_budget_w, watts(row_period_uj_[r]),
                              watts(row[r]), row[rows_ + r]);
    for (auto const& rack : racks) {
        PeriodEnergy& used = rack->period_energy();
        double const rack_cap = own_cap(rack->governor(), control.rack_budget_w, watts(used.rack_uj),
                                        watts(used.boards_uj), rack->assigned_accelerators());
        used = {};
        ClassCaps caps = site_caps;
        for (double& cap : caps) cap = lower_cap(lower_cap(cap, row_caps[row_of(rack->id())]), rack_cap);
        rack->set_caps(caps);
        rack->set_shed_share(shed_share_);
    }
}

}  // namespace mw::engine
