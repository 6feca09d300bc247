#include "megaweave/fabric/failures.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <utility>

#include "megaweave/core/error.hpp"
#include "megaweave/core/hash.hpp"

namespace mw::fabric {

namespace {

using Names = std::function<std::string(std::int64_t)>;

//! Numbers of the things with these names; an unknown name is a mistake.
std::vector<std::int64_t> look_up(std::vector<std::string> const& wanted, std::string const& what,
                                  std::int64_t count, Names const& name_of,
                                  std::vector<std::string>& mistakes) {
    std::vector<std::int64_t> found;
    if (wanted.empty()) return found;
    std::map<std::string, std::int64_t> numbers;
    std::vector<std::string> names;
    for (std::int64_t i = 0; i < count; ++i) {
        names.push_back(name_of(i));
        numbers.emplace(names.back(), i);
    }
    for (std::string const& name : wanted) {
        auto const at = numbers.find(name);
        if (at != numbers.end()) {
            found.push_back(at->second);
            continue;
        }
        std::string const near = core::nearest(name, names);
        std::string message = "scale_out.failures: there is no " + what + " '" + name + "'.";
        if (!near.empty())
            message += " Did you mean '" + near + "'?";
        else if (!names.empty())
            message += " Names run from '" + names.front() + "' to '" + names.back() + "'.";
        mistakes.push_back(std::move(message));
    }
    return found;
}

//! round(rate x n) of those that may break, by smallest hash.
void choose(double rate, std::uint64_t key, std::vector<std::int64_t> const& candidates,
            std::vector<std::int64_t>& out) {
    auto const count = static_cast<std::size_t>(std::llround(rate * static_cast<double>(candidates.size())));
    std::vector<std::pair<std::uint64_t, std::int64_t>> drawn;
    for (std::int64_t const c : candidates)
        drawn.emplace_back(core::mix(key ^ core::mix(static_cast<std::uint64_t>(c))), c);
    std::ranges::sort(drawn);
    for (std::size_t i = 0; i < std::min(count, drawn.size()); ++i) out.push_back(drawn[i].second);
}

void tidy(std::vector<std::int64_t>& numbers) {
    std::ranges::sort(numbers);
    numbers.erase(std::unique(numbers.begin(), numbers.end()), numbers.end());
}

std::int64_t root_of(std::vector<std::int64_t>& parent, std::int64_t x) {
    auto const at = [&](std::int64_t i) -> std::int64_t& { return parent[static_cast<std::size_t>(i)]; };
    while (at(x) != x) {
        at(x) = at(at(x));
        x = at(x);
    }
    return x;
}

}  // namespace

Failures::Failures(FailureParams const& params, SwitchGraph const& graph) {
    if (params.none()) return;
    std::vector<std::string> mistakes;
    switches_ = look_up(params.switches, "switch", graph.switches, graph.switch_name, mistakes);
    cables_ = look_up(params.links, "link", graph.cables, graph.cable_name, mistakes);
    for (std::int64_t const s : switches_)
        if (graph.carries_nodes(s))
            mistakes.push_back("scale_out.failures: without switch '" + graph.switch_name(s) +
                               "' the nodes below it are cut off. Leave it out, or use fewer accelerators.");
    if (!mistakes.empty()) throw core::InputError(mistakes);

    std::vector<std::int64_t> candidates;
    for (std::int64_t s = 0; params.switch_rate > 0 && s < graph.switches; ++s)
        if (!graph.carries_nodes(s)) candidates.push_back(s);
    choose(params.switch_rate, core::mix(params.seed), candidates, switches_);
    candidates.resize(params.link_rate > 0 ? static_cast<std::size_t>(graph.cables) : 0);
    std::iota(candidates.begin(), candidates.end(), 0);
    choose(params.link_rate, core::mix(params.seed ^ 0x6c696e6bULL), candidates, cables_);
    tidy(switches_);
    tidy(cables_);
    check_joined(graph);
}

bool Failures::switch_broken(std::int64_t number) const {
    return std::ranges::binary_search(switches_, number);
}

bool Failures::cable_broken(std::int64_t number) const {
    return std::ranges::binary_search(cables_, number);
}

void Failures::check_joined(SwitchGraph const& graph) const {
    std::vector<std::int64_t> parent(static_cast<std::size_t>(graph.switches));
    std::iota(parent.begin(), parent.end(), 0);
    for (std::int64_t c = 0; c < graph.cables; ++c) {
        if (cable_broken(c)) continue;
        CableEnds const ends = graph.ends(c);
        if (switch_broken(ends.a) || switch_broken(ends.b)) continue;
        parent[static_cast<std::size_t>(root_of(parent, ends.a))] = root_of(parent, ends.b);
    }
    std::int64_t first = -1;
    for (std::int64_t s = 0; s < graph.switches; ++s) {
        if (!graph.carries_nodes(s)) continue;
        if (first < 0) first = s;
        if (root_of(parent, s) != root_of(parent, first))
            throw core::InputError(
                "scale_out.failures: the network falls apart: no way is left from switch '" +
                graph.switch_name(first) + "' to '" + graph.switch_name(s) + "' with " +
                std::to_string(switches_.size()) + " switches and " + std::to_string(cables_.size()) +
                " links broken. Break fewer.");
    }
}

}  // namespace mw::fabric
