#include "megaweave/serving/instance.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "megaweave/core/check.hpp"
#include "megaweave/llm/speculation.hpp"

namespace mw::serving {

namespace {

constexpr int gain_bits = 32;

//! Sum over a chunk's tokens of the context each one sees, itself included.
std::int64_t visible_pairs(std::int64_t processed, std::int64_t chunk) {
    return chunk * processed + chunk * (chunk + 1) / 2;
}

}  // namespace

bool Instance::later(Finish const& a, Finish const& b) {
    return a.step != b.step ? a.step > b.step : a.entry.slot > b.entry.slot;
}

Instance::Instance(InstanceParams const& params, Timing const& timing)
    : params_{&params},
      timing_{&timing},
      mean_gain_{std::llround(std::ldexp(
          llm::expected_tokens(params.speculative.draft_tokens, params.speculative.acceptance), gain_bits))},
      crossing_(static_cast<std::size_t>(params.scheduler.block_tokens), 0) {
    MW_EXPECT(params.kv_blocks > 0, "an instance needs room for at least one KV block");
    if (params.load_bytes <= 0) return;
    loading_ = Loading::asked;
    busy_ = true;
    start_ns_ = -1;  // not yet
}

bool Instance::alive(Entry entry, State state) const {
    return slots_[entry.slot].generation == entry.generation && slots_[entry.slot].state == state;
}

void Instance::advance(InstanceListener& listener) {
    MW_EXPECT(busy_ && !reading_, "only a running iteration can end");
    if (loading_ == Loading::asked) return load_weights();
    core::TimeNs const now_ns = end_ns_;
    busy_ = false;
    if (std::exchange(loading_, Loading::done) == Loading::done) ++counts_.iterations;
    if (decode_in_batch_) end_decodes(now_ns, listener);
    end_prefills(now_ns, listener);
    start_iteration(now_ns, listener);
}

// A sequence that joins has `context_tokens() - 1` tokens cached: the last one is generated, but not yet processed.
void Instance::start_decoding(Slot slot) {
    Sequence& sequence = slots_[slot];
    std::int64_t const cached = sequence.request.context_tokens() - 1;
    sequence.state = State::decoding;
    sequence.base = cached - step_;
    joined_.push_back({slot, sequence.generation});
    std::int64_t const steps_left = sequence.request.output_tokens - sequence.request.generated;
    finishes_.push_back({step_ + steps_left, {slot, sequence.generation}});
    std::push_heap(finishes_.begin(), finishes_.end(), later);
    next_finish_ = finishes_.front().step;
    admitted_.push_back({slot, sequence.generation});
    ++crossing_[residue(sequence.base)];
    ++decoding_;
    decoding_context_ += cached;
    if (admitted_.size() > 64 && static_cast<std::int64_t>(admitted_.size()) > 4 * decoding_)
        std::erase_if(admitted_, [this](Entry entry) { return !alive(entry, State::decoding); });
}

void Instance::stop_decoding(Slot slot) {
    Sequence& sequence = slots_[slot];
    --crossing_[residue(sequence.base)];
    --decoding_;
    decoding_context_ -= sequence.base + step_;
    give_blocks(decoding_blocks(sequence));
}

std::int64_t Instance::continue_prefills(std::int64_t budget) {
    for (Slot const slot : prefilling_) {
        Sequence& sequence = slots_[slot];
        sequence.chunk = std::min(budget, sequence.target - sequence.processed);
        budget -= sequence.chunk;
    }
    return budget;
}

void Instance::admit_waiting(std::int64_t budget, bool whole, core::TimeNs now_ns) {
    bool first = true;
    while (sees_waiting()) {
        Slot const slot = waiting_.front();
        Sequence& sequence = slots_[slot];
        if (sequence.swapped > 0) return;  // it goes on decoding as soon as there is room
        std::int64_t const cached = prefix_of(sequence);
        std::int64_t const left = sequence.target - cached;
        bool const fits = whole ? (first || left <= budget) : budget > 0;
        std::int64_t const blocks = blocks_to_prefill(sequence);
        if (!fits || !admits(blocks)) return;
        waiting_.pop_front();
        sequence.state = State::prefilling;
        sequence.blocks = blocks;
        sequence.processed = cached;
        sequence.chunk = whole ? left : std::min(budget, left);
        counts_.input_tokens += cached;
        counts_.cached_tokens += cached;
        if (sequence.request.scheduled_ns < 0) {
            sequence.request.scheduled_ns = now_ns;
            sequence.request.timeline.close(TtftPart::prefill_queue, now_ns);
            ++new_requests_;
        }
        take_blocks(blocks);
        if (params_->scheduler.prefix_cache == PrefixCache::pool) moved_tokens_ += cached;
        budget -= sequence.chunk;
        prefilling_.push_back(slot);
        first = false;
    }
}

void Instance::join_arrived(core::TimeNs now_ns, InstanceListener& listener) {
    for (Slot const slot : arrived_) {
        --fetching_;
        join_fetched(slot, now_ns, listener);
    }
    new_requests_ += static_cast<std::int64_t>(arrived_.size());
    arrived_.clear();
}

// Between two looks at what has come there are only decode iterations.
void Instance::poll() {
    bool const due = ++since_poll_ >= params_->scheduler.poll_iterations;
    if (!due && decoding_ > 0 && !prefilled_) return;
    since_poll_ = 0;
    unseen_ = 0;
}

void Instance::gain_tokens() {
    if (decoding_ == 0) return;
    gain_credit_ += mean_gain_;
    gain_ = gain_credit_ >> gain_bits;
    gain_credit_ -= gain_ << gain_bits;
}

void Instance::start_iteration(core::TimeNs now_ns, InstanceListener& listener) {
    SchedulerParams const& scheduler = params_->scheduler;
    bool const chunked = scheduler.chunked_prefill;
    bool const mixed = chunked && scheduler.policy == SchedulerPolicy::mixed;
    poll();
    decode_in_batch_ = false;
    new_requests_ = 0;
    moved_tokens_ = 0;
    join_arrived(now_ns, listener);
    if (swapped_blocks_ > 0) swap_in();
    if (!mixed) {
        std::int64_t budget = scheduler.max_batched_tokens;
        if (chunked) budget = continue_prefills(budget);
        admit_waiting(budget, !chunked, now_ns);
    }
    if (mixed || prefilling_.empty()) {
        gain_tokens();
        secure_decode_blocks();
        decode_in_batch_ = decoding_ > 0;
    }
    if (mixed) {
        std::int64_t const decode_tokens = decoding_ * (1 + params_->speculative.draft_tokens);
        std::int64_t const left = std::max<std::int64_t>(0, scheduler.max_batched_tokens - decode_tokens);
        admit_waiting(continue_prefills(left), false, now_ns);
    }
    fetch_attached(now_ns, listener);

    llm::Batch const next = batch();
    if (next.decode_sequences + next.prefill_tokens == 0) return;
    prefilled_ = next.prefill_tokens > 0;
    cost_ = (*timing_)(next);
    MW_EXPECT(cost_.duration_ns > 0, "an iteration takes time");
    busy_ = true;
    start_ns_ = std::max(now_ns, resume_ns_);
    end_ns_ = start_ns_ + cost_.duration_ns;
    counts_.busy_ns += cost_.duration_ns;
    reading_ = cost_.pool_bytes > 0;
    if (kv_starved()) counts_.kv_starved_ns += cost_.duration_ns;
}

// A sequence's latest token and its drafts are cached, and seen, while they are processed.
llm::Batch Instance::batch() const {
    llm::Batch next;
    next.new_requests = new_requests_;
    next.pool_tokens = moved_tokens_;
    if (in_pool_ > 0) next.pool_share = static_cast<double>(in_pool_) / static_cast<double>(used_blocks_);
    if (decode_in_batch_) {
        next.tokens_per_sequence = 1 + params_->speculative.draft_tokens;
        next.decode_sequences = decoding_;
        next.context_tokens = decoding_context_ + next.decode_tokens();
        next.sampled_tokens = next.decode_tokens();
        next.emitted_tokens = decoding_ * gain_;
    }
    for (Slot const slot : prefilling_) {
        Sequence const& sequence = slots_[slot];
        if (sequence.chunk == 0) continue;
        next.prefill_tokens += sequence.chunk;
        next.prefill_pairs += visible_pairs(sequence.processed, sequence.chunk);
        next.prefill_past += sequence.processed;
        next.prefill_squares += sequence.chunk * sequence.chunk;
        ++next.prefill_chunks;
        if (sequence.processed + sequence.chunk == sequence.target) {
            ++next.sampled_tokens;
            ++next.emitted_tokens;
        }
    }
    return next;
}

void Instance::end_decodes(core::TimeNs now_ns, InstanceListener& listener) {
    step_ += gain_;
    decoding_context_ += decoding_ * gain_;
    counts_.output_tokens += decoding_ * gain_;
    deliver_tokens(now_ns, listener);
    if (next_finish_ > step_) return;
    while (!finishes_.empty() && finishes_.front().step <= step_) {
        auto const [step, entry] = finishes_.front();
        std::pop_heap(finishes_.begin(), finishes_.end(), later);
        finishes_.pop_back();
        if (!alive(entry, State::decoding)) continue;
        counts_.output_tokens -= step_ - step;  // beyond its length
        stop_decoding(entry.slot);
        Request request = slots_[entry.slot].request;
        request.generated = request.output_tokens;
        request.last_token_ns = now_ns;
        request.longest_gap_ns =
            std::max(request.longest_gap_ns, gaps_.longest_since(slots_[entry.slot].gap_mark));
        free_slot(entry.slot);
        listener.on_completed(request, now_ns);
    }
    next_finish_ = finishes_.empty() ? std::numeric_limits<std::int64_t>::max() : finishes_.front().step;
}

void Instance::end_prefills(core::TimeNs now_ns, InstanceListener& listener) {
    std::size_t kept = 0;
    std::vector<Slot> ended;
    for (Slot const slot : prefilling_) {
        Sequence& sequence = slots_[slot];
        counts_.input_tokens += sequence.chunk;
        sequence.processed += sequence.chunk;
        sequence.chunk = 0;
        if (sequence.processed == sequence.target)
            ended.push_back(slot);
        else
            prefilling_[kept++] = slot;
    }
    prefilling_.resize(kept);
    for (Slot const slot : ended) end_prompt(slot, now_ns, listener);
}

bool Instance::hands_over(Request const& request) const {
    return params_->prefill_only &&
           (request.output_tokens > 1 || params_->first_token != llm::FirstToken::prefill);
}

void Instance::end_prompt(Slot slot, core::TimeNs now_ns, InstanceListener& listener) {
    Sequence& sequence = slots_[slot];
    Request& request = sequence.request;
    bool const hand_over = hands_over(request);
    bool const first = request.generated == 0;
    if (first)
        request.timeline.close(request.handed_over ? TtftPart::first_iteration : TtftPart::prefill, now_ns);
    if (!hand_over || params_->first_token != llm::FirstToken::resampled) {
        ++request.generated;
        ++counts_.output_tokens;
    }
    if (!first)
        own_gap(request, now_ns, listener);
    else if (!hand_over || params_->first_token == llm::FirstToken::prefill)
        first_token(request, now_ns, listener);
    if (hand_over) {
        request.handed_over = true;
        sequence.state = State::held;
        listener.on_prefilled(request, slot, now_ns);
    } else if (request.generated == request.output_tokens) {
        give_blocks(sequence.blocks);
        Request const done = request;
        free_slot(slot);
        listener.on_completed(done, now_ns);
    } else {
        start_decoding(slot);
    }
}

}  // namespace mw::serving
