#include <doctest/doctest.h>

#include <functional>
#include <thread>
#include <vector>

#include "megaweave/fabric/max_min.hpp"
#include "random_network.hpp"

using namespace mw::fabric;

namespace {

/*!
 * What the engine does over MPI, in one process: the links of a network dealt to several solvers, a flow in
 * every solver that has a link of it, and the two exchanges of a round.
 */
class Partitioned {
  public:
    Partitioned(RandomNetwork const& network, std::vector<std::size_t> const& owner, std::size_t parts)
        : solvers_(parts), replicas_(network.flows.size()) {
        std::vector<std::uint32_t> local;
        for (std::size_t l = 0; l < owner.size(); ++l)
            local.push_back(solvers_[owner[l]].add_link(network.capacity[l]));
        for (std::size_t f = 0; f < network.flows.size(); ++f) {
            std::vector<std::vector<std::uint32_t>> paths(parts);
            for (auto const l : network.flows[f].links) paths[owner[l]].push_back(local[l]);
            auto const touched = std::ranges::count_if(paths, [](auto const& path) { return !path.empty(); });
            for (std::size_t p = 0; p < parts; ++p)
                if (!paths[p].empty())
                    replicas_[f].push_back(
                        {p, solvers_[p].add_flow(network.flows[f].demand, paths[p], touched > 1)});
        }
        for (auto& solver : solvers_) solver.start();
    }

    int solve() {
        while (std::ranges::any_of(solvers_, [](auto const& s) { return s.open_flows() > 0; })) {
            for (auto& solver : solvers_) solver.measure();
            exchange_limits();
            for (auto& solver : solvers_) solver.settle();
            exchange_rates();
        }
        return solvers_.front().rounds();
    }

    //! The flow's rate, checked to be the same wherever it is known.
    [[nodiscard]] std::int64_t rate(std::size_t flow) const {
        auto const rate = solvers_[replicas_[flow].front().part].rate(replicas_[flow].front().index);
        for (auto const& r : replicas_[flow]) CHECK(solvers_[r.part].rate(r.index) == rate);
        return rate;
    }

  private:
    struct Replica {
        std::size_t part;
        std::uint32_t index;
    };

    void exchange_limits() {
        for (auto const& replicas : replicas_) {
            std::vector<std::int64_t> limits;
            for (auto const& r : replicas) limits.push_back(solvers_[r.part].limit(r.index));
            for (auto const& to : replicas)
                if (solvers_[to.part].is_open(to.index))
                    for (auto const limit : limits) solvers_[to.part].lower_limit(to.index, limit);
        }
    }

    void exchange_rates() {
        for (auto const& replicas : replicas_) {
            std::vector<std::int64_t> rates;
            for (auto const& r : replicas) rates.push_back(solvers_[r.part].newly_fixed_level(r.index));
            for (auto const& to : replicas)
                for (auto const rate : rates)
                    if (rate >= 0) solvers_[to.part].fix(to.index, rate);
        }
    }

    std::vector<MaxMinSolver> solvers_;
    std::vector<std::vector<Replica>> replicas_;
};

}  // namespace

TEST_CASE("2 to 5 solvers give the rates and rounds of one, for any dealing of the links") {
    for (std::uint32_t number = 0; number < 5'000; ++number) {
        RandomNetwork network{number, 16, 30};
        MaxMinSolver whole;
        network.add_to(whole);
        int const rounds = whole.solve();

        auto const parts = static_cast<std::size_t>(2 + network.below(4));
        std::vector<std::size_t> owner;
        for (std::size_t l = 0; l < network.capacity.size(); ++l)
            owner.push_back(static_cast<std::size_t>(network.below(static_cast<std::int64_t>(parts))));
        Partitioned partitioned{network, owner, parts};
        CHECK(partitioned.solve() == rounds);
        for (std::uint32_t f = 0; f < network.flows.size(); ++f)
            CHECK_MESSAGE(partitioned.rate(f) == whole.rate(f),
                          "network " << number << ", flow " << f << ", solvers " << parts);
    }
}

TEST_CASE("threads that look at links and flows side by side give the rates and rounds of one") {
    int calls = 0;
    auto const by_three = [&calls](std::size_t count,
                                   std::function<void(std::size_t, std::size_t)> const& body) {
        ++calls;
        std::vector<std::thread> threads;
        for (std::size_t part = 3; part-- > 0;)
            threads.emplace_back([&, part] { body(count * part / 3, count * (part + 1) / 3); });
        for (auto& thread : threads) thread.join();
    };
    for (std::uint32_t number = 0; number < 20; ++number) {
        RandomNetwork const network{number, 8'000, 20'000};
        MaxMinSolver alone;
        MaxMinSolver shared;
        shared.share_work(by_three);
        network.add_to(alone);
        network.add_to(shared);
        CHECK(shared.solve() == alone.solve());
        for (std::uint32_t f = 0; f < network.flows.size(); ++f) REQUIRE(shared.rate(f) == alone.rate(f));
    }
    CHECK(calls > 0);
}
