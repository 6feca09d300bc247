#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "megaweave/config/catalogue.hpp"
#include "megaweave/config/deck.hpp"
#include "megaweave/llm/architecture.hpp"

using doctest::Approx;
using mw::hardware::Precision;

namespace {

namespace fs = std::filesystem;

std::string const minimal = std::string{MW_SOURCE_DIR} + "/tests/decks/good/minimal.yaml";

mw::llm::ModelParams model(std::string const& name) {
    return mw::config::read_deck(minimal, {{"services[0].model", name}}).services[0].model;
}

//! The plain cells of a CSV file, by column; no quoted ones before the columns that are asked for.
std::set<std::string> values(fs::path const& file, std::string const& column) {
    std::ifstream in{file};
    std::set<std::string> found;
    std::string line;
    std::getline(in, line);
    std::istringstream head{line};
    std::size_t index = 0;
    for (std::string cell; std::getline(head, cell, ',') && cell != column;) ++index;
    while (std::getline(in, line)) {
        std::istringstream row{line};
        std::string cell;
        for (std::size_t i = 0; i <= index; ++i) std::getline(row, cell, ',');
        found.insert(cell);
    }
    return found;
}

//! As the makers state them: billions of parameters, and of those that act on a token (0: not stated, or dense).
struct Published {
    char const* name;
    double total;
    double active;
};

constexpr Published published[] = {{"llama-3.1-8b", 8.03, 0},
                                   {"llama-3.1-70b", 70.6, 0},
                                   {"llama-3.1-405b", 405.9, 0},
                                   {"llama-3.2-1b", 1.24, 0},
                                   {"llama-3.2-3b", 3.21, 0},
                                   {"llama-2-7b", 6.74, 0},
                                   {"llama-2-13b", 13.02, 0},
                                   {"llama-2-70b", 68.98, 0},
                                   {"mistral-7b", 7.25, 0},
                                   {"mixtral-8x7b", 46.7, 12.9},
                                   {"mixtral-8x22b", 140.6, 39},
                                   {"qwen2.5-7b", 7.62, 0},
                                   {"qwen2.5-32b", 32.8, 0},
                                   {"qwen2.5-72b", 72.7, 0},
                                   {"qwen3-8b", 8.19, 0},
                                   {"qwen3-14b", 14.8, 0},
                                   {"qwen3-32b", 32.8, 0},
                                   {"qwen3-30b-a3b", 30.5, 3.3},
                                   {"qwen3-235b-a22b", 235, 22},
                                   {"qwen3-coder-480b-a35b", 480, 35},
                                   {"qwen3.5-397b-a17b", 397, 17},
                                   {"qwen3-next-80b-a3b", 80, 0},
                                   {"deepseek-v3", 671, 37},
                                   {"deepseek-v3.2", 671, 37},
                                   {"gpt-oss-120b", 116.8, 5.1},
                                   {"gpt-oss-20b", 20.9, 3.6},
                                   {"kimi-k2", 1026, 32},
                                   {"llama-4-scout", 109, 17},
                                   {"llama-4-maverick", 400, 17},
                                   {"minimax-m2.5", 229, 10},
                                   {"glm-5", 744, 40},
                                   {"glm-4.7", 355, 32},
                                   {"gemma-3-27b", 27.0, 0},
                                   {"codellama-34b", 33.7, 0}};

}  // namespace

TEST_CASE("models have as many parameters as their makers say, within 1.2 %, and 10 % of active ones") {
    for (auto const& [name, total, active] : published) {
        CAPTURE(name);
        auto const m = model(name);
        CHECK(total_parameters(m) == Approx(1e9 * total).epsilon(0.012));
        if (active > 0) CHECK(active_parameters(m) == Approx(1e9 * active).epsilon(0.10));
    }
}

TEST_CASE("checkpoints are as large as they were published") {
    double const gib = 1073741824.0;
    auto const size = [](char const* name, Precision weights) {
        return weight_bytes(model(name), weights).total();
    };
    CHECK(size("gpt-oss-120b", Precision::fp4) == Approx(60.8 * gib).epsilon(0.003));
    CHECK(size("gpt-oss-20b", Precision::fp4) == Approx(12.8 * gib).epsilon(0.005));
    CHECK(size("llama-3.1-8b", Precision::bf16) == Approx(14.96 * gib).epsilon(0.002));
    // DeepSeek-V3's files hold the layer for multi-token prediction, with its own copies of embedding and head.
    auto const v3 = model("deepseek-v3");
    auto const tables = weight_bytes(v3, Precision::fp8).head + weight_bytes(v3, Precision::fp8).embedding;
    CHECK(size("deepseek-v3", Precision::fp8) + mtp_weight_bytes(v3, Precision::fp8).total() + tables ==
          Approx(688.6e9).epsilon(0.002));
}

TEST_CASE("every model and accelerator of the published points is in the catalogue") {
    fs::path const points = fs::path{MW_SHARED_DIR} / "validation/points.csv";
    if (!fs::exists(points)) {
        MESSAGE("skipped: no ../shared/validation/points.csv");
        return;
    }
    auto const models = values(points, "model");
    CHECK(models.size() >= 18);
    for (auto const& name : models) {
        CAPTURE(name);
        CHECK(model(name).layers > 0);
    }
    auto const hardware = values(points, "hardware");
    CHECK(hardware.size() >= 9);
    for (auto const& name : hardware) {
        CAPTURE(name);
        auto const rack =
            mw::config::read_deck(minimal, {{"cluster.rack", name}, {"cluster.accelerators", "72"}})
                .cluster.rack;
        CHECK(rack.accelerator.usable_bytes() > rack.accelerator.hbm_bytes);  // a GiB is sold as a GB
        CHECK_NOTHROW(static_cast<void>(mw::config::catalogue_entry("racks", name)));
    }
}

TEST_CASE("cache bytes agree with the shared table, layer by layer") {
    fs::path const table = fs::path{MW_SHARED_DIR} / "catalogue/models.csv";
    if (!fs::exists(table)) {
        MESSAGE("skipped: no ../shared/catalogue/models.csv");
        return;
    }
    std::ifstream in{table};
    std::string line;
    std::getline(in, line);
    std::size_t rows = 0;
    while (std::getline(in, line)) {
        std::istringstream row{line};
        std::vector<std::string> cells;
        for (std::string cell; std::getline(row, cell, ',');) cells.push_back(cell);
        std::string name = cells.at(0);
        std::ranges::transform(name, name.begin(), [](unsigned char c) { return std::tolower(c); });
        CAPTURE(name);
        auto const m = model(name);
        // The table counts every layer as one that grows, and no index of sparse attention.
        double const linear = static_cast<double>(m.linear_layers) * cached_values_per_token(m);
        CHECK(kv_bytes_per_token(m, Precision::fp8) - index_bytes_per_context_token(m) +
                  window_bytes_per_token(m, Precision::fp8) + linear ==
              std::stod(cells.at(27)));
        CHECK(total_parameters(m) == Approx(1e9 * std::stod(cells.at(25))).epsilon(0.007));
        ++rows;
    }
    CHECK(rows >= 20);
}
