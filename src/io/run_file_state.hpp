#pragma once

#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "megaweave/io/run_file.hpp"
#include "series.hpp"

namespace mw::io {

inline constexpr std::int64_t metadata_room = std::int64_t{1} << 20;
inline constexpr std::size_t digest_room = 64;

[[nodiscard]] std::string xdmf_beside(std::string const& path);

//! The same for frames with the same columns in the same order.
[[nodiscard]] std::uint64_t layout_hash(core::Frame const& frame);

//! The open file of a run, and the samples held until the next write.
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
    //! One per column; none for a kind that the site has none of.
    std::vector<std::optional<Series>> series{};
    std::vector<std::string> rack_quantities{};
    std::vector<std::string> link_quantities{};
    std::vector<std::string> link_totals{};  //!< once they are written
    std::uint64_t layout{0};

    std::uint64_t recorded_hash{
        0};  //!< of this rank's values; after a restart the root's has those before it

    std::vector<double> times_s{};  //!< of all rows, held ones included
    std::int64_t rows_written{0};
    std::int64_t rows_shown{0};      //!< in run.xdmf
    std::int64_t row_bytes{0};       //!< of all ranks
    std::int64_t rows_per_write{1};  //!< the first frame tells how many

    [[nodiscard]] Place root() const { return {comm, file.get(), path + ":"}; }
    [[nodiscard]] std::int64_t held() const {
        return static_cast<std::int64_t>(times_s.size()) - rows_written;
    }

    static std::unique_ptr<State> of(parallel::Comm const& comm, std::string path, RunIdentity identity,
                                     RunShape const& shape, bool continued);
    void open(std::string const& file_path, Access access, RunShape const& shape);
    void open_groups(bool create);
    //! Attributes, deck, racks, links, instances and mesh, with the labels of their axes.
    void write_plan(RunShape const& shape);
    void prepare_series(core::Frame const& frame);
    void write_held();
    void show_all();
    void make_room(std::int64_t bytes);
    void close();
    void sync() const { check(H5Fflush(file.get(), H5F_SCOPE_GLOBAL), "cannot flush " + path); }
};

}  // namespace mw::io
