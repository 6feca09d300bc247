#pragma once

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "megaweave/core/time.hpp"

namespace mw::config {

//! What a value must satisfy; `required` where there is no default.
struct Rule {
    bool required{false};
    double min{-std::numeric_limits<double>::infinity()};
    double max{std::numeric_limits<double>::infinity()};

    [[nodiscard]] constexpr Rule need() const {
        Rule rule = *this;
        rule.required = true;
        return rule;
    }
    [[nodiscard]] constexpr Rule up_to(double limit) const {
        Rule rule = *this;
        rule.max = limit;
        return rule;
    }
};

constexpr Rule at_least(double min) {
    return {.min = min};
}
constexpr Rule within(double min, double max) {
    return {.min = min, .max = max};
}
inline constexpr Rule anything{};
inline constexpr Rule share = within(0, 1);

/*!
 * Every number has bounds on both sides, beyond what could be meant within ten years: at either, alone in a deck, nothing overflows,
 * divides by zero or takes minutes (tests/edges/bounds_test.cpp goes through all keys). Some that several blocks share, in SI units:
 */
namespace bounds {
inline constexpr Rule count = within(0, 1e6);
inline constexpr Rule watts = within(0, 1e6);           //!< of a board, host, switch or chassis
inline constexpr Rule latency = within(0, 1);           //!< of a kernel, message or memory
inline constexpr Rule efficiency = within(0.5, 1);      //!< of what converts power
inline constexpr Rule reached_share = within(0.01, 1);  //!< of a ceiling
inline constexpr Rule factor = within(0.01, 10);
inline constexpr Rule bytes_per_s = within(1e6, 1e16);  //!< of a port, link or switch
inline constexpr Rule joules_per_byte = within(0, 1e-6);
inline constexpr Rule site_watts = within(1, 1e12);
inline constexpr Rule event = within(1e-6, 26280 * 3600.0);  //!< length of a run or an event: three years
inline constexpr Rule start = within(0, 26280 * 3600.0);
inline constexpr Rule tokens = within(1, 1e8);  //!< of a prompt, an answer, a context
}  // namespace bounds

//! The words of an enum, in its order, and words that the deck format knows but this version does not simulate.
struct Choices {
    std::vector<std::string> names;
    std::vector<std::string> later;
};

/*!
 * One description of a block serves reading, writing and listing it: `describe(Fields&, Params&)` names each key once, with
 * unit, range and place in the struct. Read, the key overwrites the struct's default; written, the struct's value comes out.
 */
class Fields {
  public:
    using Body = std::function<void(Fields&)>;

    virtual ~Fields() = default;

    [[nodiscard]] virtual bool reading() const = 0;
    //! Reading: the key is there. Writing: never.
    [[nodiscard]] virtual bool has(std::string_view key) const = 0;
    //! Reading: the key is there as a plain word, not as a block.
    [[nodiscard]] virtual bool is_word(std::string_view key) const = 0;
    //! Reading: the key is there and says just this.
    [[nodiscard]] virtual bool says(std::string_view key, std::string_view word) const = 0;
    //! Reading: the key states its default by a word, as the documentation does (`power_cap: TDP`); there is no number to read.
    [[nodiscard]] bool is_default(std::string_view key, std::initializer_list<std::string_view> words);
    //! Writing for the hash: leave out what cannot change a result.
    [[nodiscard]] virtual bool physics_only() const { return false; }
    //! Name under which the catalogue lists this block; "" outside the catalogue.
    [[nodiscard]] virtual std::string entry_name() const { return {}; }

    virtual void text(std::string_view key, std::string& value, Rule rule = anything) = 0;
    //! A file that must exist: relative to the deck's folder, then to the working directory. Reads as an absolute path.
    virtual void file(std::string_view key, std::string& path) = 0;
    virtual void flag(std::string_view key, bool& value) = 0;
    virtual void number(std::string_view key, double& value, Rule rule = anything) = 0;
    virtual void integer(std::string_view key, std::int64_t& value, Rule rule = anything) = 0;
    virtual void seed(std::string_view key, std::uint64_t& value) = 0;
    //! `unit` is the likely one: it sets the dimension and appears in messages.
    virtual void quantity(std::string_view key, double& value, std::string_view unit,
                          Rule rule = anything) = 0;
    virtual void numbers(std::string_view key, std::span<double> values, Rule rule = anything) = 0;
    //! A list of whole numbers, of any length.
    virtual void integers(std::string_view key, std::vector<std::int64_t>& values, Rule rule = anything) = 0;
    //! A list of plain words or phrases.
    virtual void words(std::string_view key, std::vector<std::string>& values) = 0;
    virtual void block(std::string_view key, Body const& body, Rule rule = anything) = 0;
    //! Calls `item(fields, index)` for each; writing: `size` times.
    virtual void list(std::string_view key, std::size_t size,
                      std::function<void(Fields&, std::size_t)> const& item) = 0;
    //! A catalogue entry of this kind by name, or an inline block, which may start from a `base`. Absent: `fallback`, if it is an entry.
    virtual void entry(std::string_view key, std::string_view kind, Body const& body, Rule rule = anything,
                       std::string_view fallback = {}) = 0;
    //! A key that is legal here and read elsewhere, or not at all.
    virtual void known(std::string_view key) = 0;
    //! The key's value cannot be used: say why.
    virtual void reject(std::string_view key, std::string const& why) = 0;

    template <class Enum>
    void choice(std::string_view key, Enum& value, Choices const& choices, Rule rule = anything) {
        auto index = static_cast<std::size_t>(value);
        pick(key, index, choices, rule);
        value = static_cast<Enum>(index);
    }
    //! A duration as integer nanoseconds.
    virtual void time(std::string_view key, core::TimeNs& value_ns, std::string_view unit,
                      Rule rule = anything) = 0;
    //! A data rate or amount as an integer of bytes.
    void bytes(std::string_view key, std::int64_t& value, std::string_view unit, Rule rule = anything);

  protected:
    virtual void pick(std::string_view key, std::size_t& index, Choices const& choices, Rule rule) = 0;
};

}  // namespace mw::config
