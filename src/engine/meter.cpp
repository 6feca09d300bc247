#include "meter.hpp"

#include <algorithm>
#include <utility>

#include "megaweave/core/check.hpp"
#include "megaweave/core/integer.hpp"

namespace mw::engine {

namespace {

constexpr std::int64_t pj_per_uj = 1'000'000;
constexpr auto overhead = static_cast<std::size_t>(llm::Share::overhead);
constexpr auto idle = static_cast<std::size_t>(llm::Share::idle);

}  // namespace

std::size_t Meter::add_group(std::int64_t accelerators) {
    groups_.push_back(Group{accelerators, 0, {}, {}});
    return groups_.size() - 1;
}

void Meter::Component::add(core::TimeNs dt_ns) {
    core::Wide const pj = static_cast<core::Wide>(rate_mw) * dt_ns + rest_pj;  // 120 kW for 77 s: 63 bits
    energy_uj += static_cast<std::int64_t>(pj / pj_per_uj);
    rest_pj = static_cast<std::int64_t>(pj % pj_per_uj);
}

void Meter::fill_bins(core::TimeNs now_ns) {
    std::int64_t const rate_mw = compute_.rate_mw + memory_.rate_mw + link_.rate_mw;
    core::TimeNs from_ns = at_ns_;
    for (; bin_end_ns_ < now_ns; bin_end_ns_ += bin_ns_) {
        bins_pj_.back() += rate_mw * (bin_end_ns_ - from_ns);
        from_ns = bin_end_ns_;
        bins_pj_.push_back(0);
    }
    bins_pj_.back() += rate_mw * (now_ns - from_ns);
}

void Meter::integrate(core::TimeNs now_ns) {
    fill_bins(now_ns);
    std::int64_t const dt_ns = now_ns - at_ns_;
    for (Component* component : {&compute_, &memory_, &link_}) component->add(dt_ns);
    at_ns_ = now_ns;
}

void Meter::attribute(Group& group, core::TimeNs now_ns) {
    if (group.work.duration_ns == 0) return;
    core::TimeNs const elapsed = std::min(now_ns - group.start_ns, group.work.duration_ns);
    core::TimeNs others = 0;
    for (std::size_t s = 0; s < llm::share_count; ++s) {
        if (s == overhead) continue;
        core::TimeNs const so_far =
            elapsed == group.work.duration_ns
                ? group.work.share_ns[s]
                : core::mul_div(group.work.share_ns[s], elapsed, group.work.duration_ns);
        others += so_far;
        busy_ns_[s] += (so_far - group.attributed_ns[s]) * group.accelerators;
        group.attributed_ns[s] = so_far;
    }
    busy_ns_[overhead] += (elapsed - others - group.attributed_ns[overhead]) * group.accelerators;
    group.attributed_ns[overhead] = elapsed - others;
}

void Meter::change_rates(Group const& group, std::int64_t sign) {
    compute_.rate_mw += sign * group.work.compute_mw * group.accelerators;
    memory_.rate_mw += sign * group.work.memory_mw * group.accelerators;
    link_.rate_mw += sign * group.work.link_mw * group.accelerators;
}

void Meter::begin(std::size_t group, core::TimeNs now_ns, Work const& work) {
    end(group, now_ns);
    Group& g = groups_[group];
    g.start_ns = now_ns;
    g.work = work;
    g.attributed_ns = {};
    change_rates(g, +1);
}

void Meter::end(std::size_t group, core::TimeNs now_ns) {
    Group& g = groups_[group];
    if (g.work.duration_ns == 0) return;
    integrate(now_ns);
    attribute(g, now_ns);
    change_rates(g, -1);
    g.work = {};
}

MeterReading Meter::read(core::TimeNs now_ns) {
    integrate(now_ns);
    for (Group& group : groups_) attribute(group, now_ns);
    auto const take_uj = [](Component& component) { return std::exchange(component.energy_uj, 0); };
    MeterReading reading{busy_ns_, take_uj(compute_), take_uj(memory_), take_uj(link_),
                         std::exchange(bins_pj_, {0})};
    bin_end_ns_ = now_ns + bin_ns_;
    core::TimeNs busy = 0;
    for (core::TimeNs const part : busy_ns_) busy += part;
    core::TimeNs const unused = accelerators_ * (now_ns - read_ns_) - busy;
    MW_EXPECT(unused >= 0, "accelerators cannot be busy for longer than time passes");
    reading.accelerator_ns[idle] += unused;  // beside the bubbles inside iterations
    busy_ns_ = {};
    read_ns_ = now_ns;
    return reading;
}

}  // namespace mw::engine
