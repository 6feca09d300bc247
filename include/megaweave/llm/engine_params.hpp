#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "megaweave/core/time.hpp"
#include "megaweave/hardware/params.hpp"

namespace mw::llm {

//! Kernels that the parts of a layer launch, in kernels that take `EngineParams::kernel_ns`: fused, long and short ones count as such.
struct LaunchCounts {
    double attention{5};    //!< norm, projections, rotary embedding and cache, attention
    double latent{9};       //!< latent attention in place of that
    double linear{9};       //!< linear attention in place of that
    double index{3};        //!< that chooses what sparse attention sees
    double dense{3};        //!< feed-forward
    double experts{7};      //!< gate, routing, sorting, grouped products, what is between them, combination
    double fp4_experts{5};  //!< the same for FP4 weights, whose grouped products sort and activate as they go
    double shared{2};       //!< shared experts beside them
    double norm{2};         //!< of queries and keys, where there is one
    double quantise{1};     //!< of activations, before a product of narrower weights
};

/*!
 * How much longer an engine takes over a model that had just appeared when the engine was released: kernels are not yet fused, products not
 * yet tuned to its shapes. Time times 1 + x exp(-age / months), where age is from the model's release to the engine's, at least 0.
 */
struct Maturing {
    double kernels{0};   //!< x of `kernel_ns`
    double products{0};  //!< x of the compute side of matrix products
    double months{3};    //!< in which x falls by e
};

/*!
 * Disaggregated serving: which side gives the client its first token, and when.
 *
 * vLLM's decode instance is sent the prompt again, fetches the cache and computes the first token once more; the prefill instance's is thrown
 * away (vllm-project/vllm issue 25373 and pull request 51919). SGLang and TensorRT-LLM carry the token along with the cache, and their
 * decode side gives it out as soon as the cache is there and the request runs (SGLang docs/backend/pd_disaggregation.md; TensorRT-LLM,
 * first_gen_tokens of its disaggregated parameters). A proxy that forwards the prefill's token at once is the third way.
 */
enum class FirstToken : std::uint8_t {
    family,     //!< as the engine's family does it: vllm `resampled`, others `decode`
    decode,     //!< carried along; given out when the request joins the decode instance's batch
    resampled,  //!< computed by the decode instance's first iteration
    prefill     //!< given out when the prompt is processed
};

/*!
 * One generation of an inference engine: what its kernels reach and what its host costs (physics.md, section 1).
 *
 * The factors multiply what the accelerator's catalogue entry says large kernels reach (hardware::KernelEfficiency), so an engine on
 * an accelerator that it was not measured on is their product. Few and physical: fitted by postprocess/calibrate.py on published
 * measurements, never per point. A deck that names no engine gets the entry `generic`; the defaults here are round values near it.
 */
struct EngineParams {
    std::string name{"generic"};
    std::string
        family;  //!< engine without its version; the entry of that name stands in for unknown generations
    std::int64_t released_month{0};  //!< months since year 0; 0: not stated, then every model is an old one

    // Factors on the accelerator's efficiencies
    double flops{1};            //!< matrix products, dense and grouped alike
    double expert_flops{1};     //!< grouped products of experts, in addition
    double attention_flops{1};  //!< attention kernels
    double hbm{1};              //!< reading weights
    double kv_hbm{1};           //!< reading KV caches
    double link{1};             //!< collectives

    // How efficiency falls with the size of a product: rows / (rows + half_rows), columns likewise
    double half_rows{35};         //!< tokens at which a dense product reaches half of its rate
    double half_expert_rows{20};  //!< the same for the tokens of one expert
    double half_columns{100};     //!< columns of a matrix on one accelerator
    double half_expert_columns{600};
    double roofline_blend{0.25};  //!< of the shorter side of a roofline, not hidden behind the longer
    double activation_passes{
        1.3};  //!< traffic of activations, over one write and read by each kernel that must
    double communication_overlap{0};  //!< of collectives, hidden behind other work
    //! Halves (or n-ths) of a batch that take turns, so that one's collectives hide behind another's kernels; 1: whole batches.
    std::int64_t interleaved_batches{1};
    double expert_skew{0};  //!< exponent of Zipf's law of the experts' popularity; 0: uniform

    Maturing maturing;

    // Fixed costs on the device
    LaunchCounts launches;
    core::TimeNs kernel_ns{3'400};      //!< what a kernel takes at least: launch, ramp, drain
    core::TimeNs collective_ns{7'300};  //!< the same for a collective in one step
    //! Of each further step of the library's ring, which takes over where engines' own all-reduces have no buffers; 0: they always have.
    core::TimeNs ring_step_ns{0};
    // On the host
    core::TimeNs iteration_ns{1'400'000};  //!< of an iteration: scheduling and sampling, not hidden
    core::TimeNs sequence_ns{8'000};       //!< of a sequence that samples: detokenisation, bookkeeping
    core::TimeNs request_ns{900'000};      //!< of a request's first iteration
    core::TimeNs token_ns{100};            //!< of a token that enters an iteration
    double host_overlap{1};                //!< share of these three that may hide behind the device's work
    core::TimeNs launch_ns{0};  //!< to launch a kernel of an iteration with prompts, which no graph replays
    // On the way to the client: they delay what it sees, not the engine
    core::TimeNs response_ns{0};            //!< of a request: front end, tokenisation, streaming
    core::TimeNs response_per_token_ns{0};  //!< of a token of the prompt
    std::int64_t stream_interval{1};        //!< tokens that are delivered together
    FirstToken first_token{FirstToken::family};

    std::vector<std::string> measured_on;  //!< accelerators
    hardware::Provenance provenance;
};

//! `first_token`, or what the family does; never `family`.
[[nodiscard]] inline FirstToken first_token_of(EngineParams const& engine) {
    if (engine.first_token != FirstToken::family) return engine.first_token;
    return engine.family == "vllm" ? FirstToken::resampled : FirstToken::decode;
}

}  // namespace mw::llm
