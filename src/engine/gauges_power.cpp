// Where sampled power goes beyond the meters: through the stores, into fine bins, and past the checks of energy.
#include <bit>
#include <cmath>
#include <utility>

#include "budget_watch.hpp"
#include "gauges.hpp"
#include "megaweave/core/check.hpp"
#include "megaweave/core/integer.hpp"
#include "power_bins.hpp"

namespace mw::engine {

//! A rack's energy at its meter: what it drew, and what its store took or gave, bin by bin.
Energies Gauges::at_meter(Rack& rack, RackEnergy const& used, MeterReading const& meter, Sums& sums) {
    Energies energy = used.by_consumer;
    std::int64_t const load_uj = energy.sum();
    std::int64_t const dc_uj = load_uj - energy[Consumer::conversion];
    double const pass_on = dc_uj > 0 ? static_cast<double>(load_uj) / static_cast<double>(dc_uj) : 1.0;
    SwingBins const bins = swing_bins(sample_ns_);
    std::vector<std::int64_t> parts_uj = split_energy(load_uj, meter.bins_pj, pass_on, bins.count);
    if (auto& storage = rack.storage()) {
        for (std::int64_t& part_uj : parts_uj) {
            plant::StoreFlow const flow =
                storage->step(part_uj, bins.length_ns, supply_.dark() ? 0.0 : supply_.rack_share());
            energy[Consumer::storage] += flow.stored_uj;
            energy[Consumer::conversion] += flow.lost_uj;
            part_uj = flow.supply_uj;
        }
        sums.charge_uj += storage->charge_uj();
    }
    bin_uj_.resize(parts_uj.size(), 0);
    for (std::size_t b = 0; b < parts_uj.size(); ++b) bin_uj_[b] += parts_uj[b];
    MW_EXPECT(energy.sum() - energy[Consumer::storage] >= load_uj, "a store makes no energy");
    return energy;
}

//! Over all ranks.
void Gauges::add_up(Sums& sums) {
    std::int64_t worst_mw = std::exchange(sums.rack_budgets.worst_mw, 0);
    auto flat = std::bit_cast<std::array<std::int64_t, sizeof(Sums) / sizeof(std::int64_t)>>(sums);
    double const most = core::most_sum / comm_->size();
    for (std::int64_t const value : flat)
        if (std::abs(static_cast<double>(value)) > most)
            core::too_large("a sum of energies [uJ], counts or times [ns]", static_cast<double>(value));
    comm_->sum(std::span{flat});
    sums = std::bit_cast<Sums>(flat);
    if (world_->deck().facility.control.rack_budget_w > 0) worst_mw = comm_->max(worst_mw);
    sums.rack_budgets.worst_mw = worst_mw;
    comm_->sum(std::span{bin_uj_});
}

double Gauges::site_budget_w() const {
    return budget_w(world_->deck(), frame_.time_ns - sample_ns_);
}

//! Of the site, its rows and its racks, each at its meter.
void Gauges::watch_budgets(Sums const& sums) {
    watch_budget(site_budget_, sums.energy_uj.sum(), site_budget_w(), sample_ns_);
    for (std::size_t row = 0; row < control_.rows(); ++row)
        watch_budget(row_budgets_, row_uj_[row], world_->deck().facility.control.row_budget_w, sample_ns_);
    rack_budgets_ += sums.rack_budgets;
}

//! From the boards to the utility, to the microjoule.
void Gauges::settle_power(Sums& sums, core::TimeNs now_ns) {
    Energies& e = sums.energy_uj;
    std::int64_t const racks_uj = e.sum();
    std::int64_t const racks_stored_uj = e[Consumer::storage];
    std::int64_t const racks_optics_uj = e[Consumer::optics];  // of scale-up domains
    double const utilisation = links_.utilisation(sample_ns_);
    std::int64_t const it_uj =
        site_power_.add(e, now_ns, sample_s_, utilisation, {supply_.dark(), supply_.cooling_runs()});
    std::int64_t const site_stored_uj = supply_.settle(e, racks_uj);

    std::int64_t const network_uj = e[Consumer::scale_out_switch] + e[Consumer::optics] - racks_optics_uj;
    MW_EXPECT(sums.boards_uj <= racks_uj - racks_stored_uj, "boards draw no more than their racks");
    MW_EXPECT(it_uj == racks_uj + network_uj, "IT is racks and network");
    std::int64_t const site_conversion_uj = e.sum() - it_uj - e[Consumer::cooling] - site_stored_uj;
    MW_EXPECT(site_conversion_uj >= 0 && site_conversion_uj <= e[Consumer::conversion],
              "the facility is IT, the site's conversion, its cooling and what its batteries take");
    std::int64_t const charge_uj = sums.charge_uj + supply_.battery_uj();
    MW_EXPECT(charge_uj - charge_uj_ == e[Consumer::storage], "what is stored is what went into the stores");
    charge_uj_ = charge_uj;
    sums.racks_uj = racks_uj - racks_stored_uj;
    sums.it_uj = it_uj - racks_stored_uj;
}

//! Facility power by fine bins: the racks' as metered, all else even over the sample.
void Gauges::follow_swings() {
    if (sample_ns_ != world_->deck().time.sample_ns) return;
    SwingBins const bins = swing_bins(sample_ns_);
    std::int64_t racks_uj = 0;
    for (std::int64_t const uj : bin_uj_) racks_uj += uj;
    double const others_w = facility_w_ - static_cast<double>(racks_uj) * 1e-6 / sample_s_;
    series_w_.push_back(facility_w_);
    for (std::int64_t const uj : bin_uj_)
        fine_series_w_.push_back(others_w +
                                 static_cast<double>(uj) * 1e-6 / core::to_seconds(bins.length_ns));
}

void Gauges::put_stores(Sums const& sums) {
    if (world_->deck().facility.grid.on())
        put("dark_share", "1", "1: the site is without power", supply_.dark() ? 1.0 : 0.0);
    if (!world_->deck().facility.stores()) return;
    put(consumer_columns[static_cast<std::size_t>(Consumer::storage)], "W",
        "into the stores, net of what they give", per_second(sums.energy_uj[Consumer::storage]) * 1e-6);
    put("stored_j", "J", "energy in the racks' stores and the UPS's batteries",
        static_cast<double>(charge_uj_) * 1e-6);
}

//! Switches are alike and equally loaded on the mean, transceivers draw the same whatever the load: tiers differ by their counts.
std::vector<TierPower> Gauges::network_power(double seconds) const {
    std::vector<TierPower> tiers;
    std::int64_t switches = 0;
    std::int64_t ends = 0;
    for (site::NetworkTier const& tier :
         world_->plan().network_tiers(world_->deck().cluster.optics.at_host)) {
        tiers.push_back({tier.name, tier.switches, tier.optical_ends, 0, 0});
        switches += tier.switches;
        ends += tier.optical_ends;
    }
    auto const part_w = [&](Consumer consumer, std::int64_t part, std::int64_t all) {
        double const watts = static_cast<double>(measured_energy_[consumer]) * 1e-6 / seconds;
        return all == 0 ? 0.0 : watts * static_cast<double>(part) / static_cast<double>(all);
    };
    for (TierPower& tier : tiers) {
        tier.switches_w = part_w(Consumer::scale_out_switch, tier.switches, switches);
        tier.optics_w = part_w(Consumer::optics, tier.optical_ends, ends);
    }
    return tiers;
}

}  // namespace mw::engine
