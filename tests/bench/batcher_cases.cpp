#include <benchmark/benchmark.h>

#include <algorithm>
#include <vector>

#include "cases.hpp"
#include "megaweave/engine/world.hpp"

namespace mw::bench {

namespace {

using serving::Request;
using serving::Slot;

/*!
 * One instance with a fixed number of requests: each that completes is replaced at once, by one of lengths from the deck's laws.
 *
 * `whole`: prompts are processed here (chunked prefill). Otherwise caches arrive from elsewhere and only decode runs. The first
 * requests are part-way through their answers, as in a steady state.
 */
class Client final : private serving::InstanceListener {
  public:
    Client(engine::ServiceModel const& service, serving::InstanceParams const& params, bool whole)
        : service_{service}, instance_{params, service.timing()}, whole_{whole} {
        for (std::int64_t i = 0; i < params.scheduler.max_sequences; ++i) {
            Request request = draw();
            auto const done = random_.uniform(core::Draw::test, 1, index_) * request.output_tokens;
            request.generated = static_cast<std::int32_t>(done);
            give(request, 0);
        }
        for (int i = 0; i < 2000; ++i) iterate();
    }

    void iterate() {
        core::TimeNs const now_ns = instance_.next_event_ns();
        instance_.advance(*this);
        for (; completed_ > 0; --completed_) give(draw(), now_ns);
        for (std::size_t i = 0; i < fetched_.size(); ++i) instance_.kv_arrived(fetched_[i], now_ns, *this);
        fetched_.clear();
    }

    [[nodiscard]] serving::Instance const& instance() const { return instance_; }

  private:
    //! From a table: drawing lengths is measured elsewhere.
    Request draw() {
        if (index_ < lengths_) {
            requests_.emplace_back();
            requests_.back().input_tokens =
                static_cast<std::int32_t>(service_.input()(random_, core::Draw::input_length, 0, index_));
            requests_.back().output_tokens =
                static_cast<std::int32_t>(service_.output()(random_, core::Draw::output_length, 0, index_));
        }
        Request request = requests_[index_ % lengths_];
        request.id = index_++;
        return request;
    }

    void give(Request request, core::TimeNs now_ns) {
        if (whole_) {
            instance_.submit(request, now_ns, *this);
            return;
        }
        request.generated = std::max(request.generated, 1);  // the prefill instance's
        if (request.generated >= request.output_tokens) request.output_tokens = request.generated + 1;
        instance_.attach(request, 0, now_ns, *this);
        if (instance_.busy()) return;
        for (Slot const slot : fetched_) instance_.kv_arrived(slot, {}, now_ns, *this);
        fetched_.clear();
    }

    void on_first_token(Request const&, core::TimeNs) override {}
    void on_token_gaps(core::TimeNs, std::int64_t, core::TimeNs) override {}
    void on_completed(Request const&, core::TimeNs) override { ++completed_; }
    void on_rejected(Request const&, core::TimeNs) override {}
    void on_prefilled(Request const&, Slot, core::TimeNs) override {}
    void on_fetch(Request const&, Slot, Slot reserved, core::TimeNs) override {
        fetched_.push_back(reserved);
    }

    static constexpr std::uint64_t lengths_ = 8192;
    engine::ServiceModel const& service_;
    serving::Instance instance_;
    bool whole_;
    core::KeyedRandom random_{7};
    std::uint64_t index_{0};
    std::vector<Request> requests_;
    int completed_{0};
    std::vector<Slot> fetched_;
};

void batcher(benchmark::State& state, bool whole) {
    config::Deck const deck = reference_deck();
    engine::ServiceModel const service{deck.services[0], deck.cluster.rack};
    serving::InstanceParams params = service.instance(false);
    params.scheduler.max_sequences = state.range(0);
    Client client{service, params, whole};
    serving::InstanceCounts const before = client.instance().counts();
    std::int64_t sequences = 0;
    for (auto _ : state) {
        client.iterate();
        sequences += client.instance().running();
    }
    serving::InstanceCounts const after = client.instance().counts();
    auto const iterations = static_cast<double>(state.iterations());
    state.SetItemsProcessed(state.iterations());
    state.counters["sequences"] = static_cast<double>(sequences) / iterations;
    state.counters["prompt_tokens"] =
        static_cast<double>(after.input_tokens - before.input_tokens) / iterations;
}

}  // namespace

void register_batcher() {
    for (bool const whole : {false, true})
        benchmark::RegisterBenchmark(whole ? "batcher/chunked_prefill" : "batcher/decode", batcher, whole)
            ->ArgName("batch")
            ->Arg(32)
            ->Arg(128)
            ->Arg(256);
}

}  // namespace mw::bench
