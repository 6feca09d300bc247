#include "megaweave/fabric/explicit.hpp"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <optional>
#include <set>

#include "csv.hpp"
#include "megaweave/core/check.hpp"
#include "megaweave/core/error.hpp"
#include "megaweave/core/hash.hpp"
#include "megaweave/core/text.hpp"
#include "megaweave/fabric/adaptive_routing.hpp"

namespace mw::fabric {

namespace {

constexpr double most_latency_ns = 1e15;

std::string quoted(std::string_view text) {
    return "'" + std::string{text} + "'";
}

using LinkNumbers = std::map<std::string, std::uint32_t, std::less<>>;

//! To the nearest whole number, which the solver works with, where that changes nothing that shows.
std::optional<std::int64_t> to_capacity(std::string_view text) {
    if (auto const whole = to_integer(text)) return *whole > 0 ? whole : std::nullopt;
    constexpr double unseen = 1e-9;
    constexpr double most = 9e18;
    auto const number = to_number(text);
    if (!number || *number <= 0 || *number >= most) return std::nullopt;
    double const whole = std::round(*number);
    if (std::abs(whole - *number) > unseen * *number) return std::nullopt;
    return static_cast<std::int64_t>(whole);
}

LinkNumbers read_links(CsvTable const& table, ExplicitNetwork& network, Mistakes& mistakes) {
    LinkNumbers numbers;
    for (auto const& row : table.rows()) {
        auto const wrong = [&](std::string const& message) { mistakes.add(table.path(), row.line, message); };
        auto const capacity = to_capacity(row.fields[1]);
        auto const latency = to_number(row.fields[2]);
        if (!capacity)
            wrong("capacity_bytes_per_s " + quoted(row.fields[1]) +
                  " is no positive whole number (large ones may have decimals)");
        if (!latency || *latency < 0 || *latency > most_latency_ns)
            wrong("latency_ns " + quoted(row.fields[2]) + " is no number of nanoseconds from 0");
        std::string const name{row.fields[0]};
        if (name.empty() || name.find(' ') != std::string::npos)
            wrong("link " + quoted(name) +
                  ": a name must not be empty or hold spaces (they separate links in a route)");
        auto const number = static_cast<std::uint32_t>(network.link_names.size());
        if (!numbers.emplace(name, number).second) wrong("link " + quoted(name) + " is listed twice");
        network.link_names.push_back(name);
        network.capacity_bytes_per_s.push_back(capacity.value_or(1));
        network.latency_ns.push_back(latency.value_or(0));
    }
    return numbers;
}

void read_routes(CsvTable const& table, LinkNumbers const& numbers, ExplicitNetwork& network,
                 Mistakes& mistakes) {
    for (auto const& row : table.rows()) {
        auto const wrong = [&](std::string const& message) { mistakes.add(table.path(), row.line, message); };
        std::string const src{row.fields[0]};
        std::string const dst{row.fields[1]};
        std::vector<std::uint32_t> route;
        for (auto const name : core::split_trimmed(row.fields[2], ' ')) {
            if (name.empty()) continue;  // several blanks in a row
            auto const link = numbers.find(name);
            if (link == numbers.end()) {
                std::string const near = core::nearest(std::string{name}, network.link_names);
                wrong("unknown link " + quoted(name) +
                      (near.empty() ? "" : ". Did you mean " + quoted(near) + "?"));
            } else if (std::ranges::find(route, link->second) != route.end()) {
                wrong("the route takes link " + quoted(name) + " twice");
            } else {
                route.push_back(link->second);
            }
        }
        if (!network.routes.emplace(std::pair{src, dst}, std::move(route)).second)
            wrong("a second route from " + quoted(src) + " to " + quoted(dst) + ". List one.");
    }
}

template <class Wrong>
TrafficClass traffic_of(std::string_view name, Wrong const& wrong) {
    auto const known = std::ranges::find(traffic_names, name);
    if (name.empty() || known != traffic_names.end())
        return static_cast<TrafficClass>(name.empty() ? 0 : known - traffic_names.begin());
    std::string const near = core::nearest(std::string{name}, {traffic_names.begin(), traffic_names.end()});
    wrong("unknown class " + quoted(name) +
          (near.empty() ? ". Known are kv, weights, pool, expert, tensor, pipeline."
                        : ". Did you mean " + quoted(near) + "?"));
    return TrafficClass::kv;
}

template <class Wrong>
std::int64_t weight_of(std::string_view text, Wrong const& wrong) {
    if (text.empty()) return 1;
    auto const weight = to_integer(text);
    if (weight && *weight >= 1 && *weight <= most_class_weight) return *weight;
    wrong("weight " + quoted(text) + " is no whole number from 1 to " + std::to_string(most_class_weight));
    return 1;
}

FlowSpec spec_of(FlowTable::Row const& row, ClassTable const& classes) {
    FlowSpec spec{row.bytes, row.start_s};
    spec.priority = classes[row.traffic].priority;
    spec.weight = classes[row.traffic].weight * row.weight;
    return spec;
}

//! What chooses the ways of a row, which counts from 0.
std::optional<Route> route_of(FlowTable::Row const& row, std::size_t number, Topology const& network,
                              std::uint64_t seed) {
    auto const src = to_integer(row.src);
    auto const dst = to_integer(row.dst);
    auto const good = [&](auto const& node) { return node && *node >= 0 && *node < network.nodes(); };
    if (!good(src) || !good(dst)) return std::nullopt;
    return Route{static_cast<std::int32_t>(*src), static_cast<std::int32_t>(*dst), 0, Route::undecided,
                 core::mix(seed ^ core::mix(number + 1))};
}

void lay(FlowSpec& spec, Path const& path, Topology const& network) {
    spec.links.clear();
    spec.weights.clear();
    for (Hop const& hop : path.hops()) {
        spec.links.push_back(static_cast<std::uint32_t>(hop.link));
        if (network.weight_unit() > 1)
            spec.weights.push_back(hop.weight / (full_weight / network.weight_unit()));
    }
    spec.latency_s = core::to_seconds(network.latency_ns(path));
}

class DetourRouter final : public FlowRouter {
  public:
    DetourRouter(FlowTable const& flows, Topology const& network, std::uint64_t seed)
        : flows_{&flows}, network_{&network}, seed_{seed} {}

    void choose(std::uint32_t flow, Loads const& loads, FlowSpec& spec) const override {
        auto route = route_of(flows_->rows[flow], flow, *network_, seed_);
        MW_EXPECT(route, "flows that were laid on the network have their ends there");
        std::int64_t const line = network_->capacity(spec.links.front());
        route->detour = AdaptiveRouting{*network_}(
            *route, line, [&](LinkIndex link) { return loads(static_cast<std::uint32_t>(link)); });
        lay(spec, network_->path(*route), *network_);
    }

  private:
    FlowTable const* flows_;
    Topology const* network_;
    std::uint64_t seed_;
};

}  // namespace

ExplicitNetwork read_network(std::string const& links_file, std::string const& routes_file) {
    Mistakes mistakes;
    ExplicitNetwork network;
    CsvTable const links{links_file, {"link", "capacity_bytes_per_s", "latency_ns"}, mistakes};
    CsvTable const routes{routes_file, {"src", "dst", "links"}, mistakes};
    mistakes.report();  // without all rows, every route would look wrong
    auto const numbers = read_links(links, network, mistakes);
    read_routes(routes, numbers, network, mistakes);
    mistakes.report();
    return network;
}

FlowTable read_flows(std::string const& path) {
    Mistakes mistakes;
    CsvTable const table{path, {"flow", "src", "dst", "bytes", "start_s"}, mistakes, {"class", "weight"}};
    FlowTable flows{path, std::string{table.header()}, {}};
    std::set<std::string_view> names;
    for (auto const& row : table.rows()) {
        auto const wrong = [&](std::string const& message) { mistakes.add(path, row.line, message); };
        auto const bytes = to_integer(row.fields[3]);
        auto const start = to_number(row.fields[4]);
        if (!names.insert(row.fields[0]).second) wrong("flow " + quoted(row.fields[0]) + " is listed twice");
        if (!bytes || *bytes < 0) wrong("bytes " + quoted(row.fields[3]) + " is no whole number");
        if (!start || *start < 0) wrong("start_s " + quoted(row.fields[4]) + " is no time in seconds from 0");
        flows.rows.push_back({row.line, std::string{row.text}, std::string{row.fields[0]},
                              std::string{row.fields[1]}, std::string{row.fields[2]}, bytes.value_or(0),
                              start.value_or(0), traffic_of(row.fields[5], wrong),
                              weight_of(row.fields[6], wrong)});
    }
    mistakes.report();
    return flows;
}

std::vector<FlowSpec> on_network(FlowTable const& flows, ExplicitNetwork const& network,
                                 ClassTable const& classes) {
    Mistakes mistakes;
    std::vector<FlowSpec> specs;
    for (auto const& row : flows.rows) {
        FlowSpec& spec = specs.emplace_back(spec_of(row, classes));
        auto const route = network.routes.find({row.src, row.dst});
        if (route == network.routes.end()) {
            if (row.src != row.dst)
                mistakes.add(
                    flows.path, row.line,
                    "no route from " + quoted(row.src) + " to " + quoted(row.dst) + " in the routes file");
            continue;
        }
        spec.links = route->second;
        double latency_ns = 0;
        for (std::uint32_t const l : spec.links) latency_ns += network.latency_ns[l];
        spec.latency_s = latency_ns / static_cast<double>(core::ns_per_s);
    }
    mistakes.report();
    return specs;
}

std::vector<FlowSpec> on_topology(FlowTable const& flows, Topology const& network, std::uint64_t seed) {
    Mistakes mistakes;
    std::vector<FlowSpec> specs;
    Path path;
    for (auto const& row : flows.rows) {
        FlowSpec& spec = specs.emplace_back(spec_of(row, network.classes()));
        auto const route = route_of(row, specs.size() - 1, network, seed);
        if (route) {
            network.path(*route, path);
            lay(spec, path, network);
            continue;
        }
        for (auto const& [column, text] : {std::pair{"src", row.src}, std::pair{"dst", row.dst}})
            if (auto const number = to_integer(text); !number || *number < 0 || *number >= network.nodes())
                mistakes.add(flows.path, row.line,
                             std::string{column} + " " + quoted(text) + " is no node: they count from 0 to " +
                                 std::to_string(network.nodes() - 1));
    }
    mistakes.report();
    return specs;
}

std::unique_ptr<FlowRouter const> router_of(FlowTable const& flows, Topology const& network,
                                            std::uint64_t seed) {
    if (!network.detours_by_load()) return nullptr;
    return std::make_unique<DetourRouter>(flows, network, seed);
}

std::vector<std::int64_t> capacities(Topology const& network) {
    std::vector<std::int64_t> all;
    for (LinkIndex l = 0; l < network.link_count(); ++l)
        all.push_back(std::max<std::int64_t>(network.capacity(l), 1));  // 0: broken, on no path
    return all;
}

void write_finish_times(std::string const& path, FlowTable const& flows,
                        std::vector<double> const& finish_s) {
    MW_EXPECT(finish_s.size() == flows.rows.size(), "one finish time for each flow");
    std::ofstream out{path, std::ios::binary};
    out.precision(17);
    out << flows.header << ",finish_s\n";
    for (std::size_t f = 0; f < finish_s.size(); ++f) out << flows.rows[f].text << ',' << finish_s[f] << '\n';
    out.close();
    if (!out) throw core::WorldError(path + ": cannot be written (is the folder there, the disk full?)");
}

}  // namespace mw::fabric
