#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "megaweave/config/catalogue.hpp"
#include "megaweave/config/deck.hpp"
#include "megaweave/core/error.hpp"

using mw::config::catalogue_entry;
using mw::config::catalogue_kinds;
using mw::config::catalogue_rows;
using mw::config::read_deck;

namespace {

namespace fs = std::filesystem;
using Row = std::vector<std::string>;

std::string const minimal = std::string{MW_SOURCE_DIR} + "/tests/decks/good/minimal.yaml";

//! A line of CSV; quoted cells may hold commas and doubled quotes.
Row cells(std::string const& line) {
    Row row(1);
    bool quoted = false;
    for (std::size_t i = 0; i < line.size(); ++i) {
        if (line[i] == '"' && quoted && i + 1 < line.size() && line[i + 1] == '"') {
            row.back() += line[i++];
        } else if (line[i] == '"') {
            quoted = !quoted;
        } else if (line[i] == ',' && !quoted) {
            row.emplace_back();
        } else if (line[i] != '\r') {
            row.back() += line[i];
        }
    }
    return row;
}

std::vector<Row> shared_table(std::string const& name) {
    std::vector<Row> rows;
    std::ifstream in{fs::path{MW_SHARED_DIR} / "catalogue" / name};
    std::string line;
    std::getline(in, line);
    while (std::getline(in, line)) rows.push_back(cells(line));
    return rows;
}

//! The published value, or a range `a-b`; an empty cell leaves the value open.
void check_value(double value, std::string const& cell) {
    if (cell.empty()) return;
    CAPTURE(cell);
    std::size_t used = 0;
    double const low = std::stod(cell, &used);
    double const high = cell.size() > used + 1 && cell[used] == '-' ? std::stod(cell.substr(used + 1)) : low;
    CHECK(value >= doctest::Approx(low));
    CHECK(value <= doctest::Approx(high));
}

mw::hardware::RackParams rack(std::string const& name) {
    return read_deck(
               minimal,
               {{"cluster.accelerators", "7200"}, {"cluster.scale_out.radix", "128"}, {"cluster.rack", name}})
        .cluster.rack;
}

mw::llm::ModelParams model(std::string const& name) {
    return read_deck(minimal, {{"services[0].model", name}}).services[0].model;
}

std::string lower(std::string text) {
    for (char& c : text) {
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    }
    return text;
}

double integer(std::string const& cell) {
    return cell.empty() ? 0 : std::stod(cell);
}

}  // namespace

TEST_CASE("every entry of the catalogue reads and says where it comes from") {
    for (auto const& kind : catalogue_kinds()) {
        auto const rows = catalogue_rows(kind);
        CHECK(!rows.empty());
        for (auto const& row : rows) {
            CAPTURE(row.name);
            CHECK(!row.source.empty());
            CHECK(!row.summary.empty());
            CHECK((row.quality == "measured" || row.quality == "published" || row.quality == "estimate"));
            CHECK(catalogue_entry(kind, row.name).starts_with(row.name + ":\n"));
        }
    }
}

TEST_CASE("a recipe that names no models or accelerators is listed as one for any") {
    auto const rows = catalogue_rows("recipes");
    auto const found = std::ranges::find(rows, std::string{"trt-max-pytorch-1-mixtures"},
                                         [](auto const& row) { return row.name; });
    REQUIRE(found != rows.end());
    CHECK(found->summary == "any mixture of experts on tensorrt-llm 1.0, 1.1, any accelerator");
}

TEST_CASE("an unknown kind or name suggests the nearest") {
    CHECK_THROWS_WITH_AS(static_cast<void>(catalogue_rows("rack")),
                         doctest::Contains("Did you mean 'racks'?"), mw::core::InputError);
    CHECK_THROWS_WITH_AS(static_cast<void>(catalogue_entry("racks", "hgx-h10")),
                         doctest::Contains("'hgx-h100'"), mw::core::InputError);
}

TEST_CASE("accelerators are as the shared table has them") {
    std::vector<std::pair<std::string, std::string>> const racks{
        {"A100-80G SXM", "hgx-a100"},
        {"H100 SXM", "hgx-h100"},
        {"H200 SXM", "hgx-h200"},
        {"H800 SXM", "hgx-h800"},
        {"B200 SXM (HGX/DGX)", "hgx-b200"},
        {"GB200 NVL72 (per GPU)", "gb200-nvl72"},
        {"B300 SXM", "hgx-b300"},
        {"GB300 NVL72 (per GPU)", "gb300-nvl72"},
        {"MI300X", "mi300x"},
        {"MI325X", "mi325x"},
        {"MI355X", "mi355x"},
        {"TPU v5p", "tpu-v5p"},
        {"TPU7x Ironwood", "tpu7x"},
        {"Rubin (VR200 NVL72, per GPU)", "vr200-nvl72"}};
    auto const rows = shared_table("gpus.csv");
    if (rows.empty()) {
        MESSAGE("skipped: the shared catalogue is absent");
        return;
    }
    CHECK(rows.size() == racks.size());
    for (auto const& row : rows) {
        CAPTURE(row[0]);
        auto const known =
            std::find_if(racks.begin(), racks.end(), [&](auto const& pair) { return pair.first == row[0]; });
        REQUIRE(known != racks.end());
        auto const a = rack(known->second).accelerator;
        check_value(a.peak_flops[0] / 1e12, row[1]);
        check_value(a.peak_flops[1] / 1e12, row[2]);
        check_value(a.peak_flops[2] / 1e12, row[3]);
        check_value(a.hbm_bytes / 1e9, row[4]);
        check_value(a.hbm_bytes_per_s / 1e12, row[5]);
        check_value(a.scale_up_bytes_per_s / 1e9, row[6]);
        check_value(a.scale_out_bytes_per_s * 8 / 1e9, row[8]);
        check_value(a.tdp_w, row[9]);
    }
}

TEST_CASE("models are as the shared table has them") {
    auto const rows = shared_table("models.csv");
    if (rows.empty()) {
        MESSAGE("skipped: the shared catalogue is absent");
        return;
    }
    for (auto const& row : rows) {
        CAPTURE(row[0]);
        auto const m = model(lower(row[0]));
        std::vector<std::pair<std::int64_t, std::size_t>> const fields{{m.layers, 1},
                                                                       {m.hidden, 2},
                                                                       {m.heads, 3},
                                                                       {m.kv_heads, 4},
                                                                       {m.head_dim, 5},
                                                                       {m.q_lora_rank, 7},
                                                                       {m.kv_lora_rank, 8},
                                                                       {m.qk_nope_head_dim, 9},
                                                                       {m.qk_rope_head_dim, 10},
                                                                       {m.v_head_dim, 11},
                                                                       {m.dense_intermediate, 12},
                                                                       {m.first_dense_layers, 13},
                                                                       {m.routed_experts, 15},
                                                                       {m.experts_per_token, 16},
                                                                       {m.shared_experts, 17},
                                                                       {m.moe_intermediate, 18},
                                                                       {m.shared_intermediate, 19},
                                                                       {m.vocabulary, 20}};
        for (auto const& [value, column] : fields) {
            CAPTURE(column);
            CHECK(static_cast<double>(value) == integer(row[column]));
        }
        CHECK((m.attention == mw::llm::Attention::latent) == (row[6] == "MLA"));
        CHECK((m.moe_every == 0) == (row[14] == "dense"));
        CHECK((m.moe_every == 2) == (row[14] == "every 2 layer(s)"));
        CHECK(m.tied_embeddings == (row[21] == "True"));
        bool const slides = row[23].find("sliding_attention") != std::string::npos;
        CHECK((m.sliding_layers > 0 && !m.chunked_window) == slides);
        CHECK(m.chunked_window == (row[29].find("attention_chunk_size=8192") != std::string::npos));
        CHECK((m.sparse_tokens == 2048) == (row[29].find("index_topk=2048") != std::string::npos));
        if (slides) CHECK(static_cast<double>(m.sliding_window) == integer(row[22]));
        CHECK((m.linear_layers > 0) == (row[23].find("linear_attention") != std::string::npos));
    }
}

TEST_CASE("names of the validation tables resolve to racks") {
    for (auto const* const name : {"a100-sxm", "h100-sxm", "h200-sxm", "b200-sxm", "b300-sxm", "gb200",
                                   "mi300x", "mi325x", "mi355x"}) {
        CAPTURE(name);
        CHECK(rack(name).accelerators() > 0);
    }
}

TEST_CASE("an H100 chassis at 317 W an accelerator draws 4.25 kW") {
    auto const node = rack("hgx-h100").node;
    // 8 x 317 W, host 952 W, four switches 400 W, fans about 126 W at that load, supplies at 94.5 % (a fifth of 19.8 kW).
    double const dc_w = 8 * 317 + node.host_active_w + node.scale_up_switch_w + 126;
    CHECK(dc_w == 4014);
    CHECK(dc_w / node.psu_rating_w == doctest::Approx(0.203).epsilon(0.01));
    CHECK(dc_w / 0.945 == doctest::Approx(4250).epsilon(0.005));
}

TEST_CASE("a GB200 rack at 1200 W an accelerator draws 111.5 kW") {
    auto const r = rack("gb200-nvl72");
    // 4 x 1200 W, host 830 W, switches 238.5 W, four adapters at 25 W: 5,968.5 W; 18 trays; supplies at 96.4 % near 80 % load.
    double const tray_w =
        4 * r.accelerator.tdp_w + r.node.host_active_w + r.node.scale_up_switch_w + 4 * r.node.nic_active_w;
    CHECK(18 * tray_w / 0.964 == doctest::Approx(111'500).epsilon(0.005));
    CHECK(18 * r.node.nameplate_w == doctest::Approx(132e3).epsilon(0.001));
}

TEST_CASE("a three-tier network at 800 Gb/s draws 210, 171, 147 or 135 W an accelerator by optics") {
    // Five switch ports of a 64-port switch at 900 W, one adapter at 50 W, six optical ends.
    for (auto const& [name, watts] : {std::pair{"dsp-pluggable", 210}, std::pair{"lpo", 171},
                                      std::pair{"cpo", 147}, std::pair{"wdm", 135}}) {
        CAPTURE(name);
        auto const cluster =
            read_deck(minimal, {{"cluster.scale_out.optics", name}, {"cluster.scale_out.link", "800 Gb/s"}})
                .cluster;
        CHECK(5 * cluster.network_switch.active_w / 64 + 50 + 6 * cluster.optics.port_w_per_800g ==
              doctest::Approx(watts).epsilon(0.005));
    }
}

// An entry whose kernels were published as shares of the ceilings: its factors must follow when calibration moves what an H800 reaches.
TEST_CASE("the kernels of deepseek-in-house reach on H800 what was published") {
    auto const deck = read_deck(std::string{MW_SOURCE_DIR} + "/inputs/studies/deepseek_day.yaml");
    auto const& reached = deck.cluster.rack.accelerator.efficiency;
    auto const& engine = deck.services.front().engine;
    auto const fp8 = mw::hardware::index_of(mw::hardware::Precision::fp8);
    CHECK(reached.flops[fp8] * engine.flops == doctest::Approx(0.513).epsilon(0.01));
    CHECK(reached.expert_flops[fp8] * engine.expert_flops == doctest::Approx(0.807).epsilon(0.01));
    CHECK(reached.attention_flops * engine.attention_flops == doctest::Approx(0.536).epsilon(0.01));
    CHECK(reached.hbm * engine.hbm == doctest::Approx(0.918).epsilon(0.01));
    CHECK(reached.kv_hbm * engine.kv_hbm ==
          doctest::Approx(0.896).epsilon(0.01));  // FlashMLA: 3,000 of 3,350 GB/s
    CHECK(reached.link * engine.link == doctest::Approx(0.954).epsilon(0.01));
}
