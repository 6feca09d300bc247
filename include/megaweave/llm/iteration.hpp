#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "megaweave/core/time.hpp"
#include "megaweave/hardware/params.hpp"
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

    [[nodiscard]] core::TimeNs share(Share which) const { return share_ns[index_of(which)]; }
};

/*!
 * Time of one iteration: a roofline per group of kernels, plus exposed communication, plus fixed overheads.
 *
 *     T_stage = sum over {linear, decode attention, prefill attention} of
 *                   max(FLOPs / (peak eff_F), bytes / (bandwidth eff_B))
 *             + (1 - overlap) sum over collectives of (bytes / (link eff_L) + latency) + layers / p x layer_ns
 *     T       = p T_stage + iteration_ns
 *
 * The larger side of a roofline gets its time (compute or hbm). Attention's FLOPs run at the BF16 peak x
 * attention_flops. A collective inside a scale-up domain counts as scale_up; one that leaves it as
 * scale_out, at the slower of its two steps. Pipeline: p stages work on one micro-batch each, so each reads
 * its weights once per micro-batch; a batch with fewer tokens than stages leaves the others idle (the
 * bubble). Ramps at the start and end of a busy period are left out. A precision that is not native
 * computes at the next wider one; its bytes stay.
 * Source: physics.md section 1.
 * Valid: steady batches, steps much longer than a kernel launch.
 * Leaves out: tile and wave quantisation, efficiency falling at medium batch (the two ceilings meet in a
 * corner), straggling ranks, contention of HBM between kernels and collectives.
 * Worked: Llama-3.1-70B FP8 on 2 H100 (0.55, 0.82, 0.75; 10 us a layer, 6 us a collective), 437 sequences
 * of 1,024 tokens: 27.91 compute + 13.36 KV + 4.35 all-reduce + 0.80 = 46.4 ms (reference calculation:
 * 46.8, with the embedding table multiplied).
 */
class IterationModel {
  public:
    IterationModel(ModelParams const& model, hardware::Precision weights, hardware::Precision kv,
                   Parallelism const& parallelism, hardware::RackParams const& rack);

    //! Zero for an empty batch.
    [[nodiscard]] IterationCost operator()(Batch const& batch) const;
    [[nodiscard]] WorkCounter const& counter() const { return count_; }

  private:
    using Seconds = std::array<double, share_count>;

    [[nodiscard]] static core::TimeNs round_shares(Seconds const& seconds,
                                                   std::array<core::TimeNs, share_count>& share_ns);
    void add_kernels(Seconds& seconds, KernelWork const& work, double flop_s) const;
    void add_messages(Seconds& seconds, Messages const& messages) const;

    WorkCounter count_;
    double linear_flop_s_;  // seconds per FLOP
    double attention_flop_s_;
    double hbm_byte_s_;  // seconds per byte
    double scale_up_byte_s_;
    double scale_out_byte_s_;
    double exposed_;  // share of communication that is not hidden
    double collective_s_;
    double stage_overhead_s_;
    double iteration_s_;
};

}  // namespace mw::llm
