#pragma once

#include <cstdint>

#include "megaweave/hardware/params.hpp"
#include "megaweave/llm/memory.hpp"
#include "megaweave/llm/params.hpp"

namespace mw::validation {

//! Of one scheduler.
struct Limits {
    std::int64_t sequences;
    std::int64_t tokens;
};

/*!
 * What `trtllm-bench` lets run together when its user states nothing: requests as its estimate of the cache holds, tokens as
 * those requests and the prompts that replace them need in an iteration, both rounded up.
 *
 *     requests = min(0.95 (memory - numbers x bytes) / (2 layers max(t, H_kv) d bytes x (input + output)), 4096) / stages
 *     tokens   = min(requests (1 + input / output), 32768)
 *
 * `tensor` ranks as the benchmark is told them, also where attention is data-parallel over them. Numbers as a checkpoint lists
 * them: of FP4 weights two in a byte count as one, so the estimate takes them for half as large as they are. It knows no latent
 * cache and counts every head there, of hidden / heads numbers.
 * Source: github.com/NVIDIA/TensorRT-LLM, tensorrt_llm/bench/build/tuning.py and dataclasses.py (0.16 to 1.2).
 * Worked: Llama-3.1-8B, FP8, one H100, 128 in and out: 76 GB / (65,536 B x 256) = 4,300, so 4,096 requests and 8,192 tokens, as
 * the benchmark's documentation prints.
 */
[[nodiscard]] Limits tuned_limits(llm::ModelParams const& model, llm::Formats formats, std::int64_t tensor,
                                  std::int64_t pipeline, hardware::AcceleratorParams const& accelerator,
                                  double input_tokens, double output_tokens);

}  // namespace mw::validation
