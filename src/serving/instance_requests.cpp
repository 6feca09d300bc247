// What others ask of an instance.
#include <algorithm>
#include <limits>

#include "megaweave/core/check.hpp"
#include "megaweave/serving/instance.hpp"

namespace mw::serving {

std::int64_t InstanceParams::longest_request() const {
    std::int64_t const blocks = decode_blocks > 0 ? std::min(kv_blocks, decode_blocks) : kv_blocks;
    std::int64_t const most = std::numeric_limits<std::int64_t>::max() / scheduler.block_tokens - 1;
    std::int64_t const cached = std::min(blocks, most) * scheduler.block_tokens;
    std::int64_t const fits = cached + 1 - speculative.draft_tokens;
    return scheduler.max_model_len > 0 ? std::min(fits, scheduler.max_model_len) : fits;
}

Slot Instance::take_slot(Request const& request, State state) {
    if (free_slots_.empty()) {
        free_slots_.push_back(static_cast<Slot>(slots_.size()));
        slots_.emplace_back();
    }
    Slot const slot = free_slots_.back();
    free_slots_.pop_back();
    Sequence& sequence = slots_[slot];
    std::uint32_t const generation = sequence.generation + 1;
    sequence = Sequence{};
    sequence.request = request;
    sequence.state = state;
    sequence.generation = generation;
    return slot;
}

void Instance::free_slot(Slot slot) {
    slots_[slot].state = State::free;
    free_slots_.push_back(slot);
}

void Instance::submit(Request const& request, core::TimeNs now_ns, InstanceListener& listener) {
    // Judged by its whole length even in a prefill pool: what decode cannot hold is not worth beginning.
    if (std::int64_t{request.input_tokens} + request.output_tokens > params_->longest_request()) {
        listener.on_rejected(request, now_ns);
        return;
    }
    Slot const slot = take_slot(request, State::waiting);
    slots_[slot].target = request.context_tokens();
    slots_[slot].request.timeline.close(TtftPart::router, now_ns);
    waiting_.push_back(slot);
    ++unseen_;
    if (!busy_) start_iteration(now_ns, listener);
}

void Instance::attach(Request const& request, Slot source, core::TimeNs now_ns, InstanceListener& listener) {
    attached_.push_back({request, source});
    fetch_attached(now_ns, listener);
}

void Instance::kv_arrived(Slot reserved, Timeline const& way, core::TimeNs now_ns,
                          InstanceListener& listener) {
    MW_EXPECT(slots_[reserved].state == State::fetching, "a KV cache arrived that nobody fetched");
    slots_[reserved].request.timeline = way;
    arrived_.push_back(reserved);
    if (!busy_) start_iteration(now_ns, listener);
}

void Instance::release(Slot held, core::TimeNs now_ns, InstanceListener& listener) {
    MW_EXPECT(slots_[held].state == State::held, "a KV cache was released that nobody held");
    give_blocks(slots_[held].blocks);
    free_slot(held);
    if (!busy_) start_iteration(now_ns, listener);
}

void Instance::suspend(core::TimeNs until_ns) {
    resume_ns_ = until_ns;
    if (!busy_) return;
    end_ns_ = until_ns + cost_.duration_ns;
    if (loading_ == Loading::asked) return;
    start_ns_ = until_ns;
    reading_ = cost_.pool_bytes > 0;
}

}  // namespace mw::serving
