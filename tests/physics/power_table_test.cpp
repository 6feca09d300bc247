#include <doctest/doctest.h>

#include <fmt/format.h>

#include <array>

#include "megaweave/engine/deployment.hpp"
#include "run_deck.hpp"

// What published figures say of power (physics.md, section 6), each row by a shipped deck.

using namespace mw;
using doctest::Approx;
using engine::Consumer;

namespace {

using Overrides = std::vector<config::Override>;

test::DeckRun study(std::string const& name, Overrides const& overrides = {}) {
    return test::run_deck("../../../inputs/" + name + ".yaml", overrides);
}

//! The site as it is planned, without running it.
engine::Deployment plan(std::string const& name, Overrides const& overrides) {
    config::Deck const deck =
        config::read_deck(std::string{MW_SOURCE_DIR} + "/inputs/" + name + ".yaml", overrides);
    engine::World const world{deck};
    return engine::describe(world);
}

double watts(test::DeckRun const& run, std::int64_t energy_uj) {
    return static_cast<double>(energy_uj) * 1e-6 / run.results.measured_s;
}

double watts(test::DeckRun const& run, Consumer consumer) {
    return watts(run, run.results.energy_uj[consumer]);
}

//! A row of the table, as `ctest -R physics/power_table -V` prints it.
void tell(std::string const& row, double value, double published) {
    MESSAGE(fmt::format("{}: {:.5g}, published {:.5g}: {:+.1f} %", row, value, published,
                        100 * (value / published - 1)));
}

double board_w(test::DeckRun const& run) {
    return watts(run, run.results.boards_energy_uj) / static_cast<double>(run.results.accelerators);
}

}  // namespace

TEST_CASE("an H100 chassis at 317 W an accelerator: 4.25 kW at the wall, and 0.47 kW of network") {
    auto const run = study("studies/h100_chassis");
    tell("accelerator of the chassis [W]", board_w(run), 317);
    CHECK(board_w(run) == Approx(317).epsilon(0.10));
    // The anchor counts adapters with the network; what boards differ from 317 W passes supplies of 94.5 %.
    constexpr double supplies = 0.945;
    double const chassis_w = watts(run, run.results.racks_energy_uj) - watts(run, Consumer::nic) / supplies +
                             8 * (317 - board_w(run)) / supplies;
    tell("chassis at 317 W an accelerator [W]", chassis_w, 4250);
    CHECK(chassis_w == Approx(4250).epsilon(0.05));
    // Two tiers of 128 ports, filled, nearly idle.
    auto const network = study("studies/optics_100k", {{"cluster.accelerators", "8192"},
                                                       {"cluster.scale_out.tiers", "2"},
                                                       {"time", "{duration: 100 ms, sample: 100 ms}"},
                                                       {"services[0].workload.arrivals.rate", "1 /s"}});
    double const network_w = watts(network, Consumer::nic) + watts(network, Consumer::scale_out_switch) +
                             watts(network, Consumer::optics);
    tell("network of a chassis [W]", network_w / 1024, 470);
    CHECK(network_w / 1024 == Approx(470).epsilon(0.05));
}

TEST_CASE("the same chassis with H200: 298 W an accelerator, within 10 %") {
    auto const run = study("studies/h100_chassis", {{"cluster.rack", "hgx-h200"}});
    tell("accelerator of the chassis, H200 [W]", board_w(run), 298);
    CHECK(board_w(run) == Approx(298).epsilon(0.10));
}

TEST_CASE("nameplates: DGX H100 10.2 kW, DGX B200 14.3 kW, an NVL72 rack 120 to 132 kW") {
    auto const rack_w = [](char const* rack, char const* accelerators) {
        return study("studies/board_limits", {{"cluster.rack", rack},
                                              {"cluster.accelerators", accelerators},
                                              {"time", "{duration: 100 ms, sample: 100 ms}"}})
            .results.provisioned_w[1];
    };
    CHECK(rack_w("dgx-h100", "8") == Approx(10.2e3));
    CHECK(rack_w("dgx-b200", "8") == Approx(14.3e3));
    double const nvl72_w = rack_w("gb200-nvl72", "72");
    tell("nameplate of an NVL72 rack [W]", nvl72_w, 132e3);
    CHECK(nvl72_w >= 120e3);
    CHECK(nvl72_w <= 132.1e3);
}

TEST_CASE("a GB200 NVL72 rack whose accelerators draw 1200 W takes 111.5 kW of IT") {
    auto const run = study("studies/gb200_rack");
    tell("accelerator of the rack [W]", board_w(run), 1200);
    tell("IT of an NVL72 rack [W]", watts(run, run.results.racks_energy_uj), 111.5e3);
    CHECK(board_w(run) == Approx(1200).epsilon(0.02));
    CHECK(watts(run, run.results.racks_energy_uj) == Approx(111.5e3).epsilon(0.05));
}

TEST_CASE("all-in, an H100 is provisioned with 1.73 kW, a B200 with 2.17 and a GB200 with 2.10") {
    auto const all_in_kw = [](char const* rack, char const* cooling) {
        auto const site = plan("studies/climate", {{"cluster.rack", rack},
                                                   {"cluster.accelerators", "2304"},
                                                   {"cluster.scale_out.tiers", "3"},
                                                   {"facility.cooling", cooling}});
        return 1e-3 * site.nameplate_facility_w / static_cast<double>(site.accelerators);
    };
    double const h100 = all_in_kw("hgx-h100", "{kind: air, wet_bulb: 22 degC}");
    double const b200 = all_in_kw("hgx-b200", "{kind: liquid, wet_bulb: 22 degC}");
    double const gb200 = all_in_kw("gb200-nvl72", "{kind: liquid, wet_bulb: 22 degC}");
    tell("all-in, H100 [kW]", h100, 1.73);
    tell("all-in, B200 [kW]", b200, 2.17);
    tell("all-in, GB200 [kW]", gb200, 2.10);
    CHECK(h100 == Approx(1.73).epsilon(0.05));
    CHECK(b200 == Approx(2.17).epsilon(0.05));
    CHECK(gb200 == Approx(2.10).epsilon(0.05));
}

TEST_CASE("100,000 H100: 150 MW provisioned, 133 MW at TDP, 98 MW at saturated decode") {
    auto const site = plan("clusters/h100_100k", {});
    tell("100,000 H100, provisioned [MW]", site.nameplate_facility_w * 1e-6, 150);
    CHECK(site.nameplate_facility_w == Approx(150e6).epsilon(0.05));
    auto const facility_mw = [](test::DeckRun const& run) {
        double const one_w =
            watts(run, run.results.energy_uj.sum()) / static_cast<double>(run.results.accelerators);
        return 100e3 * one_w * 1e-6;
    };
    auto const decode = study("studies/saturated_decode");
    MESSAGE("saturated decode: ", board_w(decode), " W a board");
    tell("100,000 H100 at saturated decode [MW]", facility_mw(decode), 98);
    CHECK(facility_mw(decode) == Approx(98).epsilon(0.05));
    // The same site with nothing but prompts.
    auto const prompts =
        study("studies/saturated_decode", {{"services[0].parallelism.tensor", "1"},
                                           {"services[0].scheduler.max_sequences", "256"},
                                           {"services[0].workload.input.tokens", "2000"},
                                           {"services[0].workload.output.tokens", "1"},
                                           {"services[0].workload.arrivals.concurrency", "20000"},
                                           {"time.warmup", "10 s"}});
    CHECK(board_w(prompts) == Approx(700).epsilon(0.01));
    tell("100,000 H100 at TDP [MW]", facility_mw(prompts), 133);
    CHECK(facility_mw(prompts) == Approx(133).epsilon(0.05));
}

TEST_CASE("200,000 accelerators at 800 Gb/s: transceivers take 17 of 435 MW") {
    Overrides const overrides{{"cluster.accelerators", "200000"},
                              {"cluster.rack", "hgx-b300"},
                              {"cluster.scale_out.link", "800 Gb/s"}};
    auto const site = plan("studies/optics_100k", overrides);
    tell("transceivers of 200,000 [MW]", 15e-6 * static_cast<double>(site.optical_ends), 17);
    tell("site of 200,000 [MW]", site.nameplate_facility_w * 1e-6, 435);
    CHECK(15.0 * static_cast<double>(site.optical_ends) == Approx(17e6).epsilon(0.10));
    CHECK(site.nameplate_facility_w == Approx(435e6).epsilon(0.05));
}

TEST_CASE("three tiers at 800 Gb/s draw 210, 171, 147 or 135 W an accelerator by optics, within 3 %") {
    constexpr std::int64_t accelerators = 65536;  // fill three tiers of 64 ports
    constexpr double adapter_w = 50;              // at line rate
    for (auto const& [optics, expected_w] : {std::pair{"dsp-pluggable", 210}, std::pair{"lpo", 171},
                                             std::pair{"cpo", 147}, std::pair{"wdm", 135}}) {
        CAPTURE(optics);
        auto const site =
            plan("studies/optics_100k", {{"cluster.accelerators", fmt::format("{}", accelerators)},
                                         {"cluster.rack", "hgx-b300"},
                                         {"cluster.scale_out.link", "800 Gb/s"},
                                         {"cluster.scale_out.radix", "64"},
                                         {"cluster.scale_out.optics", optics}});
        double const racks_w = static_cast<double>(site.nodes) * 14.5e3;  // nameplates
        double const network_w =
            (site.nameplate_it_w - racks_w) / static_cast<double>(accelerators) + adapter_w;
        tell(fmt::format("network of an accelerator, {} [W]", optics), network_w, expected_w);
        CHECK(network_w == Approx(expected_w).epsilon(0.03));
    }
}

TEST_CASE("Clos networks of 144-port switches: 576 ends need 12, 10,368 need 216, 41,472 need 1,440") {
    auto const switches = [](char const* accelerators, char const* tiers) {
        return plan("studies/optics_100k", {{"cluster.accelerators", accelerators},
                                            {"cluster.scale_out.radix", "144"},
                                            {"cluster.scale_out.tiers", tiers}})
            .switches;
    };
    CHECK(switches("576", "2") == 12);
    CHECK(switches("10368", "2") == 216);
    CHECK(switches("41472", "3") == 1440);
}

TEST_CASE("PUE is a result: 1.25 to 1.35 by air in a warm climate, 1.08 to 1.15 by liquid in any") {
    auto const pue = [](char const* kind, double wet_bulb_c) {
        auto const run =
            study("studies/climate",
                  {{"facility.cooling", fmt::format("{{kind: {}, wet_bulb: {} degC}}", kind, wet_bulb_c)}});
        double const ratio = watts(run, run.results.energy_uj.sum()) / watts(run, run.results.it_energy_uj);
        MESSAGE("PUE by ", std::string{kind}, " at a wet bulb of ", wet_bulb_c, " degC: ", ratio);
        return ratio;
    };
    for (double const wet_bulb_c : {25.0, 28.0}) {
        double const air = pue("air", wet_bulb_c);
        CHECK(air >= 1.25);
        CHECK(air <= 1.35);
    }
    for (double const wet_bulb_c : {5.0, 15.0, 25.0}) {
        double const liquid = pue("liquid", wet_bulb_c);
        CHECK(liquid >= 1.08);
        CHECK(liquid <= 1.15);
    }
}

TEST_CASE("decode at 465 W: 1200 MHz save 31 % of a token's joules, 500 W change nothing, 400 W bind") {
    auto const decode = [](char const* boards) {
        auto const run = study("studies/decode_limits", {{"cluster.boards", boards}});
        return std::pair{board_w(run), static_cast<double>(run.results.counts[engine::Count::output_tokens])};
    };
    auto const [free_w, free_tokens] = decode("{clock_mhz: 1980}");
    auto const [locked_w, locked_tokens] = decode("{clock_mhz: 1200}");
    auto const [loose_w, loose_tokens] = decode("{power_cap: 500 W}");
    auto const [tight_w, tight_tokens] = decode("{power_cap: 400 W}");
    MESSAGE("free ", free_w, " W, locked ", locked_w, " W, at 500 W ", loose_w, " W, at 400 W ", tight_w,
            " W");
    CHECK(free_w == Approx(465).epsilon(0.05));
    CHECK(locked_tokens == Approx(free_tokens).epsilon(0.01));
    double const saved = 1 - locked_w / locked_tokens / (free_w / free_tokens);
    tell("joules of a token saved at 1200 MHz [%]", 100 * saved, 31);
    CHECK(saved == Approx(0.31).epsilon(0.04 / 0.31));
    CHECK(loose_w == Approx(free_w).epsilon(1e-3));
    CHECK(loose_tokens == Approx(free_tokens).epsilon(0.01));
    CHECK(tight_w <= 400.5);
    CHECK(tight_w > 390);
}
