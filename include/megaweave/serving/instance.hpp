#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <limits>
#include <vector>

#include "megaweave/core/prefetch.hpp"
#include "megaweave/core/time.hpp"
#include "megaweave/llm/iteration.hpp"
#include "megaweave/serving/params.hpp"
#include "megaweave/serving/request.hpp"
#include "megaweave/serving/token_gaps.hpp"

namespace mw::serving {

//! Number of a sequence inside its instance; names its KV blocks in messages.
using Slot = std::uint32_t;

//! Time and work of an iteration: the roofline model or a measured table.
using Timing = std::function<llm::IterationCost(llm::Batch const&)>;

//! What an instance tells whoever runs it, in the order in which it happens.
class InstanceListener {
  public:
    virtual void on_first_token(Request const& request, core::TimeNs now_ns) = 0;
    virtual void on_completed(Request const& request, core::TimeNs now_ns) = 0;
    //! It can never be served: it is longer than InstanceParams::longest_request.
    virtual void on_rejected(Request const& request, core::TimeNs now_ns) = 0;
    //! So many sequences have a token now whose previous one is `gap_ns` old.
    virtual void on_token_gaps(core::TimeNs gap_ns, std::int64_t sequences, core::TimeNs now_ns) = 0;
    //! Disaggregated: the prompt is processed; its KV blocks stay in `held` until `release`.
    virtual void on_prefilled(Request const& request, Slot held, core::TimeNs now_ns) = 0;
    //! Disaggregated: blocks are reserved in `reserved`; fetch the KV cache from `source` there, then call `kv_arrived`.
    virtual void on_fetch(Request const& request, Slot source, Slot reserved, core::TimeNs now_ns) = 0;

  protected:
    ~InstanceListener() = default;
};

//! Everything that an instance needs to know and that never changes; shared by the instances of a pool.
struct InstanceParams {
    SchedulerParams scheduler;
    bool prefill_only{false};  //!< hands its sequences over after the first token
    std::int64_t kv_blocks{0};
    SpeculativeParams speculative;
    std::int64_t pool_blocks{0};  //!< of kv_blocks, those that lie in a memory pool
    std::int64_t swap_blocks{0};  //!< beside kv_blocks: room in the pool for sequences that gave way
    double load_bytes{0};         //!< of weights that all accelerators load first; 0: they are there
    double load_links{1};         //!< accelerators that load them, each by a link of its own
    llm::FirstToken first_token{llm::FirstToken::decode};
    std::int64_t decode_blocks{
        0};  //!< of a prefill instance: those of the decode instances that go on; 0: unknown

    //! Input and output tokens of the longest request that it takes: its KV cache (all tokens but the last, drafts beside them) fits
    //! into the blocks here and where it is decoded, and it keeps to `max_model_len`.
    [[nodiscard]] std::int64_t longest_request() const;
};

//! Counts of what an instance did since it was built; they only grow.
struct InstanceCounts {
    std::int64_t iterations{0};
    std::int64_t output_tokens{0};
    std::int64_t input_tokens{0};   //!< prompt tokens, recomputation after preemption included
    std::int64_t cached_tokens{0};  //!< of them, found in the prefix cache instead of processed
    std::int64_t preemptions{0};
    core::TimeNs busy_ns{0};  //!< of iterations begun, without what they wait for a memory pool
    core::TimeNs kv_starved_ns{
        0};  //!< of iterations at whose start a prompt waited for nothing but KV blocks
};

/*!
 * One replica of a model: continuous batching over a paged KV cache, iteration by iteration.
 *
 * Policy `mixed`: each iteration decodes every running sequence, then spends what is left of the token budget on prompts: those
 * begun first, then new ones in order of arrival. `prefill_first`: prompts run alone, up to the budget, and decode goes on when
 * none is left that fits. Without chunked prefill prompts run whole and alone (Orca, OSDI'22; vLLM, SOSP'23; Sarathi-Serve,
 * OSDI'24; SGLang, 2024). The iteration that ends a prompt emits its first token.
 *
 * A new sequence needs blocks for its whole prompt plus a watermark; when decode finds no free block, the sequence admitted last
 * is preempted and recomputed, a prompt in progress before any that decodes. With `reserve_output` it needs, and holds from the
 * start, blocks for its output too, and none is ever preempted; users' limits are taken to be the true lengths.
 *
 * What a prompt finds in the prefix cache (`Request::prefix_tokens`, to the nearest whole block, at least one token is left) is
 * not processed, but is seen by the rest and holds blocks like it; a recomputation finds it again.
 *
 * Speculation: an iteration verifies 1 + d tokens of every decoding sequence, and all gain the same whole number of tokens: an
 * accumulator keeps its mean at the expected E (speculation.hpp). The last iteration of a sequence may overshoot; what is beyond
 * its length is not output, but its blocks must exist, as an engine's lookahead slots do.
 *
 * Memory pool: new blocks take what is free in HBM, and the pool when HBM is full; they stay where they are until their sequence ends.
 * Which sequence holds which is not kept: a sequence's blocks lie in the pool in the proportion of all blocks, so attention reads this
 * share of what it sees from there. With `Preemption::swap` the pool holds whole sequences instead; moving them out and in belongs to
 * the iteration in which it happens, as fetching a prefix does. An iteration that asks the pool for bytes (`reading`) ends when whoever
 * runs the pool says when they are there. With `load_bytes` the first "iteration" loads weights.
 *
 * The batch lives as running sums, so an iteration costs time in proportion to what changes, not to its sequences: every running
 * sequence gains the same number of tokens, so `context = base + step` with the tokens gained since the start as step, the step at
 * which it ends is known when it joins, and the sequences that need a new block at step s are those with base = -s modulo the
 * block size.
 *
 * Disaggregated: the first token is seen where `first_token` says; one that the decode instance samples again is not counted where the
 * prompt was processed.
 *
 * Leaves out: priorities, moving blocks back when HBM has room again, hotter and colder blocks, cached prefixes that requests share
 * (each holds its own blocks), chance in how many drafts are accepted. Thread safety: none; one rack owns it.
 */
class Instance {
  public:
    Instance(InstanceParams const& params, Timing const& timing);

    //! A new request: its prompt is processed here.
    void submit(Request const& request, core::TimeNs now_ns, InstanceListener& listener);
    //! Disaggregated: a request whose KV cache waits in slot `source` of its prefill instance.
    void attach(Request const& request, Slot source, core::TimeNs now_ns, InstanceListener& listener);
    //! The KV cache that `on_fetch` asked for is here; `way` says what its transfer took.
    void kv_arrived(Slot reserved, Timeline const& way, core::TimeNs now_ns, InstanceListener& listener);
    //! The KV blocks of a handed-over sequence have been fetched.
    void release(Slot held, core::TimeNs now_ns, InstanceListener& listener);

    //! End of the iteration that runs, or `core::never`, also while its end depends on a memory pool.
    [[nodiscard]] core::TimeNs next_event_ns() const { return busy_ && !reading_ ? end_ns_ : core::never; }
    //! Hint that advance() comes soon; this object itself is at hand.
    void prefetch() const {
        core::prefetch(crossing_.data(), crossing_.size() * sizeof(std::int32_t));
        core::prefetch(prefilling_.data());
        core::prefetch(finishes_.data());
    }
    //! Ends that iteration at its time and starts the next.
    void advance(InstanceListener& listener);

    //! Its accelerators stop until then: the iteration that runs is done again from there, and none begins before.
    void suspend(core::TimeNs until_ns);
    //! The running iteration waits to be told when its bytes come from the memory pool.
    [[nodiscard]] bool reading() const { return reading_; }
    //! They are all there at that time, which is not before the iteration began; it does not end before `earliest_ns`.
    void pool_read_ends(core::TimeNs at_ns, core::TimeNs earliest_ns = 0);
    //! The running iteration loads weights.
    [[nodiscard]] bool loading() const { return loading_ == Loading::under_way; }
    //! When the running iteration would end if it asked nothing of a pool.
    [[nodiscard]] core::TimeNs own_end_ns() const { return start_ns_ + cost_.duration_ns; }

    [[nodiscard]] bool busy() const { return busy_; }
    [[nodiscard]] core::TimeNs iteration_start_ns() const { return start_ns_; }
    [[nodiscard]] llm::IterationCost const& iteration() const { return cost_; }
    [[nodiscard]] InstanceCounts const& counts() const { return counts_; }
    [[nodiscard]] std::int64_t decoding() const { return decoding_; }
    [[nodiscard]] std::int64_t running() const {
        return decoding_ + static_cast<std::int64_t>(prefilling_.size());
    }
    [[nodiscard]] std::int64_t waiting() const {
        return static_cast<std::int64_t>(waiting_.size() + attached_.size()) + fetching_;
    }
    //! Number of them that wait for a place to fetch their cache, or for the cache itself.
    [[nodiscard]] std::int64_t caches_waiting() const {
        return static_cast<std::int64_t>(attached_.size()) + fetching_;
    }
    //! KV caches on their way here.
    [[nodiscard]] std::int64_t fetching() const { return fetching_; }
    //! It has as many sequences as its scheduler allows.
    [[nodiscard]] bool full() const { return running() + fetching_ >= params_->scheduler.max_sequences; }
    //! Requests that it works on: prefilling, decoding, or with their caches on the way here.
    [[nodiscard]] std::int64_t in_service() const { return running() + fetching_; }
    [[nodiscard]] std::int64_t used_blocks() const { return used_blocks_; }
    [[nodiscard]] std::int64_t kv_blocks() const { return params_->kv_blocks; }
    //! In the memory pool, sequences put aside included.
    [[nodiscard]] std::int64_t pool_blocks() const { return in_pool_ + swapped_blocks_; }
    //! That the pool may hold.
    [[nodiscard]] std::int64_t most_pool_blocks() const {
        return params_->pool_blocks + params_->swap_blocks;
    }

    //! Requests that live here: all but those handed over (their blocks may still be held). For conservation checks.
    [[nodiscard]] std::int64_t census() const;
    //! Output tokens that those requests have so far.
    [[nodiscard]] std::int64_t tokens_present() const;
    //! Those requests, one by one.
    template <class Visitor>
    void for_each_request(Visitor&& visit) const {
        for (Sequence const& s : slots_)
            if (s.state != State::free && s.state != State::held) visit(s.request);
        for (Attached const& next : attached_) visit(next.request);
    }
    //! Recounts blocks, contexts and queues from the slots; throws core::ContractError where the running sums disagree.
    void audit() const;

    template <class Archive>
    void archive(Archive& ar) {
        ar& slots_& free_slots_& waiting_& prefilling_& attached_& arrived_& admitted_& finishes_& crossing_;
        ar& next_finish_& step_& decoding_& decoding_context_& fetching_& used_blocks_& busy_&
            decode_in_batch_;
        ar& gain_& gain_credit_& new_requests_;
        ar& start_ns_& end_ns_& resume_ns_& cost_& counts_;
        ar& unseen_& since_poll_& prefilled_& joined_& gaps_;
        ar& in_pool_& swapped_blocks_& moved_tokens_& reading_& loading_;
    }

  private:
    enum class State : std::uint8_t { free, waiting, prefilling, decoding, fetching, held };
    enum class Loading : std::uint8_t { done, asked, under_way };

    struct Sequence {
        Request request;
        State state{State::free};
        std::uint32_t generation{
            0};                     //!< counts uses of the slot, so that stale entries elsewhere can be told
        std::int64_t base{0};       //!< decoding: context minus step
        std::int64_t blocks{0};     //!< held now; decoding: at the step when it joined
        std::int64_t target{0};     //!< prompt tokens to process
        std::int64_t processed{0};  //!< of them, up to the end of the last iteration
        std::int64_t chunk{0};      //!< of them, in this iteration
        std::int64_t swapped{0};    //!< waiting: blocks that it holds in the memory pool
        std::int64_t gap_mark{0};   //!< decoding: the batch's gaps from here on are its own too
    };
    struct Attached {
        Request request;
        Slot source;
    };
    struct Entry {  //!< a sequence as it was when the entry was made
        Slot slot;
        std::uint32_t generation;
    };
    struct Finish {
        std::int64_t step;
        Entry entry;
    };

    static bool later(Finish const& a, Finish const& b);
    [[nodiscard]] std::int64_t block_tokens() const { return params_->scheduler.block_tokens; }
    [[nodiscard]] std::int64_t free_blocks() const { return params_->kv_blocks - used_blocks_; }
    [[nodiscard]] std::int64_t blocks_for(std::int64_t tokens) const;
    [[nodiscard]] std::size_t residue(std::int64_t base) const;
    [[nodiscard]] bool admits(std::int64_t blocks) const;
    [[nodiscard]] bool kv_starved() const;
    [[nodiscard]] bool alive(Entry entry, State state) const;
    [[nodiscard]] std::int64_t decoding_blocks(Sequence const& sequence) const;
    [[nodiscard]] bool reserves_output() const;
    [[nodiscard]] std::int64_t most_cached(Request const& request) const;
    [[nodiscard]] std::int64_t blocks_to_prefill(Sequence const& sequence) const;
    [[nodiscard]] std::int64_t blocks_to_fetch(Request const& request) const;
    [[nodiscard]] std::int64_t prefix_of(Sequence const& sequence) const;
    [[nodiscard]] std::int64_t crossing_blocks() const;

    void take_blocks(std::int64_t blocks);
    void give_blocks(std::int64_t blocks);
    [[nodiscard]] std::int64_t blocks_to_resume(Sequence const& sequence) const;
    [[nodiscard]] bool swap_out(Slot slot);
    void swap_in();
    void load_weights();

    Slot take_slot(Request const& request, State state);
    void free_slot(Slot slot);
    void start_decoding(Slot slot);
    void stop_decoding(Slot slot);
    void preempt_last();
    void recompute(Slot slot);
    void poll();
    //! A request waits that the scheduler has looked for.
    [[nodiscard]] bool sees_waiting() const { return static_cast<std::int64_t>(waiting_.size()) > unseen_; }
    void gain_tokens();
    void secure_decode_blocks();
    void join_arrived(core::TimeNs now_ns, InstanceListener& listener);
    void fetch_attached(core::TimeNs now_ns, InstanceListener& listener);
    std::int64_t continue_prefills(std::int64_t budget);
    void admit_waiting(std::int64_t budget, bool whole, core::TimeNs now_ns);
    void start_iteration(core::TimeNs now_ns, InstanceListener& listener);
    [[nodiscard]] llm::Batch batch() const;
    void join_fetched(Slot slot, core::TimeNs now_ns, InstanceListener& listener);
    void first_token(Request& request, core::TimeNs now_ns, InstanceListener& listener);
    void own_gap(Request& request, core::TimeNs now_ns, InstanceListener& listener);
    void deliver_tokens(core::TimeNs now_ns, InstanceListener& listener);
    [[nodiscard]] bool hands_over(Request const& request) const;
    void end_decodes(core::TimeNs now_ns, InstanceListener& listener);
    void end_prefills(core::TimeNs now_ns, InstanceListener& listener);
    void end_prompt(Slot slot, core::TimeNs now_ns, InstanceListener& listener);

    InstanceParams const* params_;
    Timing const* timing_;
    std::int64_t
        mean_gain_;  //!< tokens that a decoding sequence is expected to gain in an iteration, in units of 2^-32

    std::vector<Sequence> slots_;
    std::vector<Slot> free_slots_;
    std::deque<Slot> waiting_;
    std::int64_t unseen_{0};        //!< of them, the last ones, which the scheduler has not yet looked for
    std::int64_t since_poll_{0};    //!< iterations
    bool prefilled_{false};         //!< the running iteration has prompts, or the last one had
    std::vector<Slot> prefilling_;  //!< in order of admission
    std::deque<Attached> attached_;
    std::vector<Slot> arrived_;     //!< fetched; they join when the next iteration starts
    std::vector<Entry> admitted_;   //!< decoding sequences in order of admission, stale entries among them
    std::vector<Entry> joined_;     //!< those that have not yet decoded since they joined
    TokenGaps gaps_;                //!< of the others
    std::vector<Finish> finishes_;  //!< heap, earliest step on top, stale entries among them
    std::vector<std::int32_t> crossing_;  //!< decoding sequences by residue of their base
    //! Step on top of `finishes_`: spares most iterations the look.
    std::int64_t next_finish_{std::numeric_limits<std::int64_t>::max()};
    std::int64_t step_{0};          //!< tokens that a decoding sequence would have gained so far
    std::int64_t gain_{0};          //!< of them, in the running iteration
    std::int64_t gain_credit_{0};   //!< of the mean, not yet gained
    std::int64_t new_requests_{0};  //!< in the running iteration
    std::int64_t decoding_{0};
    std::int64_t decoding_context_{0};  //!< tokens in the caches of the decoding sequences
    std::int64_t fetching_{0};
    std::int64_t used_blocks_{0};
    std::int64_t in_pool_{0};         //!< of them
    std::int64_t swapped_blocks_{0};  //!< of waiting sequences
    std::int64_t moved_tokens_{0};    //!< whose caches the running iteration moves to or from the pool
    bool reading_{false};
    Loading loading_{Loading::done};
    bool busy_{false};
    bool decode_in_batch_{false};
    core::TimeNs start_ns_{0};
    core::TimeNs end_ns_{0};
    core::TimeNs resume_ns_{0};  //!< no iteration begins before
    llm::IterationCost cost_;
    InstanceCounts counts_;
};

}  // namespace mw::serving
