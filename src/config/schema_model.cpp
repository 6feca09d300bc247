#include "schema_entry.hpp"

namespace mw::config {

namespace {

void describe_latent(Fields& fields, llm::ModelParams& model) {
    Rule const rank = within(0, 1e5);
    fields.integer("q_lora_rank", model.q_lora_rank, rank);
    fields.integer("kv_lora_rank", model.kv_lora_rank, rank);
    fields.integer("qk_nope_head_dim", model.qk_nope_head_dim, rank);
    fields.integer("qk_rope_head_dim", model.qk_rope_head_dim, rank);
    fields.integer("v_head_dim", model.v_head_dim, rank);
}

//! Layers that see less than the whole context.
void describe_windows(Fields& fields, llm::ModelParams& model) {
    Rule const count = within(0, 1e7);
    fields.flag("output_gate", model.output_gate);
    fields.integer("sliding_window", model.sliding_window, count);
    fields.integer("sliding_layers", model.sliding_layers, count);
    fields.flag("chunked_window", model.chunked_window);
    fields.integer("sparse_tokens", model.sparse_tokens, count);
    fields.integer("index_heads", model.index_heads, count);
    fields.integer("index_head_dim", model.index_head_dim, count);
}

//! Layers that keep a constant state.
void describe_linear(Fields& fields, llm::ModelParams& model) {
    Rule const count = within(0, 1e5);
    fields.integer("linear_layers", model.linear_layers, count);
    fields.integer("linear_key_heads", model.linear_key_heads, count);
    fields.integer("linear_value_heads", model.linear_value_heads, count);
    fields.integer("linear_key_dim", model.linear_key_dim, count);
    fields.integer("linear_value_dim", model.linear_value_dim, count);
    fields.integer("linear_convolution", model.linear_convolution, within(0, 64));
}

//! `{fp4: bf16}`: a service that asks for FP4 finds this part in BF16.
void describe_stored(Fields& fields, std::string_view key, llm::StoredAs& stored) {
    fields.block(key, [&](Fields& block) {
        for (std::size_t i = 0; i < precisions.size(); ++i)
            block.choice(precisions[i], stored[i], precision_choices);
    });
}

void describe_experts(Fields& fields, llm::ModelParams& model) {
    Rule const count = within(0, 1e5);
    fields.integer("dense_intermediate", model.dense_intermediate, within(0, 1e7));
    fields.integer("first_dense_layers", model.first_dense_layers, count);
    fields.integer("moe_every", model.moe_every, count);
    fields.integer("routed_experts", model.routed_experts, count);
    fields.integer("experts_per_token", model.experts_per_token, count);
    fields.integer("node_limit", model.node_limit, count);
    fields.integer("shared_experts", model.shared_experts, count);
    fields.integer("moe_intermediate", model.moe_intermediate, within(0, 1e7));
    fields.integer("shared_intermediate", model.shared_intermediate, within(0, 1e7));
}

}  // namespace

void describe(Fields& fields, llm::ModelParams& model) {
    static Choices const attentions{{"grouped_query", "latent"}, {}};
    static Choices const norms{{"none", "head", "all"}, {}};
    Rule const count = within(1, 1e5).need();
    describe_name(fields, model.name);
    describe_month(fields, "released", model.released_month);
    fields.integer("layers", model.layers, within(1, 1e4).need());
    fields.integer("hidden", model.hidden, within(1, 1e6).need());
    fields.integer("heads", model.heads, count);
    fields.integer("kv_heads", model.kv_heads, within(0, 1e5));
    fields.integer("head_dim", model.head_dim, within(0, 1e5));
    fields.choice("attention", model.attention, attentions);
    fields.choice("query_norm", model.query_norm, norms);
    describe_latent(fields, model);
    describe_experts(fields, model);
    fields.integer("vocabulary", model.vocabulary, within(1, 1e8).need());
    if (fields.reading() || (model.context > 0 && !fields.physics_only()))
        fields.integer("context", model.context, within(1, 1e9));
    fields.flag("tied_embeddings", model.tied_embeddings);
    describe_windows(fields, model);
    describe_linear(fields, model);
    fields.integer("mtp_layers", model.mtp_layers, within(0, 64));
    describe_stored(fields, "attention_weights", model.attention_weights);
    describe_stored(fields, "expert_weights", model.expert_weights);
    fields.integer("fp4_block", model.fp4_block, within(1, 4096));
    fields.integer("fp8_block", model.fp8_block, within(0, 4096));
    describe(fields, model.provenance, source_rule(fields));
}

}  // namespace mw::config
