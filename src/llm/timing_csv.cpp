#include "timing_csv.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <fstream>
#include <optional>
#include <string_view>

#include "megaweave/core/error.hpp"

namespace mw::llm {
namespace {

enum Column : std::size_t { kind, batch, kv_tokens, chunk, iteration_s, column_count };
constexpr std::array<std::string_view, column_count> column_names{"kind", "batch", "kv_tokens", "chunk",
                                                                  "iteration_s"};
using Columns = std::array<std::size_t, column_count>;
constexpr std::size_t most_mistakes = 20;

std::string_view trim(std::string_view text) {
    auto const first = text.find_first_not_of(" \t\r");
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(" \t\r") - first + 1);
}

std::vector<std::string_view> split(std::string_view line) {
    std::vector<std::string_view> fields;
    for (std::size_t from = 0; from <= line.size();) {
        auto const to = std::min(line.find(',', from), line.size());
        fields.push_back(trim(line.substr(from, to - from)));
        from = to + 1;
    }
    return fields;
}

Columns find_columns(std::string const& path, std::string_view header) {
    auto const fields = split(header);
    Columns columns{};
    std::vector<std::string> missing;
    for (std::size_t c = 0; c < column_count; ++c) {
        auto const found = std::find(fields.begin(), fields.end(), column_names[c]);
        columns[c] = static_cast<std::size_t>(found - fields.begin());
        if (found == fields.end()) {
            missing.push_back(path + ":1: no column '" + std::string{column_names[c]} +
                              "'. A timing table needs kind,batch,kv_tokens,chunk,iteration_s");
        }
    }
    if (!missing.empty()) throw core::InputError(missing);
    return columns;
}

std::optional<double> number(std::string_view text) {
    double value = 0;
    auto const [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size() || !std::isfinite(value))
        return std::nullopt;
    return value;
}

//! Reads one line after another and keeps a list of what is wrong.
class RowReader {
  public:
    RowReader(std::string const& path, Columns const& columns) : path_{path}, columns_{columns} {}

    void operator()(std::string_view text, int line) {
        line_ = line;
        fields_ = split(text);
        if (fields_.size() <= *std::max_element(columns_.begin(), columns_.end())) {
            return mistake("the row has too few fields");
        }
        auto const what = field(kind);
        if (what != "decode" && what != "prefill") {
            return mistake("kind '" + std::string{what} + "' is neither decode nor prefill");
        }
        bool const decode = what == "decode";
        auto const before = mistakes_.size();
        TimingRow const row{value(decode ? batch : chunk, 1.0), value(kv_tokens, 0.0),
                            value(iteration_s, 1e-9), line};
        if (mistakes_.size() == before) (decode ? rows_.decode : rows_.prefill).push_back(row);
    }

    TimingRows finish() {
        if (!mistakes_.empty()) throw core::InputError(std::move(mistakes_));
        return std::move(rows_);
    }

    [[nodiscard]] bool full() const { return mistakes_.size() >= most_mistakes; }

  private:
    [[nodiscard]] std::string_view field(Column column) const { return fields_[columns_[column]]; }

    double value(Column column, double smallest) {
        auto const read = number(field(column));
        if (!read || *read < smallest) {
            mistake(std::string{column_names[column]} + " '" + std::string{field(column)} +
                    "' is not a number of at least " +
                    (smallest == 1.0   ? "1"
                     : smallest == 0.0 ? "0"
                                       : "1e-9 (a nanosecond)"));
        }
        return read.value_or(0.0);
    }

    void mistake(std::string const& what) {
        mistakes_.push_back(path_ + ":" + std::to_string(line_) + ": " + what);
    }

    std::string path_;
    Columns columns_;
    int line_{0};
    std::vector<std::string_view> fields_;
    TimingRows rows_;
    std::vector<std::string> mistakes_;
};

}  // namespace

TimingRows read_timing_csv(std::string const& path) {
    std::ifstream file{path};
    std::string text;
    if (!file) throw core::WorldError("cannot read the timing table " + path);
    if (!std::getline(file, text)) throw core::InputError(path + ":1: the timing table is empty");
    RowReader read{path, find_columns(path, text)};
    for (int line = 2; std::getline(file, text) && !read.full(); ++line) {
        if (!trim(text).empty()) read(text, line);
    }
    return read.finish();
}

}  // namespace mw::llm
