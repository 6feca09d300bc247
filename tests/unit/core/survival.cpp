#include "megaweave/core/survival.hpp"

#include <doctest/doctest.h>

#include <cmath>

#include "megaweave/core/random.hpp"

using namespace mw;

namespace {

core::Histogram of(std::initializer_list<std::int64_t> values) {
    core::Histogram histogram;
    for (std::int64_t const value : values) histogram.add(value);
    return histogram;
}

}  // namespace

TEST_CASE("Where everything has ended a survival curve is the histogram") {
    core::Histogram const ended = of({3, 5, 8, 100});
    core::Histogram const open;
    core::Survival const survival{ended, open, 0};
    for (double const q : {0.01, 0.5, 0.9, 0.99}) CHECK(*survival.quantile(q) == ended.quantile(q));
    CHECK(*survival.mean() == ended.mean());
}

TEST_CASE("What still lasts counts with its age (the data sheet's example)") {
    core::Histogram const ended = of({1, 2, 4});
    core::Histogram const young = of({3});
    core::Survival const known{ended, young, 0};
    CHECK(*known.quantile(0.5) == 2);
    // S falls by 1/4, 1/4, and by all of the rest at 4: mean 1/4 + 2/4 + 4/2.
    CHECK(*known.mean() == doctest::Approx(2.75));
    core::Histogram const old = of({5});
    core::Survival const unknown{ended, old, 0};
    CHECK(*unknown.quantile(0.75) == 4);
    CHECK_FALSE(unknown.quantile(0.9));
    CHECK(*unknown.at_least(0.9) == 5);
    CHECK_FALSE(unknown.mean());
}

TEST_CASE("A mean takes the last hundredth to end where it stands, and no more than that") {
    core::Histogram ended;
    for (int i = 0; i < 199; ++i) ended.add(100);
    core::Histogram const one = of({300});
    CHECK(*core::Survival{ended, one, 0}.mean() == doctest::Approx((199 * 100 + 300) / 200.0).epsilon(0.01));
    core::Histogram const three = of({300, 300, 300});
    CHECK_FALSE(core::Survival{ended, three, 0}.mean());
    core::Histogram const none;
    CHECK_FALSE(core::Survival{ended, none, 1}.mean());
}

TEST_CASE("What never ends is later than everything") {
    core::Histogram const ended = of({1, 1, 1});
    core::Histogram const open;
    core::Survival const survival{ended, open, 1};
    CHECK(*survival.quantile(0.75) == 1);
    CHECK_FALSE(survival.quantile(0.76));
    CHECK_FALSE(survival.at_least(0.76));
    core::Histogram const none;
    CHECK_FALSE(core::Survival{none, open, 5}.quantile(0.5));
    CHECK_FALSE(core::Survival{none, open, 0}.mean());
}

TEST_CASE(
    "A median is right though half of the requests are still open, where that of the ended ones is far too "
    "low") {
    // Exponential with mean 1000, looked at after a uniform time of up to 2000: median 1000 ln 2.
    core::KeyedRandom const random{3};
    core::Histogram ended;
    core::Histogram open;
    for (std::uint64_t i = 0; i < 20'000; ++i) {
        double const lasts = -1e6 * std::log(1 - random.uniform(core::Draw::sample, 0, i));
        double const age = 2e6 * random.uniform(core::Draw::sample, 1, i);
        if (lasts <= age)
            ended.add(static_cast<std::int64_t>(lasts));
        else
            open.add(static_cast<std::int64_t>(age));
    }
    CHECK(open.count() > 8'000);
    core::Survival const survival{ended, open, 0};
    CHECK(*survival.quantile(0.5) == doctest::Approx(1e6 * std::log(2.0)).epsilon(0.03));
    CHECK(ended.quantile(0.5) < 0.75 * 1e6 * std::log(2.0));
}
