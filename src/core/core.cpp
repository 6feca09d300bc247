#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "megaweave/core/check.hpp"
#include "megaweave/core/error.hpp"
#include "megaweave/core/frame.hpp"
#include "megaweave/core/hash.hpp"
#include "megaweave/core/integer.hpp"

namespace mw::core {

void contract_violated(std::string_view condition, std::string_view why, char const* file, int line) {
    throw ContractError(fmt::format(
        "{}:{}: contract broken: {} ({}). This is a bug of Megaweave: please report it with the deck.", file,
        line, condition, why));
}

void too_large(char const* quantity, double value) {
    throw TooLarge(fmt::format(
        "the deck's values together give {:.3g} for {}, more than the program can count: shorten "
        "time.duration "
        "or time.sample, make the site smaller, or look for a value that is far out of proportion",
        value, quantity));
}

namespace {

std::string joined(std::vector<std::string> const& messages) {
    std::string text;
    for (auto const& message : messages) text += (text.empty() ? "" : "\n") + message;
    return text;
}

std::size_t edit_distance(std::string const& a, std::string const& b) {
    std::vector<std::size_t> row(b.size() + 1);
    std::iota(row.begin(), row.end(), std::size_t{0});
    for (std::size_t i = 1; i <= a.size(); ++i) {
        std::size_t diagonal = row[0]++;
        for (std::size_t j = 1; j <= b.size(); ++j) {
            std::size_t const substituted = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
            diagonal = row[j];
            row[j] = std::min({substituted, row[j] + 1, row[j - 1] + 1});
        }
    }
    return row.back();
}

}  // namespace

InputError::InputError(std::vector<std::string> messages)
    : std::runtime_error(joined(messages)), messages_{std::move(messages)} {}

std::string nearest(std::string const& word, std::vector<std::string> const& candidates) {
    std::size_t best_distance = std::max<std::size_t>(2, word.size() / 3) + 1;
    std::string best;
    for (auto const& candidate : candidates) {
        std::size_t const longer = std::max(word.size(), candidate.size());
        if (longer - std::min(word.size(), candidate.size()) >= best_distance)
            continue;  // far apart by length
        std::size_t const distance = edit_distance(word, candidate);
        if (distance < best_distance) {
            best_distance = distance;
            best = candidate;
        }
    }
    return best;
}

std::string Digest::hex() const {
    return fmt::format("{:016x}{:016x}", high, low);
}

std::uint64_t hash_text(std::string const& text) {
    std::uint64_t h = text.size();
    for (unsigned char const c : text) h = mix(h ^ c);
    return h;
}

Column& Frame::add(Owner owner, std::string_view name, std::string_view unit, std::string_view description,
                   std::size_t size) {
    return columns.emplace_back(Column{owner, std::string{name}, std::string{unit}, std::string{description},
                                       std::vector<float>(size, 0.0F)});
}

}  // namespace mw::core
