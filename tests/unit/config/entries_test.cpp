#include <doctest/doctest.h>

#include "megaweave/config/entries.hpp"
#include "megaweave/core/error.hpp"

using namespace mw;

TEST_CASE("entries are found by name and by alias") {
    config::Entries const entries;
    REQUIRE(entries.rack("hgx-h100") != nullptr);
    REQUIRE(entries.rack("h100-sxm") != nullptr);
    CHECK(entries.rack("h100-sxm")->name == "hgx-h100");
    CHECK(entries.rack("h100-sxm")->node.accelerators == 8);
    REQUIRE(entries.model("llama-3.1-70b") != nullptr);
    CHECK(entries.model("llama-3.1-70b")->layers == 80);
    CHECK(entries.model("llama-9") == nullptr);
    CHECK(entries.any_switch().bytes_per_s > 0);
}

TEST_CASE("overrides change entries, those with a dot in their name by brackets") {
    config::Entries const entries{
        {{"models[llama-3.1-70b].layers", "40"}, {"accelerators.h100.hbm.bandwidth", "3 TB/s"}}};
    CHECK(entries.model("llama-3.1-70b")->layers == 40);
    CHECK(entries.rack("hgx-h100")->accelerator.hbm_bytes_per_s == 3e12);
    CHECK_THROWS_AS((config::Entries{{{"models[llama-3.1-70b].layer", "40"}}}), core::InputError);
    CHECK_THROWS_AS((config::Entries{{{"models[llama-3.1-70].layers", "40"}}}), core::InputError);
}

TEST_CASE("a recipe's weights and cache are precisions, and what it leaves open stays open") {
    config::Entries const entries{{{"recipes.trt-max-compiled.weights", "[fp8, fp4]"}}};
    auto const& recipe = entries.recipes().at("trt-max-compiled");
    CHECK(recipe.weights == std::vector{hardware::Precision::fp8, hardware::Precision::fp4});
    CHECK(!recipe.kv_cache.has_value());
    CHECK(recipe.models.empty());
    CHECK_THROWS_AS((config::Entries{{{"recipes.trt-max-compiled.weights", "[fp8, fp9]"}}}),
                    core::InputError);
    CHECK_THROWS_AS((config::Entries{{{"recipes.trt-max-compiled.kv_cache", "fp9"}}}), core::InputError);
}
