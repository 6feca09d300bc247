#include "site_control.hpp"

#include <algorithm>
#include <numeric>

namespace mw::engine {

namespace {

constexpr double rise_per_period = 0.5;  // of the room that there is
constexpr double settled_share = 1.1;  // of the target: what boards with shifting loads may draw for a while

}  // namespace

double BudgetGovernor::step(double budget_w, double margin, double power_w, double boards_w, double factor,
                            double least_w, double most_w) {
    if (budget_w <= 0) return target_w_ = most_w;
    double const room_w = (budget_w * (1.0 - margin) - power_w) / std::max(1.0, factor);
    if (power_w > budget_w || target_w_ <= 0) {
        bool const settling = boards_w > settled_share * target_w_;  // caps that were set are not met yet
        target_w_ = (settling ? boards_w : std::min(target_w_, boards_w)) + room_w;
    } else {
        target_w_ += (room_w > 0 ? rise_per_period : 1.0) * room_w;
    }
    return target_w_ = std::clamp(target_w_, least_w, most_w);
}

ClassCaps share_out(double target_w, std::array<double, most_classes> const& drew_w,
                    std::array<std::int64_t, most_classes> const& boards, bool alike, double floor_w,
                    double tdp_w) {
    ClassCaps caps{};
    auto const count = [&](std::size_t c) { return static_cast<double>(boards[c]); };
    if (alike) {
        double const all =
            static_cast<double>(std::accumulate(boards.begin(), boards.end(), std::int64_t{0}));
        if (all > 0) caps.fill(std::clamp(target_w / all, floor_w, tdp_w));
        return caps;
    }
    double left_w = target_w;
    for (std::size_t c = 0; c < most_classes; ++c) {
        if (boards[c] == 0) continue;
        double lower_w = 0;  // that the classes after it draw at least
        for (std::size_t d = c + 1; d < most_classes; ++d) lower_w += floor_w * count(d);
        caps[c] = std::clamp((left_w - lower_w) / count(c), floor_w, tdp_w);
        left_w -= std::min(drew_w[c], caps[c] * count(c));
    }
    return caps;
}

std::size_t class_of(plant::BudgetPolicy policy, std::size_t service, bool prefill) {
    if (policy == plant::BudgetPolicy::priority) return std::min(service, most_classes - 1);
    return policy == plant::BudgetPolicy::decode_first && prefill ? 1 : 0;
}

double budget_w(config::Deck const& deck, core::TimeNs now_ns) {
    plant::ControlParams const& control = deck.facility.control;
    core::TimeNs const since_ns = now_ns - deck.time.warmup_ns - control.event_start_ns;
    bool const event = control.event_ns > 0 && since_ns >= 0 && since_ns < control.event_ns;
    if (!event) return deck.facility.budget_w;
    return deck.facility.budget_w > 0 ? std::min(deck.facility.budget_w, control.event_budget_w)
                                      : control.event_budget_w;
}

}  // namespace mw::engine
