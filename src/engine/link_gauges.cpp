#include "link_gauges.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <set>
#include <utility>

#include "megaweave/core/check.hpp"
#include "megaweave/core/integer.hpp"

namespace mw::engine {

namespace {

constexpr std::int64_t ppb = 1'000'000'000;
constexpr std::int64_t full_ppb = 900'000'000;
constexpr std::uint64_t link_column = 1000;

double of_ppb(std::int64_t value) {
    return static_cast<double>(value) * 1e-9;
}

}  // namespace

std::vector<std::size_t> traffic_of(World const& world) {
    std::vector<std::size_t> classes;
    auto const& services = world.deck().services;
    if (std::ranges::any_of(services, [](serving::ServiceParams const& service) {
            return service.mode == serving::Mode::disaggregated;
        }))
        classes.push_back(static_cast<std::size_t>(TrafficClass::kv));
    if (world.deck().cluster.memory_pool.on_network()) {
        if (std::ranges::any_of(services, [](serving::ServiceParams const& service) {
                return service.start == serving::Start::cold;
            }))
            classes.push_back(static_cast<std::size_t>(TrafficClass::weights));
        classes.push_back(static_cast<std::size_t>(TrafficClass::pool));
    }
    std::set<std::pair<std::size_t, bool>> seen;  // pools, whose instances are alike
    std::set<std::size_t> leaving;
    for (site::InstancePlace const& place : world.plan().instances()) {
        if (!spans_domains(world.plan(), place) || !seen.emplace(place.service.index(), place.prefill).second)
            continue;
        for (ScaleOutPattern const& pattern :
             scale_out_patterns(world.plan(), place, world.service(place.service).model(place.prefill)))
            leaving.insert(static_cast<std::size_t>(pattern.traffic));
    }
    classes.insert(classes.end(), leaving.begin(), leaving.end());
    return classes;
}

LinkGauges::LinkGauges(World const& world, FabricPartition const& fabric)
    : world_{&world},
      labels_{fabric.labels()},
      classes_{traffic_of(world)},
      first_of_rack_{fabric.first_bundles()} {
    fabric::Topology const& network = world.plan().network();
    for (fabric::TierCount const& tier : network.tiers()) tiers_.push_back(tier.name);
    capacity_bytes_per_s_.assign(tiers_.size() * ways, 0);
    auto const way_of = [](fabric::Bundle const& bundle) {
        return static_cast<std::size_t>(bundle.tier) * ways + (bundle.up ? 0 : 1);
    };
    for (fabric::BundleIndex b = 0; b < network.bundle_count(); ++b) {
        fabric::Bundle const bundle = network.bundle(b);
        capacity_bytes_per_s_[way_of(bundle)] += bundle.capacity_bytes_per_s;
    }
    for (fabric::BundleIndex const b : fabric.bundles()) {
        fabric::Bundle const bundle = network.bundle(b);
        links_.push_back({b, bundle.capacity_bytes_per_s, way_of(bundle)});
    }
    bytes_.assign(links_.size() * labels_, 0);
    peak_ppb_.assign(links_.size(), 0);
    full_ns_.assign(links_.size(), 0);
    measured_ = nothing();
}

LinkGauges::Sums LinkGauges::nothing() const {
    std::vector<std::int64_t> const by_way(capacity_bytes_per_s_.size(), 0);
    return {by_way, by_way, std::vector<std::int64_t>(labels_, 0), 0, {}};
}

void LinkGauges::begin_frame(core::Frame& frame) {
    now_ = nothing();
    next_ = 0;
    column_ = frame.columns.size();
    frame.add(core::Owner::link, "utilisation", "1", "bytes moved over capacity", links_.size());
    if (classes_.size() < 2) return;
    for (std::size_t const c : classes_)
        frame.add(core::Owner::link, fmt::format("{}_utilisation", traffic_names[c]), "1",
                  fmt::format("bytes of class {} over capacity", traffic_names[c]), links_.size());
}

std::int64_t LinkGauges::read(LinkSample const& sample, FabricPartition& fabric, Rack& rack,
                              core::Frame& frame) {
    std::int64_t nic_bytes = 0;
    std::span<std::int64_t> const counters = fabric.bundle_bytes_of(rack.id());
    for (std::size_t at = 0; at < counters.size(); at += labels_) {
        std::size_t const bundle = next_++;
        std::span<std::int64_t> const mine = counters.subspan(at, labels_);
        std::int64_t const bytes = std::accumulate(mine.begin(), mine.end(), std::int64_t{0});
        if (bytes == 0) continue;
        Link const& link = links_[bundle];
        std::int64_t const capacity = core::mul_div(link.capacity_bytes_per_s, sample.length_ns, ppb);
        MW_EXPECT(bytes <= capacity, "no link carries more than its capacity");
        std::int64_t const share_ppb = core::mul_div(bytes, ppb, capacity);
        frame.columns[column_].values[bundle] =
            static_cast<float>(static_cast<double>(bytes) / static_cast<double>(capacity));
        now_.bytes[link.way] += bytes;
        now_.peak_ppb[link.way] = std::max(now_.peak_ppb[link.way], share_ppb);
        now_.full += share_ppb >= full_ppb ? 1 : 0;
        if (link.way < ways) nic_bytes += bytes;
        rack.digest().add(record_key(sample.number, link_column, static_cast<std::uint64_t>(link.index)),
                          bytes);
        split(bundle, mine, capacity, sample.measured, frame);
        if (!sample.measured) continue;
        peak_ppb_[bundle] = std::max(peak_ppb_[bundle], share_ppb);
        full_ns_[bundle] += share_ppb >= full_ppb ? sample.length_ns : 0;
    }
    return nic_bytes;
}

//! By label and class; sets the counters back.
void LinkGauges::split(std::size_t bundle, std::span<std::int64_t> counters, std::int64_t capacity,
                       bool measured, core::Frame& frame) {
    bool const enters = links_[bundle].way == 0;
    for (std::size_t label = 0; label < labels_; ++label) {
        std::int64_t& bytes = counters[label];
        if (bytes == 0) continue;
        if (enters) now_.entered[label] += bytes;
        if (measured) bytes_[bundle * labels_ + label] += bytes;
        auto const at = std::ranges::find(classes_, class_of(label));
        MW_EXPECT(at != classes_.end(), "a class of traffic that the deck does not have");
        if (classes_.size() > 1)
            frame.columns[column_ + 1 + static_cast<std::size_t>(at - classes_.begin())].values[bundle] +=
                static_cast<float>(static_cast<double>(bytes) / static_cast<double>(capacity));
        bytes = 0;
    }
}

void LinkGauges::sum(LinkSample const& sample, parallel::Comm const& comm, FairnessCount fairness) {
    std::vector<std::int64_t> all = now_.bytes;
    all.insert(all.end(), now_.entered.begin(), now_.entered.end());
    all.insert(all.end(), {now_.full, fairness.flows, fairness.violations});
    comm.sum(std::span{all});
    comm.max(std::span{now_.peak_ppb});
    auto const entered = all.begin() + std::ssize(now_.bytes);
    auto const rest = entered + std::ssize(now_.entered);
    now_.bytes.assign(all.begin(), entered);
    now_.entered.assign(entered, rest);
    now_.full = rest[0];
    now_.fairness = {rest[1], rest[2]};
    fairness_ += now_.fairness;
    if (!sample.measured) return;
    for (std::size_t w = 0; w < now_.bytes.size(); ++w) {
        measured_.bytes[w] += now_.bytes[w];
        measured_.peak_ppb[w] = std::max(measured_.peak_ppb[w], now_.peak_ppb[w]);
    }
    for (std::size_t label = 0; label < labels_; ++label) measured_.entered[label] += now_.entered[label];
}

double LinkGauges::utilisation(core::TimeNs length_ns) const {
    std::int64_t const bytes = std::accumulate(now_.bytes.begin(), now_.bytes.end(), std::int64_t{0});
    double capacity = 0;
    for (std::int64_t const way : capacity_bytes_per_s_) capacity += static_cast<double>(way);
    return static_cast<double>(bytes) / core::to_seconds(length_ns) / capacity;
}

void LinkGauges::put_facility(LinkSample const& sample, core::Frame& frame) const {
    double const seconds = core::to_seconds(sample.length_ns);
    auto const put = [&](std::string const& name, char const* unit, std::string const& what, double value) {
        frame.add(core::Owner::facility, name, unit, what, 1).values[0] = static_cast<float>(value);
    };
    static constexpr std::array<char const*, ways> direction = {"up", "down"};
    static constexpr std::array<char const*, ways> words = {"away from the nodes", "towards the nodes"};
    for (std::size_t w = 0; w < now_.bytes.size(); ++w) {
        if (capacity_bytes_per_s_[w] == 0) continue;
        std::string const name = tiers_[w / ways] + "_" + direction[w % ways];
        std::string const text = fmt::format("tier {}, {}", tiers_[w / ways], words[w % ways]);
        put(name + "_mean_utilisation", "1", "bytes over capacity of all bundles of " + text,
            static_cast<double>(now_.bytes[w]) / seconds / static_cast<double>(capacity_bytes_per_s_[w]));
        put(name + "_peak_utilisation", "1", "bytes over capacity of the fullest bundle of " + text,
            of_ppb(now_.peak_ppb[w]));
    }
    for (std::size_t const c : classes_) {
        std::int64_t bytes = 0;
        for (std::size_t label = c; label < labels_; label += traffic_classes) bytes += now_.entered[label];
        put(fmt::format("{}_traffic_bytes_per_s", traffic_names[c]), "B/s",
            fmt::format("bytes of class {} that left nodes for the network", traffic_names[c]),
            static_cast<double>(bytes) / seconds);
    }
    put("full_bundles", "1", "bundles that moved 90 % or more of what they could",
        static_cast<double>(now_.full));
    put("unfair_shares", "1", "shares of bytes, checked at the sample's end, that are not max-min fair",
        static_cast<double>(now_.fairness.violations));
}

}  // namespace mw::engine
