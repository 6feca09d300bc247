// Clos, cable by cable: which ports a hash chooses, and which of them are broken.
#include <algorithm>

#include "megaweave/core/check.hpp"
#include "megaweave/core/error.hpp"
#include "megaweave/core/hash.hpp"
#include "megaweave/fabric/clos.hpp"

namespace mw::fabric {

namespace {

//! Smallest non-negative x with x = a (mod m).
constexpr std::int64_t residue(std::int64_t a, std::int64_t m) {
    return ((a % m) + m) % m;
}

//! A chain of choices from one hash.
class Dice {
  public:
    explicit Dice(std::uint64_t hash) : hash_{hash} {}
    std::int64_t operator()(std::int64_t choices) {
        hash_ = core::mix(hash_);
        return static_cast<std::int64_t>(hash_ % static_cast<std::uint64_t>(choices));
    }

  private:
    std::uint64_t hash_;
};

constexpr int most_tries = 4096;

}  // namespace

void Clos::hashed_path(Route const& route, Path& path) const {
    auto const src = static_cast<std::int64_t>(route.src);
    std::uint64_t const ends = core::mix(static_cast<std::uint64_t>(src * nodes_ + route.dst));
    std::uint64_t const hash =
        core::mix(route.hash ^ ends) ^ core::mix(static_cast<std::uint64_t>(route.rail));
    if (try_hash(route, hash, path)) return;
    for (int attempt = 1; attempt < most_tries; ++attempt)
        if (try_hash(route, core::mix(hash + static_cast<std::uint64_t>(attempt)), path)) return;
    throw core::InputError("scale_out.failures: no working path found from node " +
                           std::to_string(route.src) + " to node " + std::to_string(route.dst) +
                           ". Break fewer links or switches.");
}

//! False if a cable on the way is broken.
bool Clos::try_hash(Route const& route, std::uint64_t hash, Path& path) const {
    path.clear();
    std::size_t const top = turn(route.src, route.dst);
    Dice pick{hash};
    bool whole = true;
    auto const take = [&](std::size_t tier, bool up, std::int64_t block, std::int64_t port) {
        path.add(link(2 * tier + (up ? 0 : 1), block, port));
        whole = whole && works(tier, block, port);
    };
    take(0, true, route.src, route.rail);
    std::int64_t const up_per_leaf = ports_[1] / rails_;
    std::int64_t const first_of_rail = rails_ > 1 ? route.rail * up_per_leaf : 0;
    std::int64_t above = 0;  // switch within its block
    for (std::size_t t = 1; t < top; ++t) {
        std::int64_t const block = route.src / nodes_below_[t];
        // Port x of a block belongs to its switch x mod s; a leaf's ports are its own.
        std::int64_t const port = t == 1 ? first_of_rail + pick(up_per_leaf)
                                         : above + switches_in_[t] * pick(ports_[t] / switches_in_[t]);
        take(t, true, block, port);
        above = (block % children_[t + 1] * ports_[t] + port) % switches_in_[t + 1];
    }
    for (std::size_t t = top; t-- > 1;) {
        // Cable c of a stage ends at switch c mod `switches` above: one of those that lead there.
        std::int64_t const block = route.dst / nodes_below_[t];
        std::int64_t const from = t == 1 ? first_of_rail : 0;
        std::int64_t const count = t == 1 ? up_per_leaf : ports_[t];
        std::int64_t const switches = switches_in_[t + 1];
        std::int64_t const first = residue(above - block % children_[t + 1] * ports_[t] - from, switches);
        if (first >= count) return false;
        std::int64_t const port = from + first + switches * pick((count - 1 - first) / switches + 1);
        take(t, false, block, port);
        above = port % switches_in_[t];
    }
    take(0, false, route.dst, route.rail);
    return whole;
}

std::int64_t Clos::cable_id(std::size_t tier, std::int64_t block, std::int64_t port) const {
    return cable_base_[tier] + block * ports_[tier] + port;
}

CableEnds Clos::ends(std::int64_t cable) const {
    std::size_t tier = 1;
    while (cable >= cable_base_[tier + 1]) ++tier;
    std::int64_t const block = (cable - cable_base_[tier]) / ports_[tier];
    std::int64_t const port = (cable - cable_base_[tier]) % ports_[tier];
    std::int64_t const below = tier == 1 ? port / (ports_[1] / rails_) : port % switches_in_[tier];
    std::int64_t const parent = block / children_[tier + 1];
    std::int64_t const above = (block % children_[tier + 1] * ports_[tier] + port) % switches_in_[tier + 1];
    return {switch_base_[tier] + block * switches_in_[tier] + below,
            switch_base_[tier + 1] + parent * switches_in_[tier + 1] + above};
}

std::string Clos::switch_name(std::int64_t number) const {
    static constexpr std::array names{"", "leaf ", "pod ", "superpod "};
    std::size_t tier = 1;
    while (number >= switch_base_[tier + 1]) ++tier;
    std::int64_t const place = number - switch_base_[tier];
    if (tier == levels()) return "core " + std::to_string(place + 1);
    if (tier == 1) return "leaf " + std::to_string(place + 1);
    return names[tier] + std::to_string(place / switches_in_[tier] + 1) + " switch " +
           std::to_string(place % switches_in_[tier] + 1);
}

std::string Clos::cable_name(std::int64_t cable) const {
    std::size_t tier = 1;
    while (cable >= cable_base_[tier + 1]) ++tier;
    std::int64_t const port = (cable - cable_base_[tier]) % ports_[tier];
    std::int64_t const per_switch = ports_[tier] / switches_in_[tier];
    std::int64_t const of_switch = tier == 1 ? port % per_switch : port / switches_in_[tier];
    return switch_name(ends(cable).a) + " port " + std::to_string(of_switch + 1);
}

bool Clos::works(std::size_t tier, std::int64_t block, std::int64_t port) const {
    if (tier == 0 || failures_.none()) return true;
    std::int64_t const cable = cable_id(tier, block, port);
    CableEnds const at = ends(cable);
    return !failures_.cable_broken(cable) && !failures_.switch_broken(at.a) && !failures_.switch_broken(at.b);
}

void Clos::break_things(FailureParams const& failures) {
    if (failures.none()) return;
    failures_ = Failures{
        failures,
        {switch_base_[levels() + 1], cable_base_[levels()], [this](std::int64_t c) { return ends(c); },
         [this](std::int64_t s) { return switch_name(s); }, [this](std::int64_t c) { return cable_name(c); },
         [this](std::int64_t s) { return s < switch_base_[2]; }}};
    for (std::size_t t = 1; t < levels(); ++t) {
        lost_base_[t + 1] = lost_base_[t] + blocks_[t];
        for (std::int64_t block = 0; block < blocks_[t]; ++block) {
            std::int64_t lost = 0;
            for (std::int64_t port = 0; port < ports_[t]; ++port) lost += works(t, block, port) ? 0 : 1;
            cables_lost_.push_back(lost);
            if (lost == ports_[t] && blocks_[t] > 1)
                throw core::InputError(
                    "scale_out.failures: the network falls apart: no cable is left above " +
                    bundle_name(bundle_base_[2 * t] + block) + ". Break fewer.");
        }
    }
}

}  // namespace mw::fabric
