#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "megaweave/core/random.hpp"
#include "megaweave/fabric/max_min.hpp"

//! Small random sharing problems, by key: case number and size give the problem.
struct RandomNetwork {
    struct Flow {
        std::int64_t demand;
        std::vector<std::uint32_t> links;
    };
    std::vector<std::int64_t> capacity;
    std::vector<Flow> flows;

    /*!
     * Up to `most_links` links and `most_flows` flows. Every third case has capacities and demands below 20,
     * where ties and rounding abound; the others span three decades. A fifth of the flows has no bound of its
     * own.
     */
    RandomNetwork(std::uint32_t number, std::int64_t most_links, std::int64_t most_flows) : number_{number} {
        bool const tiny = number % 3 == 0;
        auto const amount = [&] {
            return tiny ? below(20) : 1 + (std::int64_t{1} << below(10)) * (1 + below(1'000));
        };
        auto const links = 1 + below(most_links);
        auto const count = 1 + below(most_flows);
        for (std::int64_t l = 0; l < links; ++l) capacity.push_back(amount());
        for (std::int64_t f = 0; f < count; ++f) {
            Flow flow{below(5) == 0 ? mw::fabric::unlimited : amount(), {}};
            auto const hops = 1 + below(std::min<std::int64_t>(links, 5));
            while (std::ssize(flow.links) < hops) {
                auto const link = static_cast<std::uint32_t>(below(links));
                if (std::ranges::find(flow.links, link) == flow.links.end()) flow.links.push_back(link);
            }
            flows.push_back(std::move(flow));
        }
    }

    //! Uniform in [0, bound); the draws go on from those that made the network.
    std::int64_t below(std::int64_t bound) {
        auto const bits = random_.bits(mw::core::Draw::test, number_, drawn_++);
        return static_cast<std::int64_t>(bits % static_cast<std::uint64_t>(bound));
    }

    [[nodiscard]] bool uses(std::size_t flow, std::size_t link) const {
        return std::ranges::find(flows[flow].links, static_cast<std::uint32_t>(link)) !=
               flows[flow].links.end();
    }

    void add_to(mw::fabric::MaxMinSolver& solver) const {
        for (auto const c : capacity) solver.add_link(c);
        for (auto const& flow : flows) solver.add_flow(flow.demand, flow.links, false);
    }

  private:
    mw::core::KeyedRandom random_{20'26};
    std::uint32_t number_;
    std::uint64_t drawn_{0};
};
