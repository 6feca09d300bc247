#include <benchmark/benchmark.h>

#include <cstddef>
#include <string>
#include <vector>

#include "cases.hpp"
#include "mail.hpp"
#include "megaweave/core/hash.hpp"
#include "megaweave/engine/world.hpp"

namespace mw::bench {

namespace {

//! A window's communication phase: so many bytes to every other rank, and the agreed pulse.
void exchange(benchmark::State& state, parallel::Comm& comm) {
    std::vector<std::vector<std::byte>> out(static_cast<std::size_t>(comm.size()));
    for (int rank = 0; rank < comm.size(); ++rank)
        if (rank != comm.rank())
            out[static_cast<std::size_t>(rank)].resize(static_cast<std::size_t>(state.range(0)));
    std::vector<std::vector<std::byte>> in;
    comm.barrier();
    for (auto _ : state) benchmark::DoNotOptimize(comm.exchange(out, in, {}));
    comm.barrier();
    state.SetBytesProcessed(state.iterations() * state.range(0) * (comm.size() - 1));
}

//! The same through the post office: messages to racks everywhere are packed, sent and unpacked.
void mail(benchmark::State& state, parallel::Comm& comm) {
    site::Plan const plan = engine::World{reference_deck()}.plan();
    site::Partition const partition{plan, comm.size()};
    engine::Mail post{partition, comm};
    std::vector<engine::Message> messages(static_cast<std::size_t>(state.range(0)));
    for (std::size_t i = 0; i < messages.size(); ++i)
        messages[i].to = core::RackId::of(core::mix(i) % static_cast<std::uint64_t>(plan.racks()));
    std::int64_t came = 0;
    comm.barrier();
    for (auto _ : state) {
        for (engine::Message const& message : messages) post.post(message);
        post.exchange(
            {}, [&](engine::Message const&) { ++came; }, [](engine::Transfer const&) {}, [](auto const&) {});
    }
    comm.barrier();
    state.SetItemsProcessed(came);
    state.counters["bytes_per_message"] = static_cast<double>(sizeof(engine::Message) + 1);
}

}  // namespace

void register_exchange(parallel::Comm& comm) {
    auto const with_comm = [&comm](auto body) {
        return [&comm, body](benchmark::State& state) { body(state, comm); };
    };
    std::string const ranks = "/ranks:" + std::to_string(comm.size());
    if (comm.size() > 1) {
        std::string const name = "exchange" + ranks;
        for (std::int64_t const bytes : {0, 4 << 10, 256 << 10})
            benchmark::RegisterBenchmark(name.c_str(), with_comm(exchange))
                ->ArgName("bytes")
                ->Arg(bytes)
                ->UseRealTime()
                ->Iterations(2000);
    }
    std::string const name = "mail" + ranks;
    for (std::int64_t const messages : {100, 1000})
        benchmark::RegisterBenchmark(name.c_str(), with_comm(mail))
            ->ArgName("messages")
            ->Arg(messages)
            ->UseRealTime()
            ->Iterations(500);
}

}  // namespace mw::bench
