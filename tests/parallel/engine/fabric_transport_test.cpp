#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "durations.hpp"
#include "fabric_partition.hpp"
#include "megaweave/core/hash.hpp"
#include "megaweave/fabric/transport.hpp"
#include "shared_csv.hpp"
#include "small_plan.hpp"

// What a run makes of transfers that an independent simulator sent packet by packet: shares of windows of 1 ms on the tree that the packets
// crossed, and the transport's part by the links' use.

using namespace mw;

namespace {

//! A full-bisection Clos of hosts with one NIC each, 500 ns a hop.
site::Plan tree(std::int64_t hosts, std::int64_t tiers, std::int64_t radix) {
    hardware::RackParams rack;
    rack.nodes = 4;
    rack.node.accelerators = rack.scale_up_domain = 1;
    fabric::NetworkParams clos;
    clos.tiers = tiers;
    clos.radix = radix;
    clos.link_bytes_per_s = line_rate;
    clos.host_latency_ns = clos.switch_latency_ns = 0;
    clos.cable_latency_ns = 500;
    return site::Plan{{hosts, rack, clos, {{hosts, 1, 0.5, 128}}}};
}

//! Below the header.
std::vector<std::vector<std::string>> rows(std::string const& path) {
    std::vector<std::vector<std::string>> all;
    std::ifstream file{path};
    std::string line;
    std::getline(file, line);
    while (std::getline(file, line)) all.push_back(::test::split_csv(line));
    return all;
}

//! The flows of a case, all of which start at 0, in a run's fabric.
class Case {
  public:
    Case(std::string const& folder, site::Plan const& plan) : plan_{&plan} {
        auto const flows = rows(folder + "/flows.csv");        // flow,src,dst,bytes,start_s
        auto const expected = rows(folder + "/expected.csv");  // flow,finish_s, in the same order
        REQUIRE(flows.size() == expected.size());
        for (std::size_t f = 0; f < flows.size(); ++f) {
            REQUIRE(flows[f][0] == expected[f][0]);
            theirs_s_.push_back(std::stod(expected[f][1]));
            engine::Transfer& t = transfers_.emplace_back();
            auto const sink = std::stol(flows[f][2]);
            t.home = plan.rack_of_node(sink);
            t.id = (std::uint64_t{t.home.index()} << 32) | f;
            t.bytes = t.bytes_left = std::stol(flows[f][3]);
            t.bytes_per_s = line_rate;
            t.route = {static_cast<std::int32_t>(std::stol(flows[f][1])), static_cast<std::int32_t>(sink), 0,
                       fabric::Route::undecided, core::mix(t.id)};
            t.latency_ns = t.present_from_ns = plan.network().latency_ns(plan.network().path(t.route));
        }
    }

    //! Mean and p99 completion time over those at packet level.
    [[nodiscard]] std::pair<double, double> ratios(parallel::Comm& comm,
                                                   fabric::Transport const& transport) const {
        site::Partition const partition{*plan_, comm.size()};
        engine::FabricPartition fabric{*plan_, partition, comm};
        std::vector<int> ranks;
        for (engine::Transfer const& t : transfers_) {
            fabric.participants(t, ranks);
            if (std::ranges::binary_search(ranks, comm.rank())) fabric.join(t);
        }
        std::vector<std::int64_t> ours_ns(transfers_.size(), 0);
        for (core::TimeNs at_ns = 0; comm.sum(fabric.active()) > 0; at_ns += window_ns)
            for (engine::Arrival const& arrival : fabric.advance(at_ns, at_ns + window_ns))
                ours_ns[arrival.transfer.id & 0xffffffffU] = end_ns(arrival, transport);
        comm.sum(std::span{ours_ns});
        std::vector<double> ours_s;
        for (core::TimeNs const ns : ours_ns) ours_s.push_back(core::to_seconds(ns));
        mw::test::Durations const a = mw::test::summary_of(ours_s);
        mw::test::Durations const b = mw::test::summary_of(theirs_s_);
        return {a.mean / b.mean, a.p99 / b.p99};
    }

  private:
    //! As a rack has it (Rack::last_byte_ns).
    static core::TimeNs end_ns(engine::Arrival const& arrival, fabric::Transport const& transport) {
        double const sending_s = core::to_seconds(arrival.at_ns - arrival.transfer.present_from_ns);
        return arrival.at_ns + arrival.transfer.latency_ns +
               core::from_seconds(sending_s * (transport.stretch(arrival.use) - 1) +
                                  transport.queueing_s(arrival.use));
    }

    site::Plan const* plan_;
    std::vector<engine::Transfer> transfers_;
    std::vector<double> theirs_s_;
};

fabric::Transport sprayed() {
    fabric::TransportParams params;
    params.kind = fabric::TransportParams::Kind::sprayed;
    return fabric::Transport{params};
}

}  // namespace

TEST_CASE("A run's sprayed transfers complete as at packet level: mean within 10 %, p99 within 25 %") {
    std::filesystem::path const reference{MW_SHARED_DIR "/reference/packet"};
    if (!std::filesystem::exists(reference)) {
        MESSAGE("skipped: no reference results at " << reference.string());
        return;
    }
    parallel::Comm comm;
    site::Plan const large = tree(128, 3, 8);
    site::Plan const small = tree(32, 2, 16);
    for (auto const& [name, plan] :
         {std::pair{"ft128_eqds_spray_incast", &large}, std::pair{"ft128_eqds_spray_perm", &large},
          std::pair{"ft128_eqds_spray_rand0", &large}, std::pair{"tree32_ndp_incast", &small}}) {
        Case const one{(reference / name).string(), *plan};
        auto const [mean, p99] = one.ratios(comm, sprayed());
        auto const [fluid_mean, fluid_p99] = one.ratios(comm, fabric::Transport{{}});
        if (comm.root())
            MESSAGE(std::string{name} << ": mean " << 100 * (mean - 1) << " %, p99 " << 100 * (p99 - 1)
                                      << " %; fluid: " << 100 * (fluid_mean - 1) << " %, "
                                      << 100 * (fluid_p99 - 1) << " %");
        CHECK(std::abs(mean - 1) < 0.10);
        CHECK(std::abs(p99 - 1) < 0.25);
        CHECK(std::abs(mean - 1) < std::abs(fluid_mean - 1));
    }
}

TEST_CASE(
    "The use of a transfer's links is that of the emptiest: 1 in a permutation, 1/n in an incast of n") {
    parallel::Comm comm;
    site::Plan const plan = tree(32, 2, 16);
    auto const uses = [&](auto const& sink_of, std::int64_t senders) {
        site::Partition const partition{plan, comm.size()};
        engine::FabricPartition fabric{plan, partition, comm};
        std::vector<int> ranks;
        for (std::int64_t i = 0; i < senders; ++i) {
            engine::Transfer t;
            std::int64_t const sink = sink_of(i);
            t.home = plan.rack_of_node(sink);
            t.id = (std::uint64_t{t.home.index()} << 32) | static_cast<std::uint64_t>(i);
            t.bytes = t.bytes_left = 10'000'000;  // 0.2 ms at line rate
            t.bytes_per_s = line_rate;
            t.route = {static_cast<std::int32_t>(i), static_cast<std::int32_t>(sink)};
            fabric.participants(t, ranks);
            if (std::ranges::binary_search(ranks, comm.rank())) fabric.join(t);
        }
        std::vector<std::int64_t> found(2, 0);  // sum in millionths, count
        for (core::TimeNs at_ns = 0; comm.sum(fabric.active()) > 0; at_ns += window_ns)
            for (engine::Arrival const& arrival : fabric.advance(at_ns, at_ns + window_ns)) {
                found[0] += std::llround(1e6 * arrival.use);
                ++found[1];
            }
        comm.sum(std::span{found});
        return 1e-6 * static_cast<double>(found[0]) / static_cast<double>(found[1]);
    };
    CHECK(uses([](std::int64_t i) { return (i + 8) % 32; }, 32) == doctest::Approx(1).epsilon(0.001));
    CHECK(uses([](std::int64_t) { return 31; }, 16) == doctest::Approx(1.0 / 16).epsilon(0.02));
}
