#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mw::fabric {

//! Collects the mistakes in the user's files; throws all at once, the first 20 in full.
class Mistakes {
  public:
    void add(std::string const& file, std::size_t line, std::string const& message);
    //! Throws `core::InputError` if there were any.
    void report() const;

  private:
    static constexpr std::size_t shown = 20;
    std::vector<std::string> messages_;
    std::size_t unshown_{0};
};

/*!
 * A table as comma-separated text: a header line, then one row a line. No quotes; blanks around a field,
 * blank lines, a byte-order mark and carriage returns are dropped; columns that were not asked for are
 * ignored.
 */
class CsvTable {
  public:
    struct Row {
        std::size_t line{0};    //!< from 1
        std::string_view text;  //!< as it stands in the file
        std::vector<std::string_view>
            fields;  //!< in the order of the columns asked for, then the optional ones
    };

    //! Reads the file; what is wrong goes to `mistakes`, and rows with the wrong number of fields are left
    //! out. Optional columns that are not there are empty in every row.
    CsvTable(std::string path, std::vector<std::string> const& columns, Mistakes& mistakes,
             std::vector<std::string> const& optional = {});
    CsvTable(CsvTable const&) = delete;  // rows point into the contents
    CsvTable& operator=(CsvTable const&) = delete;

    [[nodiscard]] std::string const& path() const { return path_; }
    [[nodiscard]] std::string_view header() const { return header_; }
    [[nodiscard]] std::vector<Row> const& rows() const { return rows_; }

  private:
    std::string path_;
    std::string contents_;
    std::string_view header_;
    std::vector<Row> rows_;
};

//! An integer, also as 5e10.
[[nodiscard]] std::optional<std::int64_t> to_integer(std::string_view text);
//! A finite number.
[[nodiscard]] std::optional<double> to_number(std::string_view text);

}  // namespace mw::fabric
