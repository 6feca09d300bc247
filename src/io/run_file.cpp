#include "megaweave/io/run_file.hpp"

#include <exception>
#include <span>
#include <utility>

#include "agree.hpp"
#include "durable.hpp"
#include "megaweave/core/check.hpp"
#include "rewind.hpp"
#include "run_file_state.hpp"
#include "scene.hpp"

namespace mw::io {

namespace {

constexpr std::int64_t bytes_per_rack = 1024;
constexpr std::int64_t bytes_per_link = 512;  // in /racks, /links, /mesh, generously
constexpr std::int64_t bytes_per_request = 64;
constexpr std::size_t digest_room = 64;

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
    on_root(comm, [&] {
        clear_for_new_run(path, xdmf_beside(path));
        reserve(path,
                metadata_room + shape.racks_total * bytes_per_rack + shape.links_total * bytes_per_link);
    });
    auto state = State::of(comm, std::move(path), std::move(identity), shape, false);
    auto const& id = state->identity;
    std::string const& where = state->path;
    together(comm, [&] { state->file = open_parallel(comm, where, Access::replace); });
    hid_t const file = state->file.get();
    put_number(file, "format_version", format_version, where);
    put_text(file, "program_version", id.program_version, where);
    put_text(file, "digest", "", where, digest_room);
    put_text(file, "deck_name", id.deck_name, where);
    put_number(file, "physics_hash", id.physics_hash, where);
    put_number(file, "warmup_s", core::to_seconds(id.warmup_ns), where);
    put_number(file, "sample_s", core::to_seconds(id.sample_ns), where);
    write_text(state->root(), "deck", id.effective_deck,
               "the deck with every default and catalogue entry written out");
    write_racks(state->root(), shape);
    write_links(state->root(), shape);
    write_mesh(state->root(), shape);
    state->open_groups(true);
    together(comm, [&] { state->sync(); });
    return RunFile{std::move(state)};
}

RunFile RunFile::reopen(parallel::Comm const& comm, std::string path, RunIdentity identity,
                        RunShape const& shape, std::int64_t rows) {
    Rewound const rewound =
        rewind(comm, path, identity.physics_hash, shape.racks_total, shape.links_total, rows);
    auto state = State::of(comm, std::move(path), std::move(identity), shape, true);
    together(comm, [&] { state->file = open_parallel(comm, state->path, Access::modify); });
    state->open_groups(false);
    put_text(state->file.get(), "digest", "", state->path, digest_room);
    state->times_s = rewound.times_s;
    state->rows_written = rows;
    state->rack_quantities = rewound.rack_quantities;
    state->link_quantities = rewound.link_quantities;
    together(comm, [&] { state->sync(); });
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
    for (std::size_t i = 0; i < s.series.size(); ++i) {
        if (!s.series[i]) continue;
        auto const& column = frame.columns[i];
        if (column.owner == core::Owner::facility && !s.comm->root()) continue;
        s.series[i]->hold(std::as_bytes(std::span{column.values}));
    }
    double const time_s = core::to_seconds(frame.time_ns - s.identity.warmup_ns);
    if (s.comm->root()) s.time->hold(std::as_bytes(std::span{&time_s, 1}));
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

void RunFile::write_requests(std::vector<RequestRow> const& mine) {
    auto const all = state_->comm->sum(static_cast<std::int64_t>(mine.size()));
    state_->make_room(all * bytes_per_request + metadata_room);
    write_request_columns(state_->root(), mine, state_->identity.warmup_ns);
}

void RunFile::write_link_totals(LinkTotals const& totals) {
    auto const labels = static_cast<std::int64_t>(totals.services.size());
    state_->make_room(state_->links.total * (12 + 8 * labels) + metadata_room);
    write_link_columns(state_->root(), state_->links, totals);
    if (state_->links.total == 0) return;
    state_->link_totals = {"mean_utilisation", "peak_utilisation", "full_share"};
    state_->rows_shown = 0;  // run.xdmf names them from now on
}

void RunFile::write_histograms(std::vector<NamedHistogram> const& histograms) {
    Handle const group = create_group(state_->root(), "histograms");
    Place const place{state_->comm, group.get(), state_->path + ":/histograms"};
    for (auto const& histogram : histograms) write_histogram(place, histogram);
}

void RunFile::write_power_spectrum(PowerSpectrum const& spectrum) {
    write_spectrum(state_->root(), spectrum);
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
