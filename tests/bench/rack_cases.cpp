#include <benchmark/benchmark.h>

#include <vector>

#include "cases.hpp"
#include "rack.hpp"

namespace mw::bench {

namespace {

/*!
 * One rack by itself, four instances and their router, under the reference deck's load per instance. What it sends comes back in the
 * next window, what it fetches arrives at line rate. Windows in which nothing happens are jumped over, as the engine does.
 */
void rack_window(benchmark::State& state, serving::Mode mode) {
    config::Deck deck = reference_deck({{"cluster.accelerators", "32"},
                                        {"services[0].workload.arrivals.rate", "15.6 /s"},
                                        {"output.request_sample", "0"}});
    deck.services[0].mode = mode;
    engine::World const world{deck};
    engine::Rack rack{world, core::RackId{0}};
    constexpr core::TimeNs window_ns = core::ns_per_ms;
    std::vector<engine::Message> messages;
    std::vector<engine::Transfer> transfers;
    auto const window = [&] {
        core::TimeNs const end_ns = rack.next_event_ns() / window_ns * window_ns + window_ns;
        rack.run_until(end_ns);
        messages.swap(rack.outbox());
        transfers.swap(rack.started());
        for (engine::Message const& message : messages) rack.deliver(message);
        for (engine::Transfer const& transfer : transfers) {
            core::TimeNs const flight_ns = transfer.bytes * core::ns_per_ms / (transfer.bytes_per_s / 1000);
            rack.transfer_finished({transfer, transfer.present_from_ns + flight_ns}, end_ns, window_ns);
        }
        for (engine::Message const& message : rack.outbox()) rack.deliver(message);
        rack.outbox().clear();
        messages.clear();
        transfers.clear();
    };
    for (int i = 0; i < 10'000; ++i) window();
    engine::Counts const before = rack.counts();
    for (auto _ : state) window();
    engine::Counts const done = rack.counts() - before;
    state.SetItemsProcessed(done[engine::Count::events]);
    state.counters["events_per_window"] =
        static_cast<double>(done[engine::Count::events]) / static_cast<double>(state.iterations());
}

}  // namespace

void register_rack() {
    benchmark::RegisterBenchmark("rack_window/unified", rack_window, serving::Mode::unified);
    benchmark::RegisterBenchmark("rack_window/disaggregated", rack_window, serving::Mode::disaggregated);
}

}  // namespace mw::bench
