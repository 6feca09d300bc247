// What the instances of a rack read from memory nodes, over the scale-out network.
#include <algorithm>
#include <cmath>

#include "megaweave/core/integer.hpp"
#include "rack.hpp"

namespace mw::engine {

namespace {

constexpr std::int64_t most_stripes = 4;

}  // namespace

/*!
 * The iteration that begins now reads its bytes as transfers, which share the network's links with everybody else's. Blocks are
 * interleaved: each of the instance's nodes reads even parts from up to four memory nodes (for each NIC where these are hashed), which
 * take turns from iteration to iteration. A part comes at its part of the node's rate at most. What an iteration writes to the pool
 * travels as if it were read.
 */
void Rack::read_memory(std::uint32_t index, core::TimeNs now_ns) {
    PoolSeat& seat = seats_[index];
    if (seat.read != no_read) return;  // told once more, when power is back
    Hosted const& hosted = hosted_[index];
    site::InstancePlace const& place = world_->plan().instance(hosted.id);
    std::int64_t const per_node = world_->plan().rack_type().node.accelerators;
    auto const bytes = std::max<std::int64_t>(
        1, core::to_count(hosted.instance.iteration().pool_bytes, "bytes of a memory pool"));
    seat.read = take_fetch();
    seat.waits_from_ns = hosted.instance.own_end_ns();
    fetches_[seat.read] = {true, index, 0, 0, 0, 0, 0, {}};
    link_bytes_.clear();
    std::int64_t const end = place.first_accelerator + place.accelerators;
    for (std::int64_t at = place.first_accelerator; at < end;) {
        std::int64_t const next = std::min(end, (at / per_node + 1) * per_node);
        auto const share = [&](std::int64_t accelerator) {
            return core::mul_div(bytes, accelerator - place.first_accelerator, place.accelerators);
        };
        read_for_node(index, at, next - at, share(next) - share(at), now_ns);
        at = next;
    }
}

void Rack::read_for_node(std::uint32_t index, std::int64_t first, std::int64_t count, std::int64_t bytes,
                         core::TimeNs now_ns) {
    site::Plan const& plan = world_->plan();
    Hosted const& hosted = hosted_[index];
    site::InstancePlace const& place = plan.instance(hosted.id);
    llm::IterationCost const& cost = hosted.instance.iteration();
    std::int64_t const node = plan.node_of(first);
    // The busiest accelerator's link is the limit.
    double const busy_links =
        cost.pool_bytes / cost.pool_link_bytes / static_cast<double>(place.accelerators);
    std::int64_t const link =
        std::min(nic_bytes_per_s(), world_->deck().cluster.memory_pool.link_bytes_per_s);
    std::int64_t const rails = plan.network().pieces(count);
    std::int64_t const parts = rails * core::ceil_div(std::min(most_stripes, plan.memory_nodes()), rails);
    std::int64_t const line = link * count / parts;
    for (std::int64_t p = 0; p < parts; ++p) {
        std::int64_t const part = bytes * (p + 1) / parts - bytes * p / parts;
        if (part == 0) continue;
        std::int64_t const memory =
            plan.memory_node((node + hosted.instance.counts().iterations + p) % plan.memory_nodes());
        Transfer& transfer =
            add_transfer(seats_[index].read, part,
                         {static_cast<std::int32_t>(memory), static_cast<std::int32_t>(node),
                          static_cast<std::int32_t>(first % plan.rack_type().node.accelerators + p % rails)},
                         now_ns);
        transfer.leaves_rack = true;
        transfer.label =
            label_of(place.service, hosted.instance.loading() ? TrafficClass::weights : TrafficClass::pool);
        transfer.bytes_per_s =
            std::max<std::int64_t>(1, std::llround(busy_links * static_cast<double>(line)));
    }
}

//! The racks have run the window: the iteration ends in the next one at the earliest.
void Rack::memory_read(std::uint32_t fetch, core::TimeNs window_end_ns) {
    Fetch const done = fetches_[fetch];
    PoolSeat& seat = seats_[done.instance];
    if (seat.read != fetch) return;  // power failed meanwhile: it is read again
    seat.read = no_read;
    serving::Instance& instance = hosted_[done.instance].instance;
    instance.pool_read_ends(done.arrived_ns, window_end_ns);
    due_ns_[done.instance] = instance.next_event_ns();
    if (due_ns_[done.instance] == instance.own_end_ns()) seat.waits_from_ns = core::never;
    next_event_ns_ = std::min(next_event_ns_, due_ns_[done.instance]);
}

}  // namespace mw::engine
