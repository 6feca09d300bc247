#pragma once

#include <cstdint>

#include "model_json.hpp"

//! Groups of keys that several architectures share.
namespace mw::config {

//! Every model has these. `tied`: what the class does where the file says nothing of tie_word_embeddings.
void common(JsonTranslator& t, bool tied);
void head_dim_stated(JsonTranslator& t);
//! Absent in many files: hidden_size / num_attention_heads in the models' code.
void head_dim_or_quotient(JsonTranslator& t);
//! Tokens that the model was made for: max_position_embeddings, or what YaRN stretches the original to where the file states both, as
//! engines derive their own limit. Left out where the file says nothing.
void add_context(JsonTranslator& t);
//! Attention stays BF16 where the file says that its modules are not quantized.
void stored_precisions(JsonTranslator& t);

struct LayerCounts {
    std::int64_t sliding{0};
    std::int64_t chunked{0};
    std::int64_t linear{0};
};
//! `layer_types`, a word for each layer.
[[nodiscard]] LayerCounts count_layers(JsonTranslator& t, Tree const& types);

//! So many layers slide, over `sliding_window` tokens.
void set_sliding(JsonTranslator& t, std::int64_t layers, Tree const* where);
//! Every layer slides where there is a window (Mistral, Phi-3).
void windows_everywhere(JsonTranslator& t);
//! Layers from max_window_layers on slide, where use_sliding_window says so (Qwen2, Qwen3).
void windows_above(JsonTranslator& t);
//! As layer_types says, or one full layer in every `pattern` (Gemma).
void windows_by_pattern(JsonTranslator& t, std::int64_t pattern);

}  // namespace mw::config
