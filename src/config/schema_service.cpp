#include "schema.hpp"

namespace mw::config {

namespace {

using workload::Law;
using workload::Process;

void describe(Fields& fields, llm::Parallelism& parallelism) {
    Rule const ranks = within(1, 65536);
    fields.integer("tensor", parallelism.tensor, ranks);
    fields.integer("pipeline", parallelism.pipeline, ranks);
    fields.integer("expert", parallelism.expert, ranks);
    fields.integer("attention_data", parallelism.attention_data, ranks);
}

//! Written only where it differs from the default, so that decks without it keep their hash.
bool worth_writing(Fields const& fields, bool differs) {
    return fields.reading() || differs;
}

void describe(Fields& fields, serving::PoolParams& pool) {
    fields.integer("instances", pool.instances, within(1, 1e4).need());
    fields.block("parallelism", [&](Fields& block) { describe(block, pool.parallelism); });
}

void describe(Fields& fields, serving::SchedulerParams& scheduler) {
    static Choices const policies{{"mixed", "prefill_first"}, {}};
    static Choices const admissions{{"watermark", "reserve_output"}, {}};
    static Choices const memory_rules{{"of_total", "of_free", "weights_and_cache"}, {}};
    fields.integer("max_sequences", scheduler.max_sequences, within(1, 1e6));
    fields.integer("max_batched_tokens", scheduler.max_batched_tokens, within(1, 1e7));
    if (worth_writing(fields, scheduler.max_model_len > 0))
        fields.integer("max_model_len", scheduler.max_model_len, within(1, 1e9));
    if (worth_writing(fields, scheduler.policy != serving::SchedulerPolicy::mixed))
        fields.choice("policy", scheduler.policy, policies);
    if (worth_writing(fields, scheduler.poll_iterations > 1))
        fields.integer("poll_iterations", scheduler.poll_iterations, within(1, 1e6));
    fields.flag("chunked_prefill", scheduler.chunked_prefill);
    if (worth_writing(fields, scheduler.admission != serving::Admission::watermark))
        fields.choice("admission", scheduler.admission, admissions);
    fields.integer("block_tokens", scheduler.block_tokens, within(1, 1e6));
    fields.integer("kv_blocks", scheduler.kv_blocks, within(0, 1e9));
    fields.number("memory_share", scheduler.memory_share, bounds::reached_share);
    fields.choice("memory_rule", scheduler.memory_rule, memory_rules);
    if (worth_writing(fields, scheduler.logit_copies != serving::SchedulerParams{}.logit_copies))
        fields.number("logit_copies", scheduler.logit_copies, within(0, 100));
    if (worth_writing(fields, !scheduler.frees_windows))
        fields.flag("frees_windows", scheduler.frees_windows);
    fields.quantity("memory_reserve", scheduler.memory_reserve_bytes, "GB", within(0, 1e15));
    fields.number("watermark", scheduler.watermark, within(0, 0.99));
    static Choices const preemptions{{"recompute", "swap"}, {}};
    static Choices const prefix_caches{{"hbm", "pool"}, {}};
    if (worth_writing(fields, scheduler.preemption != serving::Preemption::recompute))
        fields.choice("preemption", scheduler.preemption, preemptions);
    if (worth_writing(fields, scheduler.prefix_cache != serving::PrefixCache::hbm))
        fields.choice("prefix_cache", scheduler.prefix_cache, prefix_caches);
}

void describe_speculative(Fields& fields, serving::SpeculativeParams& speculative) {
    if (fields.is_default("speculative", {"none"})) return;
    if (!worth_writing(fields, speculative.draft_tokens > 0)) return;
    bool const given =
        !fields.reading() || fields.has("speculative");  // its keys are read even where it is absent
    fields.block("speculative", [&](Fields& block) {
        Rule const tokens = within(1, 64);
        block.integer("draft_tokens", speculative.draft_tokens, given ? tokens.need() : tokens);
        block.number("acceptance", speculative.acceptance, given ? share.need() : share);
        block.number("draft_cost", speculative.draft_cost, share);
    });
}

void describe(Fields& fields, workload::ArrivalParams& arrivals) {
    static Choices const processes{{"poisson", "gamma", "closed", "trace", "burst"}, {}};
    static Choices const formats{{"csv", "azure", "mooncake"}, {}};
    fields.choice("process", arrivals.process, processes, anything.need());
    switch (arrivals.process) {
        case Process::gamma:
            fields.number("cv", arrivals.cv, within(0.01, 100));
            [[fallthrough]];
        case Process::poisson:
            fields.quantity("rate", arrivals.rate_per_s, "/s", within(1e-9, 1e9).need());
            break;
        case Process::closed:
            fields.integer("concurrency", arrivals.concurrency, within(1, 1e9).need());
            // Written only where it ends, so that decks without it keep their hash.
            if (!fields.is_default("requests", {"none"}) && (fields.reading() || arrivals.requests > 0))
                fields.integer("requests", arrivals.requests, within(1, 1e9));
            break;
        case Process::burst:
            fields.integer("requests", arrivals.requests, within(1, 1e9).need());
            break;
        case Process::trace:
            fields.file("file", arrivals.file);
            fields.choice("format", arrivals.format, formats);
            fields.number("scale", arrivals.scale, within(1e-6, 1e6));
            if (worth_writing(fields, !arrivals.repeat)) fields.flag("repeat", arrivals.repeat);
            break;
    }
}

void describe(Fields& fields, workload::LengthParams& length) {
    static Choices const laws{{"fixed", "uniform", "lognormal", "exponential", "quantiles", "trace"}, {}};
    Rule const tokens = bounds::tokens;
    Rule const most = within(0, tokens.max);
    fields.choice("distribution", length.law, laws);
    switch (length.law) {
        case Law::fixed:
            fields.integer("tokens", length.tokens, tokens.need());
            break;
        case Law::uniform:
            fields.integer("min", length.min, tokens);
            fields.integer("max", length.max, tokens.need());
            break;
        case Law::lognormal:
            fields.number("median", length.median, tokens.need());
            fields.number("sigma", length.sigma, within(0, 10).need());
            fields.integer("max", length.max, most);
            break;
        case Law::exponential:
            fields.number("mean", length.mean, tokens.need());
            fields.integer("max", length.max, most);
            break;
        case Law::quantiles:
            fields.file("file", length.file);
            break;
        case Law::trace:
            break;
    }
}

//! A length law is stated, unless the trace of the arrivals has lengths too.
void describe_length(Fields& fields, std::string_view key, workload::LengthParams& length, Process process) {
    bool const from_trace = process == Process::trace;
    if (fields.reading() && from_trace) length.law = Law::trace;
    fields.block(
        key,
        [&](Fields& block) {
            describe(block, length);
            if (block.reading() && length.law == Law::trace && !from_trace) {
                block.reject("distribution",
                             std::string{key} +
                                 " lengths from a trace need arrivals from a trace. Write "
                                 "another distribution, or arrivals: {process: trace, file: …}");
            }
        },
        from_trace ? anything : anything.need());
}

void describe(Fields& fields, workload::WorkloadParams& load) {
    fields.block(
        "arrivals", [&](Fields& block) { describe(block, load.arrivals); }, anything.need());
    describe_length(fields, "input", load.input, load.arrivals.process);
    describe_length(fields, "output", load.output, load.arrivals.process);
    if (worth_writing(fields, load.prefix_hit > 0)) fields.number("prefix_hit", load.prefix_hit, share);
}

void describe(Fields& fields, llm::TimingRules& rules) {
    Rule const step = within(1, 1e6);
    if (!fields.is_default("round_tokens", {"auto"}) && worth_writing(fields, rules.round_tokens > 0))
        fields.integer("round_tokens", rules.round_tokens, step);
    if (worth_writing(fields, rules.round_context > 1))
        fields.integer("round_context", rules.round_context, step);
    if (worth_writing(fields, rules.prompt_batching != 1))
        fields.number("prompt_batching", rules.prompt_batching, bounds::factor);
}

//! `timing: roofline` or `timing: {table: FILE, …}`.
void describe_timing(Fields& fields, std::string& table, llm::TimingRules& rules) {
    static Choices const words{{"roofline"}, {}};
    bool const as_word = fields.reading() ? !fields.has("timing") || fields.is_word("timing") : table.empty();
    std::size_t word = 0;
    if (as_word) {
        fields.choice("timing", word, words);
    } else {
        fields.block("timing", [&](Fields& block) {
            block.file("table", table);
            describe(block, rules);
        });
    }
}

void describe_objectives(Fields& fields, serving::ServiceParams& service) {
    bool const any = service.ttft_objective_ns != core::never || service.tpot_objective_ns != core::never;
    if (fields.is_default("objectives", {"none"}) || (!fields.reading() && !any)) return;
    fields.block("objectives", [&](Fields& block) {
        for (auto const& [key, value, unit] : {std::tuple{"ttft", &service.ttft_objective_ns, "s"},
                                               std::tuple{"tpot", &service.tpot_objective_ns, "ms"}}) {
            if (block.is_default(key, {"none"})) continue;
            if (block.reading() || *value != core::never) block.time(key, *value, unit, within(1e-6, 1e6));
        }
    });
}

}  // namespace

void describe(Fields& fields, serving::ServiceParams& service) {
    static Choices const modes{{"unified", "disaggregated"}, {}};
    static Choices const routers{{"least_loaded", "round_robin"}, {"prefix_aware"}};
    fields.text("name", service.name, anything.need());
    fields.entry(
        "model", "models", [&](Fields& entry) { describe(entry, service.model); }, anything.need());
    fields.entry(
        "engine", "engines", [&](Fields& entry) { describe(entry, service.engine); }, anything, "generic");
    fields.choice("weights", service.weights, precision_choices);
    fields.choice("kv_cache", service.kv_cache, precision_choices);
    fields.block("parallelism", [&](Fields& block) { describe(block, service.parallelism); });
    if (!fields.is_default("accelerators", {"all"}))
        fields.integer("accelerators", service.accelerators, within(1, 1e7));
    fields.choice("mode", service.mode, modes);
    // Without effect when unified, so that --set can switch the mode of a deck.
    if (fields.reading() || service.mode == serving::Mode::disaggregated)
        fields.number("prefill_share", service.prefill_share, within(1e-4, 0.9999));
    // Unequal pools are stated or absent.
    if (fields.is_default("pools", {"none"})) {
        service.prefill_pool = {};
    } else if (fields.reading() ? fields.has("pools") : service.prefill_pool.instances > 0)
        fields.block("pools", [&](Fields& block) {
            block.block(
                "prefill", [&](Fields& pool) { describe(pool, service.prefill_pool); }, anything.need());
            block.block(
                "decode", [&](Fields& pool) { describe(pool, service.decode_pool); }, anything.need());
        });
    fields.choice("router", service.router, routers);
    fields.integer("cell_instances", service.cell_instances, within(1, 1e6));
    static Choices const starts{{"warm", "cold"}, {}};
    if (worth_writing(fields, service.start != serving::Start::warm))
        fields.choice("start", service.start, starts);
    fields.block("scheduler", [&](Fields& block) { describe(block, service.scheduler); });
    describe_speculative(fields, service.speculative);
    describe_timing(fields, service.timing_table, service.timing_rules);
    fields.block(
        "workload", [&](Fields& block) { describe(block, service.workload); }, anything.need());
    describe_objectives(fields, service);
}

}  // namespace mw::config
