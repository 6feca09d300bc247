#include <doctest/doctest.h>

#include <numeric>
#include <random>

#include "megaweave/core/error.hpp"
#include "megaweave/hardware/memory_pool.hpp"
#include "megaweave/hardware/shared_pool.hpp"

namespace mw::hardware {
namespace {

constexpr std::int64_t giga = 1'000'000'000;
constexpr core::TimeNs tenth_s = core::ns_per_s / 10;
using Ids = std::vector<std::uint32_t>;

TEST_CASE("readers of a pool share its bandwidth evenly while they read together") {
    SharedPool pool{12 * giga};
    pool.begin(0, 12 * giga, 100 * giga, 0);
    CHECK(pool.next_end_ns() == 10 * tenth_s);
    pool.begin(1, 6 * giga, 100 * giga, 5 * tenth_s);
    CHECK(pool.next_end_ns() == 15 * tenth_s);
    CHECK(pool.moved_bytes(10 * tenth_s) == 12 * giga);
    CHECK(pool.take_ended() == Ids{0, 1});
    CHECK(pool.next_end_ns() == core::never);
    CHECK(pool.moved_bytes(20 * tenth_s) == 18 * giga);
}

TEST_CASE("what a reader's own links cannot take goes to the others") {
    SharedPool pool{12 * giga};
    pool.begin(0, 12 * giga, 100 * giga, 0);
    pool.begin(1, 6 * giga, 2 * giga, 5 * tenth_s);
    CHECK(pool.next_end_ns() == 11 * tenth_s);
    CHECK(pool.take_ended() == Ids{0});
    CHECK(pool.next_end_ns() == 35 * tenth_s);  // its links limit it, not the pool
    CHECK(pool.take_ended() == Ids{1});
}

TEST_CASE("m readers that begin together take m times as long, and are given their bandwidth to the byte") {
    for (std::int64_t const m : {1, 2, 5, 36}) {
        CAPTURE(m);
        SharedPool pool{14'000 * giga};
        for (std::uint32_t i = 0; i < m; ++i) pool.begin(i, 7 * giga, 14'000 * giga, 0);
        std::int64_t ended = 0;
        while (pool.next_end_ns() != core::never) {  // a share is whole bytes, so some end a nanosecond later
            CHECK(pool.next_end_ns() == doctest::Approx(static_cast<double>(m) * 0.5e6).epsilon(1e-5));
            ended += static_cast<std::int64_t>(pool.take_ended().size());
        }
        CHECK(ended == m);
        CHECK(pool.moved_bytes(core::ns_per_s) == m * 7 * giga);
    }
}

TEST_CASE("a pool moves every byte it was asked for, and none faster than its bandwidth") {
    std::mt19937_64 random{7};  // NOLINT(cert-msc51-cpp): the same every time
    auto const between = [&](std::int64_t a, std::int64_t b) {
        return a + static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(b - a + 1));
    };
    for (int run = 0; run < 200; ++run) {
        std::int64_t const rate = between(1, 20) * giga;
        SharedPool pool{rate};
        std::int64_t asked = 0;
        std::int64_t moved_before = 0;
        std::uint32_t ended = 0;
        core::TimeNs now = 0;
        auto const check_to = [&](core::TimeNs then) {
            std::int64_t const moved = pool.moved_bytes(then);
            CHECK(moved >= moved_before);
            CHECK(static_cast<double>(moved - moved_before) <=
                  static_cast<double>(rate) * core::to_seconds(then - now) + 64);
            moved_before = moved;
            now = then;
        };
        for (std::uint32_t id = 0; id < 12; ++id) {
            core::TimeNs const at = now + between(0, core::ns_per_s / 4);
            while (pool.next_end_ns() <= at) {
                check_to(pool.next_end_ns());
                ended += static_cast<std::uint32_t>(pool.take_ended().size());
            }
            check_to(at);
            std::int64_t const bytes = between(1, 3 * giga);
            asked += bytes;
            pool.begin(id, bytes, between(1, 12) * giga, at);
        }
        while (pool.next_end_ns() != core::never) {
            check_to(pool.next_end_ns());
            ended += static_cast<std::uint32_t>(pool.take_ended().size());
        }
        CHECK(ended == 12);
        CHECK(pool.moved_bytes(now) == asked);
    }
}

TEST_CASE("a pool draws its idle power, both ends of its links, and the energy of what it moves") {
    MemoryPoolParams pool;
    pool.capacity_bytes = 32e12;
    pool.bytes_per_s = 14'000 * giga;
    pool.link_bytes_per_s = 437'500'000'000;
    pool.memory.idle_w_per_byte = 50e-12;
    pool.memory.joules_per_bit = 12e-12;
    PoolPower const power{pool, 32, 2.4};
    CHECK(power.static_w() == doctest::Approx(1600 + 672));
    CHECK(power.moved_j(14'000 * giga) == doctest::Approx(1344));
    CHECK(power.most_w() == doctest::Approx(1600 + 672 + 1344));
}

}  // namespace
}  // namespace mw::hardware
