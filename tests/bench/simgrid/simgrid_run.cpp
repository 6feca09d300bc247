// SimGrid's side: its flow model with everything off that is not max-min fairness, as ../shared/reference/maxmin was made.
#include <simgrid/s4u.hpp>

#include <chrono>
#include <numeric>
#include <set>
#include <string>

#include "flow_cases.hpp"

namespace mw::bench {

namespace {

namespace sg = simgrid::s4u;

void switch_corrections_off() {
    for (char const* option : {"network/model:CM02", "network/TCP-gamma:0", "network/bandwidth-factor:1",
                               "network/latency-factor:1", "network/weight-S:0", "network/crosstraffic:0"})
        sg::Engine::set_config(option);
}

//! All hosts, the links in use, and one route for each pair that talks.
std::vector<sg::Host*> build(FlowCase const& c) {
    auto* const zone = sg::create_full_zone("fabric");
    std::vector<sg::Host*> hosts;
    for (std::int64_t h = 0; h < c.hosts; ++h)
        hosts.push_back(zone->create_host("h" + std::to_string(h), 1e9)->seal());
    std::vector<sg::Link*> links(c.network.capacity_bytes_per_s.size(), nullptr);
    std::set<std::pair<std::uint32_t, std::uint32_t>> known;
    for (std::size_t f = 0; f < c.flows.size(); ++f) {
        if (!known.insert(c.ends[f]).second) continue;
        std::vector<sg::LinkInRoute> route;
        for (std::uint32_t const l : c.flows[f].links) {
            if (links[l] == nullptr)
                links[l] = zone->create_link("l" + std::to_string(l),
                                             static_cast<double>(c.network.capacity_bytes_per_s[l]))
                               ->set_latency(0)
                               ->seal();
            route.emplace_back(links[l]);
        }
        zone->add_route(hosts[c.ends[f].first]->get_netpoint(), hosts[c.ends[f].second]->get_netpoint(),
                        nullptr, nullptr, route, false);
    }
    zone->seal();
    return hosts;
}

}  // namespace

SimgridResult run_simgrid(FlowCase const& c) {
    int argc = 1;
    std::string name = "megaweave_flows_bench";
    std::vector<char*> argv{name.data(), nullptr};
    sg::Engine engine{&argc, argv.data()};
    switch_corrections_off();
    auto const hosts = build(c);
    std::vector<std::size_t> order(c.flows.size());
    std::iota(order.begin(), order.end(), 0U);
    std::stable_sort(order.begin(), order.end(),
                     [&](auto a, auto b) { return c.flows[a].start_s < c.flows[b].start_s; });
    std::vector<sg::CommPtr> comms(c.flows.size());
    sg::Actor::create("starter", hosts.front(), [&] {
        for (std::size_t const f : order) {
            if (c.flows[f].start_s > sg::Engine::get_clock()) sg::this_actor::sleep_until(c.flows[f].start_s);
            comms[f] = sg::Comm::sendto_async(hosts[c.ends[f].first], hosts[c.ends[f].second],
                                              static_cast<std::uint64_t>(c.flows[f].bytes));
        }
        for (sg::CommPtr const& comm : comms) comm->wait();
    });
    SimgridResult result;
    auto const begin = std::chrono::steady_clock::now();
    engine.run();
    result.wall_s = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    for (sg::CommPtr const& comm : comms) result.finish_s.push_back(comm->get_finish_time());
    return result;
}

}  // namespace mw::bench
