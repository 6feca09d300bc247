#include "tuned_limits.hpp"

#include <algorithm>
#include <cmath>

#include "layout.hpp"
#include "megaweave/llm/architecture.hpp"

namespace mw::validation {

namespace {

constexpr double share_of_free = 0.95;
constexpr double most_requests = 4096;
constexpr double most_tokens = 32768;

std::int64_t rounded_up(double value, std::int64_t step) {
    return step * static_cast<std::int64_t>(std::ceil(value / static_cast<double>(step)));
}

std::int64_t rounded_requests(double requests) {
    if (requests < 256) return std::max<std::int64_t>(64, rounded_up(requests, 32));
    return rounded_up(requests, requests < 1024 ? 128 : 256);
}

std::int64_t rounded_tokens(double tokens) {
    if (tokens < 4096) return std::max<std::int64_t>(2048, rounded_up(tokens, 256));
    return rounded_up(tokens, tokens < 8192 ? 512 : 1024);
}

//! Numbers that a checkpoint lists: a pair of FP4 numbers is one, and so is their scale.
double listed_numbers(llm::ModelParams const& model, hardware::Precision weights) {
    auto const asked = hardware::index_of(weights);
    auto const listed = [](double bytes, hardware::Precision stored) {
        return stored == hardware::Precision::bf16 ? bytes / 2 : bytes;
    };
    llm::WeightBytes const bytes = llm::weight_bytes(model, weights);
    return listed(bytes.attention, model.attention_weights[asked]) +
           listed(bytes.dense - bytes.attention, weights) +
           listed(bytes.experts, model.expert_weights[asked]) +
           listed(bytes.head + bytes.embedding, hardware::Precision::bf16);
}

//! As the benchmark counts it: heads of an ordinary cache, whatever the model's attention.
double cache_token_bytes(llm::ModelParams const& model, hardware::Precision kv, std::int64_t tensor) {
    bool const latent = model.attention == llm::Attention::latent;
    std::int64_t const heads = latent ? model.heads : model.kv_heads;
    std::int64_t const head_dim = latent ? model.hidden / model.heads : model.head_dim;
    return 2.0 *
           static_cast<double>((model.layers - model.linear_layers) * std::max(tensor, heads) * head_dim) *
           hardware::bytes_per_value(kv);
}

}  // namespace

Limits tuned_limits(llm::ModelParams const& model, llm::Formats formats, std::int64_t tensor,
                    std::int64_t pipeline, hardware::AcceleratorParams const& accelerator,
                    double input_tokens, double output_tokens) {
    double const memory = accelerator.usable_bytes() * static_cast<double>(tensor * pipeline);
    double const free =
        memory - listed_numbers(model, formats.weights) * hardware::bytes_per_value(formats.weights);
    double const request_bytes =
        cache_token_bytes(model, formats.kv, tensor) * (input_tokens + output_tokens);
    double const fitting = share_of_free * free / request_bytes;
    if (fitting < 1) throw CannotRun("the benchmark finds no memory for one request");
    double const requests = std::min(fitting, most_requests) / static_cast<double>(pipeline);
    double const tokens = std::min(requests * (1 + input_tokens / output_tokens), most_tokens);
    return {rounded_requests(requests), rounded_tokens(tokens)};
}

}  // namespace mw::validation
