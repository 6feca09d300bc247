#include <simdjson.h>

#include <algorithm>
#include <cmath>
#include <unordered_set>
#include <vector>

#include "megaweave/core/error.hpp"
#include "megaweave/core/text_file.hpp"
#include "trace_formats.hpp"

namespace mw::workload {

namespace {

namespace json = simdjson::dom;

// Reads one line's values; what is wrong goes to the mistakes.
class RowReader {
  public:
    RowReader(json::object object, std::size_t line, Mistakes& mistakes)
        : object_{object}, line_{line}, mistakes_{mistakes} {}

    std::optional<core::TimeNs> time_ns() {
        auto const value = find("timestamp");
        if (!value) return std::nullopt;
        double ms = 0;
        if (value->get_double().get(ms) != simdjson::SUCCESS || !(ms < 9e12)) {
            mistakes_.add(line_, "timestamp is " + shown(*value) + ". It must be a number of milliseconds");
            return std::nullopt;
        }
        if (ms < 0) {
            mistakes_.add(line_, "timestamp is " + shown(*value) + ". It cannot be negative");
            return std::nullopt;
        }
        return std::llround(ms * 1e6);
    }

    std::optional<std::int32_t> tokens(std::string const& key) {
        auto const value = find(key);
        if (!value) return std::nullopt;
        return to_tokens(shown(*value), key, line_, mistakes_);
    }

    //! In order; none where there is no such key.
    std::vector<std::uint64_t> hashes() {
        json::element value;
        std::vector<std::uint64_t> ids;
        if (object_.at_key("hash_ids").get(value) != simdjson::SUCCESS) return ids;
        json::array list;
        bool good = value.get_array().get(list) == simdjson::SUCCESS;
        if (good)
            for (auto const hash : list)
                good = hash.get_uint64().get(ids.emplace_back()) == simdjson::SUCCESS && good;
        if (!good) mistakes_.add(line_, "hash_ids must be a list of whole numbers, none negative");
        return ids;
    }

  private:
    std::optional<json::element> find(std::string const& key) {
        json::element value;
        if (object_.at_key(key).get(value) == simdjson::SUCCESS) return value;
        std::vector<std::string> keys;
        for (auto const& field : object_) keys.emplace_back(field.key);
        auto const alike = core::nearest(key, keys);
        mistakes_.add(line_, "there is no '" + key + "'." + (alike.empty() ? "" : " Is it '" + alike + "'?"));
        return std::nullopt;
    }

    static std::string shown(json::element value) { return simdjson::minify(value); }

    json::object object_;
    std::size_t line_;
    Mistakes& mistakes_;
};

//! A prefix cache that forgets nothing.
class SeenBlocks {
  public:
    //! Tokens of a request's prefix that are there; its blocks are from now on.
    std::int64_t take(std::vector<std::uint64_t> const& hashes, std::int64_t input_tokens) {
        constexpr std::int64_t block_tokens = 512;
        auto const is_new = [this](std::uint64_t hash) { return !seen_.contains(hash); };
        auto const found = std::ranges::find_if(hashes, is_new) - hashes.begin();
        seen_.insert(hashes.begin() + found, hashes.end());
        return std::min<std::int64_t>(found, (input_tokens - 1) / block_tokens) * block_tokens;
    }

  private:
    std::unordered_set<std::uint64_t> seen_;
};

}  // namespace

std::vector<TraceRequest> read_mooncake_trace(std::string const& file, Mistakes& mistakes,
                                              std::int64_t& reusable_tokens) {
    // The parser looks past a line's end: padding makes that safe, and line by line gives line numbers.
    std::string const padded =
        core::need_text_file(file, core::json_lines_limits, simdjson::SIMDJSON_PADDING);
    LineReader lines{std::string_view{padded}.substr(0, padded.size() - simdjson::SIMDJSON_PADDING)};
    json::parser parser;
    std::vector<TraceRequest> requests;
    SeenBlocks cache;
    while (lines.next()) {
        json::object object;
        auto const error =
            parser.parse(lines.line().data(), lines.line().size(), false).get_object().get(object);
        if (error != simdjson::SUCCESS) {
            mistakes.add(lines.number(),
                         std::string{"is not a JSON object ("} + simdjson::error_message(error) + ")");
            continue;
        }
        RowReader row{object, lines.number(), mistakes};
        auto const time = row.time_ns();
        auto const input = row.tokens("input_length");
        auto const output = row.tokens("output_length");
        auto const hashes = row.hashes();
        if (!time || !input || !output) continue;
        requests.push_back({*time, *input, *output});
        reusable_tokens += cache.take(hashes, *input);
    }
    return requests;
}

}  // namespace mw::workload
