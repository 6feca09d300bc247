#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "fabric_partition.hpp"
#include "link_gauges.hpp"
#include "megaweave/core/frame.hpp"
#include "megaweave/engine/load_history.hpp"
#include "megaweave/engine/results.hpp"
#include "megaweave/engine/tally.hpp"
#include "megaweave/engine/world.hpp"
#include "megaweave/parallel/comm.hpp"
#include "power_control.hpp"
#include "rack.hpp"
#include "rack_power.hpp"
#include "site_supply.hpp"

namespace mw::engine {

using Racks = std::span<std::unique_ptr<Rack> const>;

/*!
 * Reads every meter at a sample tick: what each rack did and drew, what the facility adds, and the totals of the measured period.
 *
 * Energies are integers [uJ] from the rack upwards: the facility's meter is the sum of its parts, whatever the partition.
 */
class Gauges {
  public:
    Gauges(World const& world, parallel::Comm const& comm, FabricPartition const& fabric);

    //! When the sample after `now_ns` ends: samples are counted from the end of the warm-up, so that the first and the last may be short.
    [[nodiscard]] core::TimeNs next_sample_ns(core::TimeNs now_ns) const;
    //! Closes the sample that ends now. Collective.
    core::Frame const& read(core::TimeNs now_ns, Racks racks, FabricPartition& fabric);

    //! Of the whole run, all racks, at the last sample.
    [[nodiscard]] Counts const& run_counts() const { return last_; }
    [[nodiscard]] double output_tokens_per_s() const { return output_tokens_per_s_; }
    //! The sample that was read ended with a power failure: the racks' next events are others.
    [[nodiscard]] bool power_failed() const { return supply_.goes_dark(); }
    [[nodiscard]] double facility_w() const { return facility_w_; }
    //! Totals of the measured period into `results`. Collective.
    void report(Results& results) const;
    [[nodiscard]] LinkGauges& links() { return links_; }
    [[nodiscard]] LinkGauges const& links() const { return links_; }
    //! Of the columns of the whole facility; the same on every rank.
    [[nodiscard]] core::Digest const& digest() const { return digest_; }

    template <class Archive>
    void archive(Archive& ar) {
        ar& samples_& last_ns_& last_& at_warmup_& measured_energy_& measured_it_uj_&
            measured_accelerator_ns_;
        ar& measured_boards_uj_& measured_racks_uj_& series_w_& site_power_& control_;
        ar& site_budget_& row_budgets_& rack_budgets_;
        ar& supply_& charge_uj_& charge_at_warmup_uj_& dark_ns_& fine_series_w_;
        ar& measured_pool_blocks_& measured_used_blocks_;
        ar& links_& digest_& output_tokens_per_s_& facility_w_& history_;
    }

  private:
    //! Sums over all racks that one sample needs; integers throughout, so that ranks add up exactly.
    struct Sums {
        Counts counts;                                                // of the whole run so far
        Energies energy_uj;                                           // of the sample
        std::array<core::TimeNs, llm::share_count> accelerator_ns{};  // of the sample
        std::int64_t boards_uj{0};                                    // of the sample: accelerator boards
        std::int64_t boards{0};
        std::int64_t clock_ppb{0};  // of all boards
        std::int64_t active_transfers{0};
        std::int64_t charge_uj{0};  // of the racks' stores, at the end of the sample
        std::int64_t racks_uj{
            0};  // of the sample, used in racks, and so on: without what stores take or give
        std::int64_t it_uj{0};
        BudgetUse rack_budgets;
        std::int64_t pool_blocks{0};  // KV blocks, at the sample's end
        std::int64_t used_blocks{0};
    };

    void follow_loads(Racks racks, Sums const& sums, bool measured);
    void begin_frame(core::TimeNs now_ns, std::size_t racks);
    void read_rack(Rack& rack, std::size_t place, core::TimeNs now_ns, std::int64_t nic_bytes, Sums& sums);
    [[nodiscard]] Energies at_meter(Rack& rack, RackEnergy const& used, MeterReading const& meter,
                                    Sums& sums);
    void settle_power(Sums& sums, core::TimeNs now_ns);
    void add_up(Sums& sums);
    void watch_budgets(Sums const& sums);
    [[nodiscard]] double site_budget_w() const;
    void put_stores(Sums const& sums);
    void put_plant(Sums const& sums);
    [[nodiscard]] std::vector<TierPower> network_power(double seconds) const;
    void follow_swings();
    void put_rows(Racks racks, Sums const& sums);
    void put_facility(Sums const& sums);
    void put(char const* name, char const* unit, char const* description, double value);
    [[nodiscard]] double per_second(std::int64_t sum) const { return static_cast<double>(sum) / sample_s_; }

    World const* world_;
    parallel::Comm const* comm_;
    RackPower rack_power_;
    SitePower site_power_;
    core::TimeNs last_ns_{0};    //!< end of the last sample
    core::TimeNs sample_ns_{0};  //!< length of this one
    double sample_s_{0};
    LinkGauges links_;
    PowerControl control_;
    SiteSupply supply_;
    std::int64_t charge_uj_;  //!< in all stores, at the end of the last sample
    std::int64_t charge_at_warmup_uj_;
    core::TimeNs dark_ns_{0};           //!< of the measured period, without power
    std::vector<std::int64_t> row_uj_;  //!< of the sample, by row: at its meter, then what its racks needed
    std::vector<std::int64_t> bin_uj_;  //!< of the sample, of the racks, by fine bin
    core::Frame frame_;

    std::int64_t samples_{0};
    Counts last_;  //!< whole run, all racks, at the last sample
    Counts at_warmup_;
    Energies measured_energy_;
    std::int64_t measured_it_uj_{0};
    std::int64_t measured_boards_uj_{0};
    std::int64_t measured_racks_uj_{0};
    BudgetUse site_budget_;
    BudgetUse row_budgets_;
    BudgetUse rack_budgets_;
    std::vector<double> series_w_;       //!< facility power of the measured whole samples
    std::vector<double> fine_series_w_;  //!< the same by fine bins
    std::array<core::TimeNs, llm::share_count> measured_accelerator_ns_{};
    std::int64_t measured_pool_blocks_{0};  //!< sums over samples
    std::int64_t measured_used_blocks_{0};
    std::vector<ServiceLoad> loads_;  //!< of all services, at the sample's end
    LoadHistory history_;
    core::Digest digest_;
    double output_tokens_per_s_{0};
    double facility_w_{0};
};

}  // namespace mw::engine
