#include "megaweave/fabric/planes.hpp"

#include <algorithm>

#include "megaweave/core/error.hpp"
#include "megaweave/core/hash.hpp"
#include "megaweave/fabric/clos.hpp"
#include "megaweave/fabric/dragonfly.hpp"
#include "megaweave/fabric/explicit_topology.hpp"
#include "megaweave/fabric/lattice.hpp"

namespace mw::fabric {

namespace {

std::string prefix_of(std::int64_t plane) {
    return "plane " + std::to_string(plane + 1) + " ";
}

std::vector<std::string> without_prefix(std::vector<std::string> const& names, std::string const& prefix) {
    std::vector<std::string> mine;
    for (std::string const& name : names)
        if (name.starts_with(prefix)) mine.push_back(name.substr(prefix.size()));
    return mine;
}

NetworkParams plane_of(NetworkParams params, std::int64_t plane) {
    std::int64_t const planes = params.planes;
    params.endpoints /= planes;
    params.nics_per_node /= planes;
    params.planes = 1;
    params.failures.switches = without_prefix(params.failures.switches, prefix_of(plane));
    params.failures.links = without_prefix(params.failures.links, prefix_of(plane));
    params.failures.seed = core::mix(params.failures.seed + static_cast<std::uint64_t>(plane));
    return params;
}

NetworkParams const& checked_planes(NetworkParams const& p) {
    std::vector<std::string> wrong;
    if (p.planes < 1 || p.nics_per_node % p.planes != 0)
        wrong.push_back("scale_out: the " + std::to_string(p.nics_per_node) +
                        " NICs of a node cannot be dealt evenly to " + std::to_string(p.planes) +
                        " planes. Use a divisor.");
    for (auto const* const list : {&p.failures.switches, &p.failures.links})
        for (std::string const& name : *list) {
            bool known = false;
            for (std::int64_t plane = 0; plane < p.planes; ++plane)
                known = known || name.starts_with(prefix_of(plane));
            if (!known)
                wrong.push_back("scale_out.failures: '" + name +
                                "' does not say in which plane. Write for example 'plane 1 " + name + "'.");
        }
    if (!wrong.empty()) throw core::InputError(wrong);
    return p;
}

}  // namespace

Planes::Planes(NetworkParams const& params)
    : Topology{checked_planes(params), params.endpoints / params.nics_per_node},
      equal_{params.failures.none() || !sprays()} {
    for (std::int64_t plane = 0; plane < params.planes; ++plane)
        planes_.push_back(make_topology(plane_of(params, plane)));
}

std::vector<TierCount> Planes::tiers() const {
    std::vector<TierCount> all = planes_[0]->tiers();
    for (TierCount& tier : all) {
        tier.switches *= count();
        tier.cables *= count();
    }
    return all;
}

LinkIndex Planes::link_count() const {
    return planes_[0]->link_count() * (sprays() ? 1 : count());
}

std::int64_t Planes::capacity(LinkIndex link) const {
    if (sprays()) return bundle(bundle_of(link)).capacity_bytes_per_s;
    LinkIndex const links = planes_[0]->link_count();
    return planes_[static_cast<std::size_t>(link / links)]->capacity(link % links);
}

BundleIndex Planes::bundle_of(LinkIndex link) const {
    return planes_[0]->bundle_of(link % planes_[0]->link_count());
}

Bundle Planes::bundle(BundleIndex index) const {
    Bundle all = planes_[0]->bundle(index);
    all.cables = 0;
    all.capacity_bytes_per_s = 0;
    for (auto const& plane : planes_) {
        Bundle const one = plane->bundle(index);
        all.cables += one.cables;
        all.capacity_bytes_per_s += one.capacity_bytes_per_s;
    }
    return all;
}

void Planes::path(Route const& route, Path& path) const {
    Route inner = route;
    inner.rail = static_cast<std::int32_t>(route.rail / count());
    auto const plane = static_cast<std::size_t>(route.rail % count());
    if (!sprays()) {
        Path found;
        planes_[plane]->path(inner, found);
        path.clear();
        LinkIndex const base = static_cast<LinkIndex>(plane) * planes_[0]->link_count();
        for (Hop const& hop : found.hops()) path.add(base + hop.link, hop.weight);
        return;
    }
    if (equal_) {
        planes_[0]->path(inner, path);
        return;
    }
    // Each plane goes round its own failures.
    path.clear();
    Path found;
    auto const parts = static_cast<std::int32_t>(count());
    for (std::int32_t p = 0; p < parts; ++p) {
        planes_[static_cast<std::size_t>(p)]->path(inner, found);
        for (Hop const& hop : found.hops())
            path.add(hop.link, hop.weight / parts + (p < hop.weight % parts ? 1 : 0));
    }
}

std::unique_ptr<Topology const> make_topology(NetworkParams const& params) {
    if (params.planes != 1 && params.kind != Kind::explicit_files) return std::make_unique<Planes>(params);
    switch (params.kind) {
        case Kind::clos:
        case Kind::rail:
            return std::make_unique<Clos>(params);
        case Kind::dragonfly:
        case Kind::dragonfly_plus:
            return std::make_unique<Dragonfly>(params);
        case Kind::torus:
            return std::make_unique<Torus>(params);
        case Kind::hyperx:
            return std::make_unique<HyperX>(params);
        case Kind::explicit_files:
            break;
    }
    return std::make_unique<ExplicitTopology>(params);
}

}  // namespace mw::fabric
