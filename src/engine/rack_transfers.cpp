// KV caches that a rack fetches from other instances, and what the fabric grants its own.
#include <algorithm>
#include <cmath>

#include "megaweave/core/hash.hpp"
#include "megaweave/core/integer.hpp"
#include "rack.hpp"

namespace mw::engine {

void Rack::on_fetch(serving::Request const& request, serving::Slot source, serving::Slot reserved,
                    core::TimeNs now_ns) {
    std::uint32_t const fetch = take_fetch();
    fetches_[fetch] = {false, hosted_index(request.decode.index()), reserved, source, 0, 0, 0, request};
    link_bytes_.clear();
    start_transfers(fetch, now_ns);
    fetches_[fetch].alone_ns = std::max(fetches_[fetch].alone_ns, alone_on_links_ns());
}

//! Time that the links need for the transfers that have just begun, without anybody else's; transfers' own line rates aside.
core::TimeNs Rack::alone_on_links_ns() {
    fabric::Topology const& network = world_->plan().network();
    std::ranges::sort(link_bytes_, {}, &LinkBytes::link);
    double longest_s = 0;
    for (std::size_t i = 0; i < link_bytes_.size();) {
        fabric::LinkIndex const link = link_bytes_[i].link;
        double bytes = 0;
        for (; i < link_bytes_.size() && link_bytes_[i].link == link; ++i) bytes += link_bytes_[i].bytes;
        auto const capacity = static_cast<double>(network.capacity(link));
        if (capacity > 0) longest_s = std::max(longest_s, bytes / capacity);
    }
    return core::from_seconds(longest_s * transport_.stretch(0));
}

std::uint32_t Rack::take_fetch() {
    if (free_fetches_.empty()) {
        free_fetches_.push_back(static_cast<std::uint32_t>(fetches_.size()));
        fetches_.emplace_back();
    }
    std::uint32_t const fetch = free_fetches_.back();
    free_fetches_.pop_back();
    return fetch;
}

std::int64_t Rack::nic_bytes_per_s() const {
    return std::min<std::int64_t>(world_->deck().cluster.scale_out.link_bytes_per_s,
                                  std::llround(world_->plan().rack_type().accelerator.scale_out_bytes_per_s));
}

//! Part of a fetch begins; its rate and label are the caller's to set. `route` without its hash.
Transfer& Rack::add_transfer(std::uint32_t fetch, std::int64_t bytes, fabric::Route route,
                             core::TimeNs now_ns) {
    ++fetches_[fetch].pieces;
    Transfer& transfer = started_.emplace_back();
    transfer.id = (static_cast<std::uint64_t>(id_.index()) << 32) | transfers_++;
    transfer.home = id_;
    transfer.fetch = fetch;
    transfer.bytes = transfer.bytes_left = bytes;
    route.hash = core::mix(transfer.id);
    transfer.route = route;
    transfer.latency_ns = world_->plan().latency_ns(route, path_);
    transfer.present_from_ns = now_ns + transfer.latency_ns;
    for (fabric::Hop const& hop : path_.hops())
        link_bytes_.push_back(
            {hop.link, static_cast<double>(bytes) * hop.weight / static_cast<double>(fabric::full_weight)});
    return transfer;
}

// Node by node: each node of the larger side talks to one of the other side, NIC by NIC.
void Rack::start_transfers(std::uint32_t fetch, core::TimeNs now_ns) {
    site::Plan const& plan = world_->plan();
    fabric::Topology const& network = plan.network();
    Fetch const want = fetches_[fetch];
    site::InstancePlace const& from = plan.instance(want.request.prefill);
    site::InstancePlace const& to = plan.instance(want.request.decode);
    std::int64_t const per_node = plan.rack_type().node.accelerators;
    std::int64_t const from_nodes = core::ceil_div(from.accelerators, per_node);
    std::int64_t const to_nodes = core::ceil_div(to.accelerators, per_node);
    std::int64_t const nics = std::min({from.accelerators, to.accelerators, per_node});
    bool const inside =
        plan.same_scale_up_domain(from.first_accelerator, to.first_accelerator + to.accelerators - 1) &&
        plan.same_scale_up_domain(from.first_accelerator + from.accelerators - 1, to.first_accelerator);

    std::int64_t const node_pairs = inside ? 1 : std::max(from_nodes, to_nodes);
    std::int64_t const rails = inside ? 1 : network.pieces(nics);
    std::int64_t const pieces = node_pairs * rails;
    std::int64_t const bytes = world_->service(to.service).kv_bytes(want.request.prompt_cache_tokens());
    for (std::int64_t piece = 0; piece < pieces; ++piece) {
        std::int64_t const pair = piece / rails;
        std::int64_t const source = plan.node_of(from.first_accelerator) + pair % from_nodes;
        std::int64_t const sink = plan.node_of(to.first_accelerator) + pair % to_nodes;
        // A rail starts at the NIC beside the accelerator that holds its part of the cache.
        Transfer& transfer = add_transfer(
            fetch, std::max<std::int64_t>(1, bytes * (piece + 1) / pieces - bytes * piece / pieces),
            {static_cast<std::int32_t>(source), static_cast<std::int32_t>(sink),
             static_cast<std::int32_t>(from.first_accelerator % per_node + piece % rails)},
            now_ns);
        transfer.leaves_rack = from.home != to.home;
        transfer.label = label_of(to.service, TrafficClass::kv);
        transfer.bytes_per_s = nic_bytes_per_s() * (rails == 1 ? nics : 1);
        if (inside || source == sink) {
            transfer.route = {};
            transfer.bytes_per_s = std::llround(plan.rack_type().accelerator.scale_up_bytes_per_s) *
                                   std::min(from.accelerators, to.accelerators);
        }
        double const sending_s =
            static_cast<double>(transfer.bytes) / static_cast<double>(transfer.bytes_per_s);
        fetches_[fetch].alone_ns =
            std::max(fetches_[fetch].alone_ns, 2 * transfer.latency_ns + core::from_seconds(sending_s));
    }
}

//! Over the scale-out network a transport adds its part.
core::TimeNs Rack::last_byte_ns(Arrival const& arrival) const {
    Transfer const& transfer = arrival.transfer;
    core::TimeNs const fluid_ns = arrival.at_ns + transfer.latency_ns;
    if (transport_.ideal() || transfer.route.src == transfer.route.dst) return fluid_ns;
    double const sending_s = core::to_seconds(arrival.at_ns - transfer.present_from_ns);
    return fluid_ns + core::from_seconds(sending_s * (transport_.stretch(arrival.use) - 1) +
                                         transport_.queueing_s(arrival.use));
}

void Rack::transfer_finished(Arrival const& arrival, core::TimeNs window_end_ns, core::TimeNs window_ns) {
    Transfer const& transfer = arrival.transfer;
    Fetch& fetch = fetches_[transfer.fetch];
    fetch.arrived_ns = std::max(fetch.arrived_ns, last_byte_ns(arrival));
    if (fetch.of_memory)
        reserved_pool_bytes_ += transfer.bytes;
    else
        counts_[Count::kv_bytes] += transfer.bytes;
    if (transfer.leaves_rack) counts_[Count::bytes_between_racks] += transfer.bytes;
    if (--fetch.pieces > 0) return;
    free_fetches_.push_back(transfer.fetch);
    if (fetch.of_memory)
        memory_read(transfer.fetch, window_end_ns);
    else
        kv_arrives(transfer.fetch, window_end_ns, window_ns);
}

void Rack::kv_arrives(std::uint32_t fetch, core::TimeNs window_end_ns, core::TimeNs window_ns) {
    Fetch done = fetches_[fetch];
    if (done.request.first_token_ns == 0) {
        serving::Timeline& way = done.request.timeline;
        way.contention_ns = std::max<core::TimeNs>(0, done.arrived_ns - way.from_ns - done.alone_ns);
        way.close(serving::TtftPart::transfer, done.arrived_ns);
    }
    site::Plan const& plan = world_->plan();
    // The window's exchange is over: the news at home are delivered at once, the others leave with the next window's.
    window_end_ns_ = window_end_ns;
    send(MessageKind::kv_arrived, id_, done.request.decode.index(), done.reserved, done.request,
         done.arrived_ns);
    deliver(outbox_.back());
    outbox_.pop_back();
    window_end_ns_ = window_end_ns + window_ns;
    send(MessageKind::kv_release, plan.instance(done.request.prefill).home, done.request.prefill.index(),
         done.source, done.request, done.arrived_ns);
}

void Rack::granted(Grant const& grant, core::TimeNs start_ns) {
    Hosted& hosted = hosted_[hosted_index(instance_of(grant.id).index())];
    hosted.scale_out->granted(grant, start_ns);
}

}  // namespace mw::engine
