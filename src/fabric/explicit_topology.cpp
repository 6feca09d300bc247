#include "megaweave/fabric/explicit_topology.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "direct_checks.hpp"
#include "megaweave/core/check.hpp"
#include "megaweave/core/error.hpp"

namespace mw::fabric {

namespace {

constexpr std::size_t most_messages = 20;

//! The node that a name in the routes file stands for, or -1.
std::int64_t node_named(std::string const& name, std::int64_t nodes) {
    std::int64_t number = -1;
    auto const end = name.data() + name.size();
    auto const [at, error] = std::from_chars(name.data(), end, number);
    return error == std::errc{} && at == end && number >= 0 && number < nodes ? number : -1;
}

NetworkParams const& checked(NetworkParams const& p) {
    checked_ends(p);
    if (p.endpoints / p.nics_per_node > ExplicitTopology::most_nodes)
        throw core::InputError("scale_out: an explicit network has at most " +
                               std::to_string(ExplicitTopology::most_nodes) + " nodes, not " +
                               std::to_string(p.endpoints / p.nics_per_node));
    if (!p.failures.none() || p.planes != 1)
        throw core::InputError(
            "scale_out: failures and planes of an explicit network belong into its files. Leave both keys "
            "out.");
    return p;
}

}  // namespace

ExplicitTopology::ExplicitTopology(NetworkParams const& params)
    : Topology{checked(params), params.endpoints / params.nics_per_node} {
    ExplicitNetwork const network = read_network(params.links_file, params.routes_file);
    names_ = network.link_names;
    capacity_ = network.capacity_bytes_per_s;
    for (double const latency_ns : network.latency_ns) latency_ns_.push_back(std::llround(latency_ns));
    uses_.assign(names_.size(), {nodes_, -1, nodes_, -1, true, true});
    read_routes(network);
    for (std::int64_t l = 0; l < link_count(); ++l) {
        Use& use = uses_[index(l)];
        if (use.last_src < 0) use = {0, 0, 0, 0, false, false};  // nobody uses it
        owners_.emplace_back(use.first_src, l);
    }
    std::ranges::sort(owners_);
}

void ExplicitTopology::read_routes(ExplicitNetwork const& network) {
    std::vector<std::vector<std::uint32_t> const*> by_pair(index(nodes_ * nodes_), nullptr);
    for (auto const& [ends, route] : network.routes) {
        std::int64_t const src = node_named(ends.first, nodes_);
        std::int64_t const dst = node_named(ends.second, nodes_);
        if (src < 0 || dst < 0) continue;  // the files may know more ends than the cluster has nodes
        by_pair[index(src * nodes_ + dst)] = &route;
        note_use(src, dst, route);
    }
    std::vector<std::string> missing;
    std::size_t count = 0;
    first_.push_back(0);
    for (std::int64_t src = 0; src < nodes_; ++src)
        for (std::int64_t dst = 0; dst < nodes_; ++dst) {
            auto const* const route = by_pair[index(src * nodes_ + dst)];
            if (route != nullptr) links_.insert(links_.end(), route->begin(), route->end());
            first_.push_back(links_.size());
            if (src == dst || (route != nullptr && !route->empty())) continue;
            if (++count <= most_messages)
                missing.push_back("scale_out.routes: no route from node " + std::to_string(src) +
                                  " to node " + std::to_string(dst) + ", counted from 0");
        }
    if (count > most_messages)
        missing.push_back("scale_out.routes: " + std::to_string(count) + " routes are missing in all");
    if (!missing.empty()) throw core::InputError(missing);
}

void ExplicitTopology::note_use(std::int64_t src, std::int64_t dst, std::vector<std::uint32_t> const& route) {
    for (std::size_t i = 0; i < route.size(); ++i) {
        Use& use = uses_[route[i]];
        use.first_src = std::min(use.first_src, src);
        use.last_src = std::max(use.last_src, src);
        use.first_dst = std::min(use.first_dst, dst);
        use.last_dst = std::max(use.last_dst, dst);
        use.at_src = use.at_src && i == 0;
        use.at_dst = use.at_dst && i + 1 == route.size();
    }
}

std::vector<TierCount> ExplicitTopology::tiers() const {
    auto const at_host =
        std::ranges::count_if(uses_, [](Use const& use) { return use.at_src || use.at_dst; });
    return {{"host", 0, (at_host + 1) / 2}, {"fabric", 0, (link_count() - at_host + 1) / 2}};
}

Bundle ExplicitTopology::bundle(BundleIndex bundle) const {
    Use const& use = uses_[index(bundle)];
    Bundle b;
    b.tier = use.at_src || use.at_dst ? 0 : 1;
    b.up = use.at_src || (!use.at_dst && use.first_src <= use.first_dst);
    b.index = bundle;
    b.cables = 1;
    b.capacity_bytes_per_s = capacity_[index(bundle)];
    b.from = {use.first_src, use.last_src, use.at_src ? 0 : use.at_dst ? 1 : 2};
    b.to = {use.first_dst, use.last_dst, use.at_dst ? 0 : use.at_src ? 1 : 2};
    if (use.at_src && !use.at_dst) b.to = {use.first_src, use.last_src, 1};
    if (use.at_dst && !use.at_src) b.from = {use.first_dst, use.last_dst, 1};
    return b;
}

std::int64_t ExplicitTopology::owner_of_bundle(BundleIndex bundle) const {
    return uses_[index(bundle)].first_src;
}

void ExplicitTopology::bundles_owned_by(std::int64_t node, std::vector<BundleIndex>& out) const {
    auto at = std::ranges::lower_bound(owners_, std::pair{node, BundleIndex{0}});
    for (; at != owners_.end() && at->first == node; ++at) out.push_back(at->second);
}

void ExplicitTopology::path(Route const& route, Path& path) const {
    MW_EXPECT(route.src >= 0 && route.src < nodes_ && route.dst >= 0 && route.dst < nodes_, "no such node");
    path.clear();
    if (route.src == route.dst) return;
    auto const pair = static_cast<std::size_t>(route.src * nodes_ + route.dst);
    for (std::uint64_t i = first_[pair]; i < first_[pair + 1]; ++i) path.add(links_[i]);
}

}  // namespace mw::fabric
