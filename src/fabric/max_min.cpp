#include "megaweave/fabric/max_min.hpp"

#include <algorithm>
#include <atomic>

#include "megaweave/core/check.hpp"

namespace mw::fabric {

namespace {

//! a + b·c of non-negative numbers, at most `unlimited`.
std::int64_t saturating_fma(std::int64_t a, std::int64_t b, std::int64_t c) {
    std::int64_t product = 0;
    std::int64_t sum = 0;
    if (__builtin_mul_overflow(b, c, &product) || __builtin_add_overflow(a, product, &sum)) return unlimited;
    return sum;
}

}  // namespace

void MaxMinSolver::clear() {
    links_.clear();
    flows_.clear();
    states_.clear();
    path_.clear();
    active_links_.clear();
    active_flows_.clear();
    open_flows_ = 0;
    rounds_ = 0;
}

std::uint32_t MaxMinSolver::add_link(std::int64_t capacity) {
    MW_EXPECT(capacity >= 0, "a link's capacity is not negative");
    Link link;
    link.left = capacity;
    links_.push_back(link);
    return static_cast<std::uint32_t>(links_.size() - 1);
}

std::uint32_t MaxMinSolver::add_flow(std::int64_t demand, std::span<LinkUse const> uses, bool shared,
                                     std::int64_t weight) {
    MW_EXPECT(demand >= 0 && weight >= 1, "a flow's demand is not negative and its weight at least 1");
    Flow flow;
    flow.demand = demand;
    flow.weight = weight;
    flow.content_at = content_level(demand, weight);
    flow.first = static_cast<std::uint32_t>(path_.size());
    flow.size = static_cast<std::uint32_t>(uses.size());
    flow.shared = shared;
    flows_.push_back(flow);
    states_.push_back(State::open);
    path_.insert(path_.end(), uses.begin(), uses.end());
    return static_cast<std::uint32_t>(flows_.size() - 1);
}

std::uint32_t MaxMinSolver::add_flow(std::int64_t demand, std::span<std::uint32_t const> links, bool shared) {
    std::uint32_t const flow = add_flow(demand, std::span<LinkUse const>{}, shared, 1);
    for (std::uint32_t const l : links) path_.push_back({l, 1});
    flows_[flow].size = static_cast<std::uint32_t>(links.size());
    return flow;
}

void MaxMinSolver::start() {
    // `share` first holds the most that the flows can ask for.
    for (Link& link : links_) link.share = 0;
    for (Flow const& flow : flows_) {
        for (LinkUse const use : path(flow)) {
            MW_EXPECT(use.link < links_.size() && use.weight >= 1, "a flow names a link that was added");
            Link& link = links_[use.link];
            link.share = saturating_fma(link.share, use.weight * flow.weight, flow.content_at);
        }
    }
    for (std::uint32_t l = 0; l < links_.size(); ++l) {
        links_[l].binds = links_[l].share > links_[l].left;
        links_[l].share = 0;
        if (links_[l].binds) active_links_.push_back(l);
    }
    for (std::uint32_t f = 0; f < flows_.size(); ++f) {
        Flow& flow = flows_[f];
        LinkUse* const first = path_.data() + flow.first;
        auto* const end =
            std::remove_if(first, first + flow.size, [this](LinkUse use) { return !links_[use.link].binds; });
        flow.size = static_cast<std::uint32_t>(end - first);
        for (LinkUse const use : path(flow)) {
            ++links_[use.link].open;
            links_[use.link].open_units += use.weight * flow.weight;
        }
        active_flows_.push_back(f);
    }
    open_flows_ = static_cast<std::int64_t>(flows_.size());
}

template <class Body>
void MaxMinSolver::each(std::vector<std::uint32_t> const& list, Body const& body) {
    if (!shared_out(list)) {
        for (std::uint32_t const at : list) body(at);
        return;
    }
    loop_(list.size(), [&](std::size_t begin, std::size_t end) {
        for (std::size_t i = begin; i < end; ++i) body(list[i]);
    });
}

void MaxMinSolver::measure() {
    ++rounds_;
    std::erase_if(active_links_, [this](std::uint32_t l) { return links_[l].open == 0; });
    each(active_links_, [this](std::uint32_t l) {
        Link& link = links_[l];
        // Would one more step for open and tied flows still be too much? Then the share stays.
        if (link.left >= link.tied_units + link.open_units * (link.share + 1)) {
            link.share = link.left / link.open_units;
            link.tied_units = 0;
        }
        link.matching = 0;
        link.blocks = false;
    });
    std::erase_if(active_flows_, [this](std::uint32_t f) { return states_[f] == State::closed; });
    each(active_flows_, [this](std::uint32_t f) {
        std::int64_t smallest = unlimited;
        for (LinkUse const use : path(flows_[f])) smallest = std::min(smallest, links_[use.link].share);
        flows_[f].limit = smallest;
    });
}

void MaxMinSolver::lower_limit(std::uint32_t flow, std::int64_t elsewhere) {
    flows_[flow].limit = std::min(flows_[flow].limit, elsewhere);
}

void MaxMinSolver::settle() {
    bool const side_by_side = shared_out(active_flows_);
    each(active_flows_, [this, side_by_side](std::uint32_t f) {
        Flow const& flow = flows_[f];
        if (flow.content_at <= flow.limit) return;
        for (LinkUse const use : path(flow)) {
            Link& link = links_[use.link];
            if (link.share != flow.limit) continue;
            if (side_by_side)
                std::atomic_ref{link.matching}.fetch_add(1, std::memory_order_relaxed);
            else
                ++link.matching;
        }
    });
    // Decide before applying: closing a flow changes `open`.
    each(active_links_, [this](std::uint32_t l) { links_[l].blocks = links_[l].matching == links_[l].open; });
    each(active_flows_, [this](std::uint32_t f) {
        Flow const& flow = flows_[f];
        if (flow.content_at <= flow.limit ||
            std::ranges::any_of(path(flow), [this](LinkUse use) { return links_[use.link].blocks; }))
            states_[f] = State::fixing;
    });
    for (std::uint32_t const f : active_flows_) {
        if (states_[f] != State::fixing) continue;
        Flow& flow = flows_[f];
        flow.fixed_in_round = rounds_;
        close(f, flow.content_at <= flow.limit ? unlimited : flow.limit);
    }
}

void MaxMinSolver::close(std::uint32_t at, std::int64_t level) {
    Flow& flow = flows_[at];
    flow.level = level;
    states_[at] = State::closed;
    --open_flows_;
    std::int64_t const rate = rate_at(level, flow.demand, flow.weight);
    for (LinkUse const use : path(flow)) {
        Link& link = links_[use.link];
        link.left -= use.weight * rate;
        link.open_units -= use.weight * flow.weight;
        --link.open;
        if (level == link.share) link.tied_units += use.weight * flow.weight;
    }
}

std::int64_t MaxMinSolver::rate(std::uint32_t flow) const {
    Flow const& f = flows_[flow];
    return f.level < 0 ? -1 : rate_at(f.level, f.demand, f.weight);
}

std::int64_t MaxMinSolver::newly_fixed_level(std::uint32_t flow) const {
    return flows_[flow].fixed_in_round == rounds_ ? flows_[flow].level : -1;
}

void MaxMinSolver::fix(std::uint32_t flow, std::int64_t level) {
    if (is_open(flow)) {
        close(flow, level);
    } else {
        MW_EXPECT(flows_[flow].level == level, "two solvers fixed a flow at different levels");
    }
}

int MaxMinSolver::solve() {
    start();
    while (open_flows_ > 0) {
        [[maybe_unused]] std::int64_t const before = open_flows_;
        measure();
        settle();
        MW_AUDIT(open_flows_ < before, "a round of max-min sharing fixed nothing");
    }
    return rounds_;
}

}  // namespace mw::fabric
