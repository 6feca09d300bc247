#include "megaweave/serving/recipe.hpp"

#include <algorithm>

#include "schema_entry.hpp"

namespace mw::config {

namespace {

void describe_weights(Fields& fields, std::vector<hardware::Precision>& weights) {
    std::vector<std::string> words;
    for (auto const precision : weights) words.emplace_back(precisions[hardware::index_of(precision)]);
    fields.words("weights", words);
    weights.clear();
    for (std::string const& word : words) {
        auto const at = std::ranges::find(precisions, word);
        if (at == precisions.end())
            return fields.reject("weights", "weights are fp4, fp8 or bf16, not '" + word + "'");
        weights.push_back(static_cast<hardware::Precision>(at - precisions.begin()));
    }
}

void describe_cache(Fields& fields, std::optional<hardware::Precision>& kv_cache) {
    hardware::Precision precision = kv_cache.value_or(hardware::Precision::fp8);
    bool const stated = fields.reading() ? fields.has("kv_cache") : kv_cache.has_value();
    if (!stated) return fields.known("kv_cache");
    fields.choice("kv_cache", precision, precision_choices);
    kv_cache = precision;
}

}  // namespace

void describe(Fields& fields, serving::RecipeParams& recipe) {
    static Choices const loads{{"closed", "max"}, {}};
    Rule const count = within(0, 1e9);
    Rule const steps = within(1, 1e6);
    describe_name(fields, recipe.name);
    fields.words("models", recipe.models);
    fields.flag("mixtures", recipe.mixtures);
    fields.words("accelerators", recipe.accelerators);
    describe_weights(fields, recipe.weights);
    fields.text("engine", recipe.engine, anything.need());
    fields.words("versions", recipe.versions);
    fields.choice("load", recipe.load, loads);
    fields.integer("tensor", recipe.tensor, count);
    fields.flag("attention_data", recipe.attention_data);
    fields.integer("poll_iterations", recipe.poll_iterations, steps);
    fields.integer("busy_concurrency", recipe.busy_concurrency, count);
    fields.integer("busy_poll_iterations", recipe.busy_poll_iterations, steps);
    fields.integer("batched_tokens", recipe.batched_tokens, count);
    fields.integer("batched_prompts", recipe.batched_prompts, count);
    fields.integer("max_sequences", recipe.max_sequences, count);
    fields.flag("tuned_limits", recipe.tuned_limits);
    fields.flag("whole_prompts", recipe.whole_prompts);
    describe_cache(fields, recipe.kv_cache);
    fields.number("memory_share", recipe.memory_share, bounds::reached_share);
    fields.flag("spread_experts", recipe.spread_experts);
    fields.flag("spread_attention", recipe.spread_attention);
    fields.integer("draft_tokens", recipe.speculative.draft_tokens, within(0, 64));
    fields.number("acceptance", recipe.speculative.acceptance, share);
    describe(fields, recipe.provenance, source_rule(fields));
}

}  // namespace mw::config
