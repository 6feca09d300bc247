#include "megaweave/fabric/exact_flows.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <functional>
#include <limits>
#include <numeric>
#include <utility>

#include "finish_queue.hpp"
#include "megaweave/core/check.hpp"
#include "megaweave/fabric/fair_shares.hpp"

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
             std::vector<std::uint32_t> const& numbers, int shift)
        : unit_{network.weight_unit}, shift_{shift}, queue_{group.size()}, flow_of_handle_(group.size()) {
        flows_.reserve(group.size());
        std::size_t uses = 0;
        for (std::uint32_t const f : group) uses += specs[f].links.size();
        uses_.reserve(uses);
        shares_.reserve_links(std::min(uses, numbers.size()));
        for (std::uint32_t const f : group) {
            FlowSpec const& spec = specs[f];
            Flow& flow = flows_.emplace_back();
            flow.spec = &spec;
            flow.left_bytes = static_cast<double>(spec.bytes);
            flow.first_use = static_cast<std::uint32_t>(uses_.size());
            for (std::size_t i = 0; i < spec.links.size(); ++i) {
                std::uint32_t const l = spec.links[i];
                std::int64_t const weight = spec.weights.empty() ? unit_ : spec.weights[i];
                std::int64_t const capacity = network.capacity_bytes_per_s[l] << shift_;
                flow.most = std::min(flow.most, weight == unit_ ? capacity : capacity * unit_ / weight);
                std::uint32_t const number = numbers[l];
                if (number == none) continue;
                if (number == shares_.link_count()) shares_.add_link(capacity * unit_);
                uses_.push_back({number, weight});
            }
            flow.uses = static_cast<std::uint32_t>(uses_.size()) - flow.first_use;
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
            while (next_start_s() <= now) start(order[started++], now);
            share_again(now);
        }
        std::vector<double> finish_s;
        for (Flow const& flow : flows_) {
            MW_EXPECT(flow.finish_s < infinity, "every flow ends");
            finish_s.push_back(flow.finish_s + flow.spec->latency_s);
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
        std::int64_t most{unlimited};  // that its narrowest link could give it
        std::uint32_t first_use{0};
        std::uint32_t uses{0};
        std::uint32_t handle{none};
    };

    void start(std::uint32_t f, double now) {
        Flow& flow = flows_[f];
        flow.since_s = now;
        if (flow.spec->links.empty() || flow.spec->bytes == 0) {
            flow.finish_s = now;
            return;
        }
        flow.handle = shares_.add_flow(flow.most, std::span{uses_}.subspan(flow.first_use, flow.uses));
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

    std::int64_t unit_;
    int shift_;
    FairShares shares_;
    std::vector<Flow> flows_;
    std::vector<LinkUse> uses_;
    FinishQueue queue_;
    std::vector<std::uint32_t> flow_of_handle_;
};

//! Flows of each link, side by side.
class Users {
  public:
    Users(std::size_t links, std::vector<FlowSpec> const& flows) : first_(links + 1, 0) {
        for (FlowSpec const& flow : flows)
            for (std::uint32_t const l : flow.links) ++first_[l + 1];
        for (std::size_t l = 0; l < links; ++l) first_[l + 1] += first_[l];
        flows_.resize(first_.back());
        std::vector<std::uint32_t> next{first_.begin(), first_.end() - 1};
        for (std::uint32_t f = 0; f < flows.size(); ++f)
            for (std::uint32_t const l : flows[f].links) flows_[next[l]++] = f;
    }
    [[nodiscard]] std::span<std::uint32_t const> of(std::uint32_t link) const {
        return std::span{flows_}.subspan(first_[link], first_[link + 1] - first_[link]);
    }

  private:
    std::vector<std::uint32_t> first_;
    std::vector<std::uint32_t> flows_;
};

//! Of each flow, the link by which it enters and the one by which it leaves; none where only a part of it does.
std::vector<std::array<std::uint32_t, 2>> ends_of(std::vector<FlowSpec> const& flows, std::int32_t unit) {
    std::vector<std::array<std::uint32_t, 2>> ends;
    ends.reserve(flows.size());
    for (FlowSpec const& flow : flows) {
        auto const whole = [&](std::size_t at) {
            return flow.weights.empty() || flow.weights[at] == unit ? flow.links[at] : none;
        };
        if (flow.links.empty())
            ends.push_back({none, none});
        else
            ends.push_back({whole(0), whole(flow.links.size() - 1)});
    }
    return ends;
}

}  // namespace

ExactFlows::ExactFlows(FlowNetwork const& network, std::vector<FlowSpec> const& flows)
    : network_{&network}, flows_{&flows}, numbers_(network.capacity_bytes_per_s.size(), 0) {
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
    }
    auto const weighted =
        static_cast<std::uint64_t>(largest) * static_cast<std::uint64_t>(network.weight_unit);
    shift_ = std::max(0, (network.weight_unit == 1 ? 52 : 60) - static_cast<int>(std::bit_width(weighted)));
    leave_out_idle_links();
    find_groups();
}

//! Fastest links first: each is left out if slower ones, which then must stay, bound what enters or leaves it.
void ExactFlows::leave_out_idle_links() {
    std::size_t const links = numbers_.size();
    Users const users{links, *flows_};
    auto const& capacity = network_->capacity_bytes_per_s;
    std::vector<std::uint32_t> order;
    for (std::uint32_t l = 0; l < links; ++l)
        if (!users.of(l).empty()) order.push_back(l);
    auto const fastest_first = [&](std::uint32_t a, std::uint32_t b) { return capacity[a] > capacity[b]; };
    if (!std::ranges::is_sorted(order, fastest_first)) std::ranges::stable_sort(order, fastest_first);
    std::vector<bool> stays(links, false);
    std::vector<std::uint64_t> counted(links, 0);  // in which search
    std::uint64_t search = 0;
    auto const ends = ends_of(*flows_, network_->weight_unit);
    // What bounds the link: all that its flows can bring through their first or last links.
    auto const bound = [&](std::uint32_t l, std::size_t side) {
        ++search;
        std::int64_t sum = 0;
        for (std::uint32_t const f : users.of(l)) {
            std::uint32_t const end = ends[f][side];
            if (end == l || end == none || numbers_[end] == none) return unlimited;
            if (std::exchange(counted[end], search) == search) continue;
            sum += capacity[end];
            if (sum > capacity[l]) return unlimited;
        }
        return sum;
    };
    for (std::uint32_t const l : order) {
        if (stays[l]) continue;
        for (std::size_t const side : {0U, 1U}) {
            if (bound(l, side) > capacity[l]) continue;
            numbers_[l] = none;
            for (std::uint32_t const f : users.of(l)) stays[ends[f][side]] = true;
            break;
        }
    }
}

void ExactFlows::find_groups() {
    // Union of flows that share a link; the root is the first flow of its set.
    std::vector<std::uint32_t> parent(flows_->size());
    std::iota(parent.begin(), parent.end(), 0U);
    auto const root = [&parent](std::uint32_t f) {
        while (parent[f] != f) f = parent[f] = parent[parent[f]];
        return f;
    };
    std::vector<std::uint32_t> first_on(numbers_.size(), none);
    for (std::uint32_t f = 0; f < parent.size(); ++f) {
        for (std::uint32_t const l : (*flows_)[f].links) {
            if (numbers_[l] == none) continue;
            if (first_on[l] == none) first_on[l] = f;
            std::uint32_t const a = root(first_on[l]);
            std::uint32_t const b = root(f);
            parent[std::max(a, b)] = std::min(a, b);
        }
    }
    std::vector<std::uint32_t> group_of(parent.size(), none);
    for (std::uint32_t f = 0; f < parent.size(); ++f) {
        std::uint32_t const first = root(f);
        if (first == f) {
            group_of[f] = static_cast<std::uint32_t>(groups_.size());
            groups_.emplace_back();
        }
        groups_[group_of[first]].push_back(f);
    }
    number_links();
}

//! In order of their first flow: links that come into use together stand side by side.
void ExactFlows::number_links() {
    std::vector<bool> numbered(numbers_.size(), false);
    for (Group const& group : groups_) {
        std::uint32_t next = 0;
        for (std::uint32_t const f : group)
            for (std::uint32_t const l : (*flows_)[f].links) {
                if (numbers_[l] == none || numbered[l]) continue;
                numbered[l] = true;
                numbers_[l] = next++;
            }
    }
}

std::vector<double> ExactFlows::solve(Group const& group) const {
    return GroupRun{*network_, *flows_, group, numbers_, shift_}.run();
}

std::vector<double> finish_times(FlowNetwork const& network, std::vector<FlowSpec> const& flows) {
    ExactFlows const exact{network, flows};
    std::vector<double> finish_s(flows.size());
    for (ExactFlows::Group const& group : exact.groups()) {
        std::vector<double> const of_group = exact.solve(group);
        for (std::size_t i = 0; i < group.size(); ++i) finish_s[group[i]] = of_group[i];
    }
    return finish_s;
}

}  // namespace mw::fabric
