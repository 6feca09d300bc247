#include "model_keys.hpp"

#include <algorithm>
#include <array>
#include <cstdlib>

namespace mw::config {

namespace {

constexpr std::array not_converted{"modules_to_not_convert", "ignore", "ignored_layers", "exclude_modules"};

}  // namespace

void head_dim_stated(JsonTranslator& t) {
    t.copy("head_dim", "head_dim");
}

void head_dim_or_quotient(JsonTranslator& t) {
    if (t.copy_if("head_dim", "head_dim")) return;
    Tree const* const hidden = t.need("hidden_size");
    std::int64_t const heads = t.need_integer("num_attention_heads");
    if (hidden == nullptr || heads <= 0) return;
    t.set("head_dim", t.integer(hidden) / heads, hidden);
    t.note("head_dim is hidden_size / num_attention_heads, as in the model's code");
}

void common(JsonTranslator& t, bool tied) {
    t.copy("layers", "num_hidden_layers");
    t.copy("hidden", "hidden_size");
    t.copy("heads", "num_attention_heads");
    t.copy("kv_heads", "num_key_value_heads");
    t.copy("vocabulary", "vocab_size");
    if (!t.copy_if("tied_embeddings", "tie_word_embeddings")) {
        t.set("tied_embeddings", std::string{tied ? "true" : "false"});
        t.note(std::string{"tie_word_embeddings is absent: "} + (tied ? "true" : "false") +
               " by the class's default");
    }
}

// A file whose numbers here cannot be read has no limit that is known: they change no result.
void add_context(JsonTranslator& t) {
    auto const number = [](Tree const* node) {
        return node != nullptr ? std::atof(node->text.c_str()) : 0.0;
    };
    Tree const* const stated = t.find("max_position_embeddings");
    double tokens = number(stated);
    for (auto const* const key : {"rope_scaling", "rope_parameters"}) {
        Tree const* const rope = t.find(key);
        if (rope == nullptr || rope->kind != Tree::Kind::map) continue;
        Tree const* const kind =
            rope->find("rope_type") != nullptr ? rope->find("rope_type") : rope->find("type");
        double const original = number(rope->find("original_max_position_embeddings"));
        double const factor = number(rope->find("factor"));
        if (kind != nullptr && kind->text == "yarn" && original >= 1 && factor >= 1)
            tokens = original * factor;
    }
    if (tokens >= 1 && tokens <= 1e9) t.set("context", static_cast<std::int64_t>(tokens), stated);
}

void stored_precisions(JsonTranslator& t) {
    Tree const* const quantization = t.find("quantization_config");
    if (quantization == nullptr) return;
    Tree const* const block = quantization->find("weight_block_size");
    if (block != nullptr && !block->items.empty())
        t.set("fp8_block", t.integer(&block->items.front()), block);
    for (auto const* const key : not_converted) {
        Tree const* const modules = quantization->find(key);
        if (modules == nullptr) continue;
        bool const attention = std::ranges::any_of(modules->items, [](Tree const& module) {
            return module.text.find("self_attn") != std::string::npos;
        });
        if (attention) return t.set_stored("attention_weights", "bf16", "bf16", modules);
    }
}

LayerCounts count_layers(JsonTranslator& t, Tree const& types) {
    LayerCounts counts;
    for (auto const& item : types.items) {
        if (item.text == "sliding_attention") {
            ++counts.sliding;
        } else if (item.text == "chunked_attention") {
            ++counts.chunked;
        } else if (item.text == "linear_attention") {
            ++counts.linear;
        } else if (item.text != "full_attention") {
            t.problem(&item, "layers of type '" + item.text +
                                 "' are not modelled. Known are full_attention, " +
                                 "sliding_attention, chunked_attention and linear_attention");
        }
    }
    if (static_cast<std::int64_t>(types.items.size()) != t.need_integer("num_hidden_layers"))
        t.problem(&types, "layer_types does not have num_hidden_layers entries");
    return counts;
}

void set_sliding(JsonTranslator& t, std::int64_t layers, Tree const* where) {
    if (layers <= 0) return;
    t.set("sliding_layers", layers, where);
    t.copy("sliding_window", "sliding_window");
}

void windows_everywhere(JsonTranslator& t) {
    if (Tree const* const window = t.find("sliding_window"))
        set_sliding(t, t.need_integer("num_hidden_layers"), window);
}

void windows_above(JsonTranslator& t) {
    if (!t.is_true("use_sliding_window")) return;
    if (Tree const* const types = t.find("layer_types"))
        return set_sliding(t, count_layers(t, *types).sliding, types);
    Tree const* const first = t.need("max_window_layers");
    set_sliding(t, t.need_integer("num_hidden_layers") - t.integer(first), first);
}

void windows_by_pattern(JsonTranslator& t, std::int64_t pattern) {
    if (Tree const* const types = t.find("layer_types"))
        return set_sliding(t, count_layers(t, *types).sliding, types);
    Tree const* stated = t.find("sliding_window_pattern");
    if (stated == nullptr) stated = t.find("_sliding_window_pattern");
    if (stated != nullptr) pattern = std::max<std::int64_t>(t.integer(stated), 1);
    std::int64_t const layers = t.need_integer("num_hidden_layers");
    if (stated == nullptr)
        t.note("one full layer in " + std::to_string(pattern) + ", by the class's default");
    set_sliding(t, layers - layers / pattern, stated);
}

}  // namespace mw::config
