#include "megaweave/core/survival.hpp"

#include <algorithm>

namespace mw::core {

namespace {

std::int64_t count_in(Histogram const& histogram, std::int32_t bucket) {
    std::int64_t const at = bucket - histogram.first_bucket();
    auto const size = static_cast<std::int64_t>(histogram.buckets().size());
    return at >= 0 && at < size ? histogram.buckets()[static_cast<std::size_t>(at)] : 0;
}

}  // namespace

Survival::Survival(Histogram const& ended, Histogram const& open, std::int64_t never_ends)
    : ended_{ended}, open_{open}, never_{never_ends} {}

template <class Visitor>
void Survival::steps(Visitor&& visit) const {
    std::int64_t at_risk = count();
    double survive = 1;
    std::int32_t bucket =
        open_.count() > 0 ? std::min(ended_.first_bucket(), open_.first_bucket()) : ended_.first_bucket();
    auto const end = ended_.first_bucket() + static_cast<std::int32_t>(ended_.buckets().size());
    for (; bucket < end; ++bucket) {
        if (std::int64_t const ends = count_in(ended_, bucket); ends > 0) {
            double const after = survive * (1 - static_cast<double>(ends) / static_cast<double>(at_risk));
            if (!visit(bucket, survive, after)) return;
            survive = after;
            at_risk -= ends;
        }
        at_risk -= count_in(open_, bucket);
    }
}

std::optional<double> Survival::quantile(double q) const {
    if (ended_.count() == 0) return {};
    if (open_.count() + never_ == 0) return ended_.quantile(q);
    std::optional<double> found;
    steps([&](std::int32_t bucket, double before, double after) {
        if (1 - after < q) return true;
        double const part = (q - (1 - before)) / (before - after);
        found = Histogram::lower_edge(bucket) + Histogram::width(bucket) * std::clamp(part, 0.0, 1.0);
        return false;
    });
    return found;
}

std::optional<double> Survival::at_least(double q) const {
    Histogram all = ended_;
    all.merge(open_);
    if (all.count() == 0) return {};
    double const of_all = q * static_cast<double>(count()) / static_cast<double>(all.count());
    if (of_all > 1) return {};
    return all.quantile(of_all);
}

std::optional<double> Survival::mean() const {
    if (ended_.count() == 0) return {};
    if (open_.count() + never_ == 0) return ended_.mean();
    constexpr double most_left = 0.01;
    double sum = 0;
    double left = 1;
    double longest = 0;
    steps([&](std::int32_t bucket, double before, double after) {
        longest = Histogram::lower_edge(bucket) + 0.5 * Histogram::width(bucket);
        sum += (before - after) * longest;
        left = after;
        return true;
    });
    if (left > most_left || (left > 0 && never_ > 0)) return {};
    return sum + left * std::max(longest, open_.quantile(1));
}

}  // namespace mw::core
