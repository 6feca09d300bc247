#include "fabric_partition.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <tuple>

#include "megaweave/core/hash.hpp"
#include "megaweave/core/integer.hpp"
#include "megaweave/fabric/max_min.hpp"
#include "small_plan.hpp"

// The distributed fabric against one solver that sees the whole network: the same bytes in every window and the same ends, exactly, for any
// number of ranks.

using namespace mw;
using engine::Transfer;

namespace {

std::uint64_t dice(std::uint64_t trial, std::uint64_t index, std::uint64_t side) {
    return core::mix(core::mix(trial * 1'000'003 + index) ^ side);
}

//! Transfers between random nodes over about 40 windows; some to a few popular sinks, some inside a node, some with a home that is neither.
std::vector<Transfer> random_transfers(site::Plan const& plan, std::uint64_t trial, std::size_t count) {
    std::vector<Transfer> transfers(count);
    auto const nodes = static_cast<std::uint64_t>(plan.nodes());
    for (std::size_t i = 0; i < count; ++i) {
        Transfer& t = transfers[i];
        auto const source = static_cast<std::int64_t>(dice(trial, i, 1) % nodes);
        auto const sink = static_cast<std::int64_t>(dice(trial, i, 2) % (i % 3 == 0 ? 4 : nodes));
        t.home = i % 5 == 0 ? core::RackId::of(dice(trial, i, 3) % static_cast<std::uint64_t>(plan.racks()))
                            : plan.rack_of_node(sink);
        t.id = (std::uint64_t{t.home.index()} << 32) | i;
        t.bytes = 1 + static_cast<std::int64_t>(dice(trial, i, 4) % 400'000'000);
        t.bytes_left = t.bytes;
        t.present_from_ns = static_cast<core::TimeNs>(dice(trial, i, 5) % (40 * window_ns));
        t.route = {static_cast<std::int32_t>(source), static_cast<std::int32_t>(sink),
                   static_cast<std::int32_t>(dice(trial, i, 6) % 4), fabric::Route::undecided,
                   core::mix(t.id)};
        t.latency_ns = plan.network().latency_ns(plan.network().path(t.route));
        t.bytes_per_s =
            source == sink ? 450'000'000'000 : line_rate * (plan.network().pieces(4) == 1 ? 4 : 1);
    }
    return transfers;
}

struct End {
    std::uint64_t id;
    core::TimeNs at_ns;
    friend auto operator<=>(End const&, End const&) = default;
};

//! What a run did: ends in the order of windows, and the bytes of every bundle in every window.
struct Record {
    std::vector<std::vector<End>> ends;                              // by window, by id
    std::vector<std::map<fabric::BundleIndex, std::int64_t>> bytes;  // by window
    std::int64_t wanting{0};  // transfers that want bytes in the last step of a window, over all windows
};

constexpr core::TimeNs step_ns = window_ns / 2;

//! One process, one solver from scratch, a step at a time, from the statement of the model in fabric_partition.hpp. All of its paths carry
//! whole transfers.
class Reference {
  public:
    explicit Reference(site::Plan const& plan) : plan_{&plan} {}

    Record run(std::vector<Transfer> transfers) {
        Record record;
        std::ranges::sort(transfers, {}, &Transfer::id);
        for (core::TimeNs start_ns = 0; !transfers.empty(); start_ns += window_ns) {
            REQUIRE(record.ends.size() < 10'000);
            record.bytes.emplace_back();
            record.ends.emplace_back();
            step(transfers, start_ns, record);
            record.wanting += std::ranges::count_if(
                transfers, [&](Transfer const& t) { return wish(t, start_ns + step_ns).demand > 0; });
            step(transfers, start_ns + step_ns, record);
            std::ranges::sort(record.ends.back());
        }
        return record;
    }

  private:
    struct Flow {
        std::int64_t demand;
        std::int64_t weight;  // sixteenths of the step that it is present, at least one
        std::int64_t granted{0};
        std::vector<fabric::LinkIndex> links;
    };

    void step(std::vector<Transfer>& transfers, core::TimeNs start_ns, Record& record) const {
        std::vector<Flow> flows;
        for (Transfer const& t : transfers) flows.push_back(wish(t, start_ns));
        share(flows);
        std::vector<Transfer> still;
        for (std::size_t i = 0; i < transfers.size(); ++i) {
            Transfer& t = transfers[i];
            for (fabric::LinkIndex const link : flows[i].links)
                record.bytes.back()[plan_->network().bundle_of(link)] += flows[i].granted;
            if (flows[i].granted == t.bytes_left)
                record.ends.back().push_back({t.id, end_ns(t, flows, i, start_ns)});
            else
                still.push_back(t);
            if (!still.empty() && still.back().id == t.id) still.back().bytes_left -= flows[i].granted;
        }
        transfers = still;
    }

    [[nodiscard]] Flow wish(Transfer const& t, core::TimeNs start_ns) const {
        core::TimeNs const present_ns =
            std::max<core::TimeNs>(0, start_ns + step_ns - std::max(start_ns, t.present_from_ns));
        Flow flow{std::min(t.bytes_left, core::mul_div(t.bytes_per_s, present_ns, core::ns_per_s)),
                  std::max<std::int64_t>(1, 16 * present_ns / step_ns),
                  0,
                  {}};
        fabric::Path const path = plan_->network().path(t.route);
        for (fabric::Hop const& hop : path.hops()) flow.links.push_back(hop.link);
        return flow;
    }

    [[nodiscard]] std::int64_t budget(fabric::LinkIndex link) const {
        return plan_->network().capacity(link) / (core::ns_per_s / step_ns);
    }

    void share(std::vector<Flow>& flows) const {
        fabric::MaxMinSolver solver;
        std::map<fabric::LinkIndex, std::uint32_t> links;
        for (Flow const& flow : flows) {
            std::vector<fabric::LinkUse> uses;
            for (fabric::LinkIndex const link : flow.links) {
                if (!links.contains(link)) links[link] = solver.add_link(budget(link));
                uses.push_back({links[link], 1});
            }
            solver.add_flow(flow.demand, uses, false, flow.weight);
        }
        solver.solve();
        for (std::uint32_t i = 0; i < flows.size(); ++i) flows[i].granted = solver.rate(i);
    }

    //! When its links have carried what they do once all flows have come to its level, and not before its line rate allows.
    [[nodiscard]] core::TimeNs end_ns(Transfer const& t, std::vector<Flow> const& flows, std::size_t of,
                                      core::TimeNs start_ns) const {
        core::TimeNs end = std::max(start_ns, t.present_from_ns) +
                           core::mul_div(t.bytes_left, core::ns_per_s, t.bytes_per_s);
        std::int64_t const level = (flows[of].demand + flows[of].weight - 1) / flows[of].weight;
        for (fabric::LinkIndex const link : flows[of].links) {
            std::int64_t load = 0;
            for (Flow const& flow : flows)
                if (std::ranges::find(flow.links, link) != flow.links.end())
                    load += std::min(flow.granted, level * flow.weight);
            end = std::max(end, start_ns + core::mul_div(step_ns, load, budget(link)));
        }
        return std::min(end, start_ns + step_ns);
    }

    site::Plan const* plan_;
};

//! The same on all ranks: each transfer joins in the window in which it appears, on the ranks that it names. Checks what it can see.
class Distributed {
  public:
    Distributed(site::Plan const& plan, parallel::Comm& comm, engine::Sharing sharing)
        : plan_{&plan}, comm_{&comm}, partition_{plan, comm.size()}, fabric_{plan, partition_, comm,
                                                                             1,    false,      sharing} {}

    void run(std::vector<Transfer> const& transfers, Record const& expected) {
        for (std::size_t window = 0; window < expected.ends.size(); ++window) {
            core::TimeNs const start_ns = static_cast<core::TimeNs>(window) * window_ns;
            join_those_of(start_ns, transfers);
            std::vector<End> ends;
            for (engine::Arrival const& arrival : fabric_.advance(start_ns, start_ns + window_ns, true)) {
                REQUIRE(partition_.rank_of(arrival.transfer.home) == comm_->rank());
                REQUIRE(arrival.transfer.bytes_left == 0);
                ends.push_back({arrival.transfer.id, arrival.at_ns});
            }
            REQUIRE(ends == at_home(expected.ends[window]));
            REQUIRE(comm_->sum(std::ssize(ends)) == std::ssize(expected.ends[window]));
            check_bytes(expected.bytes[window]);
            checked_ += fabric_.fairness().flows;
            REQUIRE(fabric_.fairness().violations == 0);
        }
        REQUIRE(fabric_.active() == 0);
    }
    [[nodiscard]] std::int64_t bytes_on_links() const { return comm_->sum(bytes_); }
    //! Shares held against the definition, each once.
    [[nodiscard]] std::int64_t checked() const { return comm_->sum(checked_); }
    [[nodiscard]] std::int64_t rounds() const { return comm_->max(fabric_.rounds()); }

  private:
    void join_those_of(core::TimeNs start_ns, std::vector<Transfer> const& transfers) {
        std::vector<int> ranks;
        // Backwards: the order of joining must not matter.
        for (std::size_t i = transfers.size(); i-- > 0;) {
            Transfer const& t = transfers[i];
            if (t.present_from_ns < start_ns || t.present_from_ns >= start_ns + window_ns) continue;
            fabric_.participants(t, ranks);
            if (std::ranges::binary_search(ranks, comm_->rank())) fabric_.join(t);
        }
    }
    [[nodiscard]] std::vector<End> at_home(std::vector<End> const& all) const {
        std::vector<End> mine;
        for (End const& end : all)
            if (partition_.rank_of(core::RackId::of(end.id >> 32)) == comm_->rank()) mine.push_back(end);
        return mine;
    }
    void check_bytes(std::map<fabric::BundleIndex, std::int64_t> const& expected) {
        std::size_t place = 0;
        for (std::int64_t r = 0; r < partition_.rack_count(comm_->rank()); ++r) {
            auto const rack =
                core::RackId::of(static_cast<std::size_t>(partition_.first_rack(comm_->rank()) + r));
            for (std::int64_t& bytes : fabric_.bundle_bytes_of(rack)) {
                fabric::BundleIndex const bundle = fabric_.bundles()[place++];
                auto const at = expected.find(bundle);
                REQUIRE(bytes == (at == expected.end() ? 0 : at->second));
                REQUIRE(bytes <=
                        plan_->network().bundle(bundle).capacity_bytes_per_s / (core::ns_per_s / window_ns));
                bytes_ += bytes;
                bytes = 0;
            }
        }
    }

    site::Plan const* plan_;
    parallel::Comm* comm_;
    site::Partition partition_;
    engine::FabricPartition fabric_;
    std::int64_t bytes_{0};
    std::int64_t checked_{0};
};

}  // namespace

TEST_CASE(
    "Any number of ranks moves the same bytes in every window as one solver that sees the whole network") {
    parallel::Comm comm;
    std::uint64_t trial = 0;
    for (auto const routing : {fabric::Routing::adaptive, fabric::Routing::ecmp})
        for (double const taper : {1.0, 3.0})
            for (std::size_t const count : {3, 60, 600}) {
                ++trial;
                CAPTURE(trial);
                site::Plan const plan = small_plan(routing, taper);
                std::vector<Transfer> const transfers = random_transfers(plan, trial, count);
                Record const expected = Reference{plan}.run(transfers);
                Distributed each_all{plan, comm, engine::Sharing::each_all};
                each_all.run(transfers, expected);
                CHECK(each_all.rounds() == 0);
                Distributed distributed{plan, comm, engine::Sharing::in_rounds};
                distributed.run(transfers, expected);

                // Conservation: each link of a path carries all bytes of its transfer, and nothing else.
                std::int64_t link_bytes = 0;
                for (Transfer const& t : transfers)
                    link_bytes += t.bytes * static_cast<std::int64_t>(plan.network().path(t.route).size());
                CHECK(distributed.bytes_on_links() == link_bytes);
                CHECK(distributed.checked() == expected.wanting);  // the last step of each window
                // 600 transfers contend: with neighbours, max-min is no longer settled in one round a window.
                if (count == 600 && comm.size() > 1) CHECK(distributed.rounds() > std::ssize(expected.ends));
            }
}

TEST_CASE(
    "Transfers that contend for one link take equal shares; one alone takes the line rate to the "
    "nanosecond") {
    parallel::Comm comm;
    site::Plan const plan = small_plan(fabric::Routing::adaptive, 1.0);
    site::Partition const partition{plan, comm.size()};
    engine::FabricPartition fabric{plan, partition, comm};
    // Four NICs of a node carry 200 MB a window together. Two sources to node 0: 100 MB each a window.
    std::vector<Transfer> transfers(2);
    for (std::size_t i = 0; i < 2; ++i) {
        Transfer& t = transfers[i];
        t.home = core::RackId{0};
        t.id = i;
        t.bytes = t.bytes_left = i == 0 ? 100'000'000 : 250'000'000;
        t.bytes_per_s = 4 * line_rate;
        t.route = {i == 0 ? 20 : 47, 0, 0, fabric::Route::undecided, 0};
        std::vector<int> ranks;
        fabric.participants(t, ranks);
        if (std::ranges::binary_search(ranks, comm.rank())) fabric.join(t);
    }
    bool const home = partition.rank_of(core::RackId{0}) == comm.rank();
    auto const ends_in = [&](core::TimeNs start_ns) {
        std::vector<End> ends;
        for (engine::Arrival const& a : fabric.advance(start_ns, start_ns + window_ns))
            ends.push_back({a.transfer.id, a.at_ns});
        return ends;
    };
    // Each has 50 MB of a step's 100 MB. The first ends with the second step, when both have come as far.
    CHECK(ends_in(0) == (home ? std::vector<End>{{0, window_ns}} : std::vector<End>{}));
    // The second has 150 MB left and the link for itself: 0.75 ms.
    CHECK(ends_in(window_ns) == (home ? std::vector<End>{{1, window_ns + 750'000}} : std::vector<End>{}));
    CHECK(fabric.active() == 0);
}
