#include "load_trend.hpp"

#include <algorithm>
#include <numeric>

namespace mw::engine {

namespace {

//! Mean over samples [first, last) by their length.
template <class Value>
double mean(LoadHistory const& history, std::size_t service, std::size_t first, std::size_t last,
            Value&& value) {
    double sum = 0;
    double seconds = 0;
    for (std::size_t i = first; i < last; ++i) {
        double const length = core::to_seconds(history.samples()[i].length_ns);
        sum += length * static_cast<double>(value(history.load(i, service)));
        seconds += length;
    }
    return seconds > 0 ? sum / seconds : 0.0;
}

}  // namespace

LoadTrend trend_of(LoadHistory const& history, std::size_t service, std::int64_t instances) {
    LoadTrend trend;
    std::size_t const count = history.samples().size();
    if (count == 0) return trend;
    for (std::size_t i = 0; i < count; ++i) {
        ServiceLoad const& load = history.load(i, service);
        trend.arrivals += load.flow.arrivals;
        trend.completions += load.flow.completions;
        trend.rejections += load.flow.rejections;
        trend.shed += load.flow.shed;
        trend.seconds += core::to_seconds(history.samples()[i].length_ns);
        if (2 * i < count) continue;
        trend.starved_s += core::to_seconds(load.starved_ns);
        trend.prefill_busy += core::to_seconds(load.prefill_busy_ns);
        trend.half_s += core::to_seconds(history.samples()[i].length_ns);
    }
    trend.prefill_instances = static_cast<double>(history.load(count - 1, service).prefill_instances);
    if (trend.prefill_instances > 0) trend.prefill_busy /= trend.prefill_instances * trend.half_s;
    trend.in_system = history.load(count - 1, service).in_system;
    std::size_t const eighth = std::max<std::size_t>(1, count / 8);
    std::size_t const half = count / 2;
    auto const of = [&](std::size_t first, std::size_t last, auto&& value) {
        return mean(history, service, first, std::min(last, count), value);
    };
    auto const waiting = [](ServiceLoad const& load) { return load.waiting(); };
    auto const in_system = [](ServiceLoad const& load) { return load.in_system; };
    trend.waiting_first = of(0, eighth, waiting);
    trend.waiting_middle = of(half, half + eighth, waiting);
    trend.waiting_last = of(count - eighth, count, waiting);
    trend.in_system_first = of(0, eighth, in_system);
    trend.in_system_last = of(count - eighth, count, in_system);
    trend.waiting = of(half, count, waiting);
    trend.prompts_waiting = of(half, count, [](ServiceLoad const& load) { return load.prompts_waiting; });
    trend.caches_waiting = of(half, count, [](ServiceLoad const& load) { return load.caches_waiting; });
    trend.caches_moving = of(half, count, [](ServiceLoad const& load) { return load.caches_moving; });
    trend.running = of(half, count, [](ServiceLoad const& load) { return load.running; });
    trend.full = of(half, count, [](ServiceLoad const& load) { return load.full; });
    double const squares = of(half, count, [](ServiceLoad const& load) { return load.waiting_squares; });
    if (trend.waiting > 0) {
        auto const all = static_cast<double>(instances);
        trend.unevenness = squares / all / (trend.waiting / all * trend.waiting / all);
    }
    return trend;
}

namespace {

double correlation(std::vector<double> const& values, std::size_t lag) {
    double square = 0;
    double product = 0;
    for (double const value : values) square += value * value;
    for (std::size_t i = 0; i + lag < values.size(); ++i) product += values[i] * values[i + lag];
    return square > 0 ? product / square : 0.0;
}

}  // namespace

std::optional<double> wave_s(std::vector<SiteSample> const& samples) {
    if (samples.size() < 16) return {};
    std::vector<double> rates;
    for (SiteSample const& sample : samples)
        rates.push_back(static_cast<double>(sample.completions) / core::to_seconds(sample.length_ns));
    double const mean = std::accumulate(rates.begin(), rates.end(), 0.0) / static_cast<double>(rates.size());
    if (mean <= 0) return {};
    double variance = 0;
    for (double& rate : rates) {
        rate -= mean;
        variance += rate * rate / static_cast<double>(rates.size());
    }
    // Completions by chance have a variance of their mean number in a sample; waves have many times that.
    double const seconds = core::to_seconds(samples.front().length_ns);
    if (variance < 0.25 * mean * mean || variance * seconds < 8 * mean) return {};
    std::size_t best = 0;
    double highest = 0.3;
    double before = 1;
    bool fell = false;  // the first crest after a trough
    for (std::size_t lag = 1; lag <= samples.size() / 2; ++lag) {
        double const now = correlation(rates, lag);
        fell = fell || now < 0.1;
        if (fell && now > highest) {
            highest = now;
            best = lag;
        } else if (best > 0 && now < before && now < 0.5 * highest) {
            break;
        }
        before = now;
    }
    if (best == 0) return {};
    return static_cast<double>(best) * seconds;
}

}  // namespace mw::engine
