#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "megaweave/core/time.hpp"

namespace mw::hardware {

enum class Precision : std::uint8_t { fp4, fp8, bf16 };
inline constexpr std::size_t precision_count = 3;

//! Bytes of one number, without block scales.
[[nodiscard]] constexpr double bytes_per_value(Precision p) {
    return p == Precision::fp4 ? 0.5 : p == Precision::fp8 ? 1.0 : 2.0;
}
[[nodiscard]] constexpr std::size_t index_of(Precision p) {
    return static_cast<std::size_t>(p);
}

//! How far a catalogue value can be trusted.
enum class Quality : std::uint8_t { measured, published, estimate };

//! Where a catalogue entry comes from.
struct Provenance {
    std::string source;                  //!< where to look it up
    Quality quality{Quality::estimate};  //!< of the weakest value that matters
    std::string note;                    //!< which value is weak, and why
};

/*!
 * What an engine generation reaches of the hardware's ceilings, and its fixed costs (physics.md, section 1).
 *
 * Few and physical: fitted on published throughput, never per point.
 */
struct EngineEfficiency {
    std::array<double, precision_count> flops{
        0.57, 0.57, 0.57};                 //!< of peak, in large matrix products, per weight precision
    double attention_flops{0.60};          //!< of the BF16 peak, in attention kernels
    double hbm{0.92};                      //!< of HBM bandwidth, streaming weights and KV
    double link{0.62};                     //!< of link bandwidth, in collectives
    double communication_overlap{0};       //!< of collectives, hidden behind other work
    core::TimeNs iteration_ns{7'200'000};  //!< fixed cost of an iteration (scheduler, launch, sampling)
    core::TimeNs layer_ns{0};              //!< fixed cost of a layer
    core::TimeNs collective_ns{73'000};    //!< latency of one collective
    Provenance provenance;
};

//! One accelerator: ceilings, memory, and where its watts go. Rates are per accelerator and direction.
struct AcceleratorParams {
    std::string name;
    std::array<double, precision_count>
        peak_flops{};     //!< dense FLOP/s by precision; 0: the precision is not native
    double hbm_bytes{0};  //!< capacity
    double hbm_bytes_per_s{0};
    double scale_up_bytes_per_s{0};   //!< into the scale-up domain, per direction
    double scale_out_bytes_per_s{0};  //!< its NIC's line rate, per direction
    double tdp_w{0};
    double idle_w{0};           //!< powered, no context on it
    double resident_idle_w{0};  //!< a model loaded, nothing to do: the idle state of a serving fleet
    std::array<double, precision_count> joules_per_flop{};  //!< dynamic, by precision of the product
    double joules_per_hbm_byte{0};  //!< dynamic, HBM and the on-die movement that goes with it
    double joules_per_link_bit{0};  //!< scale-up SerDes, dynamic part
    EngineEfficiency efficiency;
    Provenance provenance;
};

//! One host with its accelerators: what it draws besides them.
struct NodeParams {
    std::int64_t accelerators{0};
    double host_idle_w{0};        //!< CPUs, memory, storage, board; no fans, no NICs
    double host_active_w{0};      //!< the same while every accelerator is busy
    double nic_idle_w{0};         //!< of one NIC; there is one per accelerator
    double nic_active_w{0};       //!< of one NIC at line rate
    double scale_up_switch_w{0};  //!< switches of the scale-up domain, this node's share; always on
    double fan_idle_w{0};         //!< server fans with idle accelerators; 0 where liquid-cooled
    double fan_full_w{0};         //!< with every accelerator at TDP; cubic in air flow between
    double psu_rating_w{
        0};  //!< of all installed supplies together, so that load / rating is the real load point
    double nameplate_w{0};  //!< maximum input
};

//! One rack type: the logical process of the simulation and a box on the floor.
struct RackParams {
    std::string name;
    AcceleratorParams accelerator;
    NodeParams node;
    std::int64_t nodes{0};
    std::int64_t scale_up_domain{
        0};                       //!< accelerators that share a scale-up fabric: a node's or the whole rack's
    double liquid_heat_share{0};  //!< of the rack's heat that leaves by liquid when the site cools by liquid
    double width_m{0.6};
    double depth_m{1.2};
    double height_m{2.2};
    Provenance provenance;

    [[nodiscard]] std::int64_t accelerators() const { return nodes * node.accelerators; }
};

}  // namespace mw::hardware
