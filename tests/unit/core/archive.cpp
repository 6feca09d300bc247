#include "megaweave/core/archive.hpp"

#include <doctest/doctest.h>

#include <array>
#include <deque>
#include <string>
#include <vector>

#include "megaweave/core/error.hpp"
#include "megaweave/core/ids.hpp"

using namespace mw::core;

namespace {

struct Wheel {
    std::int32_t spokes{0};
    std::string maker;

    template <class Ar>
    void archive(Ar& ar) {
        ar& spokes& maker;
    }
    friend bool operator==(Wheel const&, Wheel const&) = default;
};

struct Cart {
    double load_kg{0};
    RackId rack;
    std::vector<Wheel> wheels;
    std::deque<std::int64_t> trips_ns;
    std::array<std::uint16_t, 3> codes{};
    std::vector<std::vector<std::int32_t>> nested;

    template <class Ar>
    void archive(Ar& ar) {
        ar& load_kg& rack& wheels& trips_ns& codes& nested;
    }
    friend bool operator==(Cart const&, Cart const&) = default;
};

Cart const cart{0.1, RackId{7}, {{32, "north"}, {36, ""}}, {1, -2, 3}, {4, 5, 6}, {{}, {1, 2}}};

std::vector<std::byte> bytes_of(Cart value) {
    std::vector<std::byte> bytes;
    ByteWriter{bytes} & value;
    return bytes;
}

}  // namespace

TEST_CASE("classes, lists of classes, nested lists, strings and arrays come back as they were") {
    auto const bytes = bytes_of(cart);
    Cart copy;
    copy.wheels.resize(5);  // what was there before is gone
    ByteReader reader{bytes};
    reader& copy;
    CHECK(copy == cart);
    CHECK(reader.left() == 0);
}

TEST_CASE("equal values give equal bytes, and values archived in a row are read in a row") {
    CHECK(bytes_of(cart) == bytes_of(cart));
    auto bytes = bytes_of(cart);
    std::int64_t mark = 99;
    ByteWriter{bytes} & mark;
    Cart copy;
    std::int64_t read = 0;
    ByteReader{bytes} & copy& read;
    CHECK(read == 99);
}

TEST_CASE("a state that was cut off anywhere is told as damage, never read past its end") {
    auto const bytes = bytes_of(cart);
    for (std::size_t size = 0; size < bytes.size(); ++size) {
        CAPTURE(size);
        Cart copy;
        ByteReader reader{bytes.data(), size};
        CHECK_THROWS_AS(reader & copy, WorldError);
    }
}

TEST_CASE("a list that claims to be longer than the file is damage, not a huge allocation") {
    std::vector<std::byte> bytes;
    std::uint64_t length = std::uint64_t{1} << 60;
    ByteWriter{bytes} & length;
    std::vector<std::int64_t> list;
    ByteReader reader{bytes};
    CHECK_THROWS_AS(reader & list, WorldError);
}
