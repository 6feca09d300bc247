#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <deque>
#include <vector>

#include "megaweave/serving/instance.hpp"

namespace mw::test {

/*!
 * The rules of serving::Instance (instance.hpp), sequence by sequence and token by token: no running sums, no steps, no residues, no
 * slots that are used again. Slow and obvious; the same verbs, so that one harness drives both.
 */
class ReferenceBatcher {
  public:
    ReferenceBatcher(serving::InstanceParams const& params, serving::Timing const& timing)
        : params_{params}, timing_{timing}, drafts_{params.speculative.draft_tokens} {
        double expected = 1;
        for (std::int64_t i = 1; i <= drafts_; ++i)
            expected += std::pow(params.speculative.acceptance, static_cast<double>(i));
        mean_gain_ = std::llround(expected * 0x1p32);
    }

    void submit(serving::Request const& request, core::TimeNs now_ns, serving::InstanceListener& listener) {
        if (blocks_of(whole_length(request)) > params_.kv_blocks)
            return listener.on_rejected(request, now_ns);
        waiting_.push_back(add(request));
        if (!busy_) start(now_ns, listener);
    }
    void attach(serving::Request const& request, serving::Slot source, core::TimeNs now_ns,
                serving::InstanceListener& listener) {
        attached_.push_back({request, source});
        fetch(now_ns, listener);
    }
    void kv_arrived(serving::Slot reserved, serving::Timeline const&, core::TimeNs now_ns,
                    serving::InstanceListener& listener) {
        arrived_.push_back(reserved);
        if (!busy_) start(now_ns, listener);
    }
    void release(serving::Slot held, core::TimeNs now_ns, serving::InstanceListener& listener) {
        all_[held].blocks = 0;
        if (!busy_) start(now_ns, listener);
    }

    [[nodiscard]] core::TimeNs next_event_ns() const { return busy_ ? end_ns_ : core::never; }

    void advance(serving::InstanceListener& listener) {
        busy_ = false;
        core::TimeNs const now_ns = end_ns_;
        if (decodes_) end_decodes(now_ns, listener);
        end_prefills(now_ns, listener);
        start(now_ns, listener);
    }

    [[nodiscard]] std::int64_t running() const { return std::ssize(decoding_) + std::ssize(prefilling_); }
    [[nodiscard]] std::int64_t waiting() const {
        return std::ssize(waiting_) + std::ssize(attached_) + std::ssize(fetching_);
    }
    [[nodiscard]] std::int64_t census() const { return running() + waiting(); }
    [[nodiscard]] std::int64_t used_blocks() const {
        std::int64_t sum = 0;
        for (Sequence const& s : all_) sum += s.blocks;
        return sum;
    }
    void audit() const {}

  private:
    using Id = serving::Slot;  // place in all_
    struct Sequence {
        serving::Request request;
        std::int64_t cached{0};
        std::int64_t target{0};  // tokens of its prompt; after a preemption also those generated before
        std::int64_t chunk{0};
        std::int64_t blocks{0};
    };
    struct Attached {
        serving::Request request;
        serving::Slot source;
    };

    Id add(serving::Request const& request) {
        all_.push_back({request, 0, request.input_tokens + request.generated, 0, 0});
        return static_cast<Id>(all_.size() - 1);
    }
    [[nodiscard]] std::int64_t blocks_of(std::int64_t tokens) const {
        std::int64_t const size = params_.scheduler.block_tokens;
        return tokens / size + (tokens % size == 0 ? 0 : 1);
    }
    //! All tokens but the last one, which nobody reads, pass through the cache, and drafts beside them.
    [[nodiscard]] std::int64_t whole_length(serving::Request const& request) const {
        return request.input_tokens + request.output_tokens - 1 + drafts_;
    }
    [[nodiscard]] bool reserves() const {
        return params_.scheduler.admission == serving::Admission::reserve_output && !params_.prefill_only;
    }
    [[nodiscard]] std::int64_t blocks_at_first(serving::Request const& request, std::int64_t tokens) const {
        return blocks_of(reserves() ? whole_length(request) : tokens);
    }
    //! Found in the prefix cache: the nearest number of whole blocks that leaves a token to process.
    [[nodiscard]] std::int64_t found(Sequence const& s) const {
        std::int64_t const size = params_.scheduler.block_tokens;
        std::int64_t tokens = 0;
        while (tokens + size < s.target && 2 * (s.request.prefix_tokens - tokens) >= size) tokens += size;
        return tokens;
    }
    [[nodiscard]] bool fits(std::int64_t blocks) const {
        if (running() + std::ssize(fetching_) >= params_.scheduler.max_sequences) return false;
        double const kept_free = params_.scheduler.watermark * static_cast<double>(params_.kv_blocks);
        std::int64_t const watermark =
            used_blocks() == 0 || reserves() ? 0 : std::llround(std::ceil(kept_free));
        return used_blocks() + blocks + watermark <= params_.kv_blocks;
    }

    void start(core::TimeNs now_ns, serving::InstanceListener& listener) {
        new_ = 0;
        for (Id const id : arrived_) {
            std::erase(fetching_, id);
            ++new_;
            Sequence& s = all_[id];
            if (s.request.first_token_ns == 0 && s.request.generated == 1) see_token(s, now_ns, listener);
            if (s.request.generated < s.request.output_tokens) {
                decoding_.push_back(id);
            } else {
                s.blocks = 0;
                listener.on_completed(s.request, now_ns);
            }
        }
        arrived_.clear();
        std::int64_t const budget = params_.scheduler.max_batched_tokens;
        bool const together =
            params_.scheduler.chunked_prefill && params_.scheduler.policy == serving::SchedulerPolicy::mixed;
        decodes_ = false;
        if (!together) process_prompts(budget, now_ns);
        if (together || prefilling_.empty()) {
            choose_gain();
            make_room();
            decodes_ = !decoding_.empty();
        }
        if (together)
            process_prompts(std::max<std::int64_t>(0, budget - (1 + drafts_) * std::ssize(decoding_)),
                            now_ns);
        fetch(now_ns, listener);
        run(now_ns);
    }

    void process_prompts(std::int64_t budget, core::TimeNs now_ns) {
        for (Id const id : prefilling_) take_chunk(all_[id], budget);
        admit(budget, now_ns);
    }

    //! Tokens that every decoding sequence gains: what brings the sum of all gains up to the expected sum, rounded down.
    void choose_gain() {
        if (decoding_.empty()) return;
        std::int64_t const before = expected_gains_ >> 32;
        expected_gains_ += mean_gain_;
        gain_ = (expected_gains_ >> 32) - before;
    }

    static void take_chunk(Sequence& s, std::int64_t& budget) {
        s.chunk = std::min(budget, s.target - s.cached);
        budget -= s.chunk;
    }

    // Decode needs room for what each gains; who joined last gives way, prompts before those that decode.
    void make_room() {
        if (reserves()) return;
        for (;;) {
            std::int64_t wanted = used_blocks();
            for (Id const id : decoding_) wanted += blocks_of(all_[id].cached + gain_) - all_[id].blocks;
            if (wanted <= params_.kv_blocks) break;
            std::vector<Id>& yielding = prefilling_.empty() ? decoding_ : prefilling_;
            Id const last = yielding.back();
            yielding.pop_back();
            Sequence& s = all_[last];
            s.target = s.request.input_tokens + s.request.generated;
            s.cached = 0;
            s.blocks = 0;
            ++s.request.preemptions;
            waiting_.push_front(last);
        }
        for (Id const id : decoding_) all_[id].blocks = blocks_of(all_[id].cached + gain_);
    }

    void admit(std::int64_t budget, core::TimeNs now_ns) {
        bool const whole = !params_.scheduler.chunked_prefill;
        while (!waiting_.empty()) {
            Sequence& s = all_[waiting_.front()];
            bool const alone = prefilling_.empty();
            if (whole ? !alone && s.target - found(s) > budget : budget <= 0) return;
            std::int64_t const blocks = blocks_at_first(s.request, s.target);
            if (!fits(blocks)) return;
            s.blocks = blocks;
            s.cached = found(s);
            if (s.request.scheduled_ns < 0) {
                s.request.scheduled_ns = now_ns;
                ++new_;
            }
            if (whole) {
                s.chunk = s.target - s.cached;
                budget -= s.chunk;
            } else {
                take_chunk(s, budget);
            }
            prefilling_.push_back(waiting_.front());
            waiting_.pop_front();
        }
    }

    void fetch(core::TimeNs now_ns, serving::InstanceListener& listener) {
        while (waiting_.empty() && !attached_.empty()) {
            Attached const next = attached_.front();
            std::int64_t const cached = next.request.input_tokens + next.request.generated - 1;
            std::int64_t const blocks = blocks_at_first(next.request, cached);
            if (!fits(blocks)) return;
            attached_.pop_front();
            Id const id = add(next.request);
            all_[id].cached = cached;
            all_[id].blocks = blocks;
            fetching_.push_back(id);
            listener.on_fetch(next.request, next.source, id, now_ns);
        }
    }

    void run(core::TimeNs now_ns) {
        llm::Batch batch;
        batch.new_requests = new_;
        if (decodes_) batch.tokens_per_sequence = 1 + drafts_;
        for (Id const id : decoding_) {
            if (!decodes_) break;
            ++batch.decode_sequences;
            batch.sampled_tokens += 1 + drafts_;
            batch.context_tokens += all_[id].cached + 1 + drafts_;
            batch.emitted_tokens += gain_;
        }
        for (Id const id : prefilling_) {
            Sequence const& s = all_[id];
            for (std::int64_t t = 1; t <= s.chunk; ++t) batch.prefill_pairs += s.cached + t;
            batch.prefill_tokens += s.chunk;
            batch.prefill_squares += s.chunk * s.chunk;
            if (s.chunk == 0) continue;
            ++batch.prefill_chunks;
            batch.prefill_past += s.cached;
            if (s.cached + s.chunk < s.target) continue;
            ++batch.sampled_tokens;
            ++batch.emitted_tokens;
        }
        if (batch.decode_sequences + batch.prefill_tokens == 0) return;
        busy_ = true;
        end_ns_ = now_ns + timing_(batch).duration_ns;
    }

    void end_decodes(core::TimeNs now_ns, serving::InstanceListener& listener) {
        std::vector<Id> still;
        for (Id const id : decoding_) {
            Sequence& s = all_[id];
            std::int64_t const left = s.request.output_tokens - s.request.generated;
            s.cached += gain_;
            see_token(s, now_ns, listener);
            s.request.generated += static_cast<std::int32_t>(std::min(left, gain_));
            if (gain_ < left) {
                still.push_back(id);
            } else {
                s.blocks = 0;
                listener.on_completed(s.request, now_ns);
            }
        }
        decoding_ = still;
    }

    void end_prefills(core::TimeNs now_ns, serving::InstanceListener& listener) {
        std::vector<Id> still;
        std::vector<Id> ended;
        for (Id const id : prefilling_) {
            Sequence& s = all_[id];
            s.cached += s.chunk;
            s.chunk = 0;
            (s.cached == s.target ? ended : still).push_back(id);
        }
        prefilling_ = still;
        for (Id const id : ended) {
            Sequence& s = all_[id];
            bool const hand_over = params_.prefill_only && (s.request.output_tokens > 1 ||
                                                            params_.first_token != llm::FirstToken::prefill);
            bool const thrown_away = hand_over && params_.first_token == llm::FirstToken::resampled;
            bool const carried = hand_over && params_.first_token == llm::FirstToken::decode;
            if (!thrown_away) ++s.request.generated;
            if (!thrown_away && !carried) see_token(s, now_ns, listener);
            if (hand_over) {
                s.request.handed_over = true;
                listener.on_prefilled(s.request, id, now_ns);
            } else if (s.request.generated == s.request.output_tokens) {
                s.blocks = 0;
                listener.on_completed(s.request, now_ns);
            } else {
                decoding_.push_back(id);
            }
        }
    }

    //! The client has one more token, or several at once.
    static void see_token(Sequence& s, core::TimeNs now_ns, serving::InstanceListener& listener) {
        serving::Request& request = s.request;
        if (request.first_token_ns == 0) {
            request.first_token_ns = now_ns;
            listener.on_first_token(request, now_ns);
        } else {
            listener.on_token_gaps(now_ns - request.last_token_ns, 1, now_ns);
            request.longest_gap_ns = std::max(request.longest_gap_ns, now_ns - request.last_token_ns);
        }
        request.last_token_ns = now_ns;
    }

    serving::InstanceParams params_;
    serving::Timing timing_;
    std::int64_t drafts_;
    std::int64_t mean_gain_;          // 2^-32 tokens
    std::int64_t expected_gains_{0};  // the same, of all decode iterations so far
    std::int64_t gain_{0};
    std::int64_t new_{0};
    std::vector<Sequence> all_;
    std::deque<Id> waiting_;
    std::vector<Id> prefilling_;
    std::vector<Id> decoding_;  // in the order in which they joined
    std::vector<Id> fetching_;
    std::vector<Id> arrived_;
    std::deque<Attached> attached_;
    bool busy_{false};
    bool decodes_{false};
    core::TimeNs end_ns_{0};
};

}  // namespace mw::test
