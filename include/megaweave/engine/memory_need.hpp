#pragma once

#include <string>
#include <vector>

#include "megaweave/engine/deployment.hpp"

namespace mw::engine {

//! A part of what a run keeps in memory, and the key that sets it.
struct MemoryNeed {
    std::string key;
    std::string what;
    double bytes{0};
};

/*!
 * Memory that a run of a deck needs, all ranks together, beside the program itself.
 *
 *     requests: 1.4 kB for each in flight: all of a burst or a closed loop; of an open load a full batch of each instance, and what
 *               comes in the whole run beyond twice the rate at which full batches end
 *     series:   64 B for each 25 ms of the measured period, and for each sample
 *     bins:     8 B for each 25 ms of a sample, of each rack
 *     site:     40 kB for each rack, 2 kB for each instance, 250 B for each link
 *
 * Source: peak resident memory of runs (tests/edges/memory.py holds them within a factor of 2): on one rank and thread, less the 34 MB
 * of a run of ten requests, bursts of one and four million took 1.397 and 5.578 GB, a closed loop of a million 1.395 GB; sites of 256
 * and 1,024 racks with four instances and nine links each took 22 and 61 MB. The constants of the series and the bins are not measured.
 * Leaves out: records on their way to run.h5, messages of a window, what MPI sets aside.
 * Worked: a burst of a million requests on one rack needs 1.4 GB for them.
 */
[[nodiscard]] std::vector<MemoryNeed> memory_needs(World const& world, Deployment const& deployment);

//! Requests of a service that are in the site at the same time, at most.
[[nodiscard]] double most_in_flight(ServiceModel const& model, Deployment::Service const& service,
                                    double run_s);

}  // namespace mw::engine
