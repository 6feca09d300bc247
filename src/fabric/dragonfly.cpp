#include "megaweave/fabric/dragonfly.hpp"

#include <algorithm>

#include "direct_checks.hpp"
#include "megaweave/core/check.hpp"
#include "megaweave/core/error.hpp"
#include "megaweave/core/hash.hpp"
#include "megaweave/core/integer.hpp"

namespace mw::fabric {

using core::ceil_div;

//! The deck's sizes with every default filled in.
struct Dragonfly::Sizes {
    std::int64_t routers;
    std::int64_t spines;
    std::int64_t nics;
    std::int64_t global_links;
    std::int64_t groups;
    std::int64_t copies;

    explicit Sizes(NetworkParams const& p) {
        checked_ends(p);
        DragonflyParams const& d = p.dragonfly;
        bool const plus = p.kind == Kind::dragonfly_plus;
        global_links = d.global_links;
        nics = d.nics_per_router > 0
                   ? d.nics_per_router
                   : ceil_div(std::max<std::int64_t>(global_links, 1), p.nics_per_node) * p.nics_per_node;
        routers = d.routers > 0 ? d.routers : std::max<std::int64_t>(2 * global_links, 1);
        spines = plus ? (d.spines > 0 ? d.spines : routers) : 0;
        groups = d.groups > 0 ? d.groups : std::max<std::int64_t>(2, ceil_div(p.endpoints, routers * nics));
        std::int64_t const ports = (plus ? spines : routers) * global_links;
        copies = groups > 1 ? ports / (groups - 1) : 0;
        check(p, ports);
    }

    static constexpr std::int64_t most_local_edges = 10'000'000;

    void check(NetworkParams const& p, std::int64_t ports) const {
        std::vector<std::string> wrong;
        auto const expect = [&wrong](bool right, std::string message) {
            if (!right) wrong.push_back("scale_out: " + std::move(message));
        };
        expect(nics % p.nics_per_node == 0, std::to_string(nics) + " NICs per router are no whole nodes of " +
                                                std::to_string(p.nics_per_node) + ". Use a multiple.");
        expect(routers <= 10'000 && spines <= 10'000 && groups <= 100'000, "the dragonfly is too large");
        expect(groups == 1 || copies >= 1,
               std::to_string(groups) + " groups cannot all be joined by the " + std::to_string(ports) +
                   " global links of a group. Use more routers or global_links, or at most " +
                   std::to_string(ports + 1) + " groups.");
        expect(
            groups * local_edges() <= most_local_edges,
            std::to_string(groups) + " groups of " + std::to_string(routers) +
                " routers have more cables within groups than are modelled. Use fewer routers in a group.");
        std::int64_t const room = groups * routers * nics;
        expect(room >= p.endpoints, "a dragonfly of " + std::to_string(groups) + " groups of " +
                                        std::to_string(routers) + " routers with " + std::to_string(nics) +
                                        " NICs each holds " + std::to_string(room) + " accelerators, not " +
                                        std::to_string(p.endpoints) +
                                        ". Use more groups, routers or nics_per_router.");
        if (!wrong.empty()) throw core::InputError(wrong);
    }

    [[nodiscard]] EdgeIndex local_edges() const {
        return spines > 0 ? 2 * routers * spines : routers * (routers - 1);
    }
};

Dragonfly::Dragonfly(NetworkParams const& params) : Dragonfly{params, Sizes{params}} {}

Dragonfly::Dragonfly(NetworkParams const& params, Sizes const& sizes)
    : DirectNetwork{params, sizes.groups * (sizes.routers + sizes.spines),
                    sizes.groups * (sizes.local_edges() + sizes.copies * (sizes.groups - 1)), 1},
      leaves_{sizes.routers},
      spines_{sizes.spines},
      per_group_{sizes.routers + sizes.spines},
      nodes_per_router_{sizes.nics / params.nics_per_node},
      global_links_{sizes.global_links},
      groups_{sizes.groups},
      copies_{sizes.copies},
      ports_{sizes.copies * (sizes.groups - 1)},
      local_per_group_{sizes.local_edges()} {
    settle(params.failures);
}

std::int64_t Dragonfly::switch_of(std::int64_t node) const {
    std::int64_t const router = node / nodes_per_router_;
    return router / leaves_ * per_group_ + router % leaves_;
}

std::vector<TierCount> Dragonfly::tiers() const {
    return {{"host", groups_ * leaves_, nodes_ * nics_per_node_},
            {"local", groups_ * spines_, groups_ * local_per_group_ / 2},
            {"global", 0, groups_ * ports_ / 2}};
}

std::int64_t Dragonfly::radix() const {
    std::int64_t const nics = nodes_per_router_ * nics_per_node_;
    return plus() ? std::max(nics + spines_, leaves_ + global_links_) : nics + leaves_ - 1 + global_links_;
}

EdgeIndex Dragonfly::local(std::int64_t from, std::int64_t to) const {
    std::int64_t const base = from / per_group_ * local_per_group_;
    std::int64_t const a = from % per_group_;
    std::int64_t const b = to % per_group_;
    if (!plus()) return base + a * (leaves_ - 1) + (b < a ? b : b - 1);
    return is_spine(from) ? base + leaves_ * spines_ + (a - leaves_) * leaves_ + b
                          : base + a * spines_ + b - leaves_;
}

Edge Dragonfly::local_edge(EdgeIndex index) const {
    std::int64_t const first = index / local_per_group_ * per_group_;
    std::int64_t const place = index % local_per_group_;
    if (!plus()) {
        std::int64_t const a = place / (leaves_ - 1);
        std::int64_t const b = place % (leaves_ - 1);
        return {first + a, first + (b < a ? b : b + 1), 1};
    }
    std::int64_t const down = place - leaves_ * spines_;
    if (down >= 0) return {first + leaves_ + down / leaves_, first + down % leaves_, 1};
    return {first + place / spines_, first + leaves_ + place % spines_, 1};
}

EdgeIndex Dragonfly::global(std::int64_t group, std::int64_t port) const {
    return groups_ * local_per_group_ + group * ports_ + port;
}

std::int64_t Dragonfly::owner_of_port(std::int64_t group, std::int64_t port) const {
    return group * per_group_ + (plus() ? leaves_ : 0) + port / global_links_;
}

std::int64_t Dragonfly::far_port(std::int64_t port) const {
    std::int64_t const places_on = port % (groups_ - 1) + 1;
    return port / (groups_ - 1) * (groups_ - 1) + groups_ - places_on - 1;
}

Edge Dragonfly::edge(EdgeIndex index) const {
    MW_EXPECT(index >= 0 && index < edge_count(), "no such edge");
    std::int64_t const across = index - groups_ * local_per_group_;
    if (across < 0) return local_edge(index);
    std::int64_t const group = across / ports_;
    std::int64_t const port = across % ports_;
    std::int64_t const other = (group + port % (groups_ - 1) + 1) % groups_;
    return {owner_of_port(group, port), owner_of_port(other, far_port(port)), 2};
}

EdgeIndex Dragonfly::reverse(EdgeIndex index) const {
    Edge const e = edge(index);
    if (e.tier == 1) return local(e.to, e.from);
    std::int64_t const port = (index - groups_ * local_per_group_) % ports_;
    return global(group_of_switch(e.to), far_port(port));
}

Place Dragonfly::nodes_below(std::int64_t number) const {
    std::int64_t const first = group_of_switch(number) * leaves_ * nodes_per_router_;
    if (is_spine(number)) return {first, first + leaves_ * nodes_per_router_ - 1, 2};
    std::int64_t const mine = first + number % per_group_ * nodes_per_router_;
    return {mine, mine + nodes_per_router_ - 1, 1};
}

std::string Dragonfly::switch_name(std::int64_t number) const {
    char const* const what = !plus() ? " router " : is_spine(number) ? " spine " : " leaf ";
    std::int64_t const place = number % per_group_ - (is_spine(number) ? leaves_ : 0);
    return "group " + std::to_string(group_of_switch(number) + 1) + what + std::to_string(place + 1);
}

void Dragonfly::edges_from(std::int64_t number, std::vector<EdgeIndex>& out) const {
    std::int64_t const group = group_of_switch(number);
    std::int64_t const first = group * per_group_;
    for (std::int64_t other = first; other < first + per_group_; ++other)
        if (plus() ? is_spine(other) != is_spine(number) : other != number)
            out.push_back(local(number, other));
    if (plus() && !is_spine(number)) return;
    std::int64_t const begin = (number % per_group_ - (plus() ? leaves_ : 0)) * global_links_;
    for (std::int64_t port = begin; port < std::min(begin + global_links_, ports_); ++port)
        out.push_back(global(group, port));
}

//! A router of a third group; of the same group where there are two at most.
std::int64_t Dragonfly::by_way_of(std::int64_t from, std::int64_t to, std::uint64_t hash) const {
    std::int64_t const a = std::min(group_of_switch(from), group_of_switch(to));
    std::int64_t const b = std::max(group_of_switch(from), group_of_switch(to));
    std::int64_t const others = groups_ - (a == b ? 1 : 2);
    auto const router = static_cast<std::int64_t>(core::mix(hash) % static_cast<std::uint64_t>(leaves_));
    if (others == 0) return a * per_group_ + router;
    auto group = static_cast<std::int64_t>(hash % static_cast<std::uint64_t>(others));
    group += group >= a ? 1 : 0;
    if (b != a) group += group >= b ? 1 : 0;
    return group * per_group_ + router;
}

void Dragonfly::within_group(std::int64_t from, std::int64_t to, std::uint64_t hash, std::size_t most,
                             Branches& out) const {
    if (!plus()) {
        out.open();
        out.step(local(from, to));
        return;
    }
    std::int64_t const first = group_of_switch(from) * per_group_ + leaves_;
    std::int64_t const count = std::min(spines_, static_cast<std::int64_t>(most));
    auto const start = static_cast<std::int64_t>(hash % static_cast<std::uint64_t>(spines_));
    for (std::int64_t i = 0; i < count; ++i) {
        std::int64_t const spine = first + (start + i * spines_ / count) % spines_;
        out.open();
        out.step(local(from, spine));
        out.step(local(spine, to));
    }
}

void Dragonfly::shortest(std::int64_t from, std::int64_t to, std::uint64_t hash, std::size_t most,
                         Branches& out) const {
    std::int64_t const here = group_of_switch(from);
    std::int64_t const there = group_of_switch(to);
    if (here == there) {
        within_group(from, to, hash, most, out);
        return;
    }
    std::int64_t const places_on = (there - here + groups_) % groups_;
    std::int64_t const count = std::min(copies_, static_cast<std::int64_t>(most));
    auto const start = static_cast<std::int64_t>(hash % static_cast<std::uint64_t>(copies_));
    for (std::int64_t i = 0; i < count; ++i) {
        std::int64_t const copy = (start + i * copies_ / count) % copies_;
        std::int64_t const port = copy * (groups_ - 1) + places_on - 1;
        std::int64_t const leave = owner_of_port(here, port);
        std::int64_t const enter = owner_of_port(there, far_port(port));
        out.open();
        if (leave != from) out.step(local(from, leave));
        out.step(global(here, port));
        if (enter != to) out.step(local(enter, to));
    }
}

}  // namespace mw::fabric
