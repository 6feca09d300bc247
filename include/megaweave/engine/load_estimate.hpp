#pragma once

#include <cstdint>

#include "megaweave/core/ids.hpp"
#include "megaweave/engine/world.hpp"

namespace mw::engine {

//! The part of a service that is full first: its instances, those of one kind, or the adapters that caches pass.
enum class Bound : std::uint8_t { unified, prefill, decode, network };

//! Capacity of a service, by `estimate_load`.
struct LoadEstimate {
    double offered_per_s{0};   //!< requests; 0 for closed loops and bursts
    double capacity_per_s{0};  //!< requests that it can serve for ever; 0: none fits
    Bound bound{Bound::unified};
    double in_flight{0};  //!< requests on all instances when they are full
    double ttft_s{
        0};  //!< of a request of mean lengths that is alone: prompt, transfer of its cache, first token
    double tpot_s{0};       //!< of the same
    double iteration_s{0};  //!< of decode at the offered load, or of full instances
    double life_s{0};       //!< of a request of mean lengths at that load, without waiting

    //! Offered over capacity; 0 where nothing has a rate.
    [[nodiscard]] double load() const { return capacity_per_s > 0 ? offered_per_s / capacity_per_s : 0.0; }
};

/*!
 * Capacity of a service: one instance of each kind runs alone with requests waiting at all times, by the run's own batching and
 * iteration times.
 *
 *     capacity = min over cells c of min(p(c) r_p, d(c) r_d) / part(c),   unified: N r
 *     r = tokens/s of the full instance (prompt tokens for prefill instances, else output tokens) / mean tokens of a request
 *
 * and where prefill and decode instances do not share scale-up domains, min(p a_p, d a_d) b / (cache of a mean prompt), with accelerators a
 * of an instance and bytes/s b of an adapter. p, d: prefill and decode instances of the cell; part: the share of the load that it is given (workload::CellShare). A prefill
 * instance gives its blocks free at once, a decode instance has caches at once. The lengths are the laws' quantiles at the points of a
 * two-dimensional low-discrepancy sequence, or rows all over the trace: no chance in them. The first two lives of a full batch are left
 * out, then four and at least 256 requests are measured, in at most 60,000 iterations.
 *
 * Life at the offered load: n sequences on an instance by Little's law, n = rate x life, life = TTFT + (output - 1) T(n), by iteration.
 *
 * Valid: steady load. Leaves out: the network beyond its adapters (and collectives that leave the scale-up domain at less than their link's rate),
 * windows, chance in arrivals and its queues, heat, caps by the site's control, pools on the network and what other instances take of a
 * rack's pool (each has its even part). Requests that never fit count as served at once.
 * Errors against saturated runs: tests/physics/capacity_test.cpp, on five decks +1.5, -0.9, -0.6, +2.7 and -4.4 %. The adapters' bound is not held against a run yet.
 * Worked: the case unstable_but_objectives_met (quickstart on 576 accelerators): 492 requests/s by its run.
 */
[[nodiscard]] LoadEstimate estimate_load(World const& world, core::ServiceId id);

//! Requests a second that arrive at a service; 0 for closed loops and bursts.
[[nodiscard]] double offered_per_s(ServiceModel const& service);
//! Mean tokens of its requests.
[[nodiscard]] double mean_input_tokens(ServiceModel const& service);
[[nodiscard]] double mean_output_tokens(ServiceModel const& service);

}  // namespace mw::engine
