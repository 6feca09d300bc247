#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "megaweave/core/random.hpp"
#include "megaweave/fabric/max_min.hpp"

//! A sharing problem with weights, and the definition of its answer, carried out step by step.
struct WeightedNetwork {
    struct Flow {
        std::int64_t demand;
        std::int64_t weight;
        std::vector<mw::fabric::LinkUse> uses;
        bool present{true};
    };
    std::vector<std::int64_t> capacity;
    std::vector<Flow> flows;

    explicit WeightedNetwork(std::uint32_t number) : number_{number} {
        largest_ = number % 2 == 0 ? 25 : 400;
        weighted_ = number % 3 == 0;
        for (std::int64_t l = 1 + below(8); l > 0; --l) capacity.push_back(below(largest_));
    }

    //! Uniform in [0, bound).
    std::int64_t below(std::int64_t bound) {
        auto const bits = random_.bits(mw::core::Draw::test, number_, drawn_++);
        return static_cast<std::int64_t>(bits % static_cast<std::uint64_t>(bound));
    }
    std::int64_t some_demand() { return below(4) == 0 ? mw::fabric::unlimited : below(largest_); }
    std::int64_t some_weight() { return weighted_ ? 1 + below(4) : 1; }

    Flow some_flow() {
        Flow flow{some_demand(), some_weight(), {}};
        auto const links = static_cast<std::int64_t>(capacity.size());
        auto const hops = static_cast<std::size_t>(1 + below(std::min<std::int64_t>(links, 5)));
        while (flow.uses.size() < hops) {
            auto const link = static_cast<std::uint32_t>(below(links));
            if (std::ranges::find(flow.uses, link, &mw::fabric::LinkUse::link) == flow.uses.end())
                flow.uses.push_back({link, some_weight()});
        }
        return flow;
    }

    //! The header's definition, one level after the other. Absent flows have -1.
    [[nodiscard]] std::vector<std::int64_t> filled() const {
        std::vector<std::int64_t> stopped(flows.size(), mw::fabric::unlimited);
        auto const content = [&](std::size_t f, std::int64_t s) {
            return flows[f].demand <= flows[f].weight * s;
        };
        auto const goes_on = [&](std::size_t f, std::int64_t s) {
            return flows[f].present && stopped[f] == mw::fabric::unlimited && !content(f, s);
        };
        for (std::int64_t s = 0; s <= largest_; ++s) {
            std::vector<std::int64_t> trial(capacity.size(), 0);
            for (std::size_t f = 0; f < flows.size(); ++f) {
                if (!flows[f].present) continue;
                std::int64_t const rate = goes_on(f, s) ? flows[f].weight * (s + 1)
                                          : content(f, std::min(s, stopped[f]))
                                              ? flows[f].demand
                                              : flows[f].weight * stopped[f];
                for (auto const use : flows[f].uses) trial[use.link] += use.weight * rate;
            }
            for (std::size_t f = 0; f < flows.size(); ++f) {
                bool const blocked = std::ranges::any_of(
                    flows[f].uses, [&](auto use) { return trial[use.link] > capacity[use.link]; });
                if (goes_on(f, s) && blocked) stopped[f] = s;
            }
        }
        std::vector<std::int64_t> rates;
        for (std::size_t f = 0; f < flows.size(); ++f)
            rates.push_back(!flows[f].present ? -1
                            : stopped[f] == mw::fabric::unlimited
                                ? flows[f].demand
                                : std::min(flows[f].demand, flows[f].weight * stopped[f]));
        return rates;
    }

    [[nodiscard]] std::vector<std::int64_t> solved_in_rounds() const {
        mw::fabric::MaxMinSolver solver;
        for (auto const c : capacity) solver.add_link(c);
        std::vector<std::int64_t> rates(flows.size(), -1);
        std::vector<std::size_t> asked;
        for (std::size_t f = 0; f < flows.size(); ++f) {
            if (!flows[f].present) continue;
            solver.add_flow(flows[f].demand, flows[f].uses, false, flows[f].weight);
            asked.push_back(f);
        }
        solver.solve();
        for (std::uint32_t i = 0; i < asked.size(); ++i) rates[asked[i]] = solver.rate(i);
        return rates;
    }

  private:
    mw::core::KeyedRandom random_{20'27};
    std::uint32_t number_;
    std::uint64_t drawn_{0};
    std::int64_t largest_;
    bool weighted_;
};
