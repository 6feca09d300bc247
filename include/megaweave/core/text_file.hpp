#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace mw::core {

//! How much of a file that a user names is read at most.
struct TextLimits {
    std::uint64_t most_bytes;
    std::uint64_t longest_line;  //!< without its end
};

inline constexpr TextLimits deck_limits{4'000'000, 4'000'000};  //!< decks, catalogue, config.json
inline constexpr TextLimits table_limits{std::uint64_t{4} << 30U, 1U << 20U};  //!< CSV: traces, tables, flows
inline constexpr TextLimits json_lines_limits{std::uint64_t{4} << 30U, 64U << 20U};  //!< a session in a line

//! A file's text, or what is wrong with it as a clause that follows its name.
struct TextFile {
    std::string text;
    std::string problem;
    [[nodiscard]] bool ok() const { return problem.empty(); }
};

/*!
 * Reads a file up to the limits, whatever the path names: a device or a pipe without end is refused as soon as it exceeds them.
 * `padding` zero bytes follow the text. Throws `core::WorldError` where reading fails or memory is short.
 */
[[nodiscard]] TextFile read_text_file(std::string const& path, TextLimits const& limits,
                                      std::size_t padding = 0);

//! The same; throws `core::InputError` ("FILE: what is wrong").
[[nodiscard]] std::string need_text_file(std::string const& path, TextLimits const& limits,
                                         std::size_t padding = 0);

}  // namespace mw::core
