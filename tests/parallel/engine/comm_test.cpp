#include "megaweave/parallel/comm.hpp"

#include <doctest/doctest.h>

#include <algorithm>

#include "megaweave/core/hash.hpp"

using namespace mw;
using parallel::Comm;
using parallel::Pulse;

namespace {

std::vector<std::byte> letter(int from, int to, int round) {
    auto const key = static_cast<std::uint64_t>((from * 100 + to) * 1000 + round);
    std::vector<std::byte> bytes(core::mix(key) % 3 == 0 ? 0 : core::mix(key) % 5000);
    for (std::size_t i = 0; i < bytes.size(); ++i)
        bytes[i] = static_cast<std::byte>(core::mix(key + i) & 0xff);
    return bytes;
}

}  // namespace

TEST_CASE("An exchange brings every letter to its rank, its own included, and agrees on the pulse") {
    Comm comm;
    std::vector<std::vector<std::byte>> inbox;
    for (int round = 0; round < 50; ++round) {
        std::vector<std::vector<std::byte>> outboxes;
        for (int to = 0; to < comm.size(); ++to) outboxes.push_back(letter(comm.rank(), to, round));
        int const earliest = round % comm.size();
        Pulse const mine{comm.rank() == earliest ? 1000 + round : core::never,
                         std::uint64_t{1} << comm.rank()};
        Pulse const agreed = comm.exchange(outboxes, inbox, mine);
        CHECK(agreed.next_event_ns == 1000 + round);
        CHECK(agreed.flags == (std::uint64_t{1} << comm.size()) - 1);
        REQUIRE(std::ssize(inbox) == comm.size());
        for (int from = 0; from < comm.size(); ++from)
            CHECK(inbox[static_cast<std::size_t>(from)] == letter(from, comm.rank(), round));
    }
    CHECK(comm.counters().exchanges == 50);
}

TEST_CASE("An exchange of nothing sends nothing, point to point") {
    Comm comm;
    std::vector<std::vector<std::byte>> const outboxes(static_cast<std::size_t>(comm.size()));
    std::vector<std::vector<std::byte>> inbox(7);  // what is left of another one is forgotten
    Pulse const agreed = comm.exchange(outboxes, inbox, {});
    CHECK(agreed.next_event_ns == core::never);
    CHECK(agreed.flags == 0);
    CHECK(comm.counters().point_to_point == 0);
    for (auto const& box : inbox) CHECK(box.empty());
}

TEST_CASE("A swap goes both ways with each neighbour, and only with those") {
    Comm comm;
    for (int round = 0; round < 20; ++round) {
        // Neighbours in this round: ranks whose sum with mine is not a multiple of 3.
        std::vector<int> neighbours;
        for (int rank = 0; rank < comm.size(); ++rank)
            if (rank != comm.rank() && (rank + comm.rank() + round) % 3 != 0) neighbours.push_back(rank);
        std::vector<std::vector<std::int64_t>> send;
        std::vector<std::vector<std::int64_t>> receive;
        auto const size_with = [&](int rank) {
            return static_cast<std::size_t>(1 + (rank + comm.rank()) * 10 + round);
        };
        for (int const rank : neighbours) {
            auto& values = send.emplace_back(size_with(rank));
            for (std::size_t i = 0; i < values.size(); ++i)
                values[i] = comm.rank() * 1'000'000 + rank * 1000 + static_cast<std::int64_t>(i);
            receive.emplace_back(size_with(rank), -1);
        }
        std::vector<parallel::Swap> swaps;
        for (std::size_t n = 0; n < neighbours.size(); ++n)
            swaps.push_back({neighbours[n], send[n], receive[n]});
        comm.swap(swaps);
        for (std::size_t n = 0; n < neighbours.size(); ++n)
            for (std::size_t i = 0; i < receive[n].size(); ++i)
                REQUIRE(receive[n][i] ==
                        neighbours[n] * 1'000'000 + comm.rank() * 1000 + static_cast<std::int64_t>(i));
    }
}

TEST_CASE("Integer reductions give every rank the same, exactly") {
    Comm comm;
    std::int64_t const n = comm.size();
    std::int64_t const huge = std::int64_t{1} << 60;  // a double would lose the rank
    CHECK(comm.sum(comm.rank() + 1) == n * (n + 1) / 2);
    CHECK(comm.max(huge + comm.rank()) == huge + n - 1);
    CHECK(comm.min(huge + comm.rank()) == huge);
    CHECK(comm.sum_before(10) == 10 * comm.rank());
    std::vector<std::int64_t> values{comm.rank(), 5};
    comm.sum(std::span{values});
    CHECK(values == std::vector<std::int64_t>{n * (n - 1) / 2, 5 * n});
    std::vector<std::uint64_t> wrapping{~std::uint64_t{0}};
    comm.sum(std::span{wrapping});
    CHECK(wrapping[0] == std::uint64_t{0} - static_cast<std::uint64_t>(n));
}

TEST_CASE("Broadcast and gather keep bytes and their order") {
    Comm comm;
    std::vector<std::byte> bytes = letter(comm.rank(), 77, 3);
    auto const all = comm.gather(bytes);
    REQUIRE(std::ssize(all) == (comm.root() ? comm.size() : 0));
    for (std::size_t r = 0; r < all.size(); ++r) CHECK(all[r] == letter(static_cast<int>(r), 77, 3));
    comm.broadcast(bytes);
    CHECK(bytes == letter(0, 77, 3));
}
