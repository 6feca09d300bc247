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
          items_{std::move(items)} {
        while (next_ < std::min(at_once_, items_.size())) waiting_.push_back(next_++);
    }

    std::vector<Item> const& run() {
        while (done_ < items_.size()) step();
        return items_;
    }
    [[nodiscard]] core::TimeNs now_ns() const { return now_ns_; }
    [[nodiscard]] double mean_batch() const { return sequence_ns_ / static_cast<double>(now_ns_); }

  private:
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

    void step() {
        llm::Batch batch;
        choose_chunks(batch);
        // A replaced request comes when the next iteration has begun, as it does through a router.
        bool const late = !incoming_.empty() && batch.decode_sequences + batch.prefill_tokens > 0;
        waiting_.insert(waiting_.end(), incoming_.begin(), incoming_.end());
        incoming_.clear();
        if (batch.decode_sequences + batch.prefill_tokens == 0) {
            if (waiting_.empty()) throw CannotRun("nothing can be done");
            return;
        }
        std::int64_t steps = 1;
        if (chunks_.empty() && !late && !finishes_.empty())
            steps = std::max<std::int64_t>(1, finishes_.top().first - step_);
        batch.context_tokens += decoding_ * (steps - 1) / 2;
        core::TimeNs const took_ns = service_.timing()(batch).duration_ns * steps;
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
    std::vector<Item> items_;
    std::size_t next_{0};
    std::size_t done_{0};
    std::deque<std::size_t> waiting_;
    std::vector<std::size_t> incoming_;
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

std::vector<Item> draw_items(engine::World const& world, Setup const& setup, std::int64_t requests) {
    engine::ServiceModel const& service = world.service(core::ServiceId::of(0));
    std::int64_t const count = requests > 0 ? requests : 5 * std::llround(setup.concurrency);
    std::vector<Item> items;
    for (std::int64_t i = 0; i < count; ++i) {
        auto const n = static_cast<std::uint64_t>(i);
        items.push_back({service.input()(world.random(), core::Draw::input_length, 0, n),
                         service.output()(world.random(), core::Draw::output_length, 0, n)});
    }
    return items;
}

}  // namespace

Prediction estimate(Setup const& setup, Trial const& trial) {
    engine::World const world{trial.deck};
    serving::ServiceParams const& service = trial.deck.services.front();
    if (service.mode != serving::Mode::unified || service.speculative.draft_tokens > 0)
        throw CannotRun("the estimate covers unified services without speculation");
    Replica replica{world, setup, draw_items(world, setup, trial.requests)};
    std::vector<FinishedRequest> finished;
    for (Item const& item : replica.run())
        finished.push_back(
            {item.input, item.output,
             serving::as_client_sees(service.engine, {item.arrival_ns, item.first_ns, item.done_ns},
                                     item.input, item.output)});
    Prediction prediction;
    prediction.mixture = service.model.routed_experts > 0;
    prediction.mean_batch = replica.mean_batch();
    prediction.metrics = finite_metrics(finished, trial.arrangement);
    prediction.binding = "estimate";
    if (setup.load == Load::steady_batch)
        for (Metric& metric : prediction.metrics)
            if (metric.name.starts_with("tpot")) metric.name.replace(0, 4, "itl");
    return prediction;
}

}  // namespace mw::validation
