#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <map>
#include <optional>
#include <queue>
#include <tuple>
#include <type_traits>
#include <vector>

#include "megaweave/core/archive.hpp"
#include "megaweave/core/hash.hpp"
#include "megaweave/serving/instance.hpp"

namespace mw::test {

//! Numbers for one trial, from nothing but its number.
class Dice {
  public:
    explicit Dice(std::uint64_t trial) : state_{core::mix(trial)} {}
    //! In [low, high].
    std::int64_t between(std::int64_t low, std::int64_t high) {
        state_ = core::mix(state_);
        return low + static_cast<std::int64_t>(state_ % static_cast<std::uint64_t>(high - low + 1));
    }
    bool one_in(std::int64_t n) { return between(1, n) == 1; }

  private:
    std::uint64_t state_;
};

//! A duration that depends on everything in a batch, in odd numbers, so that a batch that differs at all shows in all later times.
inline llm::IterationCost synthetic_cost(llm::Batch const& batch) {
    llm::IterationCost cost;
    cost.duration_ns = 1'009 + 101 * batch.decode_sequences + 3 * batch.context_tokens +
                       53 * batch.prefill_tokens + 2 * batch.prefill_pairs + 17 * batch.sampled_tokens +
                       211 * (batch.tokens_per_sequence - 1) + 307 * batch.prefill_chunks +
                       5 * batch.prefill_past + 7 * batch.prefill_squares + 401 * batch.new_requests +
                       13 * batch.emitted_tokens;
    cost.share_ns[llm::index_of(llm::Share::overhead)] = cost.duration_ns;
    cost.pool_bytes = batch.pool_share * static_cast<double>(batch.context_tokens) +
                      static_cast<double>(batch.pool_tokens);  // a byte a token
    cost.pool_hidden_ns = 0;
    return cost;
}

enum class Seen : std::uint8_t { first_token, completed, rejected, prefilled, fetched };

//! What happened to a request and when; `detail` has its tokens generated, preemptions, when it was scheduled, and at its end the longest gap.
struct Happening {
    core::TimeNs time_ns;
    std::uint64_t id;
    Seen what;
    std::int32_t generated;
    std::int32_t preemptions;
    core::TimeNs scheduled_ns;
    core::TimeNs longest_gap_ns;

    friend auto operator<=>(Happening const&, Happening const&) = default;
};

//! One trial: requests at given times, and the instances that serve them.
struct Trial {
    serving::InstanceParams front;                //!< where prompts go
    std::optional<serving::InstanceParams> back;  //!< disaggregated: where tokens are generated
    std::vector<serving::Request> requests;       //!< in order of arrival
    std::int64_t fetch_ns_per_token{0};           //!< disaggregated: the caches' way
    std::int64_t save_every{0};  //!< replace the instances by their saved states after so many events
};

/*!
 * Runs a trial on a batcher with the verbs of serving::Instance; audits after every event. The log is sorted by time and request,
 * since the order of what happens at once is not part of the rules.
 */
template <class Batcher>
class Harness final : private serving::InstanceListener {
  public:
    Harness(Harness const&) = delete;
    Harness& operator=(Harness const&) = delete;
    explicit Harness(Trial const& trial) : trial_{trial}, front_{trial_.front, timing_} {
        if (trial_.back) back_.emplace(*trial_.back, timing_);
    }

    std::vector<Happening> const& run() {
        for (serving::Request request : trial_.requests) {
            request.timeline.from_ns = request.arrival_ns;
            events_.push({request.arrival_ns, request.id, Kind::submit, 0, request});
        }
        while (step()) {
            front_.audit();
            if (back_) back_->audit();
            if (++steps_ > 1'000'000) break;  // a livelock shows as requests that never end
            if (trial_.save_every > 0 && steps_ % trial_.save_every == 0) save_and_load();
        }
        std::ranges::sort(log_);
        return log_;
    }

    [[nodiscard]] std::int64_t used_blocks() const {
        return front_.used_blocks() + (back_ ? back_->used_blocks() : 0);
    }
    [[nodiscard]] std::int64_t census() const { return front_.census() + (back_ ? back_->census() : 0); }
    [[nodiscard]] std::int64_t count(Seen what) const {
        return std::ranges::count(log_, what, &Happening::what);
    }
    //! Requests, running and waiting ones and blocks after every event: two batchers that agree have the same.
    [[nodiscard]] std::vector<std::int64_t> const& gauges() const { return gauges_; }
    //! Gaps between tokens: how many of which length ended when.
    [[nodiscard]] std::map<std::pair<core::TimeNs, core::TimeNs>, std::int64_t> const& gaps() const {
        return gaps_;
    }
    //! Completed requests whose time to first token is not the sum of its parts.
    [[nodiscard]] std::int64_t unaccounted() const { return unaccounted_; }
    [[nodiscard]] Batcher const& front() const { return front_; }
    [[nodiscard]] Batcher const& back() const { return *back_; }

  private:
    enum class Kind : std::uint8_t { submit, attach, arrived, release };
    struct Event {
        core::TimeNs time_ns;
        std::uint64_t id;
        Kind kind;
        serving::Slot slot;
        serving::Request request;
        friend bool operator<(Event const& a, Event const& b) {  // the earliest on top of the queue
            return std::tie(a.time_ns, a.id, a.kind) > std::tie(b.time_ns, b.id, b.kind);
        }
    };

    //! Messages first, then iterations, as a rack does it.
    bool step() {
        core::TimeNs const message_ns = events_.empty() ? core::never : events_.top().time_ns;
        core::TimeNs const front_ns = front_.next_event_ns();
        core::TimeNs const back_ns = back_ ? back_->next_event_ns() : core::never;
        core::TimeNs const next_ns = std::min({message_ns, front_ns, back_ns});
        if (next_ns == core::never) return false;
        if (message_ns == next_ns)
            handle();
        else if (front_ns == next_ns)
            front_.advance(*this);
        else
            back_->advance(*this);
        read_pool();
        gauges_.insert(gauges_.end(), {next_ns, front_.running(), front_.waiting(), front_.used_blocks()});
        if (back_) gauges_.insert(gauges_.end(), {back_->running(), back_->waiting(), back_->used_blocks()});
        return true;
    }

    //! A memory pool of a byte a nanosecond for each instance.
    void read_pool() {
        if constexpr (std::is_same_v<Batcher, serving::Instance>)
            for (Batcher* batcher : {&front_, back_ ? &*back_ : nullptr})
                if (batcher != nullptr && batcher->reading())
                    batcher->pool_read_ends(batcher->iteration_start_ns() +
                                            std::llround(batcher->iteration().pool_bytes));
    }

    void handle() {
        Event const event = events_.top();
        events_.pop();
        switch (event.kind) {
            case Kind::submit:
                return front_.submit(event.request, event.time_ns, *this);
            case Kind::attach:
                return back_->attach(event.request, event.slot, event.time_ns, *this);
            case Kind::arrived:
                return back_->kv_arrived(event.slot, event.request.timeline, event.time_ns, *this);
            case Kind::release:
                return front_.release(event.slot, event.time_ns, *this);
        }
    }

    void save_and_load() {
        if constexpr (std::is_same_v<Batcher, serving::Instance>) {
            swap_for_copy(front_, trial_.front);
            if (back_) swap_for_copy(*back_, *trial_.back);
        }
    }
    void swap_for_copy(Batcher& batcher, serving::InstanceParams const& params) {
        std::vector<std::byte> bytes;
        core::ByteWriter{bytes} & batcher;
        Batcher copy{params, timing_};
        core::ByteReader in{bytes};
        in& copy;
        batcher = copy;
    }

    void note(serving::Request const& request, core::TimeNs now_ns, Seen what) {
        log_.push_back({now_ns, request.id, what, request.generated, request.preemptions,
                        request.scheduled_ns, what == Seen::completed ? request.longest_gap_ns : 0});
    }
    void on_first_token(serving::Request const& request, core::TimeNs now_ns) override {
        note(request, now_ns, Seen::first_token);
    }
    void on_token_gaps(core::TimeNs gap_ns, std::int64_t sequences, core::TimeNs now_ns) override {
        gaps_[{now_ns, gap_ns}] += sequences;
    }
    void on_completed(serving::Request const& request, core::TimeNs now_ns) override {
        note(request, now_ns, Seen::completed);
        core::TimeNs parts_ns = 0;
        for (core::TimeNs const part : request.timeline.part_ns) parts_ns += part;
        if (request.first_token_ns - request.arrival_ns != parts_ns) ++unaccounted_;
    }
    void on_rejected(serving::Request const& request, core::TimeNs now_ns) override {
        note(request, now_ns, Seen::rejected);
    }
    void on_prefilled(serving::Request const& request, serving::Slot held, core::TimeNs now_ns) override {
        note(request, now_ns, Seen::prefilled);
        events_.push({now_ns + 500, request.id, Kind::attach, held, request});
    }
    void on_fetch(serving::Request const& request, serving::Slot source, serving::Slot reserved,
                  core::TimeNs now_ns) override {
        note(request, now_ns, Seen::fetched);
        core::TimeNs const done_ns =
            now_ns + 700 + trial_.fetch_ns_per_token * (request.context_tokens() - 1);
        serving::Request arrived = request;
        if (request.first_token_ns == 0) arrived.timeline.close(serving::TtftPart::transfer, done_ns);
        events_.push({done_ns, request.id, Kind::arrived, reserved, arrived});
        events_.push({done_ns + 300, request.id, Kind::release, source, request});
    }

    Trial trial_;
    serving::Timing timing_{synthetic_cost};
    Batcher front_;
    std::optional<Batcher> back_;
    std::priority_queue<Event> events_;
    std::vector<Happening> log_;
    std::vector<std::int64_t> gauges_;
    std::map<std::pair<core::TimeNs, core::TimeNs>, std::int64_t> gaps_;
    std::int64_t unaccounted_{0};
    std::int64_t steps_{0};
};

}  // namespace mw::test
