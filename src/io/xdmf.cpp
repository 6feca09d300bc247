#include "megaweave/io/xdmf.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>
#include <fstream>
#include <string_view>

#include "durable.hpp"
#include "megaweave/core/error.hpp"

namespace mw::io {

namespace {

constexpr std::string_view float_type = R"(NumberType="Float" Precision="4")";
constexpr std::string_view integer_type = R"(NumberType="Int" Precision="8")";

std::string text(double value) {
    std::array<char, 32> digits{};
    auto const end = std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr;
    return {digits.data(), end};
}

std::string hdf_item(std::string const& dimensions, std::string_view type, std::string const& at) {
    return "<DataItem Format=\"HDF\" Dimensions=\"" + dimensions + "\" " + std::string{type} + ">" + at +
           "</DataItem>\n";
}

//! Kinds of grid: racks and links differ in nothing else.
struct GridKind {
    std::string name;
    std::string topology;  //!< XDMF attributes of the topology
    std::string prefix;    //!< of its datasets in /mesh
    std::string group;     //!< of its quantities
    std::int64_t cells;
    std::int64_t points_per_cell;
    std::vector<std::string> const& quantities;
    std::string fixed;  //!< attributes that are the same at every step
};

constexpr std::string_view small_integer_type = R"(NumberType="Int" Precision="4")";

std::string fixed_attribute(std::string const& name, std::int64_t cells, std::string_view type,
                            std::string const& at) {
    return "<Attribute Name=\"" + name + "\" AttributeType=\"Scalar\" Center=\"Cell\">" +
           hdf_item(std::to_string(cells), type, at) + "</Attribute>\n";
}

//! Tiers, and once the run has ended, what each link did in all.
std::string fixed_of_links(XdmfScene const& scene) {
    std::string text =
        fixed_attribute("tier", scene.links, small_integer_type, scene.data_file + ":/links/tier");
    for (auto const& total : scene.link_totals)
        text +=
            fixed_attribute("run_" + total, scene.links, float_type, scene.data_file + ":/traffic/" + total);
    return text;
}

std::string mesh_text(GridKind const& kind, std::string const& data) {
    std::string const cells = std::to_string(kind.cells);
    std::string const points = std::to_string(kind.cells * kind.points_per_cell);
    return "<Topology " + kind.topology + " NumberOfElements=\"" + cells + "\">" +
           hdf_item(cells + " " + std::to_string(kind.points_per_cell), integer_type,
                    data + ":/mesh/" + kind.prefix + "_cells") +
           "</Topology><Geometry GeometryType=\"XYZ\">" +
           hdf_item(points + " 3", float_type, data + ":/mesh/" + kind.prefix + "_points") + "</Geometry>\n";
}

void write_step(std::ostream& out, GridKind const& kind, std::string const& mesh, XdmfScene const& scene,
                std::size_t step) {
    std::string const cells = std::to_string(kind.cells);
    std::string const extent = std::to_string(scene.times_s.size()) + " " + cells;
    out << "<Grid Name=\"" << kind.name << "\"><Time Value=\"" << text(scene.times_s[step]) << "\"/>" << mesh;
    for (auto const& quantity : kind.quantities) {
        out << "<Attribute Name=\"" << quantity << "\" AttributeType=\"Scalar\" Center=\"Cell\">"
            << "<DataItem ItemType=\"HyperSlab\" Dimensions=\"" << cells
            << "\"><DataItem Format=\"XML\" Dimensions=\"3 2\">" << step << " 0 1 1 1 " << cells
            << "</DataItem>"
            << hdf_item(extent, float_type, scene.data_file + ":/" + kind.group + "/" + quantity)
            << "</DataItem></Attribute>\n";
    }
    out << kind.fixed << "</Grid>\n";
}

//! Each kind is a temporal collection of its own: so ParaView's blocks are called "racks" and "links" at every step.
void write_collection(std::ostream& out, GridKind const& kind, XdmfScene const& scene, std::size_t stride) {
    if (kind.cells == 0) return;
    std::string const mesh = mesh_text(kind, scene.data_file);
    std::size_t const steps = scene.times_s.size();
    out << "<Grid Name=\"" << kind.name << "\" GridType=\"Collection\" CollectionType=\"Temporal\">\n";
    if (stride > 1)
        out << "<Information Name=\"stride\" Value=\"one in " << stride << " of " << steps
            << " samples; all are in " << scene.data_file << "\"/>\n";
    for (std::size_t step = 0; step < steps; step += stride) write_step(out, kind, mesh, scene, step);
    out << "</Grid>\n";
}

void write_scene(std::ostream& out, XdmfScene const& scene, std::size_t stride) {
    out << "<?xml version=\"1.0\" ?>\n<Xdmf Version=\"2.0\"><Domain>\n";
    write_collection(
        out,
        {"racks", R"(TopologyType="Hexahedron")", "rack", "rack", scene.racks, 8, scene.rack_quantities, ""},
        scene, stride);
    write_collection(out,
                     {"links", R"(TopologyType="Polyline" NodesPerElement="2")", "link", "links", scene.links,
                      2, scene.link_quantities, fixed_of_links(scene)},
                     scene, stride);
    out << "</Domain></Xdmf>\n";
}

}  // namespace

void write_xdmf(std::string const& path, XdmfScene const& scene, std::int64_t max_steps) {
    auto const most = static_cast<std::size_t>(std::max<std::int64_t>(max_steps, 1));
    std::size_t const stride = std::max<std::size_t>((scene.times_s.size() + most - 1) / most, 1);
    std::string const aside = aside_of(path);
    std::ofstream out{aside};
    write_scene(out, scene, stride);
    out.close();
    if (!out) throw core::WorldError("cannot write " + aside + ": " + system_reason());
    if (std::rename(aside.c_str(), path.c_str()) != 0)
        throw core::WorldError("cannot rename " + aside + " to " + path + ": " + system_reason());
}

}  // namespace mw::io
