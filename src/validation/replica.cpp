#include "replica.hpp"

#include <algorithm>
#include <cmath>

namespace mw::validation {

Replica::Replica(engine::World const& world, Setup const& setup, std::vector<Item> items)
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

std::vector<Item> const& Replica::run() {
    while (done_ < items_.size()) step();
    return items_;
}

void Replica::finish(std::size_t i) {
    items_[i].done_ns = now_ns_;
    ++done_;
    kv_used_ -= items_[i].input + items_[i].output;
    if (next_ < items_.size()) {
        items_[next_].arrival_ns = now_ns_;
        incoming_.push_back(next_++);
    }
}

void Replica::choose_chunks(llm::Batch& batch) {
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

void Replica::take(std::size_t i, std::int64_t& budget) {
    std::int64_t const tokens = std::min(budget, items_[i].input - items_[i].processed);
    if (tokens <= 0) return;
    chunks_.push_back({i, tokens});
    budget -= tokens;
}

// As serving::Instance does.
void Replica::poll() {
    if (since_poll_ > 0 && decoding_ > 0 && chunks_.empty()) return;
    waiting_.insert(waiting_.end(), arrived_.begin(), arrived_.end());
    arrived_.clear();
    since_poll_ = 0;
}

void Replica::step() {
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

void Replica::end_decodes() {
    while (!finishes_.empty() && finishes_.top().first <= step_) {
        std::size_t const i = finishes_.top().second;
        finishes_.pop();
        --decoding_;
        context_ -= items_[i].input + items_[i].output - 1;
        finish(i);
    }
}

void Replica::end_prompts() {
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

namespace {

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

}  // namespace

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

}  // namespace mw::validation
