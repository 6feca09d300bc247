// Which flows of a problem see each other.
#include <algorithm>
#include <array>
#include <limits>
#include <numeric>
#include <utility>

#include "megaweave/fabric/exact_flows.hpp"
#include "megaweave/fabric/max_min.hpp"

namespace mw::fabric {

namespace {

constexpr std::uint32_t none = std::numeric_limits<std::uint32_t>::max();

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

}  // namespace mw::fabric
