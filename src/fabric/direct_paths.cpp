// Ways through a network of switches, from the shortest ones that a topology knows.
#include <algorithm>
#include <deque>

#include "megaweave/core/check.hpp"
#include "megaweave/core/error.hpp"
#include "megaweave/core/hash.hpp"
#include "megaweave/fabric/direct.hpp"

namespace mw::fabric {

namespace {

constexpr std::size_t detour_ways = 8;
constexpr std::size_t detour_tries = 64;
constexpr std::int32_t sixteenth = full_weight / 16;

}  // namespace

void DirectNetwork::path(Route const& route, Path& path) const {
    MW_EXPECT(route.src >= 0 && route.src < nodes_ && route.dst >= 0 && route.dst < nodes_, "no such node");
    MW_EXPECT(route.rail >= 0 && route.rail < nics_per_node_, "no such NIC in a node");
    path.clear();
    if (route.src == route.dst) return;
    path.add(host_link(true, route.src, route.rail));
    std::int64_t const from = switch_of(route.src);
    std::int64_t const to = switch_of(route.dst);
    if (from != to) {
        std::uint64_t const ends =
            core::mix(static_cast<std::uint64_t>(static_cast<std::int64_t>(route.src) * nodes_ + route.dst));
        std::uint64_t const hash =
            core::mix(route.hash ^ ends) ^ core::mix(static_cast<std::uint64_t>(route.rail));
        auto const detour = static_cast<std::int32_t>(
            routing() == Routing::ugal && route.detour >= 0 ? route.detour : default_detour_);
        Branches branches;
        if (detour < 16) {
            shortest(from, to, hash, sprays() ? most_branches : 1, branches);
            keep_working(branches);
            if (branches.size() == 0) any_way(from, to, hash, branches);
            add(branches, (16 - detour) * sixteenth, hash, path);
        }
        if (detour > 0) {
            branches.clear();
            detours(from, to, hash, detour_ways, branches);
            keep_working(branches);
            if (branches.size() == 0) any_way(from, to, hash, branches);
            add(branches, detour * sixteenth, hash, path);
        }
    }
    path.add(host_link(false, route.dst, route.rail));
}

//! Spreads the weight evenly; what does not divide goes to the first branches.
void DirectNetwork::add(Branches const& branches, std::int32_t weight, std::uint64_t hash, Path& path) const {
    auto const count = static_cast<std::int32_t>(branches.size());
    for (std::int32_t b = 0; b < count; ++b) {
        std::int32_t const share = weight / count + (b < weight % count ? 1 : 0);
        for (EdgeIndex const e : branches[static_cast<std::size_t>(b)]) path.add(edge_link(e, hash), share);
    }
}

//! Under ecmp, one of the cables that work.
LinkIndex DirectNetwork::edge_link(EdgeIndex edge, std::uint64_t hash) const {
    if (sprays()) return 2 * nodes_ + edge;
    std::uint64_t const draw = core::mix(hash ^ core::mix(static_cast<std::uint64_t>(edge)));
    auto pick = static_cast<std::int64_t>(draw % static_cast<std::uint64_t>(working_cables(edge)));
    std::int64_t cable = 0;
    while (!cable_works(edge, cable) || pick-- > 0) ++cable;
    return 2 * nodes_ * nics_per_node_ + edge * width_ + cable;
}

bool DirectNetwork::works(std::span<EdgeIndex const> branch) const {
    return std::ranges::all_of(branch, [this](EdgeIndex e) { return working_cables(e) > 0; });
}

void DirectNetwork::keep_working(Branches& branches) const {
    if (working_.empty()) return;
    Branches kept;
    for (std::size_t b = 0; b < branches.size(); ++b) {
        if (!works(branches[b])) continue;
        kept.open();
        for (EdgeIndex const e : branches[b]) kept.step(e);
    }
    branches = std::move(kept);
}

//! Shortest to a switch drawn by the hash, shortest on from there, without circles.
void DirectNetwork::detours(std::int64_t from, std::int64_t to, std::uint64_t hash, std::size_t count,
                            Branches& out) const {
    Branches legs;
    std::vector<EdgeIndex> way;
    for (std::size_t i = 0; i < count; ++i) {
        std::uint64_t const key = core::mix(hash + 0x64657461ULL + i);
        std::int64_t const middle = by_way_of(from, to, key);
        legs.clear();
        if (middle != from) shortest(from, middle, key, 1, legs);
        if (middle != to) shortest(middle, to, core::mix(key), 1, legs);
        way.clear();
        for (std::size_t leg = 0; leg < legs.size(); ++leg)
            for (EdgeIndex const e : legs[leg]) {
                // Back where it has been: what lay between was a circle.
                std::int64_t const next = edge(e).to;
                auto const been =
                    std::ranges::find_if(way, [&](EdgeIndex w) { return edge(w).from == next; });
                if (been != way.end())
                    way.erase(been, way.end());
                else
                    way.push_back(e);
            }
        out.open();
        for (EdgeIndex const e : way) out.step(e);
    }
}

//! Broken edges block all shortest ways: one detour that works, or else the shortest way that does.
void DirectNetwork::any_way(std::int64_t from, std::int64_t to, std::uint64_t hash, Branches& out) const {
    for (std::size_t i = 0; i < detour_tries; ++i) {
        out.clear();
        detours(from, to, core::mix(hash + i), 1, out);
        if (works(out[0])) return;
    }
    out.clear();
    search(from, to, out);
}

void DirectNetwork::search(std::int64_t from, std::int64_t to, Branches& out) const {
    std::vector<EdgeIndex> reached_by(static_cast<std::size_t>(switches_), -1);
    std::deque<std::int64_t> front{from};
    std::vector<EdgeIndex> leaving;
    while (!front.empty() && reached_by[static_cast<std::size_t>(to)] < 0) {
        leaving.clear();
        edges_from(front.front(), leaving);
        front.pop_front();
        for (EdgeIndex const e : leaving) {
            std::int64_t const next = edge(e).to;
            if (next == from || working_cables(e) == 0 || reached_by[static_cast<std::size_t>(next)] >= 0)
                continue;
            reached_by[static_cast<std::size_t>(next)] = e;
            front.push_back(next);
        }
    }
    MW_EXPECT(reached_by[static_cast<std::size_t>(to)] >= 0,
              "a network that was checked to be joined is joined");
    std::vector<EdgeIndex> way;
    for (std::int64_t at = to; at != from; at = edge(way.back()).from)
        way.push_back(reached_by[static_cast<std::size_t>(at)]);
    out.open();
    for (auto e = way.rbegin(); e != way.rend(); ++e) out.step(*e);
}

}  // namespace mw::fabric
