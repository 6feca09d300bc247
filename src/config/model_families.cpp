#include <algorithm>
#include <array>

#include "model_json.hpp"
#include "model_keys.hpp"

/*!
 * What the keys of a config.json mean, by architecture. Sources: the models' configuration classes in Hugging Face's
 * transformers, and configuration files that their makers published.
 */
namespace mw::config {

namespace {

void llama(JsonTranslator& t) {
    common(t, false);
    head_dim_or_quotient(t);
    t.copy("dense_intermediate", "intermediate_size");
}

void mistral(JsonTranslator& t) {
    llama(t);
    windows_everywhere(t);
}

void qwen2(JsonTranslator& t) {
    llama(t);
    windows_above(t);
}

//! Queries and keys are normalised, head by head; of the architecture, not of the file.
void head_norm(JsonTranslator& t) {
    t.set("query_norm", std::string{"head"});
}

void qwen3(JsonTranslator& t) {
    qwen2(t);
    head_norm(t);
}

void gemma(JsonTranslator& t, std::int64_t pattern) {
    common(t, true);
    head_dim_stated(t);
    t.copy("dense_intermediate", "intermediate_size");
    windows_by_pattern(t, pattern);
}

void gemma2(JsonTranslator& t) {
    gemma(t, 2);
}

void gemma3(JsonTranslator& t) {
    gemma(t, 6);
    head_norm(t);
}

void mixtral(JsonTranslator& t) {
    common(t, false);
    head_dim_or_quotient(t);
    windows_everywhere(t);
    t.set("moe_every", 1);
    t.copy("routed_experts", "num_local_experts");
    t.copy("experts_per_token", "num_experts_per_tok");
    t.copy("moe_intermediate", "intermediate_size");
}

//! Experts as Qwen's models name them; the layers that have none are the first ones, or none.
void qwen_experts(JsonTranslator& t) {
    t.copy("routed_experts", "num_experts");
    t.copy("experts_per_token", "num_experts_per_tok");
    t.copy("moe_intermediate", "moe_intermediate_size");
    t.set("moe_every", t.integer_or("decoder_sparse_step", 1), t.find("decoder_sparse_step"));
    if (t.integer_or("shared_expert_intermediate_size", 0) > 0) {
        t.set("shared_experts", 1);
        t.copy("shared_intermediate", "shared_expert_intermediate_size");
    }
    Tree const* const dense = t.find("mlp_only_layers");
    if (dense == nullptr || dense->items.empty()) return;
    for (std::size_t i = 0; i < dense->items.size(); ++i) {
        if (t.integer(&dense->items[i]) != static_cast<std::int64_t>(i))
            return t.problem(&dense->items[i], "mlp_only_layers other than the first ones are not modelled");
    }
    t.set("first_dense_layers", static_cast<std::int64_t>(dense->items.size()), dense);
    t.copy("dense_intermediate", "intermediate_size");
}

void qwen2_moe(JsonTranslator& t) {
    common(t, false);
    head_dim_or_quotient(t);
    windows_above(t);
    qwen_experts(t);
}

void qwen3_moe(JsonTranslator& t) {
    qwen2_moe(t);
    head_norm(t);
}

//! Gated delta rule in most layers, gated attention in the others (Qwen3-Next, Qwen3.5).
void qwen_linear_layers(JsonTranslator& t) {
    common(t, false);
    head_norm(t);
    head_dim_stated(t);
    t.set("output_gate", std::string{"true"}, t.find("attn_output_gate"));
    if (Tree const* const types = t.find("layer_types")) {
        t.set("linear_layers", count_layers(t, *types).linear, types);
    } else {
        Tree const* const interval = t.need("full_attention_interval");
        std::int64_t const layers = t.need_integer("num_hidden_layers");
        t.set("linear_layers", layers - layers / std::max<std::int64_t>(t.integer(interval), 1), interval);
    }
    t.copy("linear_key_heads", "linear_num_key_heads");
    t.copy("linear_value_heads", "linear_num_value_heads");
    t.copy("linear_key_dim", "linear_key_head_dim");
    t.copy("linear_value_dim", "linear_value_head_dim");
    t.copy("linear_convolution", "linear_conv_kernel_dim");
    t.copy_if("mtp_layers", "mtp_num_hidden_layers");
}

void qwen_linear(JsonTranslator& t) {
    qwen_linear_layers(t);
    t.copy("dense_intermediate", "intermediate_size");
}

void qwen_linear_moe(JsonTranslator& t) {
    qwen_linear_layers(t);
    qwen_experts(t);
}

//! Layers with latent attention, or not, and experts after the first dense layers, as DeepSeek's models name them.
void deepseek_experts(JsonTranslator& t) {
    t.copy("dense_intermediate", "intermediate_size");
    t.copy("first_dense_layers", "first_k_dense_replace");
    t.set("moe_every", t.integer_or("moe_layer_freq", 1), t.find("moe_layer_freq"));
    t.copy("routed_experts", "n_routed_experts");
    t.copy("experts_per_token", "num_experts_per_tok");
    t.copy("moe_intermediate", "moe_intermediate_size");
    if (t.integer_or("n_shared_experts", 0) > 0) {
        t.copy("shared_experts", "n_shared_experts");
        t.copy("shared_intermediate", "moe_intermediate_size");
    }
    if (t.integer_or("n_group", 1) > 1) t.copy("node_limit", "topk_group");
    t.copy_if("mtp_layers", "num_nextn_predict_layers");
}

void deepseek(JsonTranslator& t) {
    common(t, false);
    t.set("attention", std::string{"latent"});
    t.copy_if("q_lora_rank", "q_lora_rank");  // null: the query's projection is whole
    for (auto const* const key : {"kv_lora_rank", "qk_nope_head_dim", "qk_rope_head_dim", "v_head_dim"})
        t.copy(key, key);
    deepseek_experts(t);
}

//! DeepSeek-V3.2, GLM-5: an index chooses the tokens that attention reads.
void deepseek_sparse(JsonTranslator& t) {
    deepseek(t);
    t.copy("sparse_tokens", "index_topk");
    t.copy("index_heads", "index_n_heads");
    t.copy("index_head_dim", "index_head_dim");
}

void glm_moe(JsonTranslator& t) {
    common(t, false);
    head_dim_stated(t);
    if (t.is_true("use_qk_norm")) head_norm(t);
    deepseek_experts(t);
}

void gpt_oss(JsonTranslator& t) {
    common(t, false);
    head_dim_stated(t);
    t.set("moe_every", 1);
    t.copy("routed_experts", "num_local_experts");
    if (!t.copy_if("experts_per_token", "num_experts_per_tok"))
        t.copy("experts_per_token", "experts_per_token");
    t.copy("moe_intermediate", "intermediate_size");
    if (Tree const* const types = t.need("layer_types"))
        set_sliding(t, count_layers(t, *types).sliding, types);
    Tree const* const quantization = t.find("quantization_config");
    Tree const* const method = quantization != nullptr ? quantization->find("quant_method") : nullptr;
    if (method == nullptr || method->text != "mxfp4") return;
    t.set_stored("expert_weights", "fp4", "fp4", method);
    t.set("fp4_block", 32, method);
}

//! Rotary layers see their chunk; every fourth has no positions and sees all, unless the file says which.
void llama4_chunks(JsonTranslator& t) {
    std::int64_t const layers = t.need_integer("num_hidden_layers");
    std::int64_t chunked = layers - layers / 4;
    Tree const* stated = t.find("layer_types");
    if (stated != nullptr && !stated->items.empty()) {
        chunked = count_layers(t, *stated).chunked;
    } else if (stated = t.find("no_rope_layers"); stated != nullptr && !stated->items.empty()) {
        chunked = std::ranges::count(stated->items, std::string{"1"},
                                     &Tree::text);  // 1: rotary, in spite of the name
    } else {
        t.note("every fourth layer sees all, by the class's default");
    }
    if (chunked <= 0) return;
    t.set("sliding_layers", chunked, stated);
    t.copy("sliding_window", "attention_chunk_size");
    t.set("chunked_window", std::string{"true"});
}

void llama4(JsonTranslator& t) {
    common(t, false);
    head_dim_stated(t);
    llama4_chunks(t);
    t.copy("dense_intermediate", "intermediate_size_mlp");
    t.copy("moe_every", "interleave_moe_layer_step");
    t.copy("routed_experts", "num_local_experts");
    t.copy("experts_per_token", "num_experts_per_tok");
    t.copy("moe_intermediate", "intermediate_size");
    t.set("shared_experts", 1);  // of the architecture, not of the file
    t.copy("shared_intermediate", "intermediate_size");
}

void minimax(JsonTranslator& t) {
    common(t, false);
    head_dim_stated(t);
    t.set("query_norm", std::string{"all"});  // of the architecture, not of the file
    t.set("moe_every", 1);
    t.copy("routed_experts", "num_local_experts");
    t.copy("experts_per_token", "num_experts_per_tok");
    t.copy("moe_intermediate", "intermediate_size");
    if (t.integer_or("shared_intermediate_size", 0) > 0) {
        t.set("shared_experts", 1);
        t.copy("shared_intermediate", "shared_intermediate_size");
    }
    Tree const* const kinds = t.find("attn_type_list");
    if (kinds == nullptr) return;
    for (auto const& kind : kinds->items) {
        if (kind.text != "1") return t.problem(&kind, "attn_type_list other than 1 (full) is not modelled");
    }
}

struct Family {
    std::string_view model_type;
    std::string_view class_name;
    void (*translate)(JsonTranslator&);
};

constexpr std::array families{
    Family{"llama", "LlamaForCausalLM", llama},
    Family{"mistral", "MistralForCausalLM", mistral},
    Family{"mixtral", "MixtralForCausalLM", mixtral},
    Family{"qwen2", "Qwen2ForCausalLM", qwen2},
    Family{"qwen3", "Qwen3ForCausalLM", qwen3},
    Family{"qwen2_moe", "Qwen2MoeForCausalLM", qwen2_moe},
    Family{"qwen3_moe", "Qwen3MoeForCausalLM", qwen3_moe},
    Family{"qwen3_next", "Qwen3NextForCausalLM", qwen_linear_moe},
    Family{"qwen3_5_text", "Qwen3_5ForConditionalGeneration", qwen_linear},
    Family{"qwen3_5_moe_text", "Qwen3_5MoeForConditionalGeneration", qwen_linear_moe},
    Family{"deepseek_v2", "DeepseekV2ForCausalLM", deepseek},
    Family{"deepseek_v3", "DeepseekV3ForCausalLM", deepseek},
    Family{"deepseek_v32", "DeepseekV32ForCausalLM", deepseek_sparse},
    Family{"kimi_k2", "DeepseekV3ForCausalLM", deepseek},
    Family{"glm4_moe", "Glm4MoeForCausalLM", glm_moe},
    Family{"glm_moe_dsa", "GlmMoeDsaForCausalLM", deepseek_sparse},
    Family{"gpt_oss", "GptOssForCausalLM", gpt_oss},
    Family{"llama4_text", "Llama4ForConditionalGeneration", llama4},
    Family{"minimax_m2", "MiniMaxM2ForCausalLM", minimax},
    Family{"phi3", "Phi3ForCausalLM", mistral},
    Family{"gemma2", "Gemma2ForCausalLM", gemma2},
    Family{"gemma3_text", "Gemma3ForConditionalGeneration", gemma3},
};

}  // namespace

bool translate_family(std::string const& model_type, JsonTranslator& translator) {
    auto const* family = std::ranges::find(families, std::string_view{model_type}, &Family::model_type);
    if (family == families.end())  // a model that sees and reads, whose text part states no type of its own
        family = std::ranges::find(families, model_type + "_text", &Family::model_type);
    if (family == families.end()) return false;
    family->translate(translator);
    stored_precisions(translator);
    return true;
}

std::vector<std::string> known_model_types() {
    std::vector<std::string> names;
    for (auto const& family : families) names.emplace_back(family.model_type);
    return names;
}

std::string model_type_of_class(std::string_view name) {
    auto const* const family = std::ranges::find(families, name, &Family::class_name);
    return family == families.end() ? "" : std::string{family->model_type};
}

}  // namespace mw::config
