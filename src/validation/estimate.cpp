#include "estimate.hpp"

#include <algorithm>
#include <cmath>
#include <deque>
#include <queue>

#include "measure.hpp"
#include "megaweave/core/random.hpp"
#include "megaweave/engine/world.hpp"
#include "megaweave/serving/client_view.hpp"

namespace mw::validation {

namespace {

// Of a steady batch: it fills, is measured, and drains.
constexpr std::int64_t lives_in_all = lives_left_out + lives_measured + 1;

struct Item {
    std::int64_t input;
    std::int64_t output;
    core::TimeNs arrival_ns{0};
    core::TimeNs first_ns{-1};
    core::TimeNs done_ns{0};
    std::int64_t processed{0};
};

//! One instance whose batch jumps from event to event.
class Replica {
  public:
    Replica(engine::World const& world, Setup const& setup, std::vector<Item> items)
        : service_{world.service(core::ServiceId::of(0))},
          scheduler_{service_.instance(false).scheduler},
          kv_tokens_{service_.instance(false).kv_blocks * scheduler_.block_tokens},
          at_once_{setup.load == Load::max || setup.load == Load::static_batch
                       ? items.size()
                       : static_cast<std::size_t>(std::llround(setup.concurrency))},
          keeps_steps_{setup.load == Load::steady_batch},
          items_{std::move(items)} {
        while (next_ < std::min(at_once_, items_.size())) waiting_.push_back(next_++);
    }

    std::vector<Item> const& run() {
        while (done_ < items_.size()) step();
        return items_;
    }
    [[nodiscard]] core::TimeNs now_ns() const { return now_ns_; }
    [[nodiscard]] double mean_batch() const { return sequence_ns_ / static_cast<double>(now_ns_); }
    //! What happened between the end of request `from` (counted as they end) and that of request `to`.
    [[nodiscard]] SteadyState between(std::size_t from, std::size_t to) const;

  private:
    //! `times` iterations alike.
    struct Step {
        core::TimeNs each_ns;
        std::int64_t times;
        std::int64_t decoding;
        std::int64_t input;  //!< tokens of prompts, of all of them together
        std::int64_t emitted;
        std::size_t done;  //!< requests, before
    };

    using Finish = std::pair<std::int64_t, std::size_t>;  // step, item
    struct Chunk {
        std::size_t item;
        std::int64_t tokens;
    };

    void finish(std::size_t i) {
        items_[i].done_ns = now_ns_;
        ++done_;
        kv_used_ -= items_[i].input + items_[i].output;
        if (next_ < items_.size()) {
            items_[next_].arrival_ns = now_ns_;
            incoming_.push_back(next_++);
        }
    }

    void choose_chunks(llm::Batch& batch) {
        chunks_.clear();
        bool const alone = scheduler_.policy == serving::SchedulerPolicy::prefill_first;
        std::int64_t budget = scheduler_.max_batched_tokens - (alone ? 0 : decoding_);
        for (std::size_t const i : prefilling_) take(i, budget);
        while (!waiting_.empty() && budget > 0) {
            std::size_t const i = waiting_.front();
            auto const running = decoding_ + static_cast<std::int64_t>(prefilling_.size());
            std::int64_t const room = items_[i].input + items_[i].output;
            if (running >= scheduler_.max_sequences) break;
            if (kv_used_ + room > kv_tokens_) {
                if (running > 0) break;
                throw CannotRun("a request never fits into the KV cache of an instance");
            }
            waiting_.pop_front();
            prefilling_.push_back(i);
            kv_used_ += room;
            ++batch.new_requests;
            take(i, budget);
        }
        if (chunks_.empty() || !alone) {
            batch.decode_sequences = decoding_;
            batch.context_tokens = context_ + decoding_;
            batch.sampled_tokens = batch.emitted_tokens = decoding_;
        }
        for (Chunk const& chunk : chunks_) {
            Item const& item = items_[chunk.item];
            ++batch.prefill_chunks;
            batch.prefill_tokens += chunk.tokens;
            batch.prefill_pairs += chunk.tokens * item.processed + chunk.tokens * (chunk.tokens + 1) / 2;
            if (item.processed + chunk.tokens == item.input) {
                ++batch.sampled_tokens;
                ++batch.emitted_tokens;
            }
        }
    }

    void take(std::size_t i, std::int64_t& budget) {
        std::int64_t const tokens = std::min(budget, items_[i].input - items_[i].processed);
        if (tokens <= 0) return;
        chunks_.push_back({i, tokens});
        budget -= tokens;
    }

    // As serving::Instance does.
    void poll() {
        if (since_poll_ > 0 && decoding_ > 0 && chunks_.empty()) return;
        waiting_.insert(waiting_.end(), arrived_.begin(), arrived_.end());
        arrived_.clear();
        since_poll_ = 0;
    }

    void step() {
        poll();
        llm::Batch batch;
        choose_chunks(batch);
        // A replaced request comes when the next iteration has begun, as it does through a router.
        bool const late = !incoming_.empty() && batch.decode_sequences + batch.prefill_tokens > 0;
        arrived_.insert(arrived_.end(), incoming_.begin(), incoming_.end());
        incoming_.clear();
        if (batch.decode_sequences + batch.prefill_tokens == 0) {
            if (waiting_.empty() && arrived_.empty()) throw CannotRun("nothing can be done");
            return;
        }
        std::int64_t steps = 1;
        if (chunks_.empty() && !late && !finishes_.empty()) {
            steps = std::max<std::int64_t>(1, finishes_.top().first - step_);
            if (!arrived_.empty()) steps = std::min(steps, scheduler_.poll_iterations - since_poll_);
        }
        since_poll_ = (since_poll_ + steps) % scheduler_.poll_iterations;
        batch.context_tokens += decoding_ * (steps - 1) / 2;
        core::TimeNs const each_ns = service_.timing()(batch).duration_ns;
        core::TimeNs const took_ns = each_ns * steps;
        if (keeps_steps_)
            steps_.push_back(
                {each_ns, steps, batch.decode_sequences, batch.prefill_tokens, batch.emitted_tokens, done_});
        now_ns_ += took_ns;
        sequence_ns_ += static_cast<double>(took_ns) * static_cast<double>(decoding_);
        if (batch.decode_sequences > 0) {
            step_ += steps;
            context_ += decoding_ * steps;
            end_decodes();
        }
        end_prompts();
    }

    void end_decodes() {
        while (!finishes_.empty() && finishes_.top().first <= step_) {
            std::size_t const i = finishes_.top().second;
            finishes_.pop();
            --decoding_;
            context_ -= items_[i].input + items_[i].output - 1;
            finish(i);
        }
    }

    void end_prompts() {
        for (Chunk const& chunk : chunks_) items_[chunk.item].processed += chunk.tokens;
        std::erase_if(prefilling_, [&](std::size_t i) {
            Item& item = items_[i];
            if (item.processed < item.input) return false;
            item.first_ns = now_ns_;
            if (item.output == 1) {
                finish(i);
            } else {
                ++decoding_;
                context_ += item.input;
                finishes_.push({step_ + item.output - 1, i});
            }
            return true;
        });
    }

    engine::ServiceModel const& service_;
    serving::SchedulerParams scheduler_;
    std::int64_t kv_tokens_;
    std::size_t at_once_;
    bool keeps_steps_;
    std::vector<Step> steps_;
    std::vector<Item> items_;
    std::size_t next_{0};
    std::size_t done_{0};
    std::deque<std::size_t> waiting_;
    std::vector<std::size_t> incoming_;
    std::vector<std::size_t> arrived_;  //!< and not yet looked for
    std::int64_t since_poll_{0};        //!< iterations; 0: it is time
    std::vector<std::size_t> prefilling_;
    std::vector<Chunk> chunks_;
    std::priority_queue<Finish, std::vector<Finish>, std::greater<>> finishes_;
    std::int64_t step_{0};
    std::int64_t decoding_{0};
    std::int64_t context_{0};
    std::int64_t kv_used_{0};
    core::TimeNs now_ns_{0};
    double sequence_ns_{0};
};

//! Smallest gap that is at least as long as a share q of them; gaps of equal length are counted together.
double weighted_percentile(std::vector<std::pair<double, std::int64_t>> const& sorted, double q) {
    double count = 0;
    for (auto const& [gap_s, times] : sorted) count += static_cast<double>(times);
    double below = 0;
    for (auto const& [gap_s, times] : sorted) {
        below += static_cast<double>(times);
        if (below >= q * count) return gap_s;
    }
    return 0;
}

SteadyState Replica::between(std::size_t from, std::size_t to) const {
    SteadyState state;
    double seconds = 0;
    double decoding = 0;
    std::vector<std::pair<double, std::int64_t>> gaps;
    for (Step const& step : steps_) {
        if (step.done < from || step.done >= to) continue;
        double const times = static_cast<double>(step.times);
        double const each_s = core::to_seconds(step.each_ns);
        seconds += each_s * times;
        state.input_per_s += static_cast<double>(step.input);
        state.output_per_s += static_cast<double>(step.emitted) * times;
        decoding += static_cast<double>(step.decoding) * times;
        state.gap_mean_s += each_s * static_cast<double>(step.decoding) * times;
        gaps.emplace_back(each_s, step.decoding * step.times);
    }
    std::ranges::sort(gaps);
    state.input_per_s /= seconds;
    state.output_per_s /= seconds;
    state.gap_mean_s /= decoding;
    state.gap_median_s = weighted_percentile(gaps, 0.5);
    state.gap_p99_s = weighted_percentile(gaps, 0.99);
    return state;
}

//! The mean life of a request is as long as `concurrency` of them take to end.
SteadyState steady_state(Setup const& setup, Replica const& replica) {
    std::int64_t const life = std::llround(setup.concurrency);
    return replica.between(static_cast<std::size_t>(lives_left_out * life),
                           static_cast<std::size_t>((lives_left_out + lives_measured) * life));
}

std::vector<Item> draw_items(engine::World const& world, Setup const& setup, std::int64_t requests) {
    engine::ServiceModel const& service = world.service(core::ServiceId::of(0));
    std::int64_t const count = requests > 0 ? requests : lives_in_all * std::llround(setup.concurrency);
    std::vector<Item> items;
    for (std::int64_t i = 0; i < count; ++i) {
        auto const n = static_cast<std::uint64_t>(i);
        items.push_back({service.input()(world.random(), core::Draw::input_length, 0, n),
                         service.output()(world.random(), core::Draw::output_length, 0, n)});
    }
    return items;
}

//! As their clients see them.
std::vector<FinishedRequest> finished(serving::ServiceParams const& service, std::vector<Item> const& items) {
    std::vector<FinishedRequest> requests;
    for (Item const& item : items)
        requests.push_back(
            {item.input, item.output,
             serving::as_client_sees(service.engine, {item.arrival_ns, item.first_ns, item.done_ns},
                                     item.input, item.output)});
    return requests;
}

}  // namespace

Prediction estimate(Setup const& setup, Trial const& trial) {
    engine::World const world{trial.deck};
    serving::ServiceParams const& service = trial.deck.services.front();
    if (service.mode != serving::Mode::unified || service.speculative.draft_tokens > 0)
        throw CannotRun("the estimate covers unified services without speculation");
    Replica replica{world, setup, draw_items(world, setup, trial.requests)};
    Prediction prediction;
    prediction.mixture = service.model.routed_experts > 0;
    prediction.binding = "estimate";
    std::vector<Item> const& items = replica.run();
    prediction.mean_batch = replica.mean_batch();
    prediction.metrics = setup.load == Load::steady_batch
                             ? steady_metrics(steady_state(setup, replica), trial.arrangement)
                             : finite_metrics(finished(service, items), trial.arrangement);
    return prediction;
}

}  // namespace mw::validation
