#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "fabric_partition.hpp"
#include "megaweave/core/random.hpp"
#include "megaweave/fabric/exact_flows.hpp"
#include "megaweave/fabric/explicit.hpp"
#include "small_plan.hpp"

// Standing demands beside transfers, on any number of ranks; and the windowed fabric against the exact form.

using namespace mw;
using engine::Transfer;

namespace {

//! The test case runs once for each way in which ranks share standing demands.
engine::Sharing each_way() {
    engine::Sharing way = engine::Sharing::in_rounds;
    SUBCASE("in rounds") {}
    SUBCASE("each rank all of them") {
        way = engine::Sharing::each_all;
    }
    return way;
}

}  // namespace

TEST_CASE(
    "A standing demand shares with transfers, takes its weights' worth of each link, and goes on over "
    "windows left out") {
    parallel::Comm comm;
    site::Plan const plan = small_plan(fabric::Routing::adaptive, 1.0);
    site::Partition const partition{plan, comm.size()};
    engine::FabricPartition fabric{plan, partition, comm, 1, false, each_way()};
    // Node 3's four NICs carry 200 MB a window. The demand would take 120 GB/s of its way in (weight 1) and twice that of its way out.
    fabric::Path const in = plan.network().path({20, 3, 0, fabric::Route::undecided, 0});
    fabric::Path const out = plan.network().path({3, 20, 0, fabric::Route::undecided, 0});
    fabric::LinkIndex const down = in.hops().back().link;
    fabric::LinkIndex const up = out.hops().front().link;
    engine::StandingDemand const demand{
        7, core::RackId{0}, 120'000'000'000, {{down, fabric::full_weight}, {up, 2 * fabric::full_weight}}};
    std::vector<int> ranks;
    fabric.participants(demand, ranks);
    bool const part = std::ranges::binary_search(ranks, comm.rank());
    if (part) fabric.begin(demand);
    auto const windows = [&](std::int64_t first) {
        (void)fabric.advance(first * window_ns, (first + 1) * window_ns);
    };
    // Alone: the way out binds, 2 x 50 MB of a step's 100.
    windows(0);
    if (part) CHECK(fabric.granted_bytes(7) == 50'000'000);
    if (part) CHECK(fabric.granted_share(7) == doctest::Approx(100.0 / 120));

    // A transfer out of node 3: one level for both, 2 x + x = 100 MB; shares come in steps of 16 bytes.
    Transfer t;
    t.home = core::RackId{9};
    t.id = std::uint64_t{9} << 32;
    t.bytes = t.bytes_left = 2 * 33'333'328;
    t.bytes_per_s = 4 * line_rate;
    t.route = {3, 20, 0, fabric::Route::undecided, 0};
    fabric.participants(t, ranks);
    if (std::ranges::binary_search(ranks, comm.rank())) fabric.join(t);
    windows(1);
    // In the second step the transfer asks for no more than it has left.
    if (part) CHECK(fabric.granted_bytes(7) == 33'333'328);
    CHECK(fabric.active() == 0);

    // Windows 2 to 5 run, 6 to 10 are left out; then less is wanted, in 11.
    for (std::int64_t w = 2; w < 6; ++w) windows(w);
    if (part) CHECK(fabric.granted_bytes(7) == 50'000'000);
    if (part) fabric.change(7, 30'000'000'000);
    windows(11);
    if (part) CHECK(fabric.granted_bytes(7) == 15'000'000);
    auto const bytes_on = [&](fabric::LinkIndex link) {
        std::int64_t bytes = 0;
        for (std::int64_t r = 0, place = 0; r < partition.rack_count(comm.rank()); ++r)
            for (std::int64_t const b : fabric.bundle_bytes_of(
                     core::RackId::of(static_cast<std::size_t>(partition.first_rack(comm.rank()) + r))))
                if (fabric.bundles()[static_cast<std::size_t>(place++)] == plan.network().bundle_of(link))
                    bytes += b;
        return comm.sum(bytes);
    };
    std::int64_t const granted = 100'000'000 + 2 * 33'333'328 + 9 * 100'000'000 + 30'000'000;
    CHECK(bytes_on(down) == granted);
    CHECK(bytes_on(up) == 2 * granted + 2 * 33'333'328);
    if (part) fabric.end(7);
    windows(12);
    CHECK(bytes_on(down) == granted);
}

TEST_CASE(
    "KV caches at 90 % link load take as long as in the exact form, within 2 % in the mean, at windows of 1 "
    "ms") {
    parallel::Comm comm;
    if (comm.size() > 1) return;  // the same on any ranks, see above
    // inputs/quickstart.yaml: 128 nodes of 8 H100 at 400 Gb/s a NIC, half of them prefill; prompts lognormal (1,500; 0.8; at most 32,768)
    // tokens of llama-3.1-70b, fp8: 163,840 bytes of cache each.
    hardware::RackParams rack;
    rack.nodes = 4;
    rack.node.accelerators = 8;
    rack.scale_up_domain = 8;
    fabric::NetworkParams clos;
    clos.tiers = 3;
    clos.radix = 64;
    clos.link_bytes_per_s = line_rate;
    site::Plan const plan{{1'024, rack, clos, {{1'024, 8, 0.5, 128}}}};
    constexpr double node_bytes_per_s = 8.0 * line_rate;
    double const mean_bytes = 1'500 * std::exp(0.8 * 0.8 / 2) * 163'840;
    core::KeyedRandom const random{3};

    std::vector<Transfer> transfers(8'000);
    std::vector<fabric::FlowSpec> flows;
    double start_s = 0;
    for (std::uint64_t i = 0; i < transfers.size(); ++i) {
        auto const uniform = [&](std::uint32_t what) {
            return (static_cast<double>(random.bits(core::Draw::test, what, i) >> 11) + 0.5) * 0x1p-53;
        };
        double const normal =
            std::sqrt(-2 * std::log(uniform(0))) * std::cos(2 * std::acos(-1.0) * uniform(1));
        start_s -= mean_bytes / (0.9 * 64 * node_bytes_per_s) * std::log(uniform(2));
        Transfer& t = transfers[i];
        t.id = i;
        t.bytes = t.bytes_left = std::llround(std::min(32'768.0, 1'500 * std::exp(0.8 * normal)) * 163'840);
        t.bytes_per_s = std::llround(node_bytes_per_s);
        t.present_from_ns = std::llround(start_s * 1e9);
        t.route = {static_cast<std::int32_t>(64 * uniform(3)),
                   static_cast<std::int32_t>(64 + 64 * uniform(4)), 0, fabric::Route::undecided, 0};
        t.home = plan.rack_of_node(t.route.dst);
        fabric::FlowSpec& flow = flows.emplace_back();
        flow.bytes = t.bytes;
        flow.start_s = core::to_seconds(t.present_from_ns);
        fabric::Path const path = plan.network().path(t.route);
        for (fabric::Hop const& hop : path.hops()) flow.links.push_back(static_cast<std::uint32_t>(hop.link));
    }
    auto const exact = fabric::finish_times({fabric::capacities(plan.network())}, flows);

    site::Partition const partition{plan, 1};
    engine::FabricPartition fabric{plan, partition, comm};
    double exact_s = 0;
    double windowed_s = 0;
    std::size_t joined = 0;
    for (core::TimeNs start_ns = 0; joined < transfers.size() || fabric.active() > 0; start_ns += window_ns) {
        while (joined < transfers.size() && transfers[joined].present_from_ns < start_ns + window_ns)
            fabric.join(transfers[joined++]);
        for (engine::Arrival const& arrival : fabric.advance(start_ns, start_ns + window_ns)) {
            std::uint64_t const i = arrival.transfer.id;
            if (i < 800 || i >= 7'200) continue;  // the queues build up and drain
            exact_s += exact[i] - flows[i].start_s;
            windowed_s += core::to_seconds(arrival.at_ns) - flows[i].start_s;
        }
    }
    MESSAGE("mean transfer time: exact " << exact_s / 6.4 << " ms, windowed " << windowed_s / 6.4
                                         << " ms: " << 100 * (windowed_s / exact_s - 1) << " %");
    CHECK(std::abs(windowed_s / exact_s - 1) < 0.02);
}

TEST_CASE(
    "A transfer halves the burst of a standing demand on its link, which takes its mean load from the "
    "transfer") {
    parallel::Comm comm;
    site::Plan const plan = small_plan(fabric::Routing::adaptive, 1.0);
    site::Partition const partition{plan, comm.size()};
    engine::FabricPartition fabric{plan, partition, comm, 1, false, each_way()};
    // Out of node 3, whose four NICs carry 100 MB a step: a demand of 50 GB/s in the mean that sends at 200 GB/s when it does.
    fabric::LinkIndex const up =
        plan.network().path({3, 20, 0, fabric::Route::undecided, 0}).hops().front().link;
    engine::StandingDemand const demand{
        7, core::RackId{5}, 50'000'000'000, {{up, fabric::full_weight}}, 200'000'000'000};
    std::vector<int> ranks;
    fabric.participants(demand, ranks);
    bool const part = std::ranges::binary_search(ranks, comm.rank());
    bool const home = partition.rank_of(demand.home) == comm.rank();
    if (part) fabric.begin(demand);
    auto const window = [&](std::int64_t w) { return fabric.advance(w * window_ns, (w + 1) * window_ns); };
    (void)window(0);
    CHECK(fabric.grants().empty());  // all of it, as before
    auto const send = [&](std::uint64_t id, std::int64_t bytes, std::int64_t rate) {
        Transfer t;
        t.home = core::RackId{9};
        t.id = std::uint64_t{9} << 32 | id;
        t.bytes = t.bytes_left = bytes;
        t.bytes_per_s = rate;
        t.route = {3, 20, 0, fabric::Route::undecided, 0};
        fabric.participants(t, ranks);
        if (std::ranges::binary_search(ranks, comm.rank())) fabric.join(t);
    };
    auto const expect = [&](double of_demand, double of_line) {
        REQUIRE(fabric.grants().size() == (home ? 1 : 0));
        if (!home) return;
        CHECK(fabric.grants().front().of_demand == doctest::Approx(of_demand));
        CHECK(fabric.grants().front().of_line == doctest::Approx(of_line));
    };
    // It is left 150 GB/s: 300 MB take 2 ms instead of 1.5. For a moment the two are equals.
    send(1, 300'000'000, 200'000'000'000);
    CHECK(window(1).empty());
    expect(1, 0.5);
    auto const ended = window(2);
    CHECK(comm.sum(static_cast<std::int64_t>(ended.size())) == 1);
    for (engine::Arrival const& arrival : ended)
        CHECK(arrival.at_ns == doctest::Approx(3.0 * window_ns).epsilon(1e-6));
    expect(1, 1);
    // One that wants no more than 40 GB/s leaves the burst 160 of 200.
    send(2, 400'000'000, 40'000'000'000);
    (void)window(3);
    expect(1, 0.8);
    // Seven more at line rate: each of nine has a ninth of the link, and a burst would have the same.
    for (std::uint64_t id = 3; id < 10; ++id) send(id, 1'000'000'000, 200'000'000'000);
    (void)window(4);
    expect(200.0 / 9 / 50, 1.0 / 9);
}

TEST_CASE("Grants tell how full the emptiest link of a demand is, to the sixteenth below") {
    parallel::Comm comm;
    site::Plan const plan = small_plan(fabric::Routing::adaptive, 1.0);
    site::Partition const partition{plan, comm.size()};
    engine::FabricPartition fabric{plan, partition, comm, 1, true, each_way()};
    // Out of node 3 and into node 20, whose NICs carry 200 GB/s each: a demand of 60 GB/s in the mean.
    auto const hops = plan.network().path({3, 20, 0, fabric::Route::undecided, 0});
    engine::StandingDemand const demand{
        7,
        core::RackId{5},
        60'000'000'000,
        {{hops.hops().front().link, fabric::full_weight}, {hops.hops().back().link, fabric::full_weight}},
        200'000'000'000};
    std::vector<int> ranks;
    fabric.participants(demand, ranks);
    if (std::ranges::binary_search(ranks, comm.rank())) fabric.begin(demand);
    auto const use_in = [&](std::int64_t w) {
        (void)fabric.advance(w * window_ns, (w + 1) * window_ns);
        double use = 0;
        for (engine::Grant const& grant : fabric.grants()) use += grant.use;
        return 1e-6 * static_cast<double>(comm.sum(std::llround(1e6 * use)));  // one home
    };
    CHECK(use_in(0) == 4.0 / 16);  // 60 of 200: 4.8 sixteenths
    // Another's transfer fills the way out: the way in is the emptier one, and as full as before, so that there is no news of it.
    Transfer t;
    t.home = core::RackId{9};
    t.id = std::uint64_t{9} << 32;
    t.bytes = t.bytes_left = 1'000'000'000;
    t.bytes_per_s = 100'000'000'000;
    t.route = {3, 40, 0, fabric::Route::undecided, 0};
    auto const join = [&] {
        fabric.participants(t, ranks);
        if (std::ranges::binary_search(ranks, comm.rank())) fabric.join(t);
    };
    join();
    CHECK(use_in(1) == 4.0 / 16);  // news of the burst: 140 of 200 GB/s are left
    // And one into node 20: 160 of 200 on both.
    ++t.id;
    t.route = {12, 20, 0, fabric::Route::undecided, 0};
    join();
    CHECK(use_in(2) == 12.0 / 16);  // 12.8
}
