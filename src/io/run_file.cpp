#include "megaweave/io/run_file.hpp"

#include <algorithm>
#include <exception>
#include <filesystem>
#include <optional>

#include "agree.hpp"
#include "durable.hpp"
#include "megaweave/core/check.hpp"
#include "megaweave/core/error.hpp"
#include "megaweave/core/hash.hpp"
#include "megaweave/io/xdmf.hpp"
#include "rewind.hpp"
#include "scene.hpp"
#include "series.hpp"

namespace mw::io {

namespace {

constexpr std::int64_t most_rows_held = 32;
constexpr std::int64_t most_bytes_held = std::int64_t{16} << 20;
constexpr std::int64_t metadata_room = std::int64_t{1} << 20;
constexpr std::int64_t index_room = 256;  // bytes of HDF5's index per chunk, generously
constexpr std::int64_t bytes_per_rack = 1024;
constexpr std::int64_t bytes_per_link = 512;  // in /racks, /links, /mesh, generously
constexpr std::int64_t bytes_per_request = 64;
constexpr std::size_t digest_room = 64;

char const* group_of(core::Owner owner) {
    switch (owner) {
        case core::Owner::rack:
            return "rack";
        case core::Owner::link:
            return "links";
        case core::Owner::facility:
            return "facility";
    }
    return "";
}

std::string xdmf_beside(std::string const& path) {
    return std::filesystem::path{path}.replace_extension(".xdmf").string();
}

std::uint64_t layout_hash(core::Frame const& frame) {
    std::uint64_t h = frame.columns.size();
    for (auto const& column : frame.columns)
        h = core::mix(h ^ core::hash_text(column.name)) + static_cast<std::uint64_t>(column.owner);
    return h;
}

}  // namespace

struct RunFile::State {
    parallel::Comm const* comm;
    std::string path;
    RunIdentity identity;
    Cut racks;
    Cut links;
    bool continued;  //!< its series exist already
    int exceptions{std::uncaught_exceptions()};

    Handle file{};
    Handle rack_group{};
    Handle link_group{};
    Handle facility_group{};
    std::optional<Series> time{};
    std::vector<std::optional<Series>>
        series{};  //!< one per column; none for a kind that the site has none of
    std::vector<std::string> rack_quantities{};
    std::vector<std::string> link_quantities{};
    std::uint64_t layout{0};

    std::vector<double> times_s{};  //!< of all rows, held ones included
    std::int64_t rows_written{0};
    std::int64_t rows_shown{0};  //!< in run.xdmf
    std::int64_t row_bytes{0};   //!< of all ranks
    std::int64_t rows_per_write{most_rows_held};

    [[nodiscard]] Place root() const { return {comm, file.get(), path + ":"}; }
    [[nodiscard]] std::int64_t held() const {
        return static_cast<std::int64_t>(times_s.size()) - rows_written;
    }

    static std::unique_ptr<State> of(parallel::Comm const& comm, std::string path, RunIdentity identity,
                                     RunShape const& shape, bool continued) {
        return std::make_unique<State>(
            State{&comm, std::move(path), std::move(identity), rack_cut(shape), link_cut(shape), continued});
    }
    void open_groups(bool create);
    void prepare_series(core::Frame const& frame);
    void write_held();
    void show_all();
    void make_room(std::int64_t bytes);
    void close();
    void sync() const { check(H5Fflush(file.get(), H5F_SCOPE_GLOBAL), "cannot flush " + path); }
};

void RunFile::State::open_groups(bool create) {
    auto const get = [&](std::string const& name) {
        return create ? create_group(root(), name)
                      : Handle{H5Gopen2(file.get(), name.c_str(), H5P_DEFAULT), H5Gclose, path};
    };
    rack_group = get("rack");
    facility_group = get("facility");
    link_group = Handle{H5Gopen2(file.get(), "links", H5P_DEFAULT), H5Gclose, path};  // made by write_links
    Cut const on_root = root_only(*comm, 1);
    auto const element = Series::Element::float64;
    Label const label{"s", "end of each sample, measured from the end of the warm-up"};
    time = create ? Series::create(root(), "time_s", element, on_root, true, label)
                  : Series::open(root(), "time_s", element, on_root, true);
}

//! Only the first frame tells which quantities there are.
void RunFile::State::prepare_series(core::Frame const& frame) {
    layout = layout_hash(frame);
    auto const same = static_cast<std::int64_t>(layout >> 1U);
    MW_EXPECT(comm->max(same) == comm->min(same), "all ranks record the same quantities in the same order");
    row_bytes = static_cast<std::int64_t>(sizeof(double));
    for (auto const& column : frame.columns) {
        bool const scalar = column.owner == core::Owner::facility;
        Cut const cut = scalar ? root_only(*comm, 1) : column.owner == core::Owner::rack ? racks : links;
        auto& slot = series.emplace_back();
        if (cut.total == 0) continue;
        Handle const& group = scalar                              ? facility_group
                              : column.owner == core::Owner::rack ? rack_group
                                                                  : link_group;
        Place const place{comm, group.get(), path + ":/" + group_of(column.owner)};
        auto const element = Series::Element::float32;
        bool const exist =
            continued && (rows_written > 0 || H5Lexists(group.get(), column.name.c_str(), H5P_DEFAULT) > 0);
        slot = exist ? Series::open(place, column.name, element, cut, scalar)
                     : Series::create(place, column.name, element, cut, scalar,
                                      {column.unit, column.description});
        if (column.owner == core::Owner::rack) rack_quantities.push_back(column.name);
        if (column.owner == core::Owner::link) link_quantities.push_back(column.name);
        row_bytes += 4 * cut.total;
    }
    rows_per_write = std::clamp<std::int64_t>(most_bytes_held / row_bytes, 1, most_rows_held);
}

//! All series, then the sync that makes them safe. Every rank takes part in every write, whatever failed before.
void RunFile::State::write_held() {
    std::int64_t const rows = held();
    if (rows == 0) return;
    make_room(rows * (row_bytes + static_cast<std::int64_t>(series.size()) * index_room) + metadata_room);
    Handle const transfer = collective_transfer();
    std::string error;
    auto const attempt = [&](auto&& act) {
        auto const failed = error_of(act);
        if (error.empty()) error = failed;
    };
    for (auto& one : series)
        if (one) attempt([&] { one->write(rows_written, rows, transfer.get()); });
    attempt([&] { time->write(rows_written, rows, transfer.get()); });
    agree(*comm, error);
    together(*comm, [&] { sync(); });
    rows_written += rows;
}

//! Fails on all ranks, before anything is written, with the file closed at its last flush.
void RunFile::State::make_room(std::int64_t bytes) {
    try {
        on_root(*comm, [&] { reserve(path, bytes); });
    } catch (core::WorldError const&) {
        close();
        throw;
    }
}

void RunFile::State::close() {
    series.clear();
    time.reset();
    rack_group.reset();
    link_group.reset();
    facility_group.reset();
    file.reset();
}

void RunFile::State::show_all() {
    if (rows_shown == rows_written || rows_written == 0) return;
    on_root(*comm, [&] {
        write_xdmf(xdmf_beside(path), {std::filesystem::path{path}.filename().string(), racks.total,
                                       links.total, rack_quantities, link_quantities,
                                       std::span{times_s}.first(static_cast<std::size_t>(rows_written))});
    });
    rows_shown = rows_written;
}

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

void RunFile::write_histograms(std::vector<NamedHistogram> const& histograms) {
    Handle const group = create_group(state_->root(), "histograms");
    Place const place{state_->comm, group.get(), state_->path + ":/histograms"};
    for (auto const& histogram : histograms) write_histogram(place, histogram);
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
