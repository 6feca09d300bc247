#include "megaweave/llm/timing_table.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>
#include <utility>

#include "megaweave/core/check.hpp"
#include "megaweave/core/error.hpp"
#include "megaweave/core/integer.hpp"
#include "timing_csv.hpp"

namespace mw::llm {
namespace {

// Where a value lies on an axis: between `index` and the next, `weight` of the way (above 1 past the end).
struct Place {
    std::size_t index;
    double weight;
};

Place locate(std::vector<double> const& axis, double value) {
    if (axis.size() == 1 || value <= axis.front()) return {0, 0.0};
    auto const above = std::upper_bound(axis.begin() + 1, axis.end() - 1, value);
    auto const index = static_cast<std::size_t>(above - axis.begin()) - 1;
    return {index, (value - axis[index]) / (axis[index + 1] - axis[index])};
}

bool rising(std::vector<double> const& axis) {
    return !axis.empty() &&
           std::adjacent_find(axis.begin(), axis.end(), std::greater_equal<>{}) == axis.end();
}

std::string whole(double value) {
    return std::to_string(std::llround(value));
}

double rounded_up(double value, std::int64_t step) {
    if (step <= 1) return value;
    return static_cast<double>(core::ceil_div(static_cast<std::int64_t>(value), step) * step);
}

using Value = double (*)(TimingRow const&);

CurveFamily make_curves(std::string const& path, std::string const& kind, std::string const& tokens_name,
                        std::vector<TimingRow> rows, Value value) {
    if (rows.empty()) throw core::InputError(path + ":1: the timing table has no " + kind + " rows");
    auto const place = [](TimingRow const& row) { return std::pair{row.tokens, row.context}; };
    std::stable_sort(rows.begin(), rows.end(),
                     [&](auto const& a, auto const& b) { return place(a) < place(b); });
    auto const repeated = [&](TimingRow const& row) {
        return path + ":" + std::to_string(row.line) + ": a second " + kind + " row for " + tokens_name +
               " " + whole(row.tokens) + ", kv_tokens " + whole(row.context);
    };
    std::vector<std::string> mistakes;
    std::vector<double> x;
    std::vector<Curve> curves;
    for (auto row = rows.begin(); row != rows.end();) {
        std::vector<double> contexts;
        std::vector<double> values;
        x.push_back(row->tokens);
        for (; row != rows.end() && row->tokens == x.back(); ++row) {
            if (!contexts.empty() && contexts.back() == row->context) {
                mistakes.push_back(repeated(*row));
            } else {
                contexts.push_back(row->context);
                values.push_back(value(*row));
            }
        }
        curves.emplace_back(std::move(contexts), std::move(values));
    }
    if (!mistakes.empty()) throw core::InputError(mistakes);
    return {std::move(x), std::move(curves)};
}

//! What depends on the number of tokens alone: the mean of all rows that have it, of either kind.
Curve make_token_curve(TimingRows const& rows, std::int64_t round_tokens, Value value) {
    struct Mean {
        double sum{0};
        double count{0};
    };
    std::map<double, Mean> means;
    for (auto const* kind : {&rows.decode, &rows.prefill}) {
        for (TimingRow const& row : *kind) {
            Mean& mean = means[rounded_up(row.tokens, round_tokens)];
            mean.sum += value(row);
            mean.count += 1;
        }
    }
    std::vector<double> tokens;
    std::vector<double> values;
    for (auto const& [x, mean] : means) {
        tokens.push_back(x);
        values.push_back(mean.sum / mean.count);
    }
    return {std::move(tokens), std::move(values)};
}

}  // namespace

Curve::Curve(std::vector<double> x, std::vector<double> values)
    : x_{std::move(x)}, values_{std::move(values)} {
    MW_EXPECT(rising(x_), "the points of a curve must rise");
    MW_EXPECT(values_.size() == x_.size(), "a curve has one value for each point");
}

double Curve::operator()(double x) const {
    auto const [i, weight] = locate(x_, x);
    return weight == 0.0 ? values_[i] : values_[i] + weight * (values_[i + 1] - values_[i]);
}

CurveFamily::CurveFamily(std::vector<double> x, std::vector<Curve> curves)
    : x_{std::move(x)}, curves_{std::move(curves)} {
    MW_EXPECT(rising(x_), "the curves of a family must rise");
    MW_EXPECT(curves_.size() == x_.size(), "a family has one curve for each x");
    smallest_y_ = curves_.front().first_x();
    for (auto const& curve : curves_) smallest_y_ = std::min(smallest_y_, curve.first_x());
}

double CurveFamily::operator()(double x, double y) const {
    auto const [i, weight] = locate(x_, x);
    double const low = curves_[i](y);
    return weight == 0.0 ? low : low + weight * (curves_[i + 1](y) - low);
}

TimingTable::TimingTable(std::string const& path, IterationModel const& work, TimingRules const& rules)
    : rules_{rules}, curves_{read(path, rules)}, work_{work} {
    rules_ = completed(rules, curves_.linear.has_value());
}

TimingRules TimingTable::completed(TimingRules rules, bool split) {
    if (rules.round_tokens == 0) rules.round_tokens = split ? 8 : 1;
    return rules;
}

TimingTable::Curves TimingTable::read(std::string const& path, TimingRules const& rules) {
    auto const rows = read_timing_csv(path);
    auto const decode = [&](Value value) { return make_curves(path, "decode", "batch", rows.decode, value); };
    auto const prefill = [&](Value value) {
        return make_curves(path, "prefill", "chunk", rows.prefill, value);
    };
    if (!rows.split) {
        Value const all = [](TimingRow const& row) { return row.seconds; };
        return {decode(all), prefill(all), {}, {}};
    }
    std::int64_t const step = completed(rules, true).round_tokens;
    return {decode([](TimingRow const& row) { return row.decode_attention_s; }),
            prefill([](TimingRow const& row) { return row.prefill_attention_s; }),
            make_token_curve(rows, step, [](TimingRow const& row) { return row.linear_s(); }),
            make_token_curve(rows, step, [](TimingRow const& row) { return row.collectives_s; })};
}

TimingTable::Seconds TimingTable::whole_iterations(Batch const& batch) const {
    auto const tokens = static_cast<double>(batch.prefill_tokens);
    auto const decode_tokens = static_cast<double>(batch.decode_tokens());
    Seconds seconds;
    if (batch.prefill_tokens > 0) {
        double const before = static_cast<double>(batch.prefill_pairs) / tokens - 0.5 * (tokens + 1);
        seconds.compute = curves_.prefill(rounded_up(tokens + decode_tokens, rules_.round_tokens),
                                          rounded_up(before, rules_.round_context));
    }
    if (batch.decode_sequences > 0) {
        auto const sequences = static_cast<double>(batch.decode_sequences);
        double const context = static_cast<double>(batch.context_tokens) / sequences;
        auto const decode = [&](double rows, double kv_tokens) {
            return curves_.decode(rounded_up(rows, rules_.round_tokens), kv_tokens);
        };
        double const shortest = curves_.decode.smallest_y();
        seconds.hbm = decode(sequences, rounded_up(context, rules_.round_context));
        if (batch.prefill_tokens > 0)
            seconds.hbm -= decode(sequences, shortest);
        else if (batch.tokens_per_sequence > 1)
            seconds.hbm += decode(decode_tokens, shortest) - decode(sequences, shortest);
    }
    return seconds;
}

TimingTable::Seconds TimingTable::by_operators(Batch const& batch) const {
    double const tokens =
        rounded_up(static_cast<double>(batch.decode_tokens() + batch.prefill_tokens), rules_.round_tokens);
    Seconds seconds;
    (batch.prefill_tokens > 0 ? seconds.compute : seconds.hbm) = (*curves_.linear)(tokens);
    seconds.scale_up = (*curves_.collectives)(tokens);
    if (batch.decode_sequences > 0) {
        auto const sequences = static_cast<double>(batch.decode_sequences);
        double const context = static_cast<double>(batch.context_tokens) / sequences;
        seconds.hbm += curves_.decode(sequences, rounded_up(context, rules_.round_context));
    }
    if (batch.prefill_chunks > 1) {
        seconds.compute +=
            rules_.prompt_batching *
            curves_.prefill(std::sqrt(static_cast<double>(batch.prefill_squares)),
                            rounded_up(static_cast<double>(batch.prefill_past), rules_.round_context));
    } else if (batch.prefill_tokens > 0) {
        auto const chunk = static_cast<double>(batch.prefill_tokens);
        double const before = static_cast<double>(batch.prefill_pairs) / chunk - 0.5 * (chunk + 1);
        seconds.compute += curves_.prefill(chunk, rounded_up(before, rules_.round_context));
    }
    return seconds;
}

IterationCost TimingTable::operator()(Batch const& batch) const {
    if (batch.decode_sequences + batch.prefill_tokens <= 0) return {};
    Seconds const seconds = curves_.linear ? by_operators(batch) : whole_iterations(batch);
    // Extrapolating a noisy table may fall below zero; an iteration takes at least a nanosecond.
    core::TimeNs const compute_ns = core::from_seconds(std::max(seconds.compute, 0.0));
    core::TimeNs const hbm_ns = core::from_seconds(std::max(seconds.hbm, 0.0));
    core::TimeNs const scale_up_ns = core::from_seconds(std::max(seconds.scale_up, 0.0));
    IterationCost cost = work_(batch);
    cost.duration_ns = std::max<core::TimeNs>(compute_ns + hbm_ns + scale_up_ns, 1);
    cost.share_ns.fill(0);
    cost.host_ns = 0;  // a table does not tell
    cost.share_ns[index_of(Share::compute)] = compute_ns;
    cost.share_ns[index_of(Share::scale_up)] = scale_up_ns;
    cost.share_ns[index_of(Share::hbm)] = cost.duration_ns - compute_ns - scale_up_ns;
    if (batch.granted == ScaleOutShares{}) return cost;
    Batch alone = batch;
    alone.granted = {};
    core::TimeNs const waits_ns = work_(batch).duration_ns - work_(alone).duration_ns;
    cost.share_ns[index_of(Share::scale_out)] = waits_ns;
    cost.duration_ns += waits_ns;
    return cost;
}

}  // namespace mw::llm
