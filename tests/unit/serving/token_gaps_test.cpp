#include "megaweave/serving/token_gaps.hpp"

#include <doctest/doctest.h>

#include <vector>

#include "instance_harness.hpp"

using namespace mw;

TEST_CASE("The longest gap since a mark is that of a list of all gaps") {
    test::Dice dice{5};
    serving::TokenGaps gaps;
    std::vector<core::TimeNs> all;
    core::TimeNs now_ns = 0;
    for (int i = 0; i < 2000; ++i) {
        core::TimeNs const gap_ns = dice.between(1, 1000);
        now_ns += gap_ns;
        REQUIRE(gaps.mark() == std::ssize(all));
        REQUIRE(gaps.add(now_ns, true) == gap_ns);
        all.push_back(gap_ns);
        auto const mark = dice.between(0, std::ssize(all));
        core::TimeNs longest = 0;
        for (auto at = static_cast<std::size_t>(mark); at < all.size(); ++at)
            longest = std::max(longest, all[at]);
        REQUIRE(gaps.longest_since(mark) == longest);
    }
}

TEST_CASE("The worked example of the data sheet: 5, 9, 3, 4") {
    serving::TokenGaps gaps;
    for (core::TimeNs const now : {5, 14, 17, 21}) gaps.add(now, true);
    CHECK(gaps.longest_since(0) == 9);
    CHECK(gaps.longest_since(2) == 4);
    CHECK(gaps.longest_since(4) == 0);
}

TEST_CASE("A pause in which nobody decodes is no gap") {
    serving::TokenGaps gaps;
    gaps.add(5, true);
    gaps.add(1005, false);
    gaps.add(1010, true);
    CHECK(gaps.longest_since(1) == 5);
}
