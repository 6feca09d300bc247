#include "megaweave/llm/expert_use.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "megaweave/core/check.hpp"

namespace mw::llm {
namespace {

constexpr double knots_per_octave = 4.0;

// Probabilities that a token uses expert i: k times Zipf's law, none above 1.
std::vector<double> popularity(std::size_t experts, double per_token, double skew) {
    std::vector<double> p(experts);
    for (std::size_t i = 0; i < experts; ++i) p[i] = std::pow(static_cast<double>(i + 1), -skew);
    std::size_t certain = 0;  // experts that every token uses
    for (;;) {
        double rest = 0.0;
        for (std::size_t i = certain; i < experts; ++i) rest += p[i];
        double const scale = (per_token - static_cast<double>(certain)) / rest;
        if (certain == experts || p[certain] * scale <= 1.0) {
            for (std::size_t i = certain; i < experts; ++i) p[i] *= scale;
            return p;
        }
        p[certain++] = 1.0;
    }
}

}  // namespace

ExpertUse::ExpertUse(std::int64_t experts, std::int64_t per_token, std::int64_t groups, double skew)
    : experts_{static_cast<double>(experts)},
      log_untouched_{experts > 0 ? std::log1p(-static_cast<double>(per_token) / experts_) : 0.0},
      uniform_{skew <= 0.0 || experts <= per_token} {
    if (uniform_) return;
    MW_EXPECT(groups > 0, "experts lie in at least one group");
    auto const p = popularity(static_cast<std::size_t>(experts), static_cast<double>(per_token), skew);
    std::vector<double> load(static_cast<std::size_t>(groups), 0.0);
    for (std::size_t i = 0; i < p.size(); ++i) load[i % load.size()] += p[i];
    imbalance_ = *std::max_element(load.begin(), load.end()) * static_cast<double>(groups) /
                 static_cast<double>(per_token);
    for (double const use : p) add_touched(use);
}

// u(n) = 1 - (1 - p)^n at the knots of the first octave; from there u(2 n) = u (2 - u), which loses no digits.
void ExpertUse::add_touched(double use) {
    constexpr std::size_t octave = 4;
    static_assert(octave == static_cast<std::size_t>(knots_per_octave));
    double const log_spared = use < 1.0 ? std::log1p(-use) : -std::numeric_limits<double>::infinity();
    for (std::size_t first = 0; first < octave; ++first) {
        double used = -std::expm1(std::exp2(static_cast<double>(first) / knots_per_octave) * log_spared);
        for (std::size_t knot = first; knot < knots; knot += octave) {
            touched_[knot] += used;
            used *= 2.0 - used;
        }
    }
}

double ExpertUse::touched(double tokens) const {
    if (tokens <= 0.0) return 0.0;
    if (uniform_) return -experts_ * std::expm1(tokens * log_untouched_);
    if (tokens <= 1.0) return touched_[0] * tokens;
    double const place = std::min(std::log2(tokens) * knots_per_octave, static_cast<double>(knots - 1));
    auto const below = std::min(static_cast<std::size_t>(place), knots - 2);
    double const weight = place - static_cast<double>(below);
    return touched_[below] + weight * (touched_[below + 1] - touched_[below]);
}

}  // namespace mw::llm
