#include "timing_csv.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <optional>
#include <sstream>
#include <string_view>

#include "megaweave/core/error.hpp"
#include "megaweave/core/text.hpp"
#include "megaweave/core/text_file.hpp"

namespace mw::llm {
namespace {

enum Column : std::size_t { kind, batch, kv_tokens, chunk, iteration_s, column_count };
constexpr std::array<std::string_view, column_count> column_names{"kind", "batch", "kv_tokens", "chunk",
                                                                  "iteration_s"};
using Columns = std::array<std::size_t, column_count>;
constexpr std::string_view operator_suffix{"_ms_per_layer"};
constexpr std::size_t most_mistakes = 20;
constexpr double most_seconds = 1e5;  // of an iteration
constexpr double most_tokens = 1e12;

Columns find_columns(std::string const& path, std::string_view header) {
    auto const fields = core::split_trimmed(header);
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

//! Columns `<operator>_ms_per_layer`, by the part of an iteration that the operator's name puts it in.
struct Split {
    std::vector<std::size_t> decode_attention;
    std::vector<std::size_t> prefill_attention;
    std::vector<std::size_t> collectives;
    std::size_t layers{0};

    explicit Split(std::string_view header) {
        auto const fields = core::split_trimmed(header);
        auto const found = std::find(fields.begin(), fields.end(), "layers");
        if (found == fields.end()) return;
        layers = static_cast<std::size_t>(found - fields.begin());
        for (std::size_t c = 0; c < fields.size(); ++c) {
            if (!fields[c].ends_with(operator_suffix)) continue;
            auto const names = [&](std::string_view part) {
                return fields[c].find(part) != std::string_view::npos;
            };
            if (names("decode")) decode_attention.push_back(c);
            if (names("prefill")) prefill_attention.push_back(c);
            if (names("all_reduce") || names("all_to_all")) collectives.push_back(c);
        }
    }
    //! Attention stands apart for both kinds; otherwise the columns say nothing about a mixed iteration.
    [[nodiscard]] bool useful() const { return !decode_attention.empty() && !prefill_attention.empty(); }
    [[nodiscard]] std::size_t last_column() const {
        std::size_t last = layers;
        for (auto const* part : {&decode_attention, &prefill_attention, &collectives})
            for (std::size_t const c : *part) last = std::max(last, c);
        return last;
    }
};

//! Reads one line after another and keeps a list of what is wrong.
class RowReader {
  public:
    RowReader(std::string const& path, std::string_view header)
        : path_{path}, columns_{find_columns(path, header)}, split_{header} {
        rows_.split = split_.useful();
        last_ = *std::max_element(columns_.begin(), columns_.end());
        if (rows_.split) last_ = std::max(last_, split_.last_column());
    }

    void operator()(std::string_view text, int line) {
        line_ = line;
        fields_ = core::split_trimmed(text);
        if (fields_.size() <= last_) return mistake("the row has too few fields");
        auto const what = field(kind);
        if (what != "decode" && what != "prefill") {
            return mistake("kind '" + std::string{what} + "' is neither decode nor prefill");
        }
        bool const decode = what == "decode";
        auto const before = mistakes_.size();
        TimingRow row{};
        row.tokens = value(decode ? batch : chunk, 1.0);
        row.context = value(kv_tokens, 0.0);
        row.seconds = value(iteration_s, 1e-9);
        row.line = line;
        if (rows_.split && mistakes_.size() == before) take_parts(row);
        if (mistakes_.size() == before) (decode ? rows_.decode : rows_.prefill).push_back(row);
    }

    TimingRows finish() {
        if (!mistakes_.empty()) throw core::InputError(std::move(mistakes_));
        return std::move(rows_);
    }

    [[nodiscard]] bool full() const { return mistakes_.size() >= most_mistakes; }

  private:
    [[nodiscard]] std::string_view field(Column column) const { return fields_[columns_[column]]; }

    void take_parts(TimingRow& row) {
        double const layer_s = 1e-3 * operators_value(split_.layers);
        auto const part = [&](std::vector<std::size_t> const& columns) {
            double sum = 0.0;
            for (std::size_t const c : columns) sum += operators_value(c);
            return layer_s * sum;
        };
        row.decode_attention_s = part(split_.decode_attention);
        row.prefill_attention_s = part(split_.prefill_attention);
        row.collectives_s = part(split_.collectives);
        if (row.linear_s() < 0) mistake("the parts of attention and collectives exceed iteration_s");
    }

    double operators_value(std::size_t column) {
        auto const read = number(fields_[column]);
        if (!read || *read < 0 || *read > 1e3 * most_seconds)
            mistake("'" + std::string{fields_[column]} + "' is not a number from 0 to 1e8");
        return read.value_or(0.0);
    }

    double value(Column column, double smallest) {
        auto const read = number(field(column));
        double const largest = column == iteration_s ? most_seconds : most_tokens;
        if (read && *read > largest) {
            mistake(std::string{column_names[column]} + " '" + std::string{field(column)} +
                    "' is larger than " + (column == iteration_s ? "100,000 (seconds)" : "1e12 (tokens)"));
        } else if (!read || *read < smallest) {
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
    Split split_;
    std::size_t last_{0};  // column that is needed
    int line_{0};
    std::vector<std::string_view> fields_;
    TimingRows rows_;
    std::vector<std::string> mistakes_;
};

}  // namespace

TimingRows read_timing_csv(std::string const& path) {
    std::istringstream file{core::need_text_file(path, core::table_limits)};
    std::string text;
    if (!std::getline(file, text)) throw core::InputError(path + ":1: the timing table is empty");
    RowReader read{path, text};
    for (int line = 2; std::getline(file, text) && !read.full(); ++line) {
        if (!core::trimmed(text).empty()) read(text, line);
    }
    return read.finish();
}

}  // namespace mw::llm
