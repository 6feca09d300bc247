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
        : params_{params}, timing_{timing} {}

    void submit(serving::Request const& request, core::TimeNs now_ns, serving::InstanceListener& listener) {
        // All tokens but the last one, which nobody reads, pass through the cache.
        if (blocks_of(request.input_tokens + request.output_tokens - 1) > params_.kv_blocks)
            return listener.on_rejected(request, now_ns);
        waiting_.push_back(add(request));
        if (!busy_) start(now_ns, listener);
    }
    void attach(serving::Request const& request, serving::Slot source, core::TimeNs now_ns,
                serving::InstanceListener& listener) {
        attached_.push_back({request, source});
        fetch(now_ns, listener);
    }
    void kv_arrived(serving::Slot reserved, core::TimeNs now_ns, serving::InstanceListener& listener) {
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
    [[nodiscard]] bool fits(std::int64_t blocks) const {
        if (running() + std::ssize(fetching_) >= params_.scheduler.max_sequences) return false;
        double const kept_free = params_.scheduler.watermark * static_cast<double>(params_.kv_blocks);
        std::int64_t const watermark = used_blocks() == 0 ? 0 : std::llround(std::ceil(kept_free));
        return used_blocks() + blocks + watermark <= params_.kv_blocks;
    }

    void start(core::TimeNs now_ns, serving::InstanceListener& listener) {
        for (Id const id : arrived_) {
            std::erase(fetching_, id);
            decoding_.push_back(id);
        }
        arrived_.clear();
        std::int64_t budget = params_.scheduler.max_batched_tokens;
        bool const chunked = params_.scheduler.chunked_prefill;
        if (!chunked) admit(budget, now_ns);
        decodes_ = false;
        if (chunked || prefilling_.empty()) {
            make_room();
            decodes_ = !decoding_.empty();
        }
        if (chunked) {
            budget -= std::ssize(decoding_);
            for (Id const id : prefilling_) take_chunk(all_[id], budget);
            admit(budget, now_ns);
        }
        fetch(now_ns, listener);
        run(now_ns);
    }

    static void take_chunk(Sequence& s, std::int64_t& budget) {
        s.chunk = std::min(budget, s.target - s.cached);
        budget -= s.chunk;
    }

    // Decode needs room for one more token each; who joined last gives way.
    void make_room() {
        for (;;) {
            std::int64_t wanted = used_blocks();
            for (Id const id : decoding_) wanted += blocks_of(all_[id].cached + 1) - all_[id].blocks;
            if (wanted <= params_.kv_blocks) break;
            Id const last = decoding_.back();
            decoding_.pop_back();
            Sequence& s = all_[last];
            s.target = s.request.input_tokens + s.request.generated;
            s.cached = 0;
            s.blocks = 0;
            ++s.request.preemptions;
            waiting_.push_front(last);
        }
        for (Id const id : decoding_) all_[id].blocks = blocks_of(all_[id].cached + 1);
    }

    void admit(std::int64_t budget, core::TimeNs now_ns) {
        bool const whole = !params_.scheduler.chunked_prefill;
        while (!waiting_.empty()) {
            Sequence& s = all_[waiting_.front()];
            bool const alone = prefilling_.empty();
            if (whole ? !alone && s.target > budget : budget <= 0) return;
            if (!fits(blocks_of(s.target))) return;
            s.blocks = blocks_of(s.target);
            if (s.request.scheduled_ns < 0) s.request.scheduled_ns = now_ns;
            if (whole) {
                s.chunk = s.target;
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
            if (!fits(blocks_of(cached))) return;
            attached_.pop_front();
            Id const id = add(next.request);
            all_[id].cached = cached;
            all_[id].blocks = blocks_of(cached);
            fetching_.push_back(id);
            listener.on_fetch(next.request, next.source, id, now_ns);
        }
    }

    void run(core::TimeNs now_ns) {
        llm::Batch batch;
        for (Id const id : decoding_) {
            if (!decodes_) break;
            ++batch.decode_sequences;
            ++batch.sampled_tokens;
            batch.context_tokens += all_[id].cached + 1;
        }
        for (Id const id : prefilling_) {
            Sequence const& s = all_[id];
            for (std::int64_t t = 1; t <= s.chunk; ++t) batch.prefill_pairs += s.cached + t;
            batch.prefill_tokens += s.chunk;
            if (s.chunk > 0 && s.cached + s.chunk == s.target) ++batch.sampled_tokens;
        }
        if (batch.decode_sequences + batch.prefill_tokens == 0) return;
        busy_ = true;
        end_ns_ = now_ns + timing_(batch).duration_ns;
    }

    void end_decodes(core::TimeNs now_ns, serving::InstanceListener& listener) {
        std::vector<Id> still;
        for (Id const id : decoding_) {
            Sequence& s = all_[id];
            ++s.cached;
            ++s.request.generated;
            if (s.request.generated < s.request.output_tokens) {
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
            ++s.request.generated;
            if (s.request.generated == 1) {
                s.request.first_token_ns = now_ns;
                listener.on_first_token(s.request, now_ns);
            }
            if (s.request.generated == s.request.output_tokens) {
                s.blocks = 0;
                listener.on_completed(s.request, now_ns);
            } else if (params_.prefill_only) {
                listener.on_prefilled(s.request, id, now_ns);
            } else {
                decoding_.push_back(id);
            }
        }
    }

    serving::InstanceParams params_;
    serving::Timing timing_;
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
