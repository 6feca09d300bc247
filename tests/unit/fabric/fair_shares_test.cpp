#include "megaweave/fabric/fair_shares.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "integer_filling.hpp"
#include "megaweave/core/hash.hpp"
#include "megaweave/fabric/clos.hpp"

using namespace mw::fabric;

namespace {

std::vector<LinkUse> over(std::initializer_list<std::uint32_t> links) {
    std::vector<LinkUse> uses;
    for (auto const l : links) uses.push_back({l, 1});
    return uses;
}

//! A network that is changed at random, and the same in FairShares.
class Changing {
  public:
    //! Links keep tallies from 1, 2, 4 flows on, or 24, which these networks seldom have.
    explicit Changing(std::uint32_t number)
        : network_{number}, shares_{std::array<std::size_t, 4>{1, 2, 4, 24}[number / 6 % 4]} {
        for (auto const c : network_.capacity) shares_.add_link(c);
    }

    void change() {
        switch (network_.flows.empty() ? 0 : network_.below(6)) {
            case 0:
            case 1: {
                network_.flows.push_back(network_.some_flow());
                auto const& flow = network_.flows.back();
                handles_.push_back(shares_.add_flow(flow.demand, flow.uses, flow.weight));
                break;
            }
            case 2:
            case 3:
                if (std::size_t const f = some_present(); f < network_.flows.size()) {
                    network_.flows[f].present = false;
                    shares_.remove_flow(handles_[f]);
                }
                break;
            case 4:
                if (std::size_t const f = some_present(); f < network_.flows.size()) {
                    network_.flows[f].demand = network_.some_demand();
                    shares_.set_demand(handles_[f], network_.flows[f].demand);
                }
                break;
            default: {
                auto const l = static_cast<std::uint32_t>(
                    network_.below(static_cast<std::int64_t>(network_.capacity.size())));
                network_.capacity[l] = network_.below(30);
                shares_.set_capacity(l, network_.capacity[l]);
            }
        }
    }
    std::int64_t changes_at_once() { return 1 + network_.below(3); }
    void update() { news_ = shares_.update().size(); }

    [[nodiscard]] WeightedNetwork const& network() const { return network_; }
    [[nodiscard]] std::vector<std::int64_t> rates() const {
        std::vector<std::int64_t> rates;
        for (std::size_t f = 0; f < handles_.size(); ++f)
            rates.push_back(network_.flows[f].present ? shares_.rate(handles_[f]) : -1);
        return rates;
    }

  private:
    std::size_t some_present() {
        auto const f = static_cast<std::size_t>(network_.below(static_cast<std::int64_t>(handles_.size())));
        return network_.flows[f].present ? f : network_.flows.size();
    }

    WeightedNetwork network_;
    FairShares shares_;
    std::vector<std::uint32_t> handles_;
    std::size_t news_{0};
};

}  // namespace

TEST_CASE("the worked example of the header comes out") {
    FairShares shares;
    auto const link = shares.add_link(12);
    auto const far = shares.add_link(5);
    auto const a = shares.add_flow(unlimited, over({link}));
    auto const b = shares.add_flow(unlimited, over({link}));
    auto const elsewhere = shares.add_flow(unlimited, over({far}));
    CHECK(shares.update().size() == 3);
    CHECK(shares.rate(a) == 6);
    auto const visits = shares.visits();
    auto const c = shares.add_flow(unlimited, over({link}));
    CHECK(shares.update().size() == 3);  // A, B and C
    CHECK(shares.rate(a) == 4);
    CHECK(shares.rate(c) == 4);
    shares.remove_flow(c);
    CHECK(shares.update() == std::vector{a, b});
    CHECK(shares.rate(a) == 6);
    CHECK(shares.rate_before(a) == 4);
    CHECK(shares.rate(elsewhere) == 5);
    CHECK(shares.visits() - visits <= 4 * 3);  // a few looks at three flows, none at the other
}

TEST_CASE("rounds give what integer filling, carried out step by step, gives on 4,000 random networks") {
    for (std::uint32_t number = 0; number < 4'000; ++number) {
        WeightedNetwork network{number};
        for (std::int64_t f = 1 + network.below(14); f > 0; --f) network.flows.push_back(network.some_flow());
        CHECK_MESSAGE(network.solved_in_rounds() == network.filled(), "network " << number);
    }
}

TEST_CASE("shares kept up to date through random changes are those found from scratch") {
    for (std::uint32_t number = 0; number < 1'500; ++number) {
        Changing changing{number};
        for (int step = 0; step < 25; ++step) {
            for (auto n = changing.changes_at_once(); n > 0; --n) changing.change();
            changing.update();
            REQUIRE_MESSAGE(changing.rates() == changing.network().solved_in_rounds(),
                            "network " << number << ", step " << step);
        }
        CHECK_MESSAGE(changing.rates() == changing.network().filled(), "network " << number);
    }
}

TEST_CASE("more capacity on the only link that binds lowers nobody's share, and less raises nobody's") {
    for (std::uint32_t number = 0; number < 300; ++number) {
        WeightedNetwork network{number};
        FairShares shares;
        auto const link = shares.add_link(0);
        std::vector<std::uint32_t> flows;
        for (std::int64_t f = 1 + network.below(12); f > 0; --f)
            flows.push_back(shares.add_flow(network.some_demand(), over({link}), network.some_weight()));
        std::vector<std::int64_t> last(flows.size(), 0);
        for (std::int64_t capacity = 0; capacity < 120; capacity += 1 + network.below(9)) {
            shares.set_capacity(link, capacity);
            shares.update();
            for (std::size_t f = 0; f < flows.size(); ++f) {
                CHECK(shares.rate(flows[f]) >= last[f]);
                last[f] = shares.rate(flows[f]);
            }
        }
    }
}
