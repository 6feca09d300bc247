#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "megaweave/core/time.hpp"
#include "megaweave/hardware/power_params.hpp"

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
 * What large kernels reach of an accelerator's ceilings, whoever wrote them (physics.md, section 1).
 *
 * Few and physical: fitted on published throughput over all engines (postprocess/calibrate.py); what an engine's generation adds
 * is in its own catalogue entry (llm::EngineParams).
 */
struct KernelEfficiency {
    std::array<double, precision_count> flops{
        0.60, 0.60, 0.60};  //!< of peak, dense products, by the precision at which they run
    std::array<double, precision_count> expert_flops{0.64, 0.64,
                                                     0.64};  //!< of that, grouped products of experts
    double attention_flops{0.60};                            //!< of the BF16 peak, attention kernels
    double hbm{0.92};                                        //!< of HBM bandwidth, reading weights
    double kv_hbm{0.75};                                     //!< of HBM bandwidth, reading KV caches
    double link{0.50};                                       //!< of link bandwidth, collectives
    double launch_time{1};  //!< what a kernel and a collective take at least, over what the engine states
    double host_time{1};    //!< of the host's work, over what the engine states: the CPUs that come with it
    Provenance provenance;
};

//! One accelerator: ceilings, memory, and where its watts go. Rates are per accelerator and direction.
struct AcceleratorParams {
    std::string name;
    std::array<double, precision_count>
        peak_flops{};            //!< dense FLOP/s by precision; 0: the precision is not native
    double hbm_bytes{0};         //!< capacity, as it is sold
    double hbm_usable_bytes{0};  //!< as the driver reports it (a GiB may be sold as a GB); 0: the same
    double hbm_bytes_per_s{0};
    double scale_up_bytes_per_s{0};   //!< into the scale-up domain, per direction
    double scale_out_bytes_per_s{0};  //!< its NIC's line rate, per direction
    double tdp_w{0};
    double idle_w{0};           //!< powered, no context on it
    double resident_idle_w{0};  //!< a model loaded, nothing to do: the idle state of a serving fleet
    std::array<double, precision_count> joules_per_flop{};  //!< dynamic, by precision of the product
    double joules_per_hbm_byte{0};  //!< dynamic, HBM and the on-die movement that goes with it
    double joules_per_link_bit{0};  //!< scale-up SerDes, dynamic part
    KernelPowerParams kernel_power;
    std::string power_source;  //!< of the energies and watts above
    ClockParams clock;
    ThermalParams thermal;
    KernelEfficiency efficiency;
    Provenance provenance;

    [[nodiscard]] double usable_bytes() const { return hbm_usable_bytes > 0 ? hbm_usable_bytes : hbm_bytes; }
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
    double nameplate_w{0};               //!< maximum input
    bool scale_up_switch_stated{false};  //!< by the entry or deck; else it follows from the rack's `ScaleUp`
};

enum class ScaleUpKind : std::uint8_t { switched, mesh, torus };
enum class Medium : std::uint8_t { copper, optical };

//! What joins the accelerators of a scale-up domain (see `ScaleUp`). A link's rate is the accelerator's over its links.
struct ScaleUpParams {
    ScaleUpKind kind{ScaleUpKind::switched};
    Medium medium{Medium::copper};  //!< of all cables
    std::int64_t links{18};         //!< of one accelerator
    std::int64_t radix{72};         //!< links of a switch that are in use (switched)
    std::int64_t dimensions{3};     //!< of a torus
    double switch_w{0};             //!< of one switch, always on
    std::string optics;             //!< technology of the optical ends …
    double optics_w_per_800g{0};    //!< … and what one end of 800 Gb/s draws
    core::TimeNs switch_ns{250};    //!< of a switch, or of an accelerator that passes traffic on
    core::TimeNs cable_ns{0};       //!< 0: by the length, from how many racks a domain spans
};

//! One rack type: the logical process of the simulation and a box on the floor.
struct RackParams {
    std::string name;
    AcceleratorParams accelerator;
    NodeParams node;
    std::int64_t nodes{0};
    std::int64_t scale_up_domain{
        0};  //!< accelerators that share a scale-up fabric: a node's or the whole rack's
    ScaleUpParams scale_up;
    bool scale_up_reduces{false};  //!< its switches add what passes (in-switch reduction), and engines use it
    double liquid_heat_share{0};   //!< of the rack's heat that leaves by liquid when the site cools by liquid
    double width_m{0.6};
    double depth_m{1.2};
    double height_m{2.2};
    Provenance provenance;

    [[nodiscard]] std::int64_t accelerators() const { return nodes * node.accelerators; }
};

//! Which accelerators share a memory pool. site: all, over the scale-out network.
enum class PoolScope : std::uint8_t { rack, node, site };

//! What a pool's memory is made of. Values are estimates where the catalogue says so.
struct PoolMemoryParams {
    std::string name;
    double joules_per_bit{
        0};  //!< moved: array, interface and controller, without the links to the accelerators
    double idle_w_per_byte{0};   //!< of capacity: refresh, standby, controllers; always on
    core::TimeNs latency_ns{0};  //!< from a load in a kernel to its first bytes, links and switching included
    Provenance provenance;
};

/*!
 * Fabric-attached memory that the accelerators of a rack or of a node share; or those of the site, in memory nodes that hang on the
 * scale-out network with as many NICs as a node of accelerators.
 *
 * What it is for: KV blocks that HBM has no room for (or sequences that were put aside), cached prefixes, weights to be loaded.
 */
struct MemoryPoolParams {
    PoolScope scope{PoolScope::rack};
    double capacity_bytes{0};     //!< of one pool; 0: there is none
    std::int64_t bytes_per_s{0};  //!< of one pool: its memory and its switch; reads and writes together
    std::int64_t link_bytes_per_s{
        0};  //!< of one accelerator's link to it; site: of its NIC, reads take no more
    /*!
     * Share of an iteration's other kernels behind which reads hide. 0: attention kernels load from the pool, so that only their own
     * HBM reads overlap. 1: the next layer's blocks are staged in HBM while this layer runs.
     */
    double prefetch{0};
    PoolMemoryParams memory;

    [[nodiscard]] bool present() const { return capacity_bytes > 0; }
    //! Its bytes travel over the scale-out network, beside all others'.
    [[nodiscard]] bool on_network() const { return present() && scope == PoolScope::site; }
    //! Accelerators of one pool with links of its own.
    [[nodiscard]] std::int64_t accelerators(RackParams const& rack) const {
        return scope == PoolScope::rack ? rack.accelerators() : rack.node.accelerators;
    }
};

}  // namespace mw::hardware
