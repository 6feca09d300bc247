#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "megaweave/core/hash.hpp"
#include "megaweave/core/histogram.hpp"
#include "megaweave/core/time.hpp"
#include "megaweave/engine/load_history.hpp"
#include "megaweave/engine/tally.hpp"
#include "megaweave/llm/iteration.hpp"
#include "megaweave/parallel/comm.hpp"
#include "megaweave/serving/request.hpp"

namespace mw::engine {

/*!
 * Results of one service [ns].
 *
 * Two populations. The requests that arrived in the measured period, whenever they end: how long their first token and their end took, those
 * that are still open beside them. And what happened in the measured period, whenever it began: completions and tokens.
 */
struct ServiceResults {
    // Arrivals of the measured period
    core::Histogram ttft;        //!< of those whose client has its first token
    core::Histogram e2e;         //!< of those that are complete
    core::Histogram queue_wait;  //!< arrival to the first iteration, of those with a first token
    std::array<core::CoarseHistogram, serving::ttft_parts> parts;  //!< of `ttft`, by TtftPart
    core::CoarseHistogram contention;                              //!< of the part `transfer`
    core::Histogram ttft_open;  //!< ages at the end of those without a first token
    core::Histogram e2e_open;   //!< ages at the end of all that are open
    std::int64_t arrived{0};
    std::int64_t completed{0};
    std::int64_t rejected{0};
    std::int64_t late{0};  //!< open, and already later than an objective allows
    std::int64_t met{0};   //!< complete within the objectives
    // Events of the measured period
    core::Histogram
        token_gaps;        //!< between tokens of a sequence (inter-token latency), one for each delivery
    core::Histogram tpot;  //!< of completions of more than one token
    core::Histogram longest_gap;     //!< between tokens of a request, likewise
    core::Histogram completed_ttft;  //!< of completions
    core::Histogram completed_e2e;
    std::int64_t completions{0};
    std::int64_t output_tokens{0};   //!< of completions
    std::int64_t goodput_tokens{0};  //!< of completions within the objectives

    //! Arrivals whose outcome is known: complete, rejected, or later than their objectives.
    [[nodiscard]] std::int64_t decided() const { return completed + rejected + late; }
    [[nodiscard]] std::int64_t undecided() const { return arrived - decided(); }

    void merge(ServiceResults const& other);
    //! Adds everything to a digest, under this key.
    void add_to(core::Digest& digest, std::uint64_t key) const;

    template <class Archive>
    void archive(Archive& ar) {
        ar& ttft& e2e& queue_wait& parts& contention& ttft_open& e2e_open;
        ar& arrived& completed& rejected& late& met& goodput_tokens;
        ar& token_gaps& tpot& longest_gap& completed_ttft& completed_e2e& completions& output_tokens;
    }
};

//! One request of the sample that run.h5 lists.
struct RequestRecord {
    std::uint64_t id{0};
    std::int32_t service{0};
    std::int32_t input_tokens{0};
    std::int32_t output_tokens{0};
    std::int32_t preemptions{0};
    core::TimeNs arrival_ns{0};
    core::TimeNs first_token_ns{0};
    core::TimeNs completed_ns{0};
    std::array<core::TimeNs, serving::ttft_parts> part_ns{};  //!< of the time to first token, by TtftPart
    core::TimeNs contention_ns{0};                            //!< of the part `transfer`
    core::TimeNs longest_gap_ns{0};                           //!< between two tokens
    std::int32_t prefill_instance{0};
    std::int32_t decode_instance{0};
};

//! Shares of the window's bytes that were checked against the definition of max-min fairness.
struct FairnessCount {
    std::int64_t flows{
        0};  //!< transfers and standing demands, once for each sample in which they wanted bytes
    std::int64_t violations{
        0};  //!< links above capacity, flows below their demand that no full link explains

    FairnessCount& operator+=(FairnessCount other) {
        flows += other.flows;
        violations += other.violations;
        return *this;
    }
};

//! One tier of links, away from the nodes (0) and towards them (1), in shares of capacity.
struct TierUse {
    std::string name;
    std::array<double, 2> mean{};
    std::array<double, 2> peak{};  //!< of any bundle in any sample
};

//! A bundle of links in the measured period.
struct BundleUse {
    std::int64_t bundle{0};
    std::string name;
    std::int64_t tier{0};
    double mean{0};                   //!< of capacity
    double peak{0};                   //!< highest sample
    double full{0};                   //!< share of the time in samples of 90 % or more
    std::vector<std::int64_t> bytes;  //!< by traffic label: service x classes + class

    template <class Archive>
    void archive(Archive& ar) {
        ar& bundle& mean& peak& full& bytes;  // the others follow from the topology
    }
};

//! The same of this rank's bundles, in recording order, as columns.
struct BundleColumns {
    std::vector<float> mean;
    std::vector<float> peak;
    std::vector<float> full;
    std::vector<std::int64_t> bytes;  //!< [bundle x label]
};

//! Fabric totals of the measured period.
struct FabricResults {
    std::int64_t bytes{0};  //!< delivered by transfers, scale-up included
    std::int64_t kv_bytes{0};
    std::int64_t bytes_between_racks{0};
    double peak_utilisation{0};  //!< of any bundle in any sample
    double mean_utilisation{0};  //!< of all bundles, by capacity
    std::vector<TierUse> tiers;
    std::vector<std::int64_t> entered;  //!< bytes that left nodes, by traffic label
    std::vector<BundleUse> fullest;     //!< first those that were full longest, then by mean
    FairnessCount fairness;
};

//! How far meters went above their budgets in the measured period, by samples; of several meters: sums, and the worst of them.
struct BudgetUse {
    core::TimeNs above_ns{0};
    std::int64_t energy_above_uj{0};
    std::int64_t worst_mw{0};  //!< highest sample above its budget; 0: none was

    BudgetUse& operator+=(BudgetUse const& other) {
        above_ns += other.above_ns;
        energy_above_uj += other.energy_above_uj;
        worst_mw = std::max(worst_mw, other.worst_mw);
        return *this;
    }
};

//! What one tier of the scale-out network drew in the measured period: its share of switches and transceivers.
struct TierPower {
    std::string name;
    std::int64_t switches{0};
    std::int64_t optical_ends{0};
    double switches_w{0};
    double optics_w{0};
};

//! What the machine did, not the site: differs from run to run.
struct Performance {
    int ranks{1};
    int threads{1};
    double wall_s{0};
    double simulated_s{0};
    std::int64_t iterations{0};
    std::int64_t events{0};
    std::int64_t windows{0};
    std::int64_t messages{0};         //!< between racks
    std::int64_t remote_messages{0};  //!< between ranks
    std::int64_t bytes{0};            //!< between ranks
    std::int64_t solver_rounds{0};
    std::int64_t peak_rss_mb{0};        //!< all ranks together
    std::array<double, 5> time_in_s{};  //!< racks, fabric, exchange, plant, record; mean over ranks
};
inline constexpr std::array<char const*, 5> phase_names = {"racks", "fabric", "exchange", "plant", "record"};

//! Everything that the summary states.
struct Results {
    std::string digest;
    double measured_s{0};
    std::int64_t accelerators{0};
    Counts run_counts;  //!< of the whole run, warm-up included
    Counts counts;      //!< of the measured period; cohorts as their names say
    std::int64_t in_flight{0};
    Energies energy_uj;  //!< of the measured period; the sum is what the utility's meter saw
    //! Use within each boundary, without what stores took or gave, with their losses.
    std::int64_t it_energy_uj{0};
    std::int64_t boards_energy_uj{0};  //!< of the accelerator boards, links and leakage included
    std::int64_t racks_energy_uj{0};
    [[nodiscard]] std::int64_t used_energy_uj() const {
        return energy_uj.sum() - energy_uj[Consumer::storage];
    }
    BudgetUse site_budget;
    BudgetUse row_budgets;   //!< all rows together
    BudgetUse rack_budgets;  //!< all racks together
    std::int64_t rows{0};
    std::int64_t racks{0};
    //! Nameplates at each boundary: boards (TDP), racks' AC inlets, IT, facility.
    std::array<double, 4> provisioned_w{};
    std::int64_t pools{0};
    double pool_share_of_blocks{0};  //!< KV blocks in memory pools over blocks in use, mean of samples
    double mean_in_service{
        0};  //!< requests that instances work on, or whose caches are on the way; over time
    std::vector<double> facility_series_w;  //!< mean of each whole sample of the measured period
    double series_step_s{0};
    std::vector<double> fine_series_w;  //!< the same by steps of at most 25 ms
    double fine_step_s{0};
    std::int64_t stored_at_start_uj{0};  //!< in racks' stores and batteries, of the measured period
    std::int64_t stored_at_end_uj{0};
    double dark_s{0};  //!< of the measured period, without power
    std::vector<TierPower>
        network_power;  //!< from the hosts up; adds up to the breakdown's switches and optics
    std::array<core::TimeNs, llm::share_count> accelerator_ns{};
    std::vector<ServiceResults> services;
    std::vector<std::int64_t> instances;  //!< by service
    LoadHistory history;                  //!< of the measured period
    double mean_in_flight{0};             //!< requests arrived and not done, over time
    bool drained{false};                  //!< nothing more arrives and all is served
    FabricResults fabric;
    Performance performance;
};

}  // namespace mw::engine
