// What the links did in the whole measured period.
#include <algorithm>
#include <numeric>
#include <tuple>

#include "link_gauges.hpp"
#include "megaweave/core/archive.hpp"
#include "megaweave/core/integer.hpp"

namespace mw::engine {

namespace {

constexpr double one_of_ppb = 1e-9;
constexpr std::size_t most_reported = 10;

//! Longest full first, then the highest mean; equal ones in the topology's order.
bool fuller(BundleUse const& a, BundleUse const& b) {
    return std::tuple{-a.full, -a.mean, a.bundle} < std::tuple{-b.full, -b.mean, b.bundle};
}

}  // namespace

std::int64_t LinkGauges::bytes_of(std::size_t bundle) const {
    auto const first = bytes_.begin() + static_cast<std::ptrdiff_t>(bundle * labels_);
    return std::accumulate(first, first + static_cast<std::ptrdiff_t>(labels_), std::int64_t{0});
}

BundleUse LinkGauges::use_of(std::size_t bundle, double measured_s) const {
    BundleUse use;
    use.bundle = links_[bundle].index;
    std::int64_t const bytes = bytes_of(bundle);
    if (bytes > 0)
        use.mean = static_cast<double>(bytes) / static_cast<double>(links_[bundle].capacity_bytes_per_s) /
                   measured_s;
    use.peak = static_cast<double>(peak_ppb_[bundle]) * one_of_ppb;
    use.full = core::to_seconds(full_ns_[bundle]) / measured_s;
    return use;
}

//! Of this rank; those without traffic left out.
std::vector<BundleUse> LinkGauges::fullest(std::size_t count, double measured_s) const {
    std::vector<std::pair<BundleUse, std::size_t>> all;
    for (std::size_t b = 0; b < links_.size(); ++b)
        if (BundleUse use = use_of(b, measured_s); use.mean > 0) all.emplace_back(std::move(use), b);
    auto const middle = all.begin() + std::min(std::ssize(all), static_cast<std::ptrdiff_t>(count));
    std::ranges::partial_sort(all, middle, fuller,
                              [](auto const& one) -> BundleUse const& { return one.first; });
    all.erase(middle, all.end());
    std::vector<BundleUse> uses;
    for (auto& [use, b] : all) {
        auto const first = bytes_.begin() + static_cast<std::ptrdiff_t>(b * labels_);
        use.bytes.assign(first, first + static_cast<std::ptrdiff_t>(labels_));
        uses.push_back(std::move(use));
    }
    return uses;
}

void LinkGauges::report(parallel::Comm const& comm, double measured_s, FabricResults& results) const {
    for (std::size_t t = 0; t < tiers_.size(); ++t) {
        TierUse& tier = results.tiers.emplace_back();
        tier.name = tiers_[t];
        for (std::size_t w = 0; w < ways; ++w) {
            auto const capacity = static_cast<double>(capacity_bytes_per_s_[t * ways + w]);
            auto const bytes = static_cast<double>(measured_.bytes[t * ways + w]);
            tier.mean[w] = capacity > 0 ? bytes / capacity / measured_s : 0.0;
            tier.peak[w] = static_cast<double>(measured_.peak_ppb[t * ways + w]) * one_of_ppb;
        }
    }
    results.peak_utilisation = static_cast<double>(std::ranges::max(measured_.peak_ppb)) * one_of_ppb;
    double capacity = 0;
    for (std::int64_t const way : capacity_bytes_per_s_) capacity += static_cast<double>(way);
    std::int64_t const moved =
        std::accumulate(measured_.bytes.begin(), measured_.bytes.end(), std::int64_t{0});
    results.mean_utilisation = static_cast<double>(moved) / capacity / measured_s;
    results.entered = measured_.entered;
    results.fairness = fairness_;

    results.fullest = fullest_of_all(comm, measured_s);
}

//! Every rank's fullest, merged; the same on all ranks.
std::vector<BundleUse> LinkGauges::fullest_of_all(parallel::Comm const& comm, double measured_s) const {
    std::vector<BundleUse> mine = fullest(most_reported, measured_s);
    std::vector<std::byte> bytes;
    core::ByteWriter{bytes} & mine;
    std::vector<BundleUse> all;
    for (auto const& part : comm.gather(bytes)) {
        std::vector<BundleUse> theirs;
        core::ByteReader{part} & theirs;
        all.insert(all.end(), theirs.begin(), theirs.end());
    }
    std::ranges::sort(all, fuller);
    all.resize(std::min(all.size(), most_reported));
    bytes.clear();
    core::ByteWriter{bytes} & all;
    comm.broadcast(bytes);
    core::ByteReader{bytes} & all;
    for (BundleUse& use : all) {
        use.name = world_->plan().network().bundle_name(use.bundle);
        use.tier = world_->plan().network().bundle(use.bundle).tier;
    }
    return all;
}

BundleColumns LinkGauges::columns(double measured_s) const {
    BundleColumns columns;
    for (std::size_t b = 0; b < links_.size(); ++b) {
        BundleUse const use = use_of(b, measured_s);
        columns.mean.push_back(static_cast<float>(use.mean));
        columns.peak.push_back(static_cast<float>(use.peak));
        columns.full.push_back(static_cast<float>(use.full));
    }
    columns.bytes = bytes_;
    return columns;
}

}  // namespace mw::engine
