#include <doctest/doctest.h>

#include <fmt/format.h>

#include "run_deck.hpp"

// A power cap and a clock lock on decode that HBM binds (physics.md, section 3): a cap above what the board draws changes nothing, one
// below lowers the clock; a lock saves energy at nearly equal speed.

using namespace mw;

namespace {

constexpr double boards = 8;

struct Decode {
    double tokens_per_s;
    double board_w;
    double joules_per_token;  // boards alone
};

Decode decode(std::vector<config::Override> const& overrides = {}) {
    auto const run = test::run_deck("hbm_decode.yaml", overrides);
    double const switches_w =
        run.deck.cluster.rack.node.scale_up_switch_w;  // one node; the rest of scale_up are links
    double const all_w = run.mean("accelerator_idle_w") + run.mean("accelerator_compute_w") +
                         run.mean("accelerator_memory_w") + run.mean("scale_up_w") - switches_w;
    double const tokens =
        static_cast<double>(run.results.counts[engine::Count::output_tokens]) / run.results.measured_s;
    return {tokens, all_w / boards, all_w / tokens};
}

std::vector<config::Override> cap(double watts) {
    return {{"cluster.boards", fmt::format("{{power_cap: {} W}}", watts)}};
}

}  // namespace

TEST_CASE("A power cap above what decode draws changes nothing, one below lowers power to the cap") {
    auto const free = decode();
    MESSAGE("free: ", free.board_w, " W, ", free.tokens_per_s, " tokens/s");
    auto const loose = decode(cap(1.08 * free.board_w));
    CHECK(loose.board_w ==
          doctest::Approx(free.board_w).epsilon(1e-4));  // prompts, before the measured time, may meet it
    CHECK(loose.tokens_per_s == doctest::Approx(free.tokens_per_s).epsilon(1e-4));
    double const limit_w = 0.85 * free.board_w;
    auto const tight = decode(cap(limit_w));
    MESSAGE("capped at ", limit_w, ": ", tight.board_w, " W, ", tight.tokens_per_s, " tokens/s");
    CHECK(tight.board_w < limit_w * 1.001);
    CHECK(tight.board_w > limit_w * 0.97);
    CHECK(tight.tokens_per_s <= free.tokens_per_s);
    CHECK(tight.tokens_per_s > 0.9 * free.tokens_per_s);  // HBM binds: the clock hardly matters
}

TEST_CASE("A clock lock at 1200 MHz saves 20 to 45 % of the energy of a token at nearly equal speed") {
    auto const free = decode();
    auto const locked = decode({{"cluster.boards", "{clock_mhz: 1200}"}});
    MESSAGE("locked: ", locked.board_w, " W against ", free.board_w, ", ", locked.tokens_per_s,
            " tokens/s against ", free.tokens_per_s);
    CHECK(locked.tokens_per_s > 0.97 * free.tokens_per_s);
    CHECK(locked.joules_per_token < 0.80 * free.joules_per_token);
    CHECK(locked.joules_per_token > 0.55 * free.joules_per_token);
}
