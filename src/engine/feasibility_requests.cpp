// Requests that an instance or its model cannot take, memory that is not there, and reuse that is not simulated.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "feasibility_parts.hpp"

namespace mw::engine {

namespace {

//! Half a request of the run is expected, or one in a thousand.
bool is_worth_a_line(double share, double requests) {
    return share >= 1e-3 || share * requests >= 0.5;
}

constexpr double first_quantile = 1e-9;
constexpr double last_quantile = 1 - 1e-9;

bool is_fixed(workload::LengthLaw const& law) {
    return law.quantile(first_quantile) == law.quantile(last_quantile);
}

//! Mean over `count` cases of a law's share above what another part leaves of `tokens`.
template <class Other>
double mean_share_above(workload::LengthLaw const& law, std::int64_t tokens, std::size_t count,
                        Other&& other) {
    double sum = 0;
    for (std::size_t i = 0; i < count; ++i) sum += law.share_above(tokens - other(i));
    return sum / static_cast<double>(count);
}

double share_of_rows(workload::Trace const& trace, std::int64_t tokens) {
    auto const& rows = trace.requests();
    auto const longer = std::ranges::count_if(rows, [&](workload::TraceRequest const& row) {
        return std::int64_t{row.input_tokens} + row.output_tokens > tokens;
    });
    return static_cast<double>(longer) / static_cast<double>(rows.size());
}

std::string all_or_share(double share) {
    return share >= 1 ? "all" : percent(share) + " of the";
}

}  // namespace

double share_longer_than(ServiceModel const& service, std::int64_t tokens) {
    constexpr std::size_t points = 1024;
    workload::LengthLaw const& input = service.input();
    workload::LengthLaw const& output = service.output();
    if (input.from_trace() && output.from_trace()) return share_of_rows(*service.trace(), tokens);
    if (input.from_trace() || output.from_trace()) {
        auto const& rows = service.trace()->requests();
        std::size_t const count = std::min(rows.size(), 4 * points);
        return mean_share_above(input.from_trace() ? output : input, tokens, count, [&](std::size_t i) {
            workload::TraceRequest const& row = rows[i * rows.size() / count];
            return std::int64_t{input.from_trace() ? row.input_tokens : row.output_tokens};
        });
    }
    bool const fixed_input = is_fixed(input);
    workload::LengthLaw const& summed = fixed_input ? input : output;
    std::size_t const count = is_fixed(summed) ? 1 : points;
    return mean_share_above(fixed_input ? output : input, tokens, count, [&](std::size_t i) {
        return summed.quantile((static_cast<double>(i) + 0.5) / static_cast<double>(count));
    });
}

void warn_of_lengths(ServiceModel const& service, double requests, Warnings& warnings) {
    serving::ServiceParams const& params = service.params();
    bool const unified = params.mode == serving::Mode::unified;
    serving::InstanceParams const& instance = service.instance(!unified);
    std::int64_t const longest = instance.longest_request();
    std::int64_t const own_limit = params.scheduler.max_model_len;
    bool const by_key = own_limit > 0 && longest == own_limit;
    double const rejected = share_longer_than(service, longest);
    if (is_worth_a_line(rejected, requests)) {
        bool const fixed = !service.input().from_trace() && !service.output().from_trace() &&
                           is_fixed(service.input()) && is_fixed(service.output());
        std::string const need =
            fixed ? fmt::format(" ({} tokens)",
                                grouped(service.input().quantile(0.5) + service.output().quantile(0.5) - 1 +
                                        params.speculative.draft_tokens))
                  : "";
        warnings.push_back(
            by_key
                ? fmt::format(
                      "service {}: {} requests are longer than scheduler.max_model_len of {} tokens and are "
                      "rejected. Raise it, or bound workload.input and output with max",
                      params.name, all_or_share(rejected), grouped(own_limit))
                : fmt::format(
                      "service {}: {} requests{} need more than the {} tokens of KV cache that an instance "
                      "holds "
                      "and are rejected. Bound workload.input and output, spread an instance over more "
                      "accelerators (parallelism), or use a narrower kv_cache",
                      params.name, all_or_share(rejected), need,
                      grouped(longest - 1 + params.speculative.draft_tokens)));
    }
    std::int64_t const context = params.model.context;
    if (context <= 0 || own_limit > 0 || longest <= context) return;
    double const beyond = share_longer_than(service, context) - rejected;  // which are served
    if (is_worth_a_line(beyond, requests))
        warnings.push_back(
            fmt::format("service {}: {} requests are longer than the {} tokens of context that {} was made "
                        "for: engines refuse them, this "
                        "run does not. Bound workload.input and output, write scheduler.max_model_len: {} to "
                        "have them rejected, or "
                        "a larger one where the model is stretched",
                        params.name, all_or_share(beyond), grouped(context), params.model.name, context));
}

void warn_of_memory(ServiceModel const& service, Warnings& warnings) {
    serving::ServiceParams const& params = service.params();
    std::int64_t const forced = params.scheduler.kv_blocks;
    if (forced == 0) return;
    std::int64_t held = service.memory(false).kv_blocks;
    if (params.mode == serving::Mode::disaggregated) held = std::min(held, service.memory(true).kv_blocks);
    if (held <= 0) {
        warnings.push_back(fmt::format(
            "service {}: scheduler.kv_blocks is {}, but memory holds none beside the weights ({:.4g} GB on "
            "each accelerator). "
            "Spread an instance over more accelerators (parallelism), or use narrower weights",
            params.name, grouped(forced), service.memory(false).weight_bytes_per_accelerator * 1e-9));
    } else if (forced > held) {
        double const times = static_cast<double>(forced) / static_cast<double>(held);
        warnings.push_back(fmt::format(
            "service {}: scheduler.kv_blocks is {} times what memory holds ({} blocks). Leave it out, or "
            "write at most "
            "that many",
            params.name, times >= 10 ? grouped(std::llround(times)) : fmt::format("{:.3g}", times),
            grouped(held)));
    }
}

void warn_of_hashes(ServiceModel const& service, Warnings& warnings) {
    workload::Trace const* const trace = service.trace();
    if (trace == nullptr || trace->reusable_tokens() == 0 || !service.input().from_trace()) return;
    if (service.params().workload.prefix_hit > 0) return;  // the user's own number for it
    double const share =
        static_cast<double>(trace->reusable_tokens()) / static_cast<double>(trace->input_tokens());
    if (share < 1e-3) return;
    warnings.push_back(fmt::format(
        "service {}: the trace's prefix hashes are not simulated, so every prompt is processed whole. A "
        "cache without end would "
        "have {} of its {} input tokens ({} tokens). Write workload.prefix_hit: {:.2g} for their mean effect",
        service.params().name, percent(share), grouped(trace->input_tokens()),
        grouped(trace->reusable_tokens()), std::floor(share * 100) / 100));
}

}  // namespace mw::engine
