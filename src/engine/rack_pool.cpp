// What the instances of a rack ask of its memory pools, and their waiting for it.
#include <algorithm>
#include <cmath>
#include <utility>

#include "megaweave/core/integer.hpp"
#include "rack.hpp"

namespace mw::engine {

namespace {

//! Waiting has no end of its own.
constexpr core::TimeNs open_end_ns = core::never / 4;

}  // namespace

/*!
 * Instances that lie within one pool bargain for its bandwidth from moment to moment. Those that have accelerators at several pools
 * (of several racks, whose news would come a window late) have their part of each set aside, in proportion to their accelerators,
 * whether they read or not.
 */
void Rack::make_pools() {
    hardware::MemoryPoolParams const& pool = world_->deck().cluster.memory_pool;
    if (!pool.present() || pool.on_network()) return;
    site::Plan const& plan = world_->plan();
    std::int64_t const members = pool.accelerators(plan.rack_type());
    std::int64_t const first = id_.index() * plan.rack_type().accelerators();
    std::int64_t const count = core::ceil_div(accelerators_, members);
    for (std::int64_t p = 0; p < count; ++p) {
        std::int64_t const begin = first + p * members;
        std::int64_t const end = begin + members;
        std::int64_t set_aside = 0;
        auto const& all = plan.instances();
        auto at = std::ranges::partition_point(all, [&](site::InstancePlace const& place) {
            return place.first_accelerator + place.accelerators <= begin;
        });
        for (; at != all.end() && at->first_accelerator < end; ++at) {
            std::int64_t const last = at->first_accelerator + at->accelerators;
            if (at->first_accelerator < begin || last > end)
                set_aside += std::min(last, end) - std::max(at->first_accelerator, begin);
        }
        pools_.emplace_back(pool.bytes_per_s - core::mul_div(pool.bytes_per_s, set_aside, members));
    }
}

void Rack::add_seat(site::InstancePlace const& place) {
    site::Plan const& plan = world_->plan();
    if (world_->deck().cluster.memory_pool.on_network()) return seats_.push_back({});
    std::int64_t const members = world_->deck().cluster.memory_pool.accelerators(plan.rack_type());
    std::int64_t const first = place.first_accelerator / members;
    std::int64_t const last = (place.first_accelerator + place.accelerators - 1) / members;
    std::int64_t const here = id_.index() * plan.rack_type().accelerators() / members;
    seats_.push_back({static_cast<std::size_t>(first - here), first != last});
}

//! The iteration that begins now asks for bytes.
void Rack::ask_pool(std::uint32_t index, core::TimeNs now_ns) {
    hardware::MemoryPoolParams const& pool = world_->deck().cluster.memory_pool;
    if (pool.on_network()) return read_memory(index, now_ns);
    serving::Instance& instance = hosted_[index].instance;
    llm::IterationCost const& cost = instance.iteration();
    PoolSeat& seat = seats_[index];
    auto const bytes = std::max<std::int64_t>(1, core::to_count(cost.pool_bytes, "bytes of a memory pool"));
    // The busiest accelerator's link is the limit.
    double const links = cost.pool_bytes / cost.pool_link_bytes;
    auto const most =
        std::max<std::int64_t>(1, std::llround(links * static_cast<double>(pool.link_bytes_per_s)));
    if (!seat.reserved) {
        if (pools_[seat.pool].reads(index)) return;  // told once more, when power is back
        pools_[seat.pool].begin(index, bytes, most, now_ns);
        seat.waits_from_ns = instance.own_end_ns();
        return;
    }
    std::int64_t const accelerators = world_->plan().instance(hosted_[index].id).accelerators;
    std::int64_t const set_aside =
        core::mul_div(pool.bytes_per_s, accelerators, pool.accelerators(world_->plan().rack_type()));
    double const seconds = static_cast<double>(bytes) /
                           static_cast<double>(std::max<std::int64_t>(1, std::min(most, set_aside)));
    instance.pool_read_ends(now_ns + core::from_seconds(seconds));
}

//! For racks that are told once: one stretch of work, its wait and its mean power included.
void Rack::add_wait(Hosted const& hosted, Work& work) const {
    llm::IterationCost const& cost = hosted.instance.iteration();
    if (cost.pool_bytes <= 0) return;
    std::int64_t const accelerators = world_->plan().instance(hosted.id).accelerators;
    work.pool_bytes = std::llround(cost.pool_bytes / static_cast<double>(accelerators));
    core::TimeNs const all_ns = hosted.instance.next_event_ns() - hosted.instance.iteration_start_ns();
    hardware::DynamicPower const stalled = hosted.service->stalled_power(cost.clock);
    double const waits = 1.0 - static_cast<double>(work.duration_ns) / static_cast<double>(all_ns);
    auto const mix = [&](std::int64_t& busy_mw, double stalled_w) {
        busy_mw = std::llround((1.0 - waits) * static_cast<double>(busy_mw) +
                               waits * static_cast<double>(to_mw(stalled_w)));
    };
    mix(work.compute_mw, stalled.compute_w);
    mix(work.memory_mw, stalled.memory_w);
    mix(work.link_mw, stalled.link_w);
    work.share_ns[llm::index_of(llm::Share::memory_pool)] += all_ns - work.duration_ns;
    work.duration_ns = all_ns;
}

core::TimeNs Rack::next_pool_event_ns() const {
    core::TimeNs next = core::never;
    for (hardware::SharedPool const& pool : pools_) next = std::min(next, pool.next_end_ns());
    for (PoolSeat const& seat : seats_) next = std::min(next, seat.waits_from_ns);
    return next;
}

void Rack::end_pool_reads(core::TimeNs now_ns) {
    for (hardware::SharedPool& pool : pools_) {
        if (pool.next_end_ns() != now_ns) continue;
        for (std::uint32_t const index : pool.take_ended()) {
            serving::Instance& instance = hosted_[index].instance;
            instance.pool_read_ends(now_ns);
            due_ns_[index] = instance.next_event_ns();
            if (due_ns_[index] == instance.own_end_ns()) seats_[index].waits_from_ns = core::never;
        }
    }
    wait_for_pools(now_ns);
}

//! From here on nothing is left of an iteration but what the pool has not sent yet: its kernels stall.
void Rack::wait_for_pools(core::TimeNs now_ns) {
    for (std::uint32_t i = 0; i < seats_.size(); ++i) {
        if (seats_[i].waits_from_ns != now_ns) continue;
        seats_[i].waits_from_ns = core::never;
        Hosted& hosted = hosted_[i];
        hardware::DynamicPower const power = hosted.service->stalled_power(hosted.instance.iteration().clock);
        if (hosted.boards) {
            hosted.boards->observe(now_ns);
            hosted.boards->set_power(power);
        }
        Work wait{open_end_ns, {}, to_mw(power.compute_w), to_mw(power.memory_w), to_mw(power.link_w)};
        wait.share_ns[llm::index_of(llm::Share::memory_pool)] = open_end_ns;
        meter_.begin(hosted.group, now_ns, wait);
        if (!pools_.empty()) continue;
        tell_guests(hosted, wait, now_ns);
        seats_[i].guests_wait = true;
    }
}

std::int64_t Rack::take_pool_bytes(core::TimeNs now_ns) {
    std::int64_t moved = reserved_pool_bytes_;
    for (hardware::SharedPool const& pool : pools_) moved += pool.moved_bytes(now_ns);
    std::int64_t const taken = moved - std::exchange(taken_pool_bytes_, moved);
    counts_[Count::pool_bytes] += taken;
    return taken;
}

std::int64_t Rack::pool_blocks() const {
    std::int64_t blocks = 0;
    for (Hosted const& hosted : hosted_) blocks += hosted.instance.pool_blocks();
    return blocks;
}

std::int64_t Rack::used_blocks() const {
    std::int64_t blocks = 0;
    for (Hosted const& hosted : hosted_) blocks += hosted.instance.used_blocks();
    return blocks;
}

double Rack::pool_used_share() const {
    std::int64_t most = 0;
    for (Hosted const& hosted : hosted_) most += hosted.instance.most_pool_blocks();
    return most == 0 ? 0.0 : static_cast<double>(pool_blocks()) / static_cast<double>(most);
}

}  // namespace mw::engine
