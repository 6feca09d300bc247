// Recounts for conservation checks.
#include <algorithm>

#include "megaweave/core/check.hpp"
#include "megaweave/serving/instance.hpp"

namespace mw::serving {

std::int64_t Instance::census() const {
    auto const here = std::count_if(slots_.begin(), slots_.end(), [](Sequence const& s) {
        return s.state != State::free && s.state != State::held;
    });
    return here + static_cast<std::int64_t>(attached_.size());
}

std::int64_t Instance::tokens_present() const {
    std::int64_t tokens = 0;
    for (Sequence const& s : slots_) {
        if (s.state == State::decoding)
            tokens += s.base + step_ + 1 - s.request.input_tokens;
        else if (s.state != State::free && s.state != State::held)
            tokens += s.request.generated;
    }
    for (Attached const& next : attached_) tokens += next.request.generated;
    return tokens;
}

void Instance::audit() const {
    std::int64_t blocks = 0;
    std::int64_t context = 0;
    std::int64_t decoding = 0;
    std::int64_t fetching = 0;
    std::int64_t swapped = 0;
    for (Sequence const& s : slots_) {
        if (s.state == State::decoding) {
            // Blocks for the token of a running iteration are secured when it starts.
            std::int64_t const ahead = busy_ && decode_in_batch_ ? gain_ : 0;
            blocks += reserves_output() ? s.blocks : blocks_for(s.base + step_ + ahead);
            context += s.base + step_;
            ++decoding;
        } else if (s.state != State::free) {
            blocks += s.blocks;
            swapped += s.swapped;
            fetching += s.state == State::fetching ? 1 : 0;
        }
    }
    MW_EXPECT(blocks == used_blocks_, "KV blocks are neither made nor lost");
    MW_EXPECT(used_blocks_ <= params_->kv_blocks, "no instance holds more KV blocks than its memory has");
    MW_EXPECT(in_pool_ >= 0 && in_pool_ <= params_->pool_blocks &&
                  used_blocks_ - in_pool_ <= params_->kv_blocks - params_->pool_blocks,
              "every KV block lies in HBM or in the memory pool, and neither holds more than it can");
    MW_EXPECT(swapped == swapped_blocks_ && swapped_blocks_ <= params_->swap_blocks,
              "sequences put aside lie in the memory pool");
    MW_EXPECT(context == decoding_context_, "the running sum of contexts is the sum over sequences");
    MW_EXPECT(decoding == decoding_ && fetching == fetching_, "every sequence is in one state");
    MW_EXPECT(unseen_ >= 0 && unseen_ <= static_cast<std::int64_t>(waiting_.size()),
              "what the scheduler has not looked for yet waits");
    MW_EXPECT(running() + fetching_ <= params_->scheduler.max_sequences,
              "the scheduler's limit on sequences holds");
}

}  // namespace mw::serving
