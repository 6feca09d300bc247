#include "megaweave/fabric/exact_flows.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <functional>
#include <limits>
#include <numeric>
#include <utility>

#include "finish_queue.hpp"
#include "megaweave/core/check.hpp"
#include "megaweave/fabric/priority_shares.hpp"
#include "megaweave/fabric/traffic.hpp"

namespace mw::fabric {

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr std::uint32_t none = std::numeric_limits<std::uint32_t>::max();

//! Finishes this close (relative) are one event: equal flows end together in spite of rounding.
constexpr double simultaneous = 1e-13;

//! One group, from its first start to its last finish.
class GroupRun {
  public:
    //! `numbers`: of each link in its group, or `none` if it is left out.
    GroupRun(FlowNetwork const& network, std::vector<FlowSpec> const& specs, ExactFlows::Group const& group,
             std::vector<std::uint32_t> const& numbers, int shift, std::size_t layers,
             FlowRouter const* router)
        : network_{&network},
          numbers_{&numbers},
          router_{router},
          group_{&group},
          unit_{network.weight_unit},
          shift_{shift},
          shares_{layers},
          queue_{group.size()},
          flow_of_handle_(group.size() * layers) {
        flows_.reserve(group.size());
        std::size_t uses = 0;
        for (std::uint32_t const f : group) uses += specs[f].links.size();
        uses_.reserve(uses);
        shares_.reserve_links(std::min(uses, numbers.size()));
        if (router != nullptr)
            for (std::uint32_t l = 0; l < numbers.size(); ++l) shares_.add_link(capacity(l));
        for (std::uint32_t const f : group) {
            Flow& flow = flows_.emplace_back();
            flow.spec = &specs[f];
            flow.left_bytes = static_cast<double>(specs[f].bytes);
            flow.latency_s = specs[f].latency_s;
            if (router == nullptr) add_uses(flow, specs[f]);
        }
    }

    std::vector<double> run() {
        std::vector<std::uint32_t> order(flows_.size());
        std::iota(order.begin(), order.end(), 0U);
        auto const start_s = [this](std::uint32_t f) { return flows_[f].spec->start_s; };
        if (!std::ranges::is_sorted(order, {}, start_s)) std::ranges::stable_sort(order, {}, start_s);
        std::size_t started = 0;
        auto const next_start_s = [&] {
            return started < order.size() ? flows_[order[started]].spec->start_s : infinity;
        };
        while (true) {
            double const now = std::min(next_start_s(), queue_.first_s());
            if (now == infinity) break;
            while (queue_.first_s() <= now + std::abs(now) * simultaneous) finish(queue_.first());
            while (next_start_s() <= now) {
                start(order[started++], now);
                if (router_ != nullptr) share_again(now);
            }
            share_again(now);
        }
        std::vector<double> finish_s;
        for (Flow const& flow : flows_) {
            MW_EXPECT(flow.finish_s < infinity, "every flow ends");
            finish_s.push_back(flow.finish_s + flow.latency_s);
        }
        return finish_s;
    }

  private:
    struct alignas(64) Flow {
        FlowSpec const* spec{nullptr};
        double left_bytes{0};  // at `since_s`
        double rate{0};        // bytes/s
        double since_s{0};
        double finish_s{infinity};
        double latency_s{0};
        std::int64_t most{unlimited};  // that its narrowest link could give it
        std::uint32_t first_use{0};
        std::uint32_t uses{0};
        std::uint32_t handle{none};
    };

    [[nodiscard]] std::int64_t capacity(std::uint32_t link) const {
        return (network_->capacity_bytes_per_s[link] << shift_) * unit_;
    }

    void add_uses(Flow& flow, FlowSpec const& spec) {
        flow.first_use = static_cast<std::uint32_t>(uses_.size());
        for (std::size_t i = 0; i < spec.links.size(); ++i) {
            std::uint32_t const l = spec.links[i];
            std::int64_t const weight = spec.weights.empty() ? unit_ : spec.weights[i];
            std::int64_t const units = capacity(l);
            flow.most = std::min(flow.most, weight == unit_ ? units / unit_ : units / weight);
            std::uint32_t const number = (*numbers_)[l];
            if (number == none) continue;
            if (number == shares_.link_count()) shares_.add_link(units);
            uses_.push_back({number, weight});
        }
        flow.uses = static_cast<std::uint32_t>(uses_.size()) - flow.first_use;
    }

    //! What a flow that starts now would meet on a link.
    [[nodiscard]] LinkLoad load(std::uint32_t link, std::int64_t weight) {
        claims_.clear();
        shares_.claims(link, claims_);
        return link_load(capacity(link), claims_, {0, weight, weight * unit_});
    }

    //! Its links and its latency.
    void choose(std::uint32_t f) {
        Flow& flow = flows_[f];
        chosen_ = *flow.spec;
        router_->choose((*group_)[f], [&](std::uint32_t link) { return load(link, chosen_.weight); },
                        chosen_);
        flow.latency_s = chosen_.latency_s;
        uses_.clear();  // the shares keep their own
        add_uses(flow, chosen_);
    }

    void start(std::uint32_t f, double now) {
        Flow& flow = flows_[f];
        flow.since_s = now;
        if (flow.spec->links.empty() || flow.spec->bytes == 0) {
            flow.finish_s = now;
            return;
        }
        if (router_ != nullptr) choose(f);
        flow.handle = shares_.add_flow(flow.most, std::span{uses_}.subspan(flow.first_use, flow.uses),
                                       flow.spec->weight, static_cast<std::size_t>(flow.spec->priority));
        flow_of_handle_[flow.handle] = f;
    }

    void finish(std::uint32_t f) {
        queue_.pop();
        shares_.remove_flow(flows_[f].handle);
    }

    void share_again(double now) {
        for (std::uint32_t const handle : shares_.update()) {
            std::uint32_t const f = flow_of_handle_[handle];
            Flow& flow = flows_[f];
            flow.left_bytes = std::max(0.0, flow.left_bytes - flow.rate * (now - flow.since_s));
            flow.since_s = now;
            flow.rate = std::ldexp(static_cast<double>(shares_.rate(handle)), -shift_);
            flow.finish_s = flow.rate > 0 ? now + flow.left_bytes / flow.rate : infinity;
            queue_.set(f, flow.finish_s);
        }
    }

    FlowNetwork const* network_;
    std::vector<std::uint32_t> const* numbers_;
    FlowRouter const* router_;
    ExactFlows::Group const* group_;
    std::int64_t unit_;
    int shift_;
    PriorityShares shares_;
    std::vector<Flow> flows_;
    std::vector<LinkUse> uses_;
    FinishQueue queue_;
    std::vector<std::uint32_t> flow_of_handle_;
    FlowSpec chosen_;  // reused, as are:
    std::vector<Claim> claims_;
};

}  // namespace

ExactFlows::ExactFlows(FlowNetwork const& network, std::vector<FlowSpec> const& flows,
                       FlowRouter const* router)
    : network_{&network}, flows_{&flows}, router_{router}, numbers_(network.capacity_bytes_per_s.size(), 0) {
    std::int64_t largest = 1;
    for (std::int64_t const c : network.capacity_bytes_per_s) {
        MW_EXPECT(c > 0, "a link's capacity is positive");
        largest = std::max(largest, c);
    }
    for (FlowSpec const& flow : flows) {
        MW_EXPECT(flow.bytes >= 0 && std::isfinite(flow.start_s), "a flow has bytes and a start");
        MW_EXPECT(flow.weights.empty() || flow.weights.size() == flow.links.size(), "a weight for each link");
        for (std::uint32_t const l : flow.links)
            MW_EXPECT(l < numbers_.size(), "a flow names a link that exists");
        MW_EXPECT(flow.weight >= 1 && flow.priority >= 0 && flow.priority < priorities,
                  "a flow's weight and priority are in range");
        layers_ = std::max(layers_, static_cast<std::size_t>(flow.priority) + 1);
    }
    auto const weighted =
        static_cast<std::uint64_t>(largest) * static_cast<std::uint64_t>(network.weight_unit);
    shift_ = std::max(0, (network.weight_unit == 1 ? 52 : 60) - static_cast<int>(std::bit_width(weighted)));
    if (router == nullptr) {
        leave_out_idle_links();
        find_groups();
        return;
    }
    std::iota(numbers_.begin(), numbers_.end(), 0U);
    groups_.emplace_back(flows.size());
    std::iota(groups_.back().begin(), groups_.back().end(), 0U);
}

std::vector<double> ExactFlows::solve(Group const& group) const {
    return GroupRun{*network_, *flows_, group, numbers_, shift_, layers_, router_}.run();
}

std::vector<double> finish_times(FlowNetwork const& network, std::vector<FlowSpec> const& flows,
                                 FlowRouter const* router) {
    ExactFlows const exact{network, flows, router};
    std::vector<double> finish_s(flows.size());
    for (ExactFlows::Group const& group : exact.groups()) {
        std::vector<double> const of_group = exact.solve(group);
        for (std::size_t i = 0; i < group.size(); ++i) finish_s[group[i]] = of_group[i];
    }
    return finish_s;
}

}  // namespace mw::fabric
