#include "megaweave/workload/lengths.hpp"

#include <algorithm>
#include <cmath>
#include <string>

#include "megaweave/core/check.hpp"
#include "megaweave/core/error.hpp"
#include "quantile_file.hpp"

namespace mw::workload {

namespace {

void require(bool good, std::string const& what) {
    if (!good) throw core::InputError("length law: " + what);
}

std::int64_t bound(LengthParams const& params) {
    require(params.max >= 0 && params.max <= most_tokens,
            "max must be between 1 and 2^31 - 1 tokens (0: no bound)");
    return params.max == 0 ? most_tokens : params.max;
}

// Narrower than half a token, the law is its median.
constexpr double least_sigma = 1e-9;

}  // namespace

LengthLaw::LengthLaw(LengthParams const& params) : law_{make(params)} {}

LengthLaw::Any LengthLaw::make(LengthParams const& params) {
    switch (params.law) {
        case Law::fixed:
            require(params.tokens >= 1 && params.tokens <= most_tokens,
                    "tokens must be between 1 and 2^31 - 1");
            return FixedLaw{params.tokens};
        case Law::uniform:
            require(params.min >= 1 && params.max >= params.min && params.max <= most_tokens,
                    "uniform needs 1 <= min <= max < 2^31");
            return UniformLaw{params.min, params.max};
        case Law::lognormal: {
            auto const max = bound(params);
            require(params.median >= 1 && params.median <= static_cast<double>(most_tokens),
                    "median must be between 1 and 2^31 - 1 tokens");
            require(params.sigma >= 0 && params.sigma <= 10, "sigma must be between 0 and 10");
            // Beyond 5 standard deviations the bound, not the law, would set the lengths.
            require(std::log(params.median / (static_cast<double>(max) + 0.5)) <= 5 * params.sigma,
                    "the median lies far above max");
            if (params.sigma < least_sigma)
                return FixedLaw{std::min<std::int64_t>(std::llround(params.median), max)};
            return LognormalLaw{params.median, params.sigma, max};
        }
        case Law::exponential: {
            auto const max = bound(params);
            require(params.mean >= 1 && params.mean <= static_cast<double>(most_tokens),
                    "mean must be between 1 and 2^31 - 1 tokens");
            if (params.mean < 1 + 1e-9) return FixedLaw{1};
            return GeometricLaw{params.mean, max};
        }
        case Law::quantiles:
            return std::visit([](auto&& law) -> Any { return std::forward<decltype(law)>(law); },
                              read_quantile_file(params.file));
        case Law::trace:
            return TraceLaw{};
    }
    MW_EXPECT(false, "a length law without a model");
    return TraceLaw{};
}

std::int64_t LengthLaw::operator()(core::KeyedRandom const& random, core::Draw purpose, std::uint32_t entity,
                                   std::uint64_t index) const {
    return quantile(random.uniform(purpose, entity, index));
}

std::int64_t LengthLaw::quantile(double p) const {
    return std::visit([p](auto const& law) { return law.quantile(p); }, law_);
}

double LengthLaw::share_above(std::int64_t tokens) const {
    double below = 0;  // quantiles up to here do not exceed `tokens`
    double above = 1;
    for (int i = 0; i < 52; ++i) {
        double const middle = 0.5 * (below + above);
        (quantile(middle) <= tokens ? below : above) = middle;
    }
    return above == 1 ? 0.0 : 1.0 - below;
}

double LengthLaw::mean() const {
    return std::visit([](auto const& law) { return law.mean(); }, law_);
}

}  // namespace mw::workload
