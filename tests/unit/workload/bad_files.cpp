#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "megaweave/core/error.hpp"
#include "megaweave/workload/lengths.hpp"
#include "megaweave/workload/trace.hpp"

using namespace mw::workload;

namespace {

struct BadTrace {
    char const* file;
    TraceFormat format;
    std::vector<std::string> messages;  // after the folder
};

std::string const folder = std::string{MW_SOURCE_DIR} + "/tests/decks/bad_traces/";

template <class Read>
std::vector<std::string> messages_of(Read read) {
    try {
        read();
    } catch (mw::core::InputError const& error) {
        auto messages = error.messages();
        for (auto& message : messages)
            if (message.starts_with(folder)) message.erase(0, folder.size());
        return messages;
    }
    return {};
}

std::string const whole = "'. It must be a whole number of tokens below 2^31";

std::vector<BadTrace> bad_csv_traces() {
    auto const csv = TraceFormat::csv;
    return {
        {"absent.csv", csv, {"absent.csv: no such file"}},
        {"", csv, {": is a directory. Name a file in it"}},
        {"empty.csv", csv, {"empty.csv: is empty. It needs a header and rows"}},
        {"no_rows.csv", csv, {"no_rows.csv: has no requests"}},
        {"misspelt_column.csv",
         csv,
         {"misspelt_column.csv:1: there is no column 'arrival_s'. Is it 'arival_s'?"}},
        {"foreign_columns.csv",
         csv,
         {"foreign_columns.csv:1: there is no column 'arrival_s'. The header is the first line.",
          "foreign_columns.csv:1: there is no column 'input_tokens'. The header is the first line.",
          "foreign_columns.csv:1: there is no column 'output_tokens'. The header is the first line."}},
        {"not_a_number.csv",
         csv,
         {"not_a_number.csv:3: input_tokens is 'ten" + whole,
          "not_a_number.csv:4: output_tokens is '5.5" + whole}},
        {"negative.csv",
         csv,
         {"negative.csv:3: arrival_s is '-1'. It cannot be negative",
          "negative.csv:4: input_tokens is -10. It cannot be negative",
          "negative.csv:5: output_tokens is -5. It cannot be negative"}},
        {"ragged.csv",
         csv,
         {"ragged.csv:3: has 2 fields where the header has 3",
          "ragged.csv:4: has 4 fields where the header has 3"}},
        {"not_a_time.csv",
         csv,
         {"not_a_time.csv:3: arrival_s is 'nan'. It must be a number of seconds, as 12.5",
          "not_a_time.csv:4: arrival_s is '1e300'. It must be a number of seconds, as 12.5"}},
        {"too_many_tokens.csv", csv, {"too_many_tokens.csv:3: input_tokens is '3000000000" + whole}},
    };
}

std::vector<BadTrace> bad_azure_and_mooncake_traces() {
    auto const azure = TraceFormat::azure;
    auto const mooncake = TraceFormat::mooncake;
    std::string const date = "'. It must be a date and time, as 2023-11-16 18:15:46.6805900";
    return {
        {"azure_bad_date.csv",
         azure,
         {"azure_bad_date.csv:3: TIMESTAMP is '2023-13-16 18:15:50.9951690" + date,
          "azure_bad_date.csv:4: TIMESTAMP is '16.11.2023 18:15" + date}},
        {"azure_misspelt_column.csv",
         azure,
         {"azure_misspelt_column.csv:1: there is no column 'ContextTokens'. Is it 'ContextToken'?"}},
        {"mooncake_misspelt_key.jsonl",
         mooncake,
         {"mooncake_misspelt_key.jsonl:1: there is no 'input_length'. Is it 'input_len'?",
          "mooncake_misspelt_key.jsonl:2: timestamp is \"soon\". It must be a number of milliseconds"}},
        {"mooncake_negative.jsonl",
         mooncake,
         {"mooncake_negative.jsonl:1: hash_ids must be a list of whole numbers, none negative",
          "mooncake_negative.jsonl:2: timestamp is -4. It cannot be negative",
          "mooncake_negative.jsonl:2: input_length is -10. It cannot be negative",
          "mooncake_negative.jsonl:2: output_length is '5.5" + whole}},
    };
}

}  // namespace

TEST_CASE("each bad trace is refused with its messages, all at once") {
    for (auto const& table : {bad_csv_traces(), bad_azure_and_mooncake_traces()}) {
        for (auto const& bad : table) {
            CAPTURE(bad.file);
            auto const messages = messages_of([&] { Trace const trace{folder + bad.file, bad.format}; });
            CHECK(messages == bad.messages);
        }
    }
}

TEST_CASE("a json line that was cut off is refused with its line number") {
    auto const messages = messages_of([] {
        Trace const trace{folder + "mooncake_cut_off.jsonl", TraceFormat::mooncake};
    });
    REQUIRE(messages.size() == 1);
    CHECK(messages[0].starts_with("mooncake_cut_off.jsonl:2: is not a JSON object ("));
}

TEST_CASE("of many mistakes the first 20 are told, and how many more there are") {
    auto const messages = messages_of([] {
        Trace const trace{folder + "many_mistakes.csv", TraceFormat::csv};
    });
    REQUIRE(messages.size() == 21);
    CHECK(messages[19] ==
          "many_mistakes.csv:21: input_tokens is 'x'. It must be a whole number of tokens below 2^31");
    CHECK(messages[20] == "many_mistakes.csv: and 5 more mistakes");
}

TEST_CASE("each bad quantile file is refused with its messages") {
    struct Bad {
        char const* file;
        std::vector<std::string> messages;
    };
    Bad const table[] = {
        {"empty.csv", {"empty.csv: is empty. It needs a header and rows"}},
        {"quantiles_foreign_header.csv",
         {"quantiles_foreign_header.csv:1: the header is 'percentile,tokens'. It must be 'quantile,tokens' "
          "or "
          "'tokens,probability'"}},
        {"quantiles_misspelt_column.csv",
         {"quantiles_misspelt_column.csv:1: there is no column 'tokens'. Is it 'token'?"}},
        {"quantiles_not_rising.csv",
         {"quantiles_not_rising.csv:4: the quantile does not rise. Sort the rows and drop doubles",
          "quantiles_not_rising.csv:5: the tokens fall. A larger quantile cannot have fewer tokens"}},
        {"quantiles_open_ended.csv",
         {"quantiles_open_ended.csv: the quantiles must begin at 0 and end at 1"}},
        {"quantiles_out_of_range.csv",
         {"quantiles_out_of_range.csv:3: quantile is '50'. It must be a number from 0 to 1",
          "quantiles_out_of_range.csv:4: tokens is 'many'. It must be a number from 0 to 2^31 - 1"}},
        {"probabilities_short_of_one.csv",
         {"probabilities_short_of_one.csv: the probabilities add up to 0.500000. They must add up to 1"}},
        {"probabilities_not_rising.csv",
         {"probabilities_not_rising.csv:3: the tokens do not rise. Sort the rows and merge doubles",
          "probabilities_not_rising.csv:4: probability is '1.5'. It must be a number from 0 to 1",
          "probabilities_not_rising.csv:5: probability is '-0.25'. It must be a number from 0 to 1"}},
    };
    for (auto const& bad : table) {
        CAPTURE(bad.file);
        LengthParams params;
        params.law = Law::quantiles;
        params.file = folder + bad.file;
        CHECK(messages_of([&] { LengthLaw const law{params}; }) == bad.messages);
    }
}

TEST_CASE("length parameters out of range are the user's mistake, not a crash") {
    std::vector<LengthParams> const table{
        {.law = Law::fixed, .tokens = 0},
        {.law = Law::uniform, .min = 0, .max = 5},
        {.law = Law::uniform, .min = 6, .max = 5},
        {.law = Law::lognormal, .max = -1, .median = 100, .sigma = 1},
        {.law = Law::lognormal, .max = 10, .median = 0, .sigma = 1},
        {.law = Law::lognormal, .max = 10, .median = 100, .sigma = -1},
        {.law = Law::lognormal, .max = 10, .median = 5000, .sigma = 0.1},
        {.law = Law::exponential, .max = 10, .mean = 0.5},
    };
    for (std::size_t i = 0; i < table.size(); ++i) {
        CAPTURE(i);
        CHECK_THROWS_AS(LengthLaw{table[i]}, mw::core::InputError);
    }
}
