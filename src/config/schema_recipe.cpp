#include "megaweave/serving/recipe.hpp"
#include "schema_entry.hpp"

namespace mw::config {

void describe(Fields& fields, serving::RecipeParams& recipe) {
    static Choices const loads{{"closed", "max"}, {}};
    Rule const count = at_least(0).up_to(1e9);
    Rule const steps = at_least(1).up_to(1e6);
    describe_name(fields, recipe.name);
    fields.words("models", recipe.models);
    fields.words("accelerators", recipe.accelerators);
    fields.choice("weights", recipe.weights, precision_choices, anything.need());
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
    fields.choice("kv_cache", recipe.kv_cache, precision_choices, anything.need());
    fields.number("memory_share", recipe.memory_share, positive_share);
    fields.flag("spread_experts", recipe.spread_experts);
    fields.integer("draft_tokens", recipe.speculative.draft_tokens, at_least(0).up_to(64));
    fields.number("acceptance", recipe.speculative.acceptance, share);
    describe(fields, recipe.provenance, source_rule(fields));
}

}  // namespace mw::config
