#include "megaweave/workload/arrival_processes.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "megaweave/core/check.hpp"

namespace mw::workload {

using core::Draw;

namespace {
constexpr std::int64_t most_requests = std::numeric_limits<std::int64_t>::max();
constexpr std::uint64_t last_request = std::uint64_t{1}
                                       << 60U;  // of a trace that repeats: later than any run
}  // namespace

RenewalProcess::RenewalProcess(ArrivalParams const& params, CellKey const& key)
    : key_{key},
      mean_gap_ns_{1e9 * key.share.stretch() / params.rate_per_s},
      shape_{params.process == Process::poisson ? 1.0 : 1.0 / (params.cv * params.cv)} {
    MW_EXPECT(params.rate_per_s > 0, "arrivals need a positive rate");
    MW_EXPECT(params.cv >= 0, "a coefficient of variation is not negative");
    step(first_gap());
}

void RenewalProcess::advance() {
    step(gap());
}

double RenewalProcess::gap() const {
    if (std::isinf(shape_)) return 1.0;
    double const u = key_.random.uniform(Draw::arrival, key_.entity, drawn_);
    return shape_ == 1.0 ? -std::log(u) : core::gamma_quantile(shape_, u);
}

double RenewalProcess::first_gap() const {
    // Someone who looks at a random moment falls into long gaps more often: a gamma gap of one more in shape, and what is
    // left of it is a uniform part.
    if (shape_ == 1.0) return gap();
    double const part = key_.random.uniform(Draw::rotation, key_.entity, 0);
    if (std::isinf(shape_)) return part;
    double const u = key_.random.uniform(Draw::arrival, key_.entity, drawn_);
    return part * (shape_ + 1.0) / shape_ * core::gamma_quantile(shape_ + 1.0, u);
}

void RenewalProcess::step(double gap) {
    ++drawn_;
    double const gap_ns = gap * mean_gap_ns_;
    bool const ends = !(gap_ns < 0x1.0p62) || next_ns_ > core::never - static_cast<core::TimeNs>(gap_ns) - 1;
    next_ns_ = ends ? core::never : next_ns_ + std::llround(gap_ns);
}

ClosedLoop::ClosedLoop(ArrivalParams const& params, CellKey const& key) {
    MW_EXPECT(params.concurrency >= 0 && params.requests >= 0, "numbers of requests are not negative");
    bool const burst = params.process == Process::burst;
    std::int64_t const total = params.finite() ? key.share.of(params.requests) : most_requests;
    std::int64_t const at_once = burst ? total : std::min(key.share.of(params.concurrency), total);
    due_ns_.assign(static_cast<std::size_t>(at_once), core::TimeNs{0});
    replacements_ = total - at_once;
}

void ClosedLoop::replace(core::TimeNs now_ns) {
    MW_EXPECT(now_ns >= last_ns_, "requests are replaced in time order");
    if (replacements_ == 0) return;
    --replacements_;
    due_ns_.push_back(last_ns_ = now_ns);
}

TraceReplay::TraceReplay(ArrivalParams const& params, Trace const& trace, CellKey const& key)
    : trace_{&trace},
      key_{key},
      dealer_{key.share},
      copies_{static_cast<std::uint64_t>(std::ceil(params.scale))},
      once_{!params.repeat || trace.one_instant()} {
    MW_EXPECT(params.scale > 0 && params.scale < 1e9, "a trace's scale is positive");
    auto const complete = static_cast<std::uint64_t>(std::floor(params.scale));
    last_share_ = complete == copies_ ? 1.0 : params.scale - static_cast<double>(complete);
    whole_ = key.share.alike() ? complete - complete % key.share.cells : 0;
    auto const& requests = trace.requests();
    auto const earlier = [](TraceRequest const& request, core::TimeNs time) {
        return request.arrival_ns < time;
    };
    for (std::uint64_t copy = 0; copy < copies_; ++copy) {
        if (copy < whole_ && copy % key.share.cells != key.share.cell) continue;
        auto const start = std::lower_bound(requests.begin(), requests.end(), offset_ns(copy), earlier);
        Cursor cursor{0, static_cast<std::uint64_t>(start - requests.begin()), copy, 0};
        if (thinned(copy)) skip_dropped(cursor);
        place(cursor);
        heap_.push_back(cursor);
    }
    std::make_heap(heap_.begin(), heap_.end(), later);
}

bool TraceReplay::later(Cursor const& a, Cursor const& b) {
    return a.time_ns != b.time_ns ? a.time_ns > b.time_ns : a.copy > b.copy;
}

std::uint64_t TraceReplay::stride(std::uint64_t copy) const {
    return copy < whole_ || !key_.share.alike() ? 1 : key_.share.cells;
}

bool TraceReplay::takes(Cursor const& cursor) const {
    return cursor.copy < whole_ || dealer_.takes(cursor.request);
}

core::TimeNs TraceReplay::offset_ns(std::uint64_t copy) const {
    if (copy == 0) return 0;
    double const part = key_.random.uniform(Draw::rotation, key_.service(), copy);
    return std::min(static_cast<core::TimeNs>(part * static_cast<double>(trace_->span_ns())),
                    trace_->span_ns() - 1);
}

bool TraceReplay::thinned(std::uint64_t copy) const {
    return copy + 1 == copies_ && last_share_ < 1.0;
}

void TraceReplay::skip_dropped(Cursor& cursor) const {
    double const log_dropped = std::log1p(-last_share_);
    while (cursor.request < last_request) {
        double const u = key_.random.uniform(Draw::thinning, key_.service(), cursor.kept++);
        double const dropped = std::floor(std::log(u) / log_dropped);
        cursor.request += dropped < 0x1.0p60 ? static_cast<std::uint64_t>(dropped) : last_request;
        if (takes(cursor)) return;
        ++cursor.request;
    }
}

void TraceReplay::place(Cursor& cursor) const {
    while (!thinned(cursor.copy) && !takes(cursor)) ++cursor.request;
    auto const rows = trace_->requests().size();
    auto const lap = static_cast<core::TimeNs>(cursor.request / rows);
    if (lap >= core::never / 4 / trace_->span_ns()) {  // after any run's end
        cursor.time_ns = core::never;
        return;
    }
    cursor.time_ns = trace_->requests()[cursor.request % rows].arrival_ns + lap * trace_->span_ns() -
                     offset_ns(cursor.copy);
    // A rotated copy's first lap ends where the trace does.
    if (once_ && cursor.time_ns >= trace_->span_ns()) cursor.time_ns = core::never;
}

TraceRequest const& TraceReplay::row() const {
    MW_EXPECT(!heap_.empty(), "a replay without copies has no request");
    return trace_->requests()[heap_.front().request % trace_->requests().size()];
}

void TraceReplay::advance() {
    std::pop_heap(heap_.begin(), heap_.end(), later);
    auto& cursor = heap_.back();
    if (thinned(cursor.copy)) {
        ++cursor.request;
        skip_dropped(cursor);
    } else {
        cursor.request += stride(cursor.copy);
    }
    place(cursor);
    std::push_heap(heap_.begin(), heap_.end(), later);
}

}  // namespace mw::workload
