// When the tokens of an instance are there: first ones, and the gaps between the others.
#include <algorithm>

#include "megaweave/serving/instance.hpp"

namespace mw::serving {

void Instance::first_token(Request& request, core::TimeNs now_ns, InstanceListener& listener) {
    request.first_token_ns = request.last_token_ns = now_ns;
    listener.on_first_token(request, now_ns);
}

//! The gap of a request that was not in the batch when the others had their last token.
void Instance::own_gap(Request& request, core::TimeNs now_ns, InstanceListener& listener) {
    core::TimeNs const gap_ns = now_ns - request.last_token_ns;
    request.last_token_ns = now_ns;
    request.longest_gap_ns = std::max(request.longest_gap_ns, gap_ns);
    listener.on_token_gaps(gap_ns, 1, now_ns);
}

//! A request whose cache has come joins the batch. A token that came along is the client's now.
void Instance::join_fetched(Slot slot, core::TimeNs now_ns, InstanceListener& listener) {
    Sequence& sequence = slots_[slot];
    Request& request = sequence.request;
    if (request.first_token_ns == 0) {
        request.timeline.close(TtftPart::decode_queue, now_ns);
        if (request.generated > 0) first_token(request, now_ns, listener);
    }
    if (request.generated < request.output_tokens) return start_decoding(slot);
    give_blocks(sequence.blocks);
    Request const done = request;
    free_slot(slot);
    listener.on_completed(done, now_ns);
}

//! The sequences that decode have tokens now: the first ones, or one more.
void Instance::deliver_tokens(core::TimeNs now_ns, InstanceListener& listener) {
    std::erase_if(joined_, [this](Entry entry) { return !alive(entry, State::decoding); });
    std::int64_t const others = decoding_ - static_cast<std::int64_t>(joined_.size());
    core::TimeNs const gap_ns = gaps_.add(now_ns, others > 0);
    if (others > 0) listener.on_token_gaps(gap_ns, others, now_ns);
    for (Entry const entry : joined_) {
        Sequence& sequence = slots_[entry.slot];
        sequence.gap_mark = gaps_.mark();
        if (sequence.request.first_token_ns > 0) {
            own_gap(sequence.request, now_ns, listener);
        } else {
            sequence.request.timeline.close(TtftPart::first_iteration, now_ns);
            first_token(sequence.request, now_ns, listener);
        }
    }
    joined_.clear();
}

}  // namespace mw::serving
