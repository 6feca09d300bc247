#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "fields.hpp"
#include "tree.hpp"

namespace mw::config {

//! A number that a deck may state, with its bounds in SI units.
struct NumericKey {
    enum class Kind : std::uint8_t { number, integer, quantity, list };
    std::string path;  //!< as `--set` takes it
    Kind kind;
    std::string unit;  //!< of a quantity: the likely one
    std::size_t size;  //!< of a list
    Rule rule;

    //! As a deck would state it.
    [[nodiscard]] std::string text(double value) const;
};

/*!
 * Lists the numeric keys that a deck's blocks ask for, whether it states them or not; reads nothing.
 *
 * The structs say which alternatives are meant (an arrival process, a topology), the tree which optional blocks are there.
 */
class KeyLister final : public Fields {
  public:
    KeyLister(Tree const& tree, std::string path, std::vector<NumericKey>& keys)
        : tree_{tree}, path_{std::move(path)}, keys_{keys} {}

    [[nodiscard]] bool reading() const override { return true; }
    [[nodiscard]] bool has(std::string_view key) const override { return tree_.find(key) != nullptr; }
    [[nodiscard]] bool is_word(std::string_view key) const override;
    [[nodiscard]] bool says(std::string_view key, std::string_view word) const override;
    void text(std::string_view, std::string&, Rule) override {}
    void file(std::string_view, std::string&) override {}
    void flag(std::string_view, bool&) override {}
    void number(std::string_view key, double&, Rule rule) override;
    void integer(std::string_view key, std::int64_t&, Rule rule) override;
    void seed(std::string_view, std::uint64_t&) override {}
    void quantity(std::string_view key, double&, std::string_view unit, Rule rule) override;
    void time(std::string_view key, core::TimeNs&, std::string_view unit, Rule rule) override;
    void numbers(std::string_view key, std::span<double> values, Rule rule) override;
    void integers(std::string_view key, std::vector<std::int64_t>& values, Rule rule) override;
    void words(std::string_view, std::vector<std::string>&) override {}
    void block(std::string_view key, Body const& body, Rule rule) override;
    void list(std::string_view key, std::size_t size,
              std::function<void(Fields&, std::size_t)> const& item) override;
    void entry(std::string_view key, std::string_view kind, Body const& body, Rule rule,
               std::string_view fallback) override;
    void known(std::string_view) override {}
    void reject(std::string_view, std::string const&) override {}

  protected:
    void pick(std::string_view, std::size_t&, Choices const&, Rule) override {}

  private:
    void add(std::string_view key, NumericKey::Kind kind, std::string_view unit, std::size_t size, Rule rule);

    Tree const& tree_;
    std::string path_;
    std::vector<NumericKey>& keys_;
};

//! Every numeric key of the blocks and alternatives that a good deck has.
[[nodiscard]] std::vector<NumericKey> numeric_keys(std::string const& deck_path);

}  // namespace mw::config
