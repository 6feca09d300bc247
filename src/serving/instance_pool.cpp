// What an instance keeps in a memory pool, and what it waits for from there.
#include <algorithm>

#include "megaweave/core/check.hpp"
#include "megaweave/core/integer.hpp"
#include "megaweave/serving/instance.hpp"

namespace mw::serving {

// HBM first.
void Instance::take_blocks(std::int64_t blocks) {
    std::int64_t const free_in_hbm = params_->kv_blocks - params_->pool_blocks - (used_blocks_ - in_pool_);
    used_blocks_ += blocks;
    in_pool_ += std::max<std::int64_t>(0, blocks - free_in_hbm);
}

// A sequence's blocks lie in the pool in the proportion of all; the nearest whole number of them.
void Instance::give_blocks(std::int64_t blocks) {
    if (in_pool_ > 0) {
        core::Wide const twice = 2 * core::Wide{blocks} * in_pool_ + used_blocks_;
        in_pool_ -= static_cast<std::int64_t>(twice / (2 * core::Wide{used_blocks_}));
    }
    used_blocks_ -= blocks;
}

std::int64_t Instance::blocks_to_resume(Sequence const& sequence) const {
    return sequence.swapped > 0 ? sequence.swapped : blocks_to_prefill(sequence);
}

//! Puts a sequence that has just stopped to decode into the pool, if there is room.
bool Instance::swap_out(Slot slot) {
    Sequence& sequence = slots_[slot];
    std::int64_t const cached = sequence.request.context_tokens() - 1;
    std::int64_t const blocks = blocks_for(cached);
    if (swapped_blocks_ + blocks > params_->swap_blocks) return false;
    recompute(slot);
    sequence.swapped = blocks;
    swapped_blocks_ += blocks;
    moved_tokens_ += cached;
    return true;
}

//! Those put aside first are waited for: nobody overtakes them.
void Instance::swap_in() {
    while (!waiting_.empty() && slots_[waiting_.front()].swapped > 0) {
        Slot const slot = waiting_.front();
        Sequence& sequence = slots_[slot];
        if (!admits(sequence.swapped)) return;
        waiting_.pop_front();
        take_blocks(sequence.swapped);
        swapped_blocks_ -= sequence.swapped;
        sequence.swapped = 0;
        moved_tokens_ += sequence.request.context_tokens() - 1;
        start_decoding(slot);
    }
}

// Takes the place of an iteration: no batch, and all of its time is the pool's but for the nanosecond that every iteration takes.
void Instance::load_weights() {
    loading_ = Loading::under_way;
    start_ns_ = end_ns_;
    cost_ = {};
    cost_.duration_ns = 1;
    cost_.share_ns[llm::index_of(llm::Share::memory_pool)] = 1;
    cost_.pool_bytes = params_->load_bytes;
    cost_.pool_link_bytes = params_->load_bytes / params_->load_links;
    end_ns_ = own_end_ns();
    reading_ = true;
}

void Instance::pool_read_ends(core::TimeNs at_ns, core::TimeNs earliest_ns) {
    MW_EXPECT(reading_ && at_ns >= start_ns_, "an iteration asked a memory pool for bytes");
    core::TimeNs const hidden_ns = std::min(cost_.pool_hidden_ns, cost_.duration_ns);
    core::TimeNs const waits_ns = std::max<core::TimeNs>(0, at_ns - start_ns_ - hidden_ns);
    end_ns_ = std::max(earliest_ns, own_end_ns() + waits_ns);
    reading_ = false;
}

}  // namespace mw::serving
