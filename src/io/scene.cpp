#include "scene.hpp"

#include <algorithm>

#include "agree.hpp"

namespace mw::io {

namespace {

//! One column out of a list of structs.
template <class Row, class Get>
auto column_of(std::vector<Row> const& rows, Get get) {
    std::vector<decltype(get(rows.front()))> column;
    column.reserve(rows.size());
    for (auto const& row : rows) column.push_back(get(row));
    return column;
}

//! The same for triples, flattened to [n x 3].
template <class Row, class Get>
std::vector<double> triples_of(std::vector<Row> const& rows, Get get) {
    std::vector<double> column;
    column.reserve(rows.size() * 3);
    for (auto const& row : rows)
        for (double const x : get(row)) column.push_back(x);
    return column;
}

Cut times(Cut cut, std::int64_t k) {
    return {cut.total * k, cut.first * k, cut.count * k};
}

Place inside(Place const& parent, Handle const& group, std::string const& name) {
    return {parent.comm, group.get(), parent.name + "/" + name};
}

//! Corners in VTK's order of a hexahedron: the bottom face counter-clockwise from above, then the top.
void add_box(RackInfo const& rack, std::vector<float>& points) {
    static constexpr double side[8][3] = {{-.5, -.5, 0}, {.5, -.5, 0}, {.5, .5, 0}, {-.5, .5, 0},
                                          {-.5, -.5, 1}, {.5, -.5, 1}, {.5, .5, 1}, {-.5, .5, 1}};
    for (auto const& corner : side)
        for (std::size_t axis = 0; axis < 3; ++axis)
            points.push_back(static_cast<float>(rack.position_m[axis] + corner[axis] * rack.size_m[axis]));
}

std::vector<std::int64_t> consecutive(std::int64_t first, std::int64_t count) {
    std::vector<std::int64_t> numbers(static_cast<std::size_t>(count));
    for (std::int64_t i = 0; i < count; ++i) numbers[static_cast<std::size_t>(i)] = first + i;
    return numbers;
}

}  // namespace

Cut rack_cut(RunShape const& shape) {
    return {shape.racks_total, shape.first_rack, static_cast<std::int64_t>(shape.racks.size())};
}

Cut link_cut(RunShape const& shape) {
    return {shape.links_total, shape.first_link, static_cast<std::int64_t>(shape.links.size())};
}

void write_racks(Place const& file, RunShape const& shape) {
    Handle const group = create_group(file, "racks");
    Place const place = inside(file, group, "racks");
    Cut const cut = rack_cut(shape);
    auto const& racks = shape.racks;
    write_names(place, "name", cut, column_of(racks, [](auto const& r) { return r.name; }),
                "name of the rack");
    write_once(place, "hall", cut, 0, column_of(racks, [](auto const& r) { return r.hall; }),
               {"", "hall it stands in"});
    write_once(place, "row", cut, 0, column_of(racks, [](auto const& r) { return r.row; }),
               {"", "row within the hall"});
    write_once(place, "position_m", cut, 3, triples_of(racks, [](auto const& r) { return r.position_m; }),
               {"m", "x, y of the centre of the footprint, z of the floor"});
    write_once(place, "size_m", cut, 3, triples_of(racks, [](auto const& r) { return r.size_m; }),
               {"m", "extent along x, y, z"});
    write_once(place, "accelerators", cut, 0, column_of(racks, [](auto const& r) { return r.accelerators; }),
               {"1", "accelerators in the rack"});
    std::vector<std::string> const axes{"x", "y", "z"};
    write_names(place, "xyz", root_only(*file.comm, 3), file.comm->root() ? axes : std::vector<std::string>{},
                "axes of the room, z is up");
}

void write_instances(Place const& file, RunShape const& shape) {
    Handle const group = create_group(file, "instances");
    Place const place = inside(file, group, "instances");
    auto const& all = shape.instances;
    Cut cut;
    cut.count = static_cast<std::int64_t>(all.size());
    cut.total = file.comm->max(cut.count);
    write_names(place, "name", cut, column_of(all, [](auto const& i) { return i.name; }),
                "name of the instance; its index is what /requests calls it by");
    write_names(place, "service", cut, column_of(all, [](auto const& i) { return i.service; }),
                "service that it is part of");
    write_names(place, "role", cut, column_of(all, [](auto const& i) { return i.role; }),
                "unified, prefill or decode");
    write_once(place, "rack", cut, 0, column_of(all, [](auto const& i) { return i.rack; }),
               {"", "index of the rack that runs it, in /racks"});
    write_once(place, "first_accelerator", cut, 0,
               column_of(all, [](auto const& i) { return i.first_accelerator; }),
               {"", "number of its first accelerator; they are consecutive"});
    write_once(place, "accelerators", cut, 0, column_of(all, [](auto const& i) { return i.accelerators; }),
               {"1", "accelerators of the instance"});
    write_once(place, "cell", cut, 0, column_of(all, [](auto const& i) { return i.cell; }),
               {"", "number of the cell, whose router it hears"});
}

void write_links(Place const& file, RunShape const& shape) {
    Handle const group = create_group(file, "links");
    Place const place = inside(file, group, "links");
    Cut const cut = link_cut(shape);
    auto const& links = shape.links;
    write_names(place, "name", cut, column_of(links, [](auto const& l) { return l.name; }),
                "name of the bundle");
    write_once(place, "from_m", cut, 3, triples_of(links, [](auto const& l) { return l.from_m; }),
               {"m", "start of the line"});
    write_once(place, "to_m", cut, 3, triples_of(links, [](auto const& l) { return l.to_m; }),
               {"m", "end of the line"});
    write_once(place, "capacity_bytes_per_s", cut, 0,
               column_of(links, [](auto const& l) { return l.capacity_bytes_per_s; }),
               {"B/s", "capacity of the bundle in this direction"});
    write_once(place, "tier", cut, 0, column_of(links, [](auto const& l) { return l.tier; }),
               {"", "tier of the network, 0 at the hosts"});
    write_once(place, "rack", cut, 0, column_of(links, [](auto const& l) { return l.rack; }),
               {"", "index of the rack that owns it"});
}

void write_mesh(Place const& file, RunShape const& shape) {
    Handle const group = create_group(file, "mesh");
    Place const place = inside(file, group, "mesh");
    std::vector<float> corners;
    corners.reserve(shape.racks.size() * 24);
    for (auto const& rack : shape.racks) add_box(rack, corners);
    std::vector<float> ends;
    ends.reserve(shape.links.size() * 6);
    for (auto const& link : shape.links)
        for (auto const& end : {link.from_m, link.to_m})
            for (double const x : end) ends.push_back(static_cast<float>(x));

    Cut const racks = rack_cut(shape);
    Cut const links = link_cut(shape);
    write_once(place, "rack_points", times(racks, 8), 3, corners, {"m", "corners of the racks' boxes"});
    write_once(place, "rack_cells", racks, 8, consecutive(8 * racks.first, 8 * racks.count),
               {"", "hexahedra: 8 points each"});
    write_once(place, "link_points", times(links, 2), 3, ends, {"m", "ends of the links' lines"});
    write_once(place, "link_cells", links, 2, consecutive(2 * links.first, 2 * links.count),
               {"", "lines: 2 points each"});
}

void write_text(Place const& place, std::string const& name, std::string const& text,
                std::string const& description) {
    std::string const where = place.name + "/" + name;
    Handle const type = string_type(text.size());
    Handle const space{H5Screate(H5S_SCALAR), H5Sclose, where};
    Handle const dataset{
        H5Dcreate2(place.id, name.c_str(), type.get(), space.get(), H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT),
        H5Dclose, "cannot create " + where};
    put_label(dataset.get(), {"", description}, where);
    Handle const transfer = collective_transfer();
    std::string const padded = text.empty() ? std::string(1, '\0') : text;
    together(*place.comm, [&] {
        if (!place.comm->root()) check(H5Sselect_none(space.get()), where);
        check(H5Dwrite(dataset.get(), type.get(), space.get(), space.get(), transfer.get(), padded.data()),
              "cannot write " + where);
    });
}

std::string read_text(hid_t file, std::string const& name) {
    Handle const dataset{H5Dopen2(file, name.c_str(), H5P_DEFAULT), H5Dclose, "cannot open " + name};
    Handle const type{H5Dget_type(dataset.get()), H5Tclose, name};
    std::string text(H5Tget_size(type.get()), '\0');
    check(H5Dread(dataset.get(), type.get(), H5S_ALL, H5S_ALL, H5P_DEFAULT, text.data()),
          "cannot read " + name);
    text.resize(std::min(text.find('\0'), text.size()));
    return text;
}

void write_request_columns(Place const& file, std::vector<RequestRow> const& mine, core::TimeNs warmup_ns) {
    Handle const group = create_group(file, "requests");
    Place const place = inside(file, group, "requests");
    auto const count = static_cast<std::int64_t>(mine.size());
    Cut const cut{file.comm->sum(count), file.comm->sum_before(count), count};
    auto const put = [&](std::string const& name, auto get, Label const& label) {
        write_once(place, name, cut, 0, column_of(mine, get), label);
    };
    auto const put_time = [&](std::string const& name, core::TimeNs RequestRow::*time,
                              std::string const& description) {
        put(name, [=](RequestRow const& r) { return core::to_seconds(r.*time - warmup_ns); },
            {"s", description + ", measured from the end of the warm-up"});
    };
    put("id", [](RequestRow const& r) { return r.id; }, {"", "number of the request"});
    put("service", [](RequestRow const& r) { return r.service; }, {"", "index of the service in the deck"});
    put_time("arrival_s", &RequestRow::arrival_ns, "arrival");
    put_time("first_token_s", &RequestRow::first_token_ns, "first output token");
    put_time("completed_s", &RequestRow::completed_ns, "last output token");
    put("input_tokens", [](RequestRow const& r) { return r.input_tokens; }, {"1", "tokens of the prompt"});
    put("output_tokens", [](RequestRow const& r) { return r.output_tokens; }, {"1", "tokens generated"});
    put("preemptions", [](RequestRow const& r) { return r.preemptions; },
        {"1", "times its KV cache was taken away"});
    put("prefill_instance", [](RequestRow const& r) { return r.prefill_instance; },
        {"", "instance that ran the prompt, -1: none"});
    put("decode_instance", [](RequestRow const& r) { return r.decode_instance; },
        {"", "instance that generated, -1: none"});
    for (std::size_t p = 0; p < ttft_part_names.size(); ++p)
        put(std::string{"ttft_"} + ttft_part_names[p] + "_s",
            [p](RequestRow const& r) { return core::to_seconds(r.part_ns[p]); },
            {"s", "part of the time to first token; the parts add up to it"});
    put("ttft_contention_s", [](RequestRow const& r) { return core::to_seconds(r.contention_ns); },
        {"s", "of ttft_transfer_s, beyond its time on an empty network"});
    put("longest_gap_s", [](RequestRow const& r) { return core::to_seconds(r.longest_gap_ns); },
        {"s", "longest time between two tokens at the engine"});
}

void write_link_columns(Place const& file, Cut cut, LinkTotals const& totals) {
    Handle const group = create_group(file, "traffic");
    Place const place = inside(file, group, "traffic");
    auto const labels = static_cast<std::int64_t>(totals.services.size());
    write_once(place, "mean_utilisation", cut, 0, totals.mean_utilisation,
               {"1", "bytes moved over capacity, of each link in the measured period"});
    write_once(place, "peak_utilisation", cut, 0, totals.peak_utilisation, {"1", "the same, highest sample"});
    write_once(place, "full_share", cut, 0, totals.full_share,
               {"1", "share of the measured time in samples of 90 % or more"});
    if (labels == 0) return;  // nothing moved
    write_once(place, "bytes", cut, labels, totals.bytes,
               {"B", "of each link in the measured period, by label (its service and class)"});
    Cut const on_root = root_only(*file.comm, labels);
    bool const root = file.comm->root();
    write_names(place, "service", on_root, root ? totals.services : std::vector<std::string>{},
                "service of each label");
    write_names(place, "class", on_root, root ? totals.classes : std::vector<std::string>{},
                "class of traffic of each label");
}

void write_histogram(Place const& parent, NamedHistogram const& entry) {
    Handle const group = create_group(parent, entry.name);
    Place const place = inside(parent, group, entry.name);
    auto const& counts = entry.histogram.buckets();
    std::vector<double> edges;
    for (std::size_t i = 0; i <= counts.size(); ++i)
        edges.push_back(
            core::Histogram::lower_edge(entry.histogram.first_bucket() + static_cast<std::int32_t>(i)) *
            entry.unit_scale);
    auto const& comm = *parent.comm;
    write_once(place, "edges", root_only(comm, static_cast<std::int64_t>(edges.size())), 0, edges,
               {entry.unit, "edges of the buckets, one more than there are buckets"});
    std::vector<double> lower = edges;
    lower.pop_back();
    write_once(place, "bucket", root_only(comm, static_cast<std::int64_t>(lower.size())), 0, lower,
               {entry.unit, "lower edge of each bucket"});
    write_once(place, "counts", root_only(comm, static_cast<std::int64_t>(counts.size())), 0, counts,
               {"1", "values in [edge, next edge)"});
    put_label(group.get(), {entry.unit, entry.description}, place.name);
    put_number(group.get(), "count", entry.histogram.count(), place.name);
    put_number(group.get(), "mean", entry.histogram.mean() * entry.unit_scale, place.name);
    for (auto const& [name, q] : {std::pair{"p50", .5}, std::pair{"p90", .9}, std::pair{"p99", .99}})
        put_number(group.get(), name, entry.histogram.quantile(q) * entry.unit_scale, place.name);
}

void write_spectrum(Place const& file, PowerSpectrum const& spectrum) {
    Handle const group = create_group(file, "power_spectrum");
    Place const place = inside(file, group, "power_spectrum");
    Cut const cut = root_only(*file.comm, static_cast<std::int64_t>(spectrum.frequency_hz.size()));
    write_once(place, "frequency_hz", cut, 0, spectrum.frequency_hz,
               {"Hz", "of a swing of the facility's power"});
    write_once(place, "amplitude_w", cut, 0, spectrum.amplitude_w,
               {"W", "of the swing, in the measured period's last samples"});
}

}  // namespace mw::io
