#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mw::workload {

//! Collects what is wrong in a file, to tell it all at once: the first 20 mistakes and how many more there are.
class Mistakes {
  public:
    explicit Mistakes(std::string file) : file_{std::move(file)} {}

    void add(std::size_t line, std::string const& what);
    //! A mistake of the file as a whole.
    void add(std::string const& what);
    [[nodiscard]] bool any() const { return count_ != 0; }
    //! Throws core::InputError if there are any.
    void throw_if_any() const;

  private:
    void keep(std::string message);

    std::string file_;
    std::vector<std::string> messages_;
    std::size_t count_{0};
};

//! Steps over the lines of a text that are not blank, without their ends (LF or CR LF). A byte order mark is skipped.
class LineReader {
  public:
    explicit LineReader(std::string_view text);
    bool next();
    [[nodiscard]] std::string_view line() const { return line_; }
    [[nodiscard]] std::size_t number() const { return number_; }  //!< from 1

  private:
    std::string_view rest_;
    std::string_view line_;
    std::size_t number_{0};
};

/*!
 * A CSV text with a header (no quotes: these files hold numbers). Rows give their fields in the order of `columns`.
 *
 * A missing column and a row with too few or too many fields are mistakes; such rows are skipped.
 */
class CsvReader {
  public:
    CsvReader(std::string_view text, std::vector<std::string> columns, Mistakes& mistakes);

    //! Reads the header. False if the rows cannot be read.
    bool read_header();
    bool next();
    [[nodiscard]] std::vector<std::string_view> const& fields() const { return fields_; }
    [[nodiscard]] std::size_t line() const { return lines_.number(); }

  private:
    LineReader lines_;
    std::vector<std::string> columns_;
    std::vector<std::size_t> place_;  // in the file, of each wanted column
    std::size_t width_{0};
    std::vector<std::string_view> fields_;
    Mistakes& mistakes_;
};

[[nodiscard]] std::optional<std::int64_t> to_integer(std::string_view text);
//! Finite numbers only.
[[nodiscard]] std::optional<double> to_number(std::string_view text);

//! A count of tokens: what is wrong with `text` goes to `mistakes`, with the column's name. 0 counts as 1.
[[nodiscard]] std::optional<std::int32_t> to_tokens(std::string_view text, std::string const& column,
                                                    std::size_t line, Mistakes& mistakes);

}  // namespace mw::workload
