#include <benchmark/benchmark.h>

#include <algorithm>
#include <string>
#include <vector>

#include "cases.hpp"
#include "fabric_partition.hpp"
#include "megaweave/core/hash.hpp"
#include "megaweave/engine/world.hpp"

namespace mw::bench {

namespace {

constexpr core::TimeNs window_ns = core::ns_per_ms;

//! Transfers between nodes at eight NICs' rate. `sink_of` says where from each node.
class Traffic {
  public:
    Traffic(site::Plan const& plan, parallel::Comm& comm, engine::Sharing sharing = engine::Sharing::by_plan)
        : plan_{plan}, partition_{plan, comm.size()}, fabric_{plan, partition_, comm, 1, false, sharing} {}

    [[nodiscard]] engine::Transfer make(std::int64_t source, std::int64_t sink, std::int64_t bytes) const {
        engine::Transfer transfer;
        transfer.home = plan_.rack_of_node(sink);
        transfer.bytes = transfer.bytes_left = bytes;
        transfer.bytes_per_s = 8 * 50'000'000'000;
        transfer.route = {static_cast<std::int32_t>(source), static_cast<std::int32_t>(sink), 0,
                          fabric::Route::undecided, 0};
        transfer.latency_ns = plan_.network().latency_ns(plan_.network().path(transfer.route));
        return transfer;
    }
    //! On every rank alike; only those that have a part in it keep it.
    void join(engine::Transfer transfer, int rank) {
        transfer.id = next_id_++;
        transfer.present_from_ns = now_ns_;
        fabric_.participants(transfer, ranks_);
        if (std::ranges::binary_search(ranks_, rank)) fabric_.join(transfer);
    }
    void window() {
        benchmark::DoNotOptimize(fabric_.advance(now_ns_, now_ns_ + window_ns).size());
        now_ns_ += window_ns;
    }
    //! Every node would send at `load` of its NICs to another, for ever; on every rank alike.
    void begin_standing(double load, int rank) {
        auto const nodes = static_cast<std::uint64_t>(plan_.nodes());
        for (std::uint64_t i = 0; i < nodes; ++i) {
            std::uint64_t const sink = (i + 1 + core::mix(i) % (nodes - 1)) % nodes;
            engine::StandingDemand demand{i,
                                          plan_.rack_of_node(static_cast<std::int64_t>(i)),
                                          static_cast<std::int64_t>(load * 400e9),
                                          {},
                                          400'000'000'000};
            fabric::Path const path =
                plan_.network().path({static_cast<std::int32_t>(i), static_cast<std::int32_t>(sink), 0,
                                      fabric::Route::undecided, i});
            for (fabric::Hop const& hop : path.hops()) demand.uses.push_back({hop.link, 1});
            fabric_.participants(demand, ranks_);
            if (std::ranges::binary_search(ranks_, rank)) fabric_.begin(demand);
        }
    }
    [[nodiscard]] engine::FabricPartition const& fabric() const { return fabric_; }

  private:
    site::Plan const& plan_;
    site::Partition partition_;
    engine::FabricPartition fabric_;
    std::vector<int> ranks_;
    std::uint64_t next_id_{1};
    core::TimeNs now_ns_{0};
};

void report(benchmark::State& state, Traffic const& traffic) {
    state.SetItemsProcessed(state.iterations() * state.range(0));  // transfers
    state.counters["rounds"] =
        static_cast<double>(traffic.fabric().rounds()) / static_cast<double>(state.iterations());
}

//! KV caches of 300 MB between pairs of nodes join, share the window and end in it: a run's usual state.
void fabric_kv(benchmark::State& state, parallel::Comm& comm) {
    site::Plan const plan = engine::World{reference_deck()}.plan();
    Traffic traffic{plan, comm};
    std::int64_t const nodes = plan.network().nodes();
    std::vector<engine::Transfer> caches;
    for (std::int64_t i = 0; i < state.range(0); ++i) {
        std::int64_t const source = i * nodes / state.range(0);
        caches.push_back(traffic.make(source, (source + nodes / 3) % nodes, 300'000'000));
    }
    comm.barrier();
    for (auto _ : state) {
        for (engine::Transfer const& cache : caches) traffic.join(cache, comm.rank());
        traffic.window();
    }
    comm.barrier();
    report(state, traffic);
}

//! Long transfers between random nodes of a 2:1 tapered fabric: every window is solved anew and most links are contended.
void fabric_contended(benchmark::State& state, parallel::Comm& comm) {
    site::Plan const plan =
        engine::World{reference_deck({{"cluster.scale_out.oversubscription", "2"}})}.plan();
    Traffic traffic{plan, comm};
    auto const nodes = static_cast<std::uint64_t>(plan.network().nodes());
    for (std::int64_t i = 0; i < state.range(0); ++i) {
        auto const key = static_cast<std::uint64_t>(i);
        traffic.join(
            traffic.make(static_cast<std::int64_t>(core::mix(2 * key) % nodes),
                         static_cast<std::int64_t>(core::mix(2 * key + 1) % nodes), std::int64_t{1} << 60),
            comm.rank());
    }
    comm.barrier();
    for (auto _ : state) traffic.window();
    comm.barrier();
    report(state, traffic);
}

/*!
 * A standing demand of each of 12,500 nodes, at 60 % of its NICs, and 5 transfers of 300 MB a window that come and go, as 5,000 a second
 * do. 1,000 windows of 1 ms are a simulated second: microseconds a window are milliseconds a second. `taper` 2: most pods are full.
 */
void fabric_standing(benchmark::State& state, parallel::Comm& comm) {
    site::Plan const plan =
        engine::World{
            reference_deck({{"cluster.scale_out.oversubscription", std::to_string(state.range(1))}})}
            .plan();
    Traffic traffic{plan, comm, engine::Sharing::each_all};  // as a run has it where demands stand
    traffic.begin_standing(0.6, comm.rank());
    traffic.window();
    auto const nodes = static_cast<std::uint64_t>(plan.nodes());
    std::uint64_t key = 0;
    comm.barrier();
    for (auto _ : state) {
        for (std::int64_t i = 0; i < state.range(0); ++i, ++key)
            traffic.join(traffic.make(static_cast<std::int64_t>(core::mix(2 * key) % nodes),
                                      static_cast<std::int64_t>(core::mix(2 * key + 1) % nodes), 300'000'000),
                         comm.rank());
        traffic.window();
    }
    comm.barrier();
    report(state, traffic);
}

}  // namespace

void register_fabric(parallel::Comm& comm) {
    auto const with_comm = [&comm](auto body) {
        return [&comm, body](benchmark::State& state) { body(state, comm); };
    };
    std::string const ranks = "/ranks:" + std::to_string(comm.size());
    auto const add = [&](std::string const& name, auto body, std::int64_t transfers, std::int64_t windows) {
        benchmark::RegisterBenchmark((name + ranks).c_str(), with_comm(body))
            ->ArgName("transfers")
            ->Arg(transfers)
            ->UseRealTime()
            ->Iterations(windows)
            ->Unit(benchmark::kMicrosecond);
    };
    add("fabric_window/kv", fabric_kv, 100, 2000);
    add("fabric_window/kv", fabric_kv, 1'000, 500);
    add("fabric_window/contended", fabric_contended, 1'000, 500);
    add("fabric_window/contended", fabric_contended, 10'000, 50);
    for (std::int64_t const taper : {1, 2})
        benchmark::RegisterBenchmark(("fabric_window/standing" + ranks).c_str(), with_comm(fabric_standing))
            ->ArgNames({"transfers", "taper"})
            ->Args({5, taper})
            ->UseRealTime()
            ->Iterations(1'000)
            ->Unit(benchmark::kMicrosecond);
}

}  // namespace mw::bench
