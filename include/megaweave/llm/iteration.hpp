#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "megaweave/core/time.hpp"
#include "megaweave/hardware/params.hpp"
#include "megaweave/llm/engine_params.hpp"
#include "megaweave/llm/params.hpp"
#include "megaweave/llm/work.hpp"

namespace mw::llm {

//! What an accelerator's time is spent on.
enum class Share : std::uint8_t { compute, hbm, scale_up, scale_out, memory_pool, overhead, idle };
inline constexpr std::size_t share_count = 7;
[[nodiscard]] constexpr std::size_t index_of(Share share) {
    return static_cast<std::size_t>(share);
}

//! Time and work of one iteration of an instance.
struct IterationCost {
    core::TimeNs duration_ns{0};
    std::array<core::TimeNs, share_count> share_ns{};  //!< sums to duration_ns exactly
    // All accelerators of the instance together:
    double flops{0};
    double attention_flops{0};  //!< part of flops, done at BF16 whatever the weights' precision
    double hbm_bytes{0};
    double scale_up_bytes{0};
    double scale_out_bytes{0};
    double weight_bytes{0};   //!< part of hbm_bytes: weights
    double logits{0};         //!< sampled rows x vocabulary, on each accelerator that samples
    core::TimeNs host_ns{0};  //!< part of the overhead: no kernel runs, the device waits for its host
    double clock{1};          //!< share of the highest that a cap or a lock allows; durations contain it
    // What it asks of a memory pool; how long that takes is not in the duration, for it depends on who else asks.
    double pool_bytes{0};       //!< of all accelerators
    double pool_link_bytes{0};  //!< that pass the busiest accelerator's link one after the other
    core::TimeNs pool_hidden_ns{
        0};  //!< of their time, that this iteration's kernels hide; less than 0: latency

    [[nodiscard]] core::TimeNs share(Share which) const { return share_ns[index_of(which)]; }
};

//! How kernels read from a memory pool.
struct PoolReads {
    double prefetch{0};  //!< share of the other kernels behind which reads hide (hardware::MemoryPoolParams)
    core::TimeNs latency_ns{0};  //!< of a load
};

/*!
 * Time of one iteration: a roofline per group of kernels, plus exposed communication, plus fixed overheads.
 *
 *     T_group = max(a, b) + blend min(a, b),   a = FLOPs / (peak eff_F rows / (rows + half) columns / (columns + half)),
 *                                              b = bytes / (bandwidth eff_B)
 *     T_stage = sum of T_group over {attention's projections, feed-forward, experts}, max(a, b) for the output head and
 *               decode and prefill attention, + activations / (bandwidth eff_B) + kernels x kernel_ns
 *             + (1 - overlap) sum over collectives of (latency + bytes / (link eff_L))
 *     T       = p T_stage + iteration_ns + (1 - overlap) host + max(0, overlap host + launching - p T_stage),   overlap: host_overlap
 *     launching = launch_ns x kernels where the batch has prompts, else 0: graphs replay iterations that only decode
 *     host    = (sequence_ns n_sampled + request_ns n_new + token_ns n) / attention ranks
 *     kernel_ns and collective latencies times the accelerator's launch_time; iteration_ns and host times, launching too, its host_time
 * Where the model had just appeared when the engine was released, kernel_ns and a take longer, but for head and attention (Maturing).
 *
 * Every efficiency is the accelerator's (large kernels) times the engine's factor. The larger side of a roofline gets its time
 * (compute or hbm). Attention's FLOPs and the head's run at the BF16 peak; products run at the precision in which their weights are
 * stored where that is native, and at BF16 elsewhere (engines unpack narrower weights). An all-reduce takes the fastest of one
 * step (every rank reads all others: latency + (t - 1) S / link), two steps (2 latency + 2 (t - 1)/t S / link) and, where the
 * switches add, in-switch (latency + (1 + 1/t) S / link). Where ring_step_ns is stated, S above 8 MiB, which engines' own
 * all-reduces have no buffers for, goes round the library's ring instead of the first two: latency + 2 (t - 1) ring_step_ns +
 * 2 (t - 1)/t S / link (sources: vLLM and SGLang, custom_all_reduce max_size; TensorRT-LLM, max_workspace_size_auto; NCCL,
 * tuning.cc). In a torus rings have the links to neighbours in the group, one step and
 * experts' all-to-all what the bisection leaves, and each hop its latency (`hardware::ScaleUp`). A collective inside a scale-up domain
 * counts as scale_up; one that leaves it as scale_out, at the slower of its two steps; the fabric may grant it less than its link
 * (Batch::granted). Pipeline: p stages work on one micro-batch each, so each reads
 * its weights once per micro-batch; a batch with fewer tokens than stages leaves the others idle (the
 * bubble). A prompt belongs to one attention rank, so the busiest of them sets the pace where prompts are fewer or uneven. With
 * interleaved batches each n-th of the batch is a micro-batch of its own, reads the weights and launches the kernels again,
 * and of its collectives only what outlasts the kernels is seen. Ramps at the start and end of a busy period are left out.
 * What lies in a memory pool adds max(0, t - hidden) to T, where t is its time at the rate that the pool grants. That depends on who
 * else reads, so whoever runs the instance adds it (hardware::SharedPool, serving::Instance::pool_read_ends).
 *     hidden = (1 - f) (A - L latency) + f p T_stage
 * A: attention's time with what is in HBM, L: layers with a cache, f: prefetch. Staged bytes (f) pass HBM twice.
 * Source: physics.md section 1; the fixed costs and the shapes from postprocess/calibrate.py.
 * Valid: batches of 1 to several thousand sequences on one to a few dozen accelerators; see the README for errors by group.
 * Leaves out: straggling ranks, contention of HBM between kernels and collectives, drafts' accuracy, host threads of other processes.
 * Worked: Llama-3.1-70B FP8 on 2 H100 with ideal shapes (0.55, 0.82, 0.75; no blend, no activations; 10 us a layer, 6 us a
 * collective), 437 sequences of 1,024 tokens: 28.33 compute + 13.36 KV + 4.35 all-reduce in one step + 0.80 = 46.84 ms
 * (reference calculation: 46.84). Half of that cache in a pool that grants 500 GB/s: 6.68 ms of KV reads are left in HBM, 18.35 GB a
 * GPU take 36.7 ms, and what attention does not hide, 30.0 ms, makes it 70.2 ms.
 */
class IterationModel {
  public:
    IterationModel(ModelParams const& model, hardware::Precision weights, hardware::Precision kv,
                   Parallelism const& parallelism, hardware::RackParams const& rack,
                   EngineParams const& engine = {}, PoolReads const& pool = {});

    //! Zero for an empty batch.
    [[nodiscard]] IterationCost operator()(Batch const& batch) const;
    [[nodiscard]] WorkCounter const& counter() const { return count_; }
    //! At which an accelerator sends through its NIC, alone; 0: it has none.
    [[nodiscard]] double scale_out_bytes_per_s() const {
        return scale_out_byte_s_ > 0 ? 1.0 / scale_out_byte_s_ : 0.0;
    }

  private:
    using Seconds = std::array<double, share_count>;
    //! Products of one kind, at large size.
    struct Products {
        double flop_s{0};  // seconds per FLOP
        double byte_s{0};  // seconds per byte
        double half_rows{0};
        double blend{0};

        void add(Seconds& seconds, KernelWork const& work, double rows) const;
    };

    [[nodiscard]] static core::TimeNs round_shares(Seconds const& seconds,
                                                   std::array<core::TimeNs, share_count>& share_ns);
    [[nodiscard]] Products products(hardware::RackParams const& rack, EngineParams const& engine,
                                    hardware::Precision stored, bool experts) const;
    void slow_down(Maturing const& maturing, double share);
    void add_kernels(Seconds& seconds, Work const& work) const;
    //! Seconds per byte and per collective inside the domain, for members that work together.
    struct ScaleUpCosts {
        double ring_byte_s{0};  //!< between neighbours
        double all_byte_s{0};   //!< from all to all
        double step_s{0};       //!< on top of a collective's latency
        double ring_s{0};       //!< the same of a ring all-reduce
    };
    [[nodiscard]] ScaleUpCosts scale_up_costs(hardware::RackParams const& rack, double members) const;
    void add_messages(Seconds& seconds, Messages const& messages, ScaleUpCosts const& up,
                      double granted) const;
    void add_pool(IterationCost& cost, Work const& work, double device_s) const;
    [[nodiscard]] double host_s(Batch const& batch) const;

    WorkCounter count_;
    Products projections_;
    Products feed_forward_;
    Products experts_;
    Products head_;
    Products attention_;
    double scale_up_byte_s_;  // seconds per byte
    double scale_out_byte_s_;
    ScaleUpCosts tensor_up_;
    ScaleUpCosts expert_up_;
    ScaleUpCosts pipeline_up_;
    double exposed_;  // share of communication that is not hidden
    double collective_s_;
    double ring_step_s_;
    bool in_switch_;
    double kernel_s_;
    double activation_byte_s_;
    double iteration_s_;
    double sequence_s_;
    double request_s_;
    double token_s_;
    double host_overlap_;
    double launch_s_;
    PoolReads pool_;
    double cached_layers_;
};

}  // namespace mw::llm
