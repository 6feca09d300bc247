#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "megaweave/config/deck.hpp"
#include "megaweave/core/error.hpp"

using mw::config::Deck;
using mw::config::Override;
using mw::config::read_deck;
using mw::config::read_flows_deck;
using mw::core::ns_per_ms;
using mw::core::ns_per_s;
using mw::core::ns_per_us;

namespace {

namespace fs = std::filesystem;

std::string const source{MW_SOURCE_DIR};
std::string const quickstart = source + "/inputs/quickstart.yaml";
std::string const every_key = source + "/tests/decks/good/every_key.yaml";

//! A text as a file that goes away with the object.
class TemporaryDeck {
  public:
    explicit TemporaryDeck(std::string const& text) : path_{fs::temp_directory_path() / name()} {
        std::ofstream{path_} << text;
    }
    ~TemporaryDeck() { fs::remove(path_); }
    TemporaryDeck(TemporaryDeck const&) = delete;
    TemporaryDeck& operator=(TemporaryDeck const&) = delete;
    [[nodiscard]] std::string path() const { return path_.string(); }

  private:
    static std::string name() {
        return "megaweave_deck_" + std::to_string(fs::hash_value(fs::current_path())) + ".yaml";
    }
    fs::path path_;
};

Deck reread(Deck const& deck) {
    TemporaryDeck const file{deck.effective_yaml};
    return read_deck(file.path());
}

std::vector<std::string> errors_of(std::vector<Override> const& overrides) {
    try {
        static_cast<void>(read_deck(quickstart, overrides));
    } catch (mw::core::InputError const& error) {
        return error.messages();
    }
    return {};
}

}  // namespace

TEST_CASE("the quickstart reads as the contract states it") {
    Deck const deck = read_deck(quickstart);
    CHECK(deck.name == "quickstart");
    CHECK(deck.seed == 1);
    CHECK(deck.time.duration_ns == 30 * ns_per_s);
    CHECK(deck.time.window_ns == ns_per_ms);
    CHECK(deck.cluster.accelerators == 1024);
    CHECK(deck.cluster.rack.name == "hgx-h100");
    CHECK(deck.cluster.rack.accelerators() == 32);
    CHECK(deck.cluster.scale_out.endpoints == 1024);
    CHECK(deck.cluster.scale_out.nics_per_node == 8);
    CHECK(deck.cluster.scale_out.link_bytes_per_s == 50'000'000'000);  // 400 Gb/s
    CHECK(deck.cluster.network_switch.name == "25.6t");                // 64 x 400 Gb/s
    CHECK(deck.cluster.network_switch.active_w == 783);
    CHECK(deck.cluster.optics.port_w_per_800g == 15);
    REQUIRE(deck.services.size() == 1);
    auto const& chat = deck.services[0];
    CHECK(chat.model.layers == 80);
    CHECK(chat.accelerators == 1024);
    CHECK(chat.parallelism.accelerators() == 8);
    CHECK(chat.mode == mw::serving::Mode::disaggregated);
    CHECK(chat.workload.arrivals.rate_per_s == 500);
    CHECK(chat.workload.input.law == mw::workload::Law::lognormal);
    CHECK(chat.workload.input.median == 1500);
    CHECK(chat.ttft_objective_ns == 2 * ns_per_s);
    CHECK(chat.tpot_objective_ns == 50 * ns_per_ms);
    CHECK(deck.facility.budget_w == 2e6);
    CHECK(deck.output.directory == "out/quickstart");
    CHECK(deck.output.request_sample == 1);
}

TEST_CASE("every key reaches its field") {
    Deck const deck = read_deck(every_key);
    CHECK(deck.seed == 18446744073709551615ULL);
    CHECK(deck.time.window_ns == 250 * ns_per_us);
    CHECK(deck.cluster.scale_out.oversubscription == 2);
    CHECK(deck.cluster.scale_out.routing == mw::fabric::Routing::ecmp);
    CHECK(deck.cluster.scale_out.host_latency_ns == 1500);
    CHECK(deck.cluster.transport.kind == mw::fabric::TransportParams::Kind::sprayed);
    CHECK(deck.cluster.transport.payload_bytes == 2048);
    CHECK(deck.cluster.transport.queueing_s == doctest::Approx(4e-6));
    CHECK(deck.cluster.network_switch.bytes_per_s == 6.4e12);  // named: not scaled
    CHECK(!deck.cluster.optics.at_host);
    auto const& one = deck.services.at(0);
    CHECK(one.parallelism.accelerators() == 36);
    CHECK(one.kv_cache == mw::hardware::Precision::bf16);
    CHECK(one.cell_instances == 16);
    CHECK(one.scheduler.kv_blocks == 10000);
    CHECK(!one.scheduler.chunked_prefill);
    CHECK(one.workload.arrivals.rate_per_s == doctest::Approx(0.025));  // 1.5 a minute
    CHECK(one.workload.arrivals.cv == 2.5);
    CHECK(fs::path{one.workload.input.file}.filename() == "lengths.csv");
    CHECK(one.ttft_objective_ns == mw::core::never);
    auto const& two = deck.services.at(1);
    CHECK(two.weights == mw::hardware::Precision::fp4);
    CHECK(fs::exists(two.timing_table));
    CHECK(two.workload.arrivals.process == mw::workload::Process::trace);
    CHECK(two.workload.output.law == mw::workload::Law::trace);        // lengths come with the trace
    CHECK(deck.facility.cooling.air_supply_c == doctest::Approx(22));  // 295.15 K
    CHECK(deck.facility.cooling.pump_pressure_pa == 2e5);
    CHECK(deck.facility.cooling.constant_pue == 1.2);
    CHECK(deck.facility.delivery.ups_efficiency == 0.95);  // follows the mode
    CHECK(deck.output.checkpoint_every_ns == 300 * ns_per_s);
}

TEST_CASE("a pool of the site is so many nodes on the network, and an accelerator's link to it is its NIC") {
    Deck const deck = read_deck(source + "/tests/decks/small/site_pool.yaml");
    CHECK(deck.cluster.scale_out.memory_nodes == 2);  // 800 GB/s over 8 NICs of 50 GB/s
    CHECK(deck.cluster.scale_out.endpoints == deck.cluster.accelerators + 2 * 8);
    CHECK(deck.cluster.memory_pool.link_bytes_per_s == 50'000'000'000);
}

TEST_CASE("the effective deck reads back as the same physics") {
    for (auto const* const name :
         {"inputs/quickstart.yaml", "inputs/clusters/two_services.yaml", "inputs/clusters/odd_200.yaml",
          "inputs/clusters/h100_100k.yaml", "tests/decks/good/minimal.yaml",
          "tests/decks/good/inline_entries.yaml", "tests/decks/good/every_key.yaml",
          "tests/decks/small/site_pool.yaml", "inputs/clusters/topologies/rail.yaml",
          "inputs/clusters/topologies/torus.yaml", "inputs/clusters/topologies/dragonfly.yaml",
          "inputs/clusters/topologies/hyperx.yaml"}) {
        CAPTURE(name);
        Deck const deck = read_deck(source + "/" + name);
        Deck const again = reread(deck);
        CHECK(again.physics_hash == deck.physics_hash);
        CHECK(again.effective_yaml == deck.effective_yaml);
    }
}

TEST_CASE("the hash covers what can change a result and nothing else") {
    auto const hash = [](std::vector<Override> const& overrides) {
        return read_deck(quickstart, overrides).physics_hash;
    };
    auto const plain = hash({});
    CHECK(hash({{"output.directory", "elsewhere"}}) == plain);
    CHECK(hash({{"name", "other"}}) == plain);
    CHECK(hash({{"output.checkpoint_every", "7 s"}}) == plain);
    CHECK(hash({{"output.request_sample", "0.25"}}) != plain);  // other rows in /requests, another digest
    CHECK(hash({{"time.warmup", "10000 ms"}}) == plain);        // the same duration
    CHECK(hash({{"seed", "2"}}) != plain);
    CHECK(hash({{"services[0].workload.arrivals.rate", "501 /s"}}) != plain);
    CHECK(hash({{"cluster.rack.accelerator.power.tdp", "701 W"}}) != plain);
}

TEST_CASE("--set changes, creates and replaces keys") {
    Deck const deck =
        read_deck(quickstart, {{"services[0].workload.arrivals.rate", "700 /s"},
                               {"services[chat].router", "round_robin"},
                               {"cluster.scale_out.cable_latency", "80 ns"},
                               {"facility.cooling.supply", "28 degC"},
                               {"cluster.rack.node.host_idle", "900 W"},
                               {"services[0].workload.output", "{distribution: fixed, tokens: 7}"}});
    CHECK(deck.services[0].workload.arrivals.rate_per_s == 700);
    CHECK(deck.services[0].router == mw::serving::RouterPolicy::round_robin);
    CHECK(deck.cluster.scale_out.cable_latency_ns == 80);
    CHECK(deck.facility.cooling.kind == mw::plant::CoolingKind::liquid);  // 'liquid' became a block
    CHECK(deck.facility.cooling.supply_c == 28);
    CHECK(deck.cluster.rack.node.host_idle_w == 900);
    CHECK(deck.cluster.rack.node.host_active_w == 952);  // the rest as in the catalogue
    CHECK(deck.services[0].workload.output.tokens == 7);
}

TEST_CASE("a mistake in --set is reported where it was made") {
    CHECK(errors_of({{"time.window", "1"}})
              .at(0)
              .starts_with("--set time.window=1: '1' in time.window needs a unit of time"));
    CHECK(errors_of({{"time.windw", "1 ms"}}) ==
          std::vector<std::string>{
              "--set time.windw=1 ms: unknown key 'windw' in time. Did you mean 'window'?"});
    CHECK(errors_of({{"services[3].weights", "fp8"}}).at(0).find("has no entry [3]: the list has 1") !=
          std::string::npos);
    CHECK(errors_of({{"services.weights", "fp8"}}).at(0).find("'services' is a list. Add [0]") !=
          std::string::npos);
    CHECK(errors_of({{"name.x", "1"}}).at(0).find("'name' is a single value") != std::string::npos);
    CHECK(errors_of({{"a..b", "1"}}).at(0).find("is not a path") != std::string::npos);
    CHECK(errors_of({{"seed", ""}}).at(0).find("has no value") != std::string::npos);
    CHECK(errors_of({{"seed", "[1"}}).at(0).find("--set seed=[1: not valid YAML") == 0);
    CHECK(errors_of({{"time.window", "0 ms"}, {"seed", "x"}}).size() == 2);
}

TEST_CASE("a switch that the deck does not name is the nearest one, scaled to radix times link") {
    Deck const deck =
        read_deck(quickstart, {{"cluster.scale_out.radix", "128"}, {"cluster.scale_out.link", "200 Gb/s"}});
    CHECK(deck.cluster.network_switch.name == "25.6t");  // 128 x 200 Gb/s
    Deck const large = read_deck(quickstart, {{"cluster.scale_out.radix", "256"}});
    CHECK(large.cluster.network_switch.bytes_per_s == 12.8e12);
    CHECK(large.cluster.network_switch.active_w == doctest::Approx(1800));  // twice the 51.2 Tb/s switch
}

TEST_CASE("the share of listed requests keeps about as many as 2048 accelerators make") {
    Deck const deck = read_deck(source + "/inputs/clusters/h100_100k.yaml");
    CHECK(deck.output.request_sample == doctest::Approx(0.02048));  // 2048 / 100,000
    CHECK(deck.facility.budget_w == 150e6);
}

TEST_CASE("estimates that a result rests on are named") {
    bool found = false;
    for (auto const& warning : read_deck(every_key).warnings)
        found = found || warning.find("gb200-nvl72") != std::string::npos;
    CHECK(found);
}

TEST_CASE("a deck for flows needs only its fabric") {
    auto const clos = read_flows_deck(source + "/tests/decks/good/flows_clos.yaml");
    CHECK(!clos.explicit_topology);
    CHECK(clos.network.endpoints == 128);
    CHECK(clos.network.nics_per_node == 1);
    CHECK(clos.network.link_bytes_per_s == 50'000'000'000);
    auto const own = read_flows_deck(source + "/tests/decks/good/flows_explicit.yaml");
    CHECK(own.explicit_topology);
    CHECK(own.seed == 3);
    CHECK(fs::exists(own.network.links_file));
    CHECK(fs::exists(own.network.routes_file));
    auto const whole = read_flows_deck(quickstart);
    CHECK(whole.network.nics_per_node == 8);
    CHECK(whole.network.endpoints == 1024);
    CHECK_THROWS_WITH_AS(
        static_cast<void>(read_flows_deck(quickstart, {{"cluster.scale_out.topology", "explicit"}})),
        doctest::Contains("missing key 'links'"), mw::core::InputError);
}

TEST_CASE("the trace deck finds its trace beside the deck, from any working directory") {
    if (!fs::exists(fs::path{MW_SHARED_DIR} / "traces")) {
        MESSAGE("skipped: the shared traces are absent");
        return;
    }
    Deck const deck = read_deck(source + "/inputs/clusters/azure_chat_1k.yaml");
    CHECK(fs::exists(deck.services[0].workload.arrivals.file));
    CHECK(deck.services[0].workload.arrivals.format == mw::workload::TraceFormat::azure);
}
