#include "megaweave/fabric/exact_flows.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <functional>
#include <limits>
#include <numeric>
#include <queue>

#include "megaweave/core/check.hpp"
#include "megaweave/fabric/max_min.hpp"

namespace mw::fabric {

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

//! Finishes this close (relative) are one event: equal flows end together in spite of rounding.
constexpr double simultaneous = 1e-13;

class ExactFlows {
  public:
    ExactFlows(std::vector<std::int64_t> const& capacity, std::vector<FlowSpec> const& flows)
        : capacity_{capacity},
          specs_{flows},
          flows_(flows.size()),
          on_link_(capacity.size()),
          link_index_(capacity.size(), unseen) {
        std::int64_t largest = 1;
        for (std::int64_t const c : capacity) {
            MW_EXPECT(c > 0, "a link's capacity is positive");
            largest = std::max(largest, c);
        }
        shift_ = std::max(0, 52 - static_cast<int>(std::bit_width(static_cast<std::uint64_t>(largest))));
        for (std::uint32_t f = 0; f < flows.size(); ++f) {
            MW_EXPECT(flows[f].bytes >= 0 && std::isfinite(flows[f].start_s), "a flow has bytes and a start");
            flows_[f].left_bytes = static_cast<double>(flows[f].bytes);
        }
    }

    std::vector<double> run() {
        std::vector<std::uint32_t> order(specs_.size());
        std::iota(order.begin(), order.end(), 0U);
        std::ranges::stable_sort(order, {}, [this](std::uint32_t f) { return specs_[f].start_s; });
        std::size_t started = 0;
        while (true) {
            double const next_start = started < order.size() ? specs_[order[started]].start_s : infinity;
            double const now = std::min(next_start, next_finish());
            if (now == infinity) break;
            touched_.clear();
            while (next_finish() <= now + std::abs(now) * simultaneous) finish(queue_.top().flow);
            for (; started < order.size() && specs_[order[started]].start_s <= now; ++started)
                start(order[started], now);
            share_again(now);
        }
        std::vector<double> finish_s;
        for (std::size_t f = 0; f < flows_.size(); ++f) {
            MW_EXPECT(flows_[f].finish_s < infinity, "every flow ends");
            finish_s.push_back(flows_[f].finish_s + specs_[f].latency_s);
        }
        return finish_s;
    }

  private:
    static constexpr std::uint32_t unseen = std::numeric_limits<std::uint32_t>::max();

    struct Flow {
        double left_bytes{0};  // at `since_s`
        double rate{0};        // bytes/s
        double since_s{0};
        double finish_s{infinity};
        bool reached{false};  // by the gathering under way
    };
    struct Finish {
        double time_s;
        std::uint32_t flow;
        friend auto operator<=>(Finish const&, Finish const&) = default;
    };

    double next_finish() {
        // An entry is stale once its flow's rate has changed.
        while (!queue_.empty() && queue_.top().time_s != flows_[queue_.top().flow].finish_s) queue_.pop();
        return queue_.empty() ? infinity : queue_.top().time_s;
    }

    void start(std::uint32_t f, double now) {
        flows_[f].since_s = now;
        if (specs_[f].links.empty() || specs_[f].bytes == 0) {
            flows_[f].finish_s = now;
            return;
        }
        for (std::uint32_t const l : specs_[f].links) {
            MW_EXPECT(l < on_link_.size(), "a flow names a link that exists");
            on_link_[l].push_back(f);
            touched_.push_back(l);
        }
    }

    void finish(std::uint32_t f) {
        queue_.pop();
        for (std::uint32_t const l : specs_[f].links) {
            std::erase(on_link_[l], f);
            touched_.push_back(l);
        }
    }

    //! Rates of all flows that a change on the touched links can reach.
    void share_again(double now) {
        gather_reachable();
        solver_.clear();
        for (std::uint32_t const l : reached_links_) solver_.add_link(capacity_[l] << shift_);
        for (std::uint32_t const f : reached_flows_) {
            path_.clear();
            for (std::uint32_t const l : specs_[f].links) path_.push_back(link_index_[l]);
            solver_.add_flow(unlimited, path_, false);
        }
        solver_.solve();
        for (std::uint32_t i = 0; i < reached_flows_.size(); ++i)
            set_rate(reached_flows_[i], std::ldexp(static_cast<double>(solver_.rate(i)), -shift_), now);
        for (std::uint32_t const l : reached_links_) link_index_[l] = unseen;
        for (std::uint32_t const f : reached_flows_) flows_[f].reached = false;
    }

    void gather_reachable() {
        reached_links_.clear();
        reached_flows_.clear();
        auto const reach = [this](std::uint32_t l) {
            if (link_index_[l] != unseen) return;
            link_index_[l] = static_cast<std::uint32_t>(reached_links_.size());
            reached_links_.push_back(l);
        };
        for (std::uint32_t const l : touched_) reach(l);
        std::size_t searched = 0;
        while (searched < reached_links_.size()) {  // which grows meanwhile
            for (std::uint32_t const f : on_link_[reached_links_[searched++]]) {
                if (flows_[f].reached) continue;
                flows_[f].reached = true;
                reached_flows_.push_back(f);
                for (std::uint32_t const l : specs_[f].links) reach(l);
            }
        }
    }

    void set_rate(std::uint32_t f, double rate, double now) {
        Flow& flow = flows_[f];
        if (rate == flow.rate) return;  // its finish stands
        flow.left_bytes = std::max(0.0, flow.left_bytes - flow.rate * (now - flow.since_s));
        flow.since_s = now;
        flow.rate = rate;
        flow.finish_s = rate > 0 ? now + flow.left_bytes / rate : infinity;
        if (rate > 0) queue_.push({flow.finish_s, f});
    }

    std::vector<std::int64_t> const& capacity_;
    std::vector<FlowSpec> const& specs_;
    std::vector<Flow> flows_;
    std::vector<std::vector<std::uint32_t>> on_link_;  // flows under way
    std::vector<std::uint32_t> link_index_;            // in the solver, or unseen
    std::priority_queue<Finish, std::vector<Finish>, std::greater<>> queue_;
    std::vector<std::uint32_t> touched_;  // links whose flows changed
    std::vector<std::uint32_t> reached_links_;
    std::vector<std::uint32_t> reached_flows_;
    std::vector<std::uint32_t> path_;
    MaxMinSolver solver_;
    int shift_{0};
};

}  // namespace

std::vector<double> finish_times(std::vector<std::int64_t> const& capacity_bytes_per_s,
                                 std::vector<FlowSpec> const& flows) {
    return ExactFlows{capacity_bytes_per_s, flows}.run();
}

}  // namespace mw::fabric
