// KV blocks of an instance: who may have them, and who gives way.
#include <algorithm>
#include <cmath>

#include "megaweave/core/check.hpp"
#include "megaweave/core/integer.hpp"
#include "megaweave/serving/instance.hpp"

namespace mw::serving {

std::int64_t Instance::blocks_for(std::int64_t tokens) const {
    return core::ceil_div(tokens, block_tokens());
}

std::size_t Instance::residue(std::int64_t base) const {
    std::int64_t const r = base % block_tokens();
    return static_cast<std::size_t>(r < 0 ? r + block_tokens() : r);
}

bool Instance::reserves_output() const {
    return params_->scheduler.admission == Admission::reserve_output && !params_->prefill_only;
}

// All its tokens but the last one, which nobody reads, and the drafts beside it.
std::int64_t Instance::most_cached(Request const& request) const {
    return request.input_tokens + request.output_tokens - 1 + params_->speculative.draft_tokens;
}

std::int64_t Instance::blocks_to_prefill(Sequence const& sequence) const {
    return blocks_for(reserves_output() ? most_cached(sequence.request) : sequence.target);
}

std::int64_t Instance::blocks_to_fetch(Request const& request) const {
    // One token is not cached: the last one, or the prompt's last, which the first iteration processes once more.
    return blocks_for(reserves_output() ? most_cached(request) : request.context_tokens() - 1);
}

std::int64_t Instance::prefix_of(Sequence const& sequence) const {
    std::int64_t const nearest = (sequence.request.prefix_tokens + block_tokens() / 2) / block_tokens();
    return std::min(nearest, (sequence.target - 1) / block_tokens()) * block_tokens();
}

bool Instance::admits(std::int64_t blocks) const {
    if (running() + fetching_ >= params_->scheduler.max_sequences) return false;
    auto const watermark = static_cast<std::int64_t>(
        std::ceil(params_->scheduler.watermark * static_cast<double>(params_->kv_blocks)));
    // An empty instance takes what fits at all, so that a huge prompt cannot starve behind the watermark.
    return free_blocks() >= blocks + (used_blocks_ == 0 || reserves_output() ? 0 : watermark);
}

bool Instance::kv_starved() const {
    if (running() + fetching_ >= params_->scheduler.max_sequences) return false;
    if (!waiting_.empty()) return sees_waiting() && !admits(blocks_to_resume(slots_[waiting_.front()]));
    return !attached_.empty() && !admits(blocks_to_fetch(attached_.front().request));
}

std::int64_t Instance::decoding_blocks(Sequence const& sequence) const {
    return reserves_output() ? sequence.blocks : blocks_for(sequence.base + step_);
}

void Instance::preempt_last() {
    if (!prefilling_.empty()) {
        Slot const slot = prefilling_.back();
        prefilling_.pop_back();
        give_blocks(slots_[slot].blocks);
        recompute(slot);
        return;
    }
    while (!alive(admitted_.back(), State::decoding)) admitted_.pop_back();
    Slot const slot = admitted_.back().slot;
    admitted_.pop_back();
    stop_decoding(slot);
    Request& request = slots_[slot].request;
    auto const generated = static_cast<std::int32_t>(slots_[slot].base + step_ + 1 - request.input_tokens);
    if (generated > request.generated) {  // it has decoded since it joined
        request.last_token_ns = gaps_.last_ns();
        request.longest_gap_ns = std::max(request.longest_gap_ns, gaps_.longest_since(slots_[slot].gap_mark));
    }
    request.generated = generated;
    if (!swap_out(slot)) recompute(slot);
}

void Instance::recompute(Slot slot) {
    Sequence& sequence = slots_[slot];
    ++sequence.request.preemptions;
    ++sequence.generation;
    sequence.state = State::waiting;
    sequence.target = sequence.request.context_tokens();
    sequence.processed = 0;
    sequence.blocks = 0;
    waiting_.push_front(slot);
    ++counts_.preemptions;
}

std::int64_t Instance::crossing_blocks() const {
    std::int64_t blocks = 0;
    for (std::int64_t token = 0; token < gain_; ++token) blocks += crossing_[residue(-step_ - token)];
    return blocks;
}

// Each decoding sequence is about to cache more tokens; those at a block's edge need a new block first.
void Instance::secure_decode_blocks() {
    if (reserves_output()) return;
    std::int64_t blocks = crossing_blocks();
    for (; free_blocks() < blocks; blocks = crossing_blocks()) preempt_last();
    take_blocks(blocks);
}

void Instance::fetch_attached(core::TimeNs now_ns, InstanceListener& listener) {
    while (!attached_.empty() && waiting_.empty()) {  // what was preempted goes first
        Attached const next = attached_.front();
        std::int64_t const blocks = blocks_to_fetch(next.request);
        if (!admits(blocks)) return;
        attached_.pop_front();
        Slot const slot = take_slot(next.request, State::fetching);
        slots_[slot].blocks = blocks;
        take_blocks(blocks);
        ++fetching_;
        if (next.request.first_token_ns == 0)
            slots_[slot].request.timeline.close(TtftPart::decode_queue, now_ns);
        listener.on_fetch(slots_[slot].request, next.source, slot, now_ns);
    }
}

}  // namespace mw::serving
