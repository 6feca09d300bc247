#include "quantile_file.hpp"

#include <cmath>

#include "megaweave/core/error.hpp"
#include "megaweave/core/text.hpp"
#include "megaweave/core/text_file.hpp"
#include "text_table.hpp"

namespace mw::workload {

namespace {

LinearLaw read_linear(std::string const& file, std::string const& text) {
    Mistakes mistakes{file};
    CsvReader rows{text, {"quantile", "tokens"}, mistakes};
    std::vector<double> quantiles;
    std::vector<double> tokens;
    if (!rows.read_header()) mistakes.throw_if_any();
    while (rows.next()) {
        auto const quantile = to_number(rows.fields()[0]);
        auto const count = to_number(rows.fields()[1]);
        if (!quantile || *quantile < 0 || *quantile > 1) {
            mistakes.add(rows.line(), "quantile is '" + std::string{rows.fields()[0]} +
                                          "'. It must be a number from 0 to 1");
        } else if (!count || *count < 0 || *count > static_cast<double>(most_tokens)) {
            mistakes.add(rows.line(), "tokens is '" + std::string{rows.fields()[1]} +
                                          "'. It must be a number from 0 to 2^31 - 1");
        } else if (!quantiles.empty() && *quantile <= quantiles.back()) {
            mistakes.add(rows.line(), "the quantile does not rise. Sort the rows and drop doubles");
        } else if (!tokens.empty() && *count < tokens.back()) {
            mistakes.add(rows.line(), "the tokens fall. A larger quantile cannot have fewer tokens");
        } else {
            quantiles.push_back(*quantile);
            tokens.push_back(*count);
        }
    }
    mistakes.throw_if_any();
    if (quantiles.size() < 2 || quantiles.front() != 0.0 || quantiles.back() != 1.0)
        throw core::InputError(file + ": the quantiles must begin at 0 and end at 1");
    return LinearLaw{std::move(quantiles), std::move(tokens)};
}

DiscreteLaw read_discrete(std::string const& file, std::string const& text) {
    Mistakes mistakes{file};
    CsvReader rows{text, {"tokens", "probability"}, mistakes};
    std::vector<std::int64_t> tokens;
    std::vector<double> probabilities;
    double sum = 0;
    if (!rows.read_header()) mistakes.throw_if_any();
    while (rows.next()) {
        auto const count = to_integer(rows.fields()[0]);
        auto const probability = to_number(rows.fields()[1]);
        if (!count || *count < 0 || *count > most_tokens) {
            mistakes.add(rows.line(), "tokens is '" + std::string{rows.fields()[0]} +
                                          "'. It must be a whole number from 0 to 2^31 - 1");
        } else if (!probability || *probability < 0 || *probability > 1) {
            mistakes.add(rows.line(), "probability is '" + std::string{rows.fields()[1]} +
                                          "'. It must be a number from 0 to 1");
        } else if (!tokens.empty() && *count <= tokens.back()) {
            mistakes.add(rows.line(), "the tokens do not rise. Sort the rows and merge doubles");
        } else {
            tokens.push_back(*count);
            probabilities.push_back(*probability);
            sum += *probability;
        }
    }
    mistakes.throw_if_any();
    if (std::abs(sum - 1.0) > 0.01)
        throw core::InputError(file + ": the probabilities add up to " + std::to_string(sum) +
                               ". They must add up to 1");
    return DiscreteLaw{std::move(tokens), probabilities};
}

}  // namespace

std::variant<LinearLaw, DiscreteLaw> read_quantile_file(std::string const& file) {
    std::string const text = core::need_text_file(file, core::table_limits);
    LineReader lines{text};
    if (!lines.next()) throw core::InputError(file + ": is empty. It needs a header and rows");
    for (auto const name : core::split_trimmed(lines.line())) {
        if (name == "quantile") return read_linear(file, text);
        if (name == "probability") return read_discrete(file, text);
    }
    throw core::InputError(file + ":" + std::to_string(lines.number()) + ": the header is '" +
                           std::string{lines.line()} +
                           "'. It must be 'quantile,tokens' or 'tokens,probability'");
}

}  // namespace mw::workload
