// A rack's boards: their temperature, their caps, and the arrivals that a site short of power turns away.
#include <algorithm>
#include <cmath>
#include <limits>

#include "rack.hpp"

namespace mw::engine {

bool clocks_may_change(config::Deck const& deck) {
    return deck.cluster.boards.any() || deck.facility.thermal.on || deck.facility.control.on();
}

std::unique_ptr<BoardControl> Rack::make_boards(site::InstancePlace const& place) const {
    config::Deck const& deck = world_->deck();
    if (!clocks_may_change(deck)) return nullptr;
    return std::make_unique<BoardControl>(world_->service(place.service), place.prefill, deck.cluster.boards,
                                          deck.cluster.rack.accelerator, place.accelerators, thermal_);
}

double Rack::die_c() const {
    return thermal_ ? thermal_->die_c() : world_->deck().cluster.rack.accelerator.thermal.leakage_reference_c;
}

double Rack::hottest_die_c() const {
    double hottest_c = -std::numeric_limits<double>::infinity();
    for (Hosted const& hosted : hosted_)
        if (hosted.boards) hottest_c = std::max(hottest_c, hosted.boards->die_c().value_or(hottest_c));
    return std::isfinite(hottest_c) ? hottest_c : die_c();
}

//! Leakage is linear in temperature, so that of the mean die is the rack's; throttling is not, so each instance has dies of its own.
void Rack::warm(core::TimeNs now_ns, double board_w, double coolant_c, double seconds) {
    if (!thermal_) return;
    thermal_->step(board_w, coolant_c, seconds);
    for (Hosted& hosted : hosted_) {
        hosted.boards->observe(now_ns);
        hosted.boards->warm(coolant_c, seconds, board_w > 0);
    }
}

void Rack::add_classes(core::TimeNs now_ns, ClassSums& sums) {
    plant::BudgetPolicy const policy = world_->deck().facility.control.policy;
    for (Hosted& hosted : hosted_) {
        site::InstancePlace const& place = world_->plan().instance(hosted.id);
        std::size_t const c = class_of(policy, place.service.index(), place.prefill);
        hosted.boards->observe(now_ns);
        sums.energy_uj[c] += hosted.boards->take_energy_uj();
        sums.boards[c] += hosted.boards->accelerators();
    }
}

void Rack::set_caps(ClassCaps const& caps) {
    plant::BudgetPolicy const policy = world_->deck().facility.control.policy;
    for (Hosted& hosted : hosted_) {
        site::InstancePlace const& place = world_->plan().instance(hosted.id);
        hosted.boards->set_cap(caps[class_of(policy, place.service.index(), place.prefill)]);
    }
}

double Rack::clock() const {
    double sum = 0;
    double boards = 0;
    for (Hosted const& hosted : hosted_) {
        if (!hosted.boards) continue;
        auto const count = static_cast<double>(hosted.boards->accelerators());
        sum += count * hosted.boards->clock();
        boards += count;
    }
    return boards > 0 ? sum / boards : 1.0;
}

void Rack::lose_power(core::TimeNs now_ns, core::TimeNs serves_ns) {
    serves_ns_ = serves_ns;
    for (std::size_t i = 0; i < hosted_.size(); ++i) {
        Hosted& hosted = hosted_[i];
        if (hosted.boards) {
            hosted.boards->observe(now_ns);
            hosted.boards->set_power({});
        }
        meter_.end(hosted.group, now_ns);
        hosted.instance.suspend(serves_ns);
        due_ns_[i] = hosted.instance.next_event_ns();
    }
    for (Guest& guest : guests_) {
        meter_.end(guest.group, now_ns);
        guest.end_ns = core::never;
    }
    for (hardware::SharedPool& pool : pools_) pool.stop(now_ns);
    for (PoolSeat& seat : seats_) {
        seat.waits_from_ns = core::never;
        seat.read = no_read;
        seat.guests_wait = false;
    }
    find_next_event();
}

void Rack::resume(core::TimeNs now_ns) {
    serves_ns_ = core::never;
    for (std::uint32_t i = 0; i < hosted_.size(); ++i) {
        if (!hosted_[i].instance.busy()) continue;
        announce_work(i, now_ns);
        due_ns_[i] = hosted_[i].instance.next_event_ns();
    }
}

bool Rack::sheds(Cell const& cell, serving::Request const& request) const {
    if (serves_ns_ != core::never) return true;
    return shed_share_ > 0 && request.service.index() + 1 == world_->services() &&
           world_->random().uniform(core::Draw::shed, cell.id.index(), request.id & 0xffffffffffULL) <
               shed_share_;
}

}  // namespace mw::engine
