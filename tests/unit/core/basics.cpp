#include <doctest/doctest.h>

#include <string>
#include <type_traits>
#include <vector>

#include "megaweave/core/check.hpp"
#include "megaweave/core/error.hpp"
#include "megaweave/core/frame.hpp"
#include "megaweave/core/hash.hpp"
#include "megaweave/core/ids.hpp"
#include "megaweave/core/quantity.hpp"
#include "megaweave/core/time.hpp"

using namespace mw::core;

TEST_CASE("a digest does not depend on the order or grouping of what was added") {
    Digest forward;
    Digest backward;
    for (std::uint64_t i = 0; i < 100; ++i) {
        forward.add(i, i * i);
        backward.add(99 - i, (99 - i) * (99 - i));
    }
    CHECK(forward == backward);

    Digest left;
    Digest right;
    for (std::uint64_t i = 0; i < 100; ++i) (i % 3 == 0 ? left : right).add(i, i * i);
    right += left;
    CHECK(right == forward);
}

TEST_CASE("a digest depends on every key, every value, and which value is under which key") {
    auto const of = [](std::uint64_t key_a, double a, std::uint64_t key_b, double b) {
        Digest digest;
        digest.add(key_a, a);
        digest.add(key_b, b);
        return digest.hex();
    };
    auto const base = of(1, 0.1, 2, 0.2);
    CHECK(base.size() == 32);
    CHECK(base == of(2, 0.2, 1, 0.1));
    CHECK(base != of(1, 0.2, 2, 0.1));  // swapped
    CHECK(base != of(1, 0.1, 3, 0.2));
    CHECK(base != of(1, 0.1 + 1e-17 + 1.4e-17, 2, 0.2));  // the last bit of a double
    CHECK(base != Digest{}.hex());
}

TEST_CASE("signed, unsigned and floating values go into a digest by their bits") {
    Digest minus;
    minus.add(1, std::int64_t{-1});
    Digest ones;
    ones.add(1, ~std::uint64_t{0});
    CHECK(minus == ones);
    Digest zero;
    zero.add(1, 0.0);
    Digest negative_zero;
    negative_zero.add(1, -0.0);
    CHECK_FALSE(zero == negative_zero);
}

TEST_CASE("mix is splitmix64: its first output for seed 0, and texts that differ hash apart") {
    CHECK(mix(0) == 0xe220a8397b1dcdafULL);
    CHECK(hash_text("ab") != hash_text("ba"));
    CHECK(hash_text("") != hash_text(std::string(1, '\0')));
    CHECK(hash_text("deck") == hash_text("deck"));
}

TEST_CASE("nearest finds a slip of the fingers and nothing far away") {
    std::vector<std::string> const keys{"rate", "scale", "concurrency", "format"};
    CHECK(nearest("rat", keys) == "rate");
    CHECK(nearest("sclae", keys) == "scale");  // two edits, within the minimum of 2
    CHECK(nearest("concurency", keys) == "concurrency");
    CHECK(nearest("temperature", keys).empty());
    CHECK(nearest("rate", {}).empty());
    CHECK(nearest("aa", {"ab", "ac"}) == "ab");  // first of equals
}

TEST_CASE("an input error keeps its messages apart and shows them one a line") {
    InputError const error{std::vector<std::string>{"a.yaml:1: one", "a.yaml:2: two"}};
    CHECK(error.messages().size() == 2);
    CHECK(std::string{error.what()} == "a.yaml:1: one\na.yaml:2: two");
    CHECK(std::string{InputError{"alone"}.what()} == "alone");
}

TEST_CASE("a broken contract says what was expected, why, and where") {
    auto const halve = [](int value) {
        MW_EXPECT(value % 2 == 0, "only even numbers halve");
        return value / 2;
    };
    CHECK(halve(4) == 2);
    try {
        (void)halve(3);
        FAIL("no exception");
    } catch (ContractError const& error) {
        std::string const what = error.what();
        CHECK(what.find("value % 2 == 0") != std::string::npos);
        CHECK(what.find("only even numbers halve") != std::string::npos);
        CHECK(what.find("basics.cpp:") != std::string::npos);
    }
}

TEST_CASE("ids are invalid until given, and racks do not convert to nodes nor to integers") {
    CHECK_FALSE(RackId{}.valid());
    CHECK(RackId{0}.valid());
    CHECK(RackId::of(std::size_t{5}).index() == 5);
    CHECK(RackId{1} < RackId{2});
    static_assert(!std::is_convertible_v<RackId, NodeId>);
    static_assert(!std::is_constructible_v<NodeId, RackId>);
    static_assert(!std::is_convertible_v<RackId, std::uint32_t>);
    static_assert(!std::is_convertible_v<std::uint32_t, RackId>);
}

TEST_CASE("quantities of one unit add and scale; those of two do not mix") {
    CHECK((Watts{3} + Watts{4} * 2).value() == 11.0);
    CHECK(Watts{6} / Watts{3} == 2.0);
    CHECK(Watts{1} < Watts{2});
    static_assert(!std::is_convertible_v<Watts, Kelvins>);
    static_assert(!std::is_convertible_v<double, Watts>);
}

TEST_CASE("seconds become the nearest nanosecond") {
    CHECK(from_seconds(1e-9 * 0.6) == 1);
    CHECK(from_seconds(-1.5) == -1'500'000'000);
    CHECK(to_seconds(250 * ns_per_ms) == doctest::Approx(0.25));
    CHECK(never > from_seconds(3.15e9));
}

TEST_CASE("a frame's new column is zero, named and sized as asked") {
    Frame frame;
    auto& column = frame.add(Owner::link, "utilisation", "1", "share of capacity", 3);
    CHECK(column.values == std::vector<float>{0.0F, 0.0F, 0.0F});
    REQUIRE(frame.columns.size() == 1);
    CHECK(frame.columns[0].name == "utilisation");
    CHECK(frame.columns[0].owner == Owner::link);
}
