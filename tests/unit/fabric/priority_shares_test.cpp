#include "megaweave/fabric/priority_shares.hpp"

#include <doctest/doctest.h>

#include <vector>

#include "integer_filling.hpp"
#include "megaweave/fabric/exact_flows.hpp"

using namespace mw::fabric;

namespace {

constexpr std::size_t layers = 3;

std::vector<LinkUse> over(std::initializer_list<std::uint32_t> links) {
    std::vector<LinkUse> uses;
    for (auto const l : links) uses.push_back({l, 1});
    return uses;
}

//! The definition: layer after layer by integer filling, step by step, each on what the ones before it left.
std::vector<std::int64_t> filled_in_layers(WeightedNetwork const& network,
                                           std::vector<std::size_t> const& layer_of) {
    std::vector<std::int64_t> rates(network.flows.size(), -1);
    WeightedNetwork left = network;
    for (std::size_t layer = 0; layer < layers; ++layer) {
        for (std::size_t f = 0; f < rates.size(); ++f)
            left.flows[f].present = network.flows[f].present && layer_of[f] == layer;
        auto const of_layer = left.filled();
        for (std::size_t f = 0; f < rates.size(); ++f) {
            if (!left.flows[f].present) continue;
            rates[f] = of_layer[f];
            for (LinkUse const use : network.flows[f].uses) left.capacity[use.link] -= use.weight * rates[f];
        }
    }
    return rates;
}

//! A network that is changed at random, and the same in PriorityShares.
class Changing {
  public:
    explicit Changing(std::uint32_t number) : network_{number}, shares_{layers} {
        for (auto const c : network_.capacity) shares_.add_link(c);
    }

    void change() {
        auto const kind = network_.flows.empty() ? 0 : network_.below(6);
        std::size_t const f = kind < 2 ? 0 : some_flow();
        if (kind < 2) {
            add();
        } else if (kind == 5) {
            auto const l = static_cast<std::uint32_t>(network_.below(std::ssize(network_.capacity)));
            network_.capacity[l] = network_.below(25);
            shares_.set_capacity(l, network_.capacity[l]);
        } else if (network_.flows[f].present && kind == 4) {
            network_.flows[f].demand = network_.some_demand();
            shares_.set_demand(handles_[f], network_.flows[f].demand);
        } else if (network_.flows[f].present) {
            network_.flows[f].present = false;
            shares_.remove_flow(handles_[f]);
        }
    }
    void update() {
        for (std::uint32_t const flow : shares_.update()) told_[flow] = shares_.rate(flow);
    }
    std::int64_t changes_at_once() { return 1 + network_.below(3); }

    //! As the news have told them, and as they are.
    void check(std::uint32_t number) {
        auto const expected = filled_in_layers(network_, layer_of_);
        for (std::size_t f = 0; f < handles_.size(); ++f) {
            if (!network_.flows[f].present) continue;
            CHECK_MESSAGE(shares_.rate(handles_[f]) == expected[f], "network " << number << ", flow " << f);
            CHECK(told_[handles_[f]] == expected[f]);
        }
    }

  private:
    void add() {
        network_.flows.push_back(network_.some_flow());
        auto const& flow = network_.flows.back();
        layer_of_.push_back(static_cast<std::size_t>(network_.below(layers)));
        handles_.push_back(shares_.add_flow(flow.demand, flow.uses, flow.weight, layer_of_.back()));
        if (handles_.back() >= told_.size()) told_.resize(handles_.back() + 1);
        told_[handles_.back()] = 0;
    }
    std::size_t some_flow() { return static_cast<std::size_t>(network_.below(std::ssize(network_.flows))); }

    WeightedNetwork network_;
    PriorityShares shares_;
    std::vector<std::size_t> layer_of_;
    std::vector<std::uint32_t> handles_;
    std::vector<std::int64_t> told_;  // by handle
};

}  // namespace

TEST_CASE("the worked example of priorities comes out") {
    PriorityShares shares{2};
    auto const link = shares.add_link(12);
    auto const a = shares.add_flow(5, over({link}), 1, 0);
    auto const b = shares.add_flow(unlimited, over({link}), 1, 1);
    auto const c = shares.add_flow(unlimited, over({link}), 2, 1);
    shares.update();
    CHECK(shares.rate(a) == 5);
    CHECK(shares.rate(b) == 2);
    CHECK(shares.rate(c) == 4);
    CHECK(shares.load_at(link, 1, 0) == 1);
    CHECK(shares.load_at(link, 1, 1) == 5 + 1 + 2);  // the upper layer is done before
    shares.remove_flow(a);
    CHECK(shares.update().size() == 2);
    CHECK(shares.rate(c) == 8);
}

TEST_CASE("shares in layers, kept up to date through random changes, are those filled step by step") {
    for (std::uint32_t number = 0; number < 1'000; ++number) {
        Changing changing{number};
        for (int step = 0; step < 20; ++step) {
            for (auto n = changing.changes_at_once(); n > 0; --n) changing.change();
            changing.update();
            if (step % 4 == 3) changing.check(number);
        }
    }
}

TEST_CASE("a flow of the first class ends as if it were alone, and one below it waits") {
    // 100 bytes/s: A has it for 2 s; B and C (weights 1 and 3) then share it: 150 bytes of C take 2 s, B has 50 by then and 50 left.
    FlowNetwork const network{{100}};
    std::vector<FlowSpec> const flows{
        {200, 0, {0}, 0, {}, 0, 1}, {100, 0, {0}, 0, {}, 1, 1}, {150, 0, {0}, 0, {}, 1, 3}};
    auto const finish_s = finish_times(network, flows);
    CHECK(finish_s[0] == doctest::Approx(2.0).epsilon(1e-12));
    CHECK(finish_s[2] == doctest::Approx(4.0).epsilon(1e-12));
    CHECK(finish_s[1] == doctest::Approx(4.5).epsilon(1e-12));
}

TEST_CASE("a late flow of the first class stops those below it while it lasts") {
    FlowNetwork const network{{100, 1'000}};
    std::vector<FlowSpec> const flows{{200, 0, {0, 1}, 0, {}, 2, 1}, {100, 1, {0}, 0, {}, 0, 1}};
    auto const finish_s = finish_times(network, flows);
    CHECK(finish_s[1] == doctest::Approx(2.0).epsilon(1e-12));
    CHECK(finish_s[0] == doctest::Approx(3.0).epsilon(1e-12));
}
