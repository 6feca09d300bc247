#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "tree.hpp"

namespace mw::config {

//! A name that means a file: a Hugging Face config.json instead of an entry of the catalogue.
[[nodiscard]] inline bool names_json(std::string_view name) {
    return name.ends_with(".json");
}

//! What to call the model of such a file: its folder, or the file itself where it is not called config.json.
[[nodiscard]] std::string json_model_name(std::string const& file);

/*!
 * A Hugging Face config.json as an entry of the catalogue's models, every value with its place in the file.
 *
 * Architectures by `model_type` (model_families.cpp). What a key's absence means is taken only from the
 * class defaults of the published code that the tables there state; anything else that is missing, of an
 * unknown architecture or not modelled, is a problem at its place, never a guess. Returns a null tree where
 * the architecture is unknown.
 */
[[nodiscard]] Tree read_model_json(std::string const& file, Problems& problems);

/*!
 * Writes the entry key by key from the keys of the file.
 *
 * A key is looked for in `text_config` where there is one (models that see and read), then outside.
 */
class JsonTranslator {
  public:
    JsonTranslator(Tree const& json, std::string model_type, Problems& problems);

    //! The value of a key; nullptr where it is absent or null.
    [[nodiscard]] Tree const* find(std::string_view theirs) const;
    //! The same, and a problem if there is none.
    Tree const* need(std::string_view theirs);
    //! A whole number; 0 after a problem.
    [[nodiscard]] std::int64_t integer(Tree const* value);
    [[nodiscard]] std::int64_t need_integer(std::string_view theirs) { return integer(need(theirs)); }
    [[nodiscard]] std::int64_t integer_or(std::string_view theirs, std::int64_t otherwise);
    [[nodiscard]] bool is_true(std::string_view theirs) const;

    //! Ours takes the value of theirs, which must be there.
    void copy(std::string_view ours, std::string_view theirs);
    //! The same where it is there; true if so.
    bool copy_if(std::string_view ours, std::string_view theirs);
    //! Ours is derived, and stands where `where` stands (the file's begin if nullptr).
    void set(std::string_view ours, std::int64_t value, Tree const* where = nullptr);
    void set(std::string_view ours, std::string const& value, Tree const* where = nullptr);
    //! `ours: {fp4: …, fp8: …}`
    void set_stored(std::string_view ours, std::string const& fp4, std::string const& fp8, Tree const* where);

    void problem(Tree const* where, std::string const& what);
    void note(std::string const& words);
    //! The entry so far, with its name, source and notes.
    [[nodiscard]] Tree finish(std::string const& name, std::string const& file);

  private:
    [[nodiscard]] Where place(Tree const* node) const;

    Tree const& outer_;
    Tree const& inner_;
    std::string model_type_;
    Problems& problems_;
    Tree entry_;
    std::string notes_;
};

//! Translates by architecture; false if it is unknown.
[[nodiscard]] bool translate_family(std::string const& model_type, JsonTranslator& translator);
//! Every `model_type` that is understood.
[[nodiscard]] std::vector<std::string> known_model_types();
//! The `model_type` of a class such as LlamaForCausalLM; "" if unknown.
[[nodiscard]] std::string model_type_of_class(std::string_view name);

}  // namespace mw::config
