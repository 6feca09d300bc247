#pragma once

#include <bit>
#include <cstdint>
#include <string>

namespace mw::core {

//! A 64-bit finaliser with full avalanche (splitmix64, Steele et al. 2014).
[[nodiscard]] constexpr std::uint64_t mix(std::uint64_t x) {
    x += 0x9e3779b97f4a7c15ULL;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
    return x ^ (x >> 31);
}

/*!
 * Order-free hash of a set of recorded values, each under its own key: the sum, modulo 2^128, of one 128-bit hash per value.
 *
 * Sums are associative, so racks, ranks and restarts may contribute in any order and grouping.
 */
struct Digest {
    std::uint64_t low{0};
    std::uint64_t high{0};

    void add(std::uint64_t key, std::uint64_t value) {
        std::uint64_t const h = mix(key ^ mix(value));
        low += h;
        high += mix(h ^ 0xd1b54a32d192ed03ULL) ^ value;
    }
    void add(std::uint64_t key, std::int64_t value) { add(key, static_cast<std::uint64_t>(value)); }
    void add(std::uint64_t key, double value) { add(key, std::bit_cast<std::uint64_t>(value)); }
    Digest& operator+=(Digest other) {
        low += other.low;
        high += other.high;
        return *this;
    }
    friend bool operator==(Digest, Digest) = default;

    [[nodiscard]] std::string hex() const;
};

//! Hash of a text, for names and decks.
[[nodiscard]] std::uint64_t hash_text(std::string const& text);

}  // namespace mw::core
