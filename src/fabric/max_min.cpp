#include "megaweave/fabric/max_min.hpp"

#include <algorithm>

#include "megaweave/core/check.hpp"

namespace mw::fabric {

void MaxMinSolver::clear() {
    links_.clear();
    flows_.clear();
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

std::uint32_t MaxMinSolver::add_flow(std::int64_t demand, std::span<std::uint32_t const> links, bool shared) {
    MW_EXPECT(demand >= 0, "a flow's demand is not negative");
    Flow flow;
    flow.demand = demand;
    flow.first = static_cast<std::uint32_t>(path_.size());
    flow.size = static_cast<std::uint32_t>(links.size());
    flow.shared = shared;
    flows_.push_back(flow);
    path_.insert(path_.end(), links.begin(), links.end());
    return static_cast<std::uint32_t>(flows_.size() - 1);
}

void MaxMinSolver::start() {
    // `share` first holds the sum of the demands, then `unlimited` on the links that cannot bind.
    for (Link& link : links_) link.share = 0;
    for (Flow const& flow : flows_) {
        for (std::uint32_t const l : path(flow)) {
            MW_EXPECT(l < links_.size(), "a flow names a link that was not added");
            Link& link = links_[l];
            link.share = flow.demand > unlimited - link.share ? unlimited : link.share + flow.demand;
        }
    }
    for (std::uint32_t l = 0; l < links_.size(); ++l) {
        bool const binds = links_[l].share > links_[l].left;
        links_[l].share = binds ? 0 : unlimited;
        if (binds) active_links_.push_back(l);
    }
    for (std::uint32_t f = 0; f < flows_.size(); ++f) {
        Flow& flow = flows_[f];
        std::uint32_t* const first = path_.data() + flow.first;
        auto* const end = std::remove_if(first, first + flow.size,
                                         [this](std::uint32_t l) { return links_[l].share == unlimited; });
        flow.size = static_cast<std::uint32_t>(end - first);
        for (std::uint32_t const l : path(flow)) ++links_[l].open;
        active_flows_.push_back(f);
    }
    open_flows_ = static_cast<std::int64_t>(flows_.size());
}

void MaxMinSolver::measure() {
    ++rounds_;
    std::size_t kept = 0;
    for (std::uint32_t const l : active_links_) {
        Link& link = links_[l];
        if (link.open == 0) continue;
        link.share = link.left / link.open;
        link.matching = 0;
        active_links_[kept++] = l;
    }
    active_links_.resize(kept);

    kept = 0;
    for (std::uint32_t const f : active_flows_) {
        Flow& flow = flows_[f];
        if (flow.rate >= 0) continue;
        std::int64_t smallest = unlimited;
        for (std::uint32_t const l : path(flow)) smallest = std::min(smallest, links_[l].share);
        flow.limit = smallest;
        active_flows_[kept++] = f;
    }
    active_flows_.resize(kept);
}

void MaxMinSolver::lower_limit(std::uint32_t flow, std::int64_t elsewhere) {
    flows_[flow].limit = std::min(flows_[flow].limit, elsewhere);
}

void MaxMinSolver::settle() {
    for (std::uint32_t const f : active_flows_) {
        Flow const& flow = flows_[f];
        if (flow.demand < flow.limit) continue;
        for (std::uint32_t const l : path(flow))
            links_[l].matching += links_[l].share == flow.limit ? 1U : 0U;
    }
    // Decide before applying: closing a flow changes `open`.
    for (std::uint32_t const l : active_links_)
        if (links_[l].matching != links_[l].open) links_[l].share = unlimited;
    for (std::uint32_t const f : active_flows_) {
        Flow& flow = flows_[f];
        bool fixed = flow.demand <= flow.limit;
        if (!fixed)
            for (std::uint32_t const l : path(flow)) fixed = fixed || links_[l].share != unlimited;
        if (!fixed) continue;
        flow.fixed_in_round = rounds_;
        close(flow, std::min(flow.demand, flow.limit));
    }
}

void MaxMinSolver::close(Flow& flow, std::int64_t rate) {
    flow.rate = rate;
    --open_flows_;
    for (std::uint32_t const l : path(flow)) {
        links_[l].left -= rate;
        --links_[l].open;
    }
}

std::int64_t MaxMinSolver::newly_fixed_rate(std::uint32_t flow) const {
    return flows_[flow].fixed_in_round == rounds_ ? flows_[flow].rate : -1;
}

void MaxMinSolver::fix(std::uint32_t flow, std::int64_t rate) {
    if (is_open(flow)) {
        close(flows_[flow], rate);
    } else {
        MW_EXPECT(flows_[flow].rate == rate, "two solvers fixed a flow at different rates");
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
