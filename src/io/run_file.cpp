#include "megaweave/io/run_file.hpp"

#include <exception>
#include <span>
#include <utility>

#include "agree.hpp"
#include "axes.hpp"
#include "durable.hpp"
#include "megaweave/core/check.hpp"
#include "rewind.hpp"
#include "run_file_state.hpp"
#include "scene.hpp"

namespace mw::io {

namespace {

constexpr std::int64_t bytes_per_request = 64;

}  // namespace

RunFile::RunFile(std::unique_ptr<State> state) : state_{std::move(state)} {}
RunFile::RunFile(RunFile&&) noexcept = default;

RunFile::~RunFile() {
    if (!state_ || !state_->file.open() || std::uncaught_exceptions() <= state_->exceptions) return;
    // Closing is collective, and the other ranks may never come here: better a handle left open than a hang before MPI_Abort.
    [[maybe_unused]] State const* const abandoned = state_.release();
}

RunFile RunFile::create(parallel::Comm const& comm, std::string path, RunIdentity identity,
                        RunShape const& shape) {
    on_root(comm, [&] { clear_for_new_run(path, xdmf_beside(path)); });
    auto state = State::of(comm, std::move(path), std::move(identity), shape, false);
    state->open(state->path, Access::replace, shape);
    state->open_groups(true);
    state->write_plan(shape);
    together(comm, [&] { state->sync(); });
    return RunFile{std::move(state)};
}

RunFile RunFile::reopen(parallel::Comm const& comm, std::string path, RunIdentity identity,
                        RunShape const& shape, std::string const& from, Recorded const& recorded,
                        std::function<void()> const& make_way) {
    std::string const aside = aside_of(path);
    Rewound rewound = rewind(comm, from, aside, identity.physics_hash, shape, recorded);
    auto state = State::of(comm, std::move(path), std::move(identity), shape, true);
    state->open(aside, Access::modify, shape);
    state->open_groups(false);
    state->write_plan(shape);
    together(comm, [&] { state->sync(); });
    state->close();
    on_root(comm, [&] {
        if (make_way) make_way();
        rename_durably(aside, state->path);
    });
    state->open(state->path, Access::modify, shape);
    state->open_groups(false);
    state->times_s = std::move(rewound.times_s);
    state->rows_written = recorded.rows;
    if (comm.root()) state->recorded_hash = recorded.hash.value_or(0);
    state->rack_quantities = std::move(rewound.rack_quantities);
    state->link_quantities = std::move(rewound.link_quantities);
    state->show_all();
    state->rack_quantities.clear();  // the first frame tells them anew, in its order
    state->link_quantities.clear();
    return RunFile{std::move(state)};
}

void RunFile::append(core::Frame const& frame) {
    State& s = *state_;
    MW_EXPECT(s.file.open(), "a finished run file takes no more samples");
    if (s.series.empty()) s.prepare_series(frame);
    MW_EXPECT(
        s.series.size() == frame.columns.size() && (!core::audit_enabled || s.layout == layout_hash(frame)),
        "every sample of a run has the same columns");
    std::int64_t const row = rows();
    for (std::size_t i = 0; i < s.series.size(); ++i) {
        if (!s.series[i]) continue;
        auto const& column = frame.columns[i];
        if (column.owner == core::Owner::facility && !s.comm->root()) continue;
        auto const values = std::as_bytes(std::span{column.values});
        s.series[i]->hold(values);
        s.recorded_hash += s.series[i]->hash(row, values);
    }
    double const time_s = core::to_seconds(frame.time_ns - s.identity.warmup_ns);
    if (s.comm->root()) {
        auto const bytes = std::as_bytes(std::span{&time_s, 1});
        s.time->hold(bytes);
        s.recorded_hash += s.time->hash(row, bytes);
    }
    s.times_s.push_back(time_s);
    if (s.held() < s.rows_per_write) return;
    s.write_held();
    if (s.rows_written - s.rows_shown >= s.rows_written / 16)
        s.show_all();  // its text grows with the rows: not each time
}

void RunFile::flush() {
    state_->write_held();
    state_->show_all();
}

std::int64_t RunFile::rows() const {
    return static_cast<std::int64_t>(state_->times_s.size());
}

Recorded RunFile::recorded() const {
    std::uint64_t hash = state_->recorded_hash;
    state_->comm->sum(std::span{&hash, 1});
    return {rows(), hash};
}

void RunFile::write_requests(std::vector<RequestRow> const& mine) {
    auto const all = state_->comm->sum(static_cast<std::int64_t>(mine.size()));
    state_->make_room(all * bytes_per_request + metadata_room);
    write_request_columns(state_->root(), mine, state_->identity.warmup_ns);
    label_requests(state_->root());
}

void RunFile::write_link_totals(LinkTotals const& totals) {
    auto const labels = static_cast<std::int64_t>(totals.services.size());
    state_->make_room(state_->links.total * (12 + 8 * labels) + metadata_room);
    write_link_columns(state_->root(), state_->links, totals);
    label_traffic(state_->root(), labels > 0, labels);
    if (state_->links.total == 0) return;
    state_->link_totals = {"mean_utilisation", "peak_utilisation", "full_share"};
    state_->rows_shown = 0;  // run.xdmf names them from now on
}

void RunFile::write_histograms(std::vector<NamedHistogram> const& histograms) {
    Handle const group = create_group(state_->root(), "histograms");
    Place const place{state_->comm, group.get(), state_->path + ":/histograms"};
    for (auto const& histogram : histograms) {
        write_histogram(place, histogram);
        label_histogram(state_->root(), histogram.name);
    }
}

void RunFile::write_power_spectrum(PowerSpectrum const& spectrum) {
    write_spectrum(state_->root(), spectrum);
    label_spectrum(state_->root());
}

void RunFile::finish(std::string const& digest) {
    MW_EXPECT(digest.size() <= digest_room, "a digest has at most 64 characters");
    State& s = *state_;
    flush();
    put_text(s.file.get(), "digest", digest, s.path, digest_room);
    together(*s.comm, [&] { s.sync(); });
    s.close();
}

}  // namespace mw::io
