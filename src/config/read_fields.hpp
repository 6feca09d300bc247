#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "fields.hpp"
#include "library.hpp"
#include "tree.hpp"

namespace mw::config {

//! What reading needs besides the block itself.
struct ReadContext {
    Problems& problems;
    Library const& library;
    std::vector<std::filesystem::path> folders;  //!< where relative files are looked for, in order
};

/*!
 * Reads one block of a tree into a struct: every mistake goes on the list of problems and leaves the default in place.
 *
 * `finish()` reports the keys that nobody asked for.
 */
class ReadFields : public Fields {
  public:
    //! An empty `tree` that is not a map reads as a block without keys.
    ReadFields(ReadContext& context, Tree const& tree, std::string path)
        : context_{context}, tree_{tree}, path_{std::move(path)} {}

    /*!
     * Reads a catalogue entry, its `base` first. `refines`: the struct already holds the values of an enclosing block's base.
     */
    static void read_entry(ReadContext& context, std::string_view kind, Tree const& tree,
                           std::string const& name, std::string const& path, Body const& body,
                           bool refines = false);
    void finish();

    [[nodiscard]] bool reading() const override { return true; }
    [[nodiscard]] bool has(std::string_view key) const override;
    [[nodiscard]] bool is_word(std::string_view key) const override;
    [[nodiscard]] bool says(std::string_view key, std::string_view word) const override;
    [[nodiscard]] std::string entry_name() const override { return entry_name_; }
    void text(std::string_view key, std::string& value, Rule rule) override;
    void file(std::string_view key, std::string& path) override;
    void flag(std::string_view key, bool& value) override;
    void number(std::string_view key, double& value, Rule rule) override;
    void integer(std::string_view key, std::int64_t& value, Rule rule) override;
    void seed(std::string_view key, std::uint64_t& value) override;
    void quantity(std::string_view key, double& value, std::string_view unit, Rule rule) override;
    void time(std::string_view key, core::TimeNs& value_ns, std::string_view unit, Rule rule) override;
    void numbers(std::string_view key, std::span<double> values, Rule rule) override;
    void integers(std::string_view key, std::vector<std::int64_t>& values, Rule rule) override;
    void words(std::string_view key, std::vector<std::string>& values) override;
    void block(std::string_view key, Body const& body, Rule rule) override;
    void list(std::string_view key, std::size_t size,
              std::function<void(Fields&, std::size_t)> const& item) override;
    void entry(std::string_view key, std::string_view kind, Body const& body, Rule rule,
               std::string_view fallback) override;
    void known(std::string_view key) override { asked_.emplace_back(key); }
    void reject(std::string_view key, std::string const& why) override;

  protected:
    void pick(std::string_view key, std::size_t& index, Choices const& choices, Rule rule) override;

  private:
    //! A model by the path of a Hugging Face config.json.
    void json_entry(std::string_view key, Body const& body);
    //! The node under a key; a problem if it is required and absent. Null values are problems too.
    Tree const* take(std::string_view key, Rule rule, std::string const& example);
    //! The same for a plain word.
    Tree const* take_scalar(std::string_view key, Rule rule, std::string const& example);
    void problem(Tree const& node, std::string_view key, std::string const& clause);
    bool in_range(Tree const& node, std::string_view key, double value, Rule rule, std::string_view unit);
    [[nodiscard]] std::string at(std::string_view key) const { return join_path(path_, key); }

    ReadContext& context_;
    Tree const& tree_;
    std::string path_;
    std::string entry_name_;
    bool based_{false};  // values come from a base: nothing is required
    std::vector<std::string> asked_;
};

}  // namespace mw::config
