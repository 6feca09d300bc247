#include "megaweave/llm/timing_table.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <utility>

#include "megaweave/core/check.hpp"
#include "megaweave/core/error.hpp"
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

CurveFamily make_curves(std::string const& path, std::string const& kind, std::string const& tokens_name,
                        std::vector<TimingRow> rows) {
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
        std::vector<double> seconds;
        x.push_back(row->tokens);
        for (; row != rows.end() && row->tokens == x.back(); ++row) {
            if (!contexts.empty() && contexts.back() == row->context) {
                mistakes.push_back(repeated(*row));
            } else {
                contexts.push_back(row->context);
                seconds.push_back(row->seconds);
            }
        }
        curves.emplace_back(std::move(contexts), std::move(seconds));
    }
    if (!mistakes.empty()) throw core::InputError(mistakes);
    return {std::move(x), std::move(curves)};
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

TimingTable::TimingTable(std::string const& path, IterationModel const& work)
    : TimingTable{read(path), work} {}

TimingTable::TimingTable(Curves curves, IterationModel const& work)
    : decode_{std::move(curves.decode)}, prefill_{std::move(curves.prefill)}, work_{work} {}

TimingTable::Curves TimingTable::read(std::string const& path) {
    auto const rows = read_timing_csv(path);
    return {make_curves(path, "decode", "batch", rows.decode),
            make_curves(path, "prefill", "chunk", rows.prefill)};
}

IterationCost TimingTable::operator()(Batch const& batch) const {
    auto const sequences = static_cast<double>(batch.decode_sequences);
    auto const tokens = static_cast<double>(batch.prefill_tokens);
    if (sequences + tokens <= 0) return {};
    double prefill_s = 0.0;
    double decode_s = 0.0;
    if (batch.prefill_tokens > 0) {
        double const before = static_cast<double>(batch.prefill_pairs) / tokens - 0.5 * tokens;
        prefill_s = prefill_(tokens + sequences, before);
    }
    if (batch.decode_sequences > 0) {
        decode_s = decode_(sequences, static_cast<double>(batch.context_tokens) / sequences);
        if (batch.prefill_tokens > 0) decode_s -= decode_(sequences, decode_.smallest_y());
    }
    // Extrapolating a noisy table may fall below zero; an iteration takes at least a nanosecond.
    core::TimeNs const prefill_ns = core::from_seconds(std::max(prefill_s, 0.0));
    core::TimeNs const decode_ns = core::from_seconds(std::max(decode_s, 0.0));
    IterationCost cost = work_(batch);
    cost.duration_ns = std::max<core::TimeNs>(prefill_ns + decode_ns, 1);
    cost.share_ns.fill(0);
    cost.share_ns[index_of(Share::compute)] = prefill_ns;
    cost.share_ns[index_of(Share::hbm)] = cost.duration_ns - prefill_ns;
    return cost;
}

}  // namespace mw::llm
