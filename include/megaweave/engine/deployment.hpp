#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "megaweave/engine/world.hpp"

namespace mw::engine {

//! What a deck amounts to, before anything runs.
struct Deployment {
    struct Service {
        std::string name;
        std::string model;
        std::int64_t instances{0};
        std::int64_t prefill_instances{0};  //!< of them; 0: unified
        std::int64_t accelerators_per_instance{0};
        std::int64_t cells{0};
        double weight_bytes_per_accelerator{0};
        double kv_bytes_per_token{0};  //!< all accelerators of an instance together
        std::int64_t kv_blocks{0};     //!< of one instance
        std::int64_t kv_tokens{0};
        std::int64_t pool_tokens{0};  //!< of them, in the memory pool; with swapping, beside them
        double requests_per_s{0};     //!< offered; 0: closed loop
        double input_tokens{0};       //!< mean of a request
        double output_tokens{0};
    };

    std::int64_t accelerators{0};
    std::int64_t unused_accelerators{0};
    std::int64_t racks{0};
    std::int64_t nodes{0};
    std::int64_t memory_nodes{0};  //!< beside them, of a pool of the site
    std::int64_t halls{0};
    std::vector<site::NetworkTier> network;  //!< scale-out, hosts first
    std::int64_t switches{0};
    std::int64_t cables{0};
    std::int64_t optical_ends{0};
    std::int64_t links{0};  //!< directed, as simulated

    //! The scale-up domains: all of them alike; the last may be partly filled.
    struct ScaleUp {
        std::int64_t domains{0};
        std::int64_t accelerators{0};  //!< of one, and so on
        std::int64_t racks{0};         //!< that one spans; 1 also where a rack holds several
        std::int64_t switch_tiers{0};
        std::int64_t switches{0};
        std::int64_t cables{0};
        std::int64_t optical_ends{0};
        double latency_ns{0};
        double bisection_bytes_per_s{0};
        double all_to_all_bytes_per_s{0};  //!< of one accelerator, among all of the domain
        double w_per_accelerator{0};       //!< switches and optics
    } scale_up;
    double nameplate_it_w{0};
    double nameplate_facility_w{0};
    double idle_facility_w{0};
    std::vector<Service> services;
};

//! Power of the site when all its accelerators are powered and idle, in steady state [W].
[[nodiscard]] double idle_facility_w(World const& world);
[[nodiscard]] Deployment describe(World const& world);

//! Power at the utility's meter while no request is in the site, at the start of the measured period; no control can go below it [W].
[[nodiscard]] double idle_facility_w(World const& world);

//! Throws core::TooLarge where a run of this length cannot be counted: accelerators times time, or the energy of the idle site.
void require_countable(World const& world);

}  // namespace mw::engine
