// Links, bundles and their owners; failures. The ways through the network are in direct_paths.cpp.
#include "megaweave/fabric/direct.hpp"

#include <algorithm>
#include <utility>

#include "megaweave/core/check.hpp"
#include "megaweave/core/integer.hpp"

namespace mw::fabric {

void Branches::clear() {
    edges_.clear();
    ends_.clear();
}

void Branches::drop_last() {
    ends_.pop_back();
    edges_.resize(ends_.empty() ? 0 : ends_.back());
}

std::span<EdgeIndex const> Branches::operator[](std::size_t branch) const {
    std::size_t const first = branch == 0 ? 0 : ends_[branch - 1];
    return std::span{edges_}.subspan(first, ends_[branch] - first);
}

DirectNetwork::DirectNetwork(NetworkParams const& params, std::int64_t switches, EdgeIndex edges,
                             std::int64_t width)
    : Topology{params, params.endpoints / params.nics_per_node},
      switches_{switches},
      edges_{edges},
      width_{width},
      default_detour_{params.routing == Routing::valiant ? 16
                      : params.routing == Routing::ugal  ? std::max<std::int64_t>(0, params.detour_sixteenths)
                                                         : 0} {}

LinkIndex DirectNetwork::link_count() const {
    return sprays() ? bundle_count() : 2 * nodes_ * nics_per_node_ + edges_ * width_;
}

BundleIndex DirectNetwork::bundle_of(LinkIndex link) const {
    MW_EXPECT(link >= 0 && link < link_count(), "no such link");
    if (sprays()) return link;
    std::int64_t const host_links = 2 * nodes_ * nics_per_node_;
    return link < host_links ? link / nics_per_node_ : 2 * nodes_ + (link - host_links) / width_;
}

EdgeIndex DirectNetwork::edge_of(BundleIndex bundle) const {
    return bundle < 2 * nodes_ ? -1 : bundle - 2 * nodes_;
}

LinkIndex DirectNetwork::host_link(bool up, std::int64_t node, std::int64_t rail) const {
    std::int64_t const bundle = up ? node : nodes_ + node;
    return sprays() ? bundle : bundle * nics_per_node_ + rail;
}

std::int64_t DirectNetwork::capacity(LinkIndex link) const {
    if (sprays()) return bundle(link).capacity_bytes_per_s;
    EdgeIndex const edge = edge_of(bundle_of(link));
    if (edge < 0) return link_bytes_per_s_;
    std::int64_t const cable = (link - 2 * nodes_ * nics_per_node_) % width_;
    return cable_works(edge, cable) ? link_bytes_per_s_ : 0;
}

Place DirectNetwork::place_of(std::int64_t number) const {
    Place place = nodes_below(number);
    place.first_node = std::min(place.first_node, nodes_ - 1);
    place.last_node = std::min(place.last_node, nodes_ - 1);
    return place;
}

bool DirectNetwork::carries_nodes(std::int64_t number) const {
    std::int64_t const first = nodes_below(number).first_node;
    return first < nodes_ && switch_of(first) == number;
}

std::int64_t DirectNetwork::owner_of_bundle(BundleIndex index) const {
    MW_EXPECT(index >= 0 && index < bundle_count(), "no such bundle");
    return index < 2 * nodes_ ? index % nodes_ : place_of(edge(index - 2 * nodes_).from).first_node;
}

void DirectNetwork::bundles_owned_by(std::int64_t node, std::vector<BundleIndex>& out) const {
    MW_EXPECT(node >= 0 && node < nodes_, "no such node");
    out.push_back(node);
    out.push_back(nodes_ + node);
    std::vector<EdgeIndex> edges;
    auto at = std::ranges::lower_bound(owners_, std::pair{node, std::int64_t{0}});
    for (; at != owners_.end() && at->first == node; ++at) edges_from(at->second, edges);
    for (EdgeIndex const e : edges) out.push_back(2 * nodes_ + e);
}

Bundle DirectNetwork::bundle(BundleIndex index) const {
    MW_EXPECT(index >= 0 && index < bundle_count(), "no such bundle");
    Bundle bundle;
    if (index < 2 * nodes_) {
        std::int64_t const node = index % nodes_;
        bundle.tier = 0;
        bundle.up = index < nodes_;
        bundle.index = node;
        bundle.cables = nics_per_node_;
        bundle.from = {node, node, 0};
        bundle.to = place_of(switch_of(node));
        if (!bundle.up) std::swap(bundle.from, bundle.to);
    } else {
        Edge const e = edge(index - 2 * nodes_);
        bundle.tier = e.tier;
        bundle.up = e.from < e.to;
        bundle.index = e.from;
        bundle.cables = working_cables(index - 2 * nodes_);
        bundle.from = place_of(e.from);
        bundle.to = place_of(e.to);
    }
    bundle.capacity_bytes_per_s = bundle.cables * link_bytes_per_s_;
    return bundle;
}

std::string DirectNetwork::bundle_name(BundleIndex index) const {
    if (index < 2 * nodes_)
        return "node " + std::to_string(index % nodes_ + 1) + (index < nodes_ ? " up" : " down");
    Edge const e = edge(index - 2 * nodes_);
    return switch_name(e.from) + " to " + switch_name(e.to);
}

std::int64_t DirectNetwork::working_cables(EdgeIndex edge) const {
    return working_.empty() ? width_ : working_[static_cast<std::size_t>(edge)];
}

bool DirectNetwork::cable_works(EdgeIndex index, std::int64_t cable) const {
    if (forward_.empty()) return true;
    Edge const e = edge(index);
    if (failures_.switch_broken(e.from) || failures_.switch_broken(e.to)) return false;
    EdgeIndex const forward = e.from < e.to ? index : reverse(index);
    auto const place = std::ranges::lower_bound(forward_, forward) - forward_.begin();
    return !failures_.cable_broken(place * width_ + cable);
}

void DirectNetwork::settle(FailureParams const& failures) {
    for (std::int64_t s = 0; s < switches_; ++s) owners_.emplace_back(place_of(s).first_node, s);
    std::ranges::sort(owners_);
    if (failures.none()) return;
    for (EdgeIndex e = 0; e < edges_; ++e)
        if (edge(e).from < edge(e).to) forward_.push_back(e);
    auto const edge_at = [this](std::int64_t cable) {
        return forward_[static_cast<std::size_t>(cable / width_)];
    };
    failures_ =
        Failures{failures,
                 {switches_, static_cast<std::int64_t>(forward_.size()) * width_,
                  [&](std::int64_t cable) {
                      Edge const e = edge(edge_at(cable));
                      return CableEnds{e.from, e.to};
                  },
                  [this](std::int64_t s) { return switch_name(s); },
                  [&](std::int64_t cable) {
                      std::string const name = bundle_name(2 * nodes_ + edge_at(cable));
                      return width_ == 1 ? name : name + " cable " + std::to_string(cable % width_ + 1);
                  },
                  [this](std::int64_t s) { return carries_nodes(s); }}};
    for (EdgeIndex e = 0; e < edges_; ++e) {
        std::int32_t good = 0;
        for (std::int64_t c = 0; c < width_; ++c) good += cable_works(e, c) ? 1 : 0;
        working_.push_back(good);
    }
}

}  // namespace mw::fabric
