#include "axes.hpp"

#include <hdf5_hl.h>

#include <algorithm>
#include <array>

#include "megaweave/io/run_file.hpp"

namespace mw::io {

namespace {

//! What netCDF-4 calls a scale that is an axis and no variable; its length follows in ten columns.
std::string bare_axis_mark(std::int64_t length) {
    std::string number = std::to_string(length);
    number.insert(0, 10 - std::min<std::size_t>(number.size(), 10), ' ');
    return "This is a netCDF dimension but not a netCDF variable." + number;
}

std::string last_name(std::string const& path) {
    return path.substr(path.rfind('/') + 1);
}

Handle open_dataset(Place const& file, std::string const& path) {
    return {H5Dopen2(file.id, path.c_str(), H5P_DEFAULT), H5Dclose, "cannot open " + file.name + path};
}

//! All columns [n] of a group with one axis.
void label_columns(Place const& file, std::string const& group, std::string const& scale,
                   std::vector<std::string> const& columns) {
    for (std::string const& column : columns) {
        std::string path = group;
        label_axes(file, path.append("/").append(column), {scale});
    }
}

}  // namespace

void make_scale(Place const& file, std::string const& path) {
    Handle const dataset = open_dataset(file, path);
    if (H5DSis_scale(dataset.get()) > 0) return;
    check(H5DSset_scale(dataset.get(), last_name(path).c_str()), "cannot label " + file.name + path);
}

void make_bare_axis(Place const& file, std::string const& path, std::int64_t length) {
    std::string const where = file.name + path;
    auto const extent = static_cast<hsize_t>(length);
    Handle const properties{H5Pcreate(H5P_DATASET_CREATE), H5Pclose, where};
    check(H5Pset_fill_time(properties.get(), H5D_FILL_TIME_NEVER), where);
    Handle const space{H5Screate_simple(1, &extent, nullptr), H5Sclose, where};
    Handle const dataset{H5Dcreate2(file.id, path.c_str(), H5T_NATIVE_UINT8, space.get(), H5P_DEFAULT,
                                    properties.get(), H5P_DEFAULT),
                         H5Dclose, "cannot create " + where};
    check(H5DSset_scale(dataset.get(), bare_axis_mark(length).c_str()), "cannot label " + where);
}

void label_axes(Place const& file, std::string const& path, std::vector<std::string> const& scales) {
    Handle const dataset = open_dataset(file, path);
    for (unsigned axis = 0; axis < scales.size(); ++axis) {
        Handle const scale = open_dataset(file, scales[axis]);
        if (H5DSis_attached(dataset.get(), scale.get(), axis) > 0) continue;
        check(H5DSattach_scale(dataset.get(), scale.get(), axis),
              "cannot label " + file.name + path + " with " + scales[axis]);
    }
}

void share(Place const& file, std::string const& path, std::string const& group) {
    std::string const also = group + "/" + last_name(path);
    if (H5Lexists(file.id, also.c_str(), H5P_DEFAULT) > 0) return;
    check(H5Lcreate_hard(file.id, path.c_str(), file.id, also.c_str(), H5P_DEFAULT, H5P_DEFAULT),
          "cannot make " + file.name + also);
}

void label_plan(Place const& file, std::int64_t racks, std::int64_t links) {
    for (char const* const scale : {"/time_s", "/racks/name", "/links/name", "/instances/name", "/racks/xyz"})
        make_scale(file, scale);
    for (char const* const group : {"/links", "/mesh"}) share(file, "/racks/xyz", group);
    for (char const* const group : {"/rack", "/links", "/facility"}) share(file, "/time_s", group);
    share(file, "/racks/name", "/rack");
    label_columns(file, "/racks", "/racks/name", {"hall", "row", "accelerators"});
    for (char const* const triple : {"/racks/position_m", "/racks/size_m"})
        label_axes(file, triple, {"/racks/name", "/racks/xyz"});
    label_columns(file, "/links", "/links/name", {"capacity_bytes_per_s", "tier", "rack"});
    for (char const* const triple : {"/links/from_m", "/links/to_m"})
        label_axes(file, triple, {"/links/name", "/racks/xyz"});
    label_columns(file, "/instances", "/instances/name",
                  {"service", "role", "rack", "first_accelerator", "accelerators", "cell"});

    std::array<std::pair<char const*, std::int64_t>, 6> const axes = {{{"rack", racks},
                                                                       {"rack_corner", 8},
                                                                       {"rack_point", 8 * racks},
                                                                       {"link", links},
                                                                       {"link_end", 2},
                                                                       {"link_point", 2 * links}}};
    for (auto const& [name, length] : axes) make_bare_axis(file, std::string{"/mesh/"} + name, length);
    label_axes(file, "/mesh/rack_cells", {"/mesh/rack", "/mesh/rack_corner"});
    label_axes(file, "/mesh/rack_points", {"/mesh/rack_point", "/racks/xyz"});
    label_axes(file, "/mesh/link_cells", {"/mesh/link", "/mesh/link_end"});
    label_axes(file, "/mesh/link_points", {"/mesh/link_point", "/racks/xyz"});
}

void label_requests(Place const& file) {
    make_scale(file, "/requests/id");
    label_columns(
        file, "/requests", "/requests/id",
        {"service", "arrival_s", "first_token_s", "completed_s", "input_tokens", "output_tokens",
         "preemptions", "prefill_instance", "decode_instance", "ttft_contention_s", "longest_gap_s"});
    for (char const* part : ttft_part_names)
        label_columns(file, "/requests", "/requests/id", {std::string{"ttft_"} + part + "_s"});
}

void label_traffic(Place const& file, bool with_bytes, std::int64_t labels) {
    share(file, "/links/name", "/traffic");
    label_columns(file, "/traffic", "/links/name", {"mean_utilisation", "peak_utilisation", "full_share"});
    if (!with_bytes) return;
    make_bare_axis(file, "/traffic/label", labels);
    label_axes(file, "/traffic/bytes", {"/links/name", "/traffic/label"});
    label_columns(file, "/traffic", "/traffic/label", {"service", "class"});
}

void label_histogram(Place const& file, std::string const& name) {
    std::string const group = "/histograms/" + name;
    make_scale(file, group + "/edges");
    make_scale(file, group + "/bucket");
    label_axes(file, group + "/counts", {group + "/bucket"});
}

void label_spectrum(Place const& file) {
    make_scale(file, "/power_spectrum/frequency_hz");
    label_axes(file, "/power_spectrum/amplitude_w", {"/power_spectrum/frequency_hz"});
}

}  // namespace mw::io
