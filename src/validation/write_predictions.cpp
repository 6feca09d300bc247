#include <fmt/format.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>

#include "csv.hpp"
#include "megaweave/core/error.hpp"
#include "megaweave/validation/report.hpp"

namespace mw::validation {

namespace {

constexpr char const* added_columns =
    "predicted,error,binding,status,reason,mean_batch,share_compute,share_hbm,share_scale_up,share_scale_out,"
    "share_memory_pool,share_overhead,share_idle,kv_starved,engine_family,engine_wanted,engine_used,stand_in";

std::string header(PointsFile const& file) {
    std::string line;
    for (std::string const& column : file.columns) line += csv_field(column) + ",";
    return line + added_columns + "\n";
}

std::string line_of(Point const& point, Comparison const& row, Prediction const& prediction) {
    std::string line;
    for (std::string const& cell : point.cells) line += csv_field(cell) + ",";
    if (!row.compared) return line + ",,,not_run," + csv_field(row.reason) + ",,,,,,,,,,,,,\n";
    line += fmt::format("{:.9g},{:.6f},{},ok,,{:.6g}", row.predicted, row.error, prediction.binding,
                        prediction.mean_batch);
    for (double const share : prediction.time_share) line += fmt::format(",{:.6f}", share);
    EngineUsed const& engine = prediction.engine;
    return line + fmt::format(",{:.6f},{},{},{},{}\n", prediction.kv_starved, engine.family, engine.wanted,
                              engine.entry, name_of(engine.stand_in));
}

}  // namespace

// Aside and renamed, so that a reader never sees half of it.
void write_predictions(std::string const& path, PointsFile const& file,
                       std::vector<Prediction> const& predictions, std::vector<Comparison> const& rows) {
    std::string const aside = path + ".tmp";
    std::ofstream out{aside};
    out << header(file);
    for (Comparison const& row : rows) {
        Point const& point = file.points[row.point];
        out << line_of(point, row, predictions[point.experiment]);
    }
    out.close();
    if (!out || std::rename(aside.c_str(), path.c_str()) != 0)
        throw core::WorldError(
            fmt::format("cannot write {}: {}. Choose another with --output", path, std::strerror(errno)));
}

}  // namespace mw::validation
