#include "megaweave/fabric/transport.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "csv.hpp"
#include "durations.hpp"
#include "megaweave/fabric/explicit.hpp"

using namespace mw::fabric;

namespace {

TransportParams sprayed() {
    TransportParams params;
    params.kind = TransportParams::Kind::sprayed;
    return params;
}

//! Ours over the packet-level run's, mean and p99.
mw::test::Durations ratio(std::string const& folder, TransportParams const& params) {
    auto const network = read_network(folder + "/links.csv", folder + "/routes.csv");
    auto const table = read_flows(folder + "/flows.csv");
    auto const flows = on_network(table, network);
    FlowNetwork const links{network.capacity_bytes_per_s};
    auto const finish = Transport{params}(links, flows, finish_times(links, flows));
    Mistakes mistakes;
    CsvTable const expected{folder + "/expected.csv", {"flow", "finish_s"}, mistakes};
    mistakes.report();
    std::map<std::string, double> theirs;
    for (auto const& row : expected.rows())
        theirs[std::string{row.fields[0]}] = to_number(row.fields[1]).value();
    std::vector<double> ours_s;
    std::vector<double> theirs_s;
    for (std::size_t f = 0; f < flows.size(); ++f) {
        ours_s.push_back(finish[f] - flows[f].start_s);
        theirs_s.push_back(theirs.at(table.rows[f].flow) - flows[f].start_s);
    }
    auto const a = mw::test::summary_of(ours_s);
    auto const b = mw::test::summary_of(theirs_s);
    return {a.mean / b.mean, a.p99 / b.p99};
}

}  // namespace

TEST_CASE("the transport's worked example comes out") {
    // 4,096,000 bytes at 50 GB/s: 81.92 us; headers 4160/4096, all of the fabric in use: / 0.92, 5 us; 3 us each way.
    FlowNetwork const network{{50'000'000'000, 50'000'000'000}};
    std::vector<FlowSpec> const flows{{4'096'000, 0, {0, 1}, 3e-6}};
    auto const finish = Transport{sprayed()}(network, flows, finish_times(network, flows));
    CHECK(finish[0] == doctest::Approx(101.43e-6).epsilon(1e-4));
}

TEST_CASE("an ideal transport leaves the fluid's finish times as they are, to the bit") {
    FlowNetwork const network{{100}};
    std::vector<FlowSpec> const flows{{100, 0, {0}, 0.25}, {300, 1, {0}, 0}};
    auto const fluid = finish_times(network, flows);
    CHECK(Transport{TransportParams{}}(network, flows, fluid) == fluid);
}

TEST_CASE("an idle fabric costs headers and the acknowledgement's way back only") {
    // Two flows of 1,000 s one after the other on a link; ends of 100 such links talk for an instant each: U is about 1/100.
    FlowNetwork network{std::vector<std::int64_t>(100, 1'000)};
    std::vector<FlowSpec> flows{{1'000'000, 0, {0}, 0}};
    for (std::uint32_t l = 1; l < 100; ++l) flows.push_back({1, 0, {l}, 0});
    auto const finish = Transport{sprayed()}(network, flows, finish_times(network, flows));
    CHECK(finish[0] / 1'000 == doctest::Approx(4160.0 / 4096).epsilon(0.002));
}

TEST_CASE("sprayed transports complete as at packet level: mean within 10 %, p99 within 25 %") {
    std::filesystem::path const reference{MW_SHARED_DIR "/reference/packet"};
    if (!std::filesystem::exists(reference)) {
        MESSAGE("skipped: no reference results at " << reference.string());
        return;
    }
    for (auto const* const name : {"ft128_eqds_spray_incast", "ft128_eqds_spray_perm",
                                   "ft128_eqds_spray_rand0", "tree32_ndp_incast"}) {
        mw::test::Durations const with = ratio((reference / name).string(), sprayed());
        mw::test::Durations const without = ratio((reference / name).string(), TransportParams{});
        MESSAGE(std::string{name} << ": mean " << 100 * (with.mean - 1) << " %, p99 " << 100 * (with.p99 - 1)
                                  << " %; ideal: " << 100 * (without.mean - 1) << " %, "
                                  << 100 * (without.p99 - 1) << " %");
        CHECK(std::abs(with.mean - 1) < 0.10);
        CHECK(std::abs(with.p99 - 1) < 0.25);
        CHECK(std::abs(with.mean - 1) < std::abs(without.mean - 1));
    }
    // Not of this kind (PFC, no congestion control): stated in the header, so it must stay true.
    mw::test::Durations const roce = ratio((reference / "tree32_roce_pfc_perm").string(), sprayed());
    MESSAGE("tree32_roce_pfc_perm: mean " << 100 * (roce.mean - 1) << " %, p99 " << 100 * (roce.p99 - 1)
                                          << " %");
    CHECK(roce.mean > 0.85);
    CHECK(roce.mean < 0.95);
}
