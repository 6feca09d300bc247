#pragma once

#include <cstdint>
#include <string>

#include "megaweave/core/time.hpp"
#include "megaweave/hardware/params.hpp"

namespace mw::hardware {

//! Which accelerators share a memory pool.
enum class PoolScope : std::uint8_t { rack, node };

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
 * Fabric-attached memory that the accelerators of a rack or of a node share.
 *
 * What it is for: KV blocks that HBM has no room for (or sequences that were put aside), cached prefixes, weights to be loaded.
 */
struct MemoryPoolParams {
    PoolScope scope{PoolScope::rack};
    double capacity_bytes{0};          //!< of one pool; 0: there is none
    std::int64_t bytes_per_s{0};       //!< of one pool: its memory and its switch; reads and writes together
    std::int64_t link_bytes_per_s{0};  //!< of one accelerator's link to it
    /*!
     * Share of an iteration's other kernels behind which reads hide. 0: attention kernels load from the pool, so that only their own
     * HBM reads overlap. 1: the next layer's blocks are staged in HBM while this layer runs.
     */
    double prefetch{0};
    PoolMemoryParams memory;

    [[nodiscard]] bool present() const { return capacity_bytes > 0; }
    //! Accelerators of one pool.
    [[nodiscard]] std::int64_t accelerators(RackParams const& rack) const {
        return scope == PoolScope::rack ? rack.accelerators() : rack.node.accelerators;
    }
};

/*!
 * What one pool draws.
 *
 *     P = C w + 2 n l e / (800 Gb/s) + 8 B e_m
 *
 * C: capacity, w: idle power of a byte; n links of rate l with an end of e watts (at 800 Gb/s) at the pool and one at the accelerator,
 * which draw it whatever the load; B: bytes/s moved at e_m joules a bit. Source: physics.md section 4 for ends; the catalogue for
 * memory. Valid: memory that stays powered. Leaves out: power-down of banks, row misses, the pool's own host, cooling beyond its
 * rack's. What the moved bytes cost on the accelerator's die counts with the accelerator (RackPower).
 * Worked: 32 TB at 50 W/TB, 32 links of 437.5 GB/s with ends of 2.4 W at 800 Gb/s: 1600 + 672 W; 14 TB/s at 12 pJ/bit: 1344 W more.
 */
class PoolPower {
  public:
    //! `links`: accelerators; `end_w_per_800g`: fabric::OpticsParams::port_w_per_800g of the pool's links.
    PoolPower(MemoryPoolParams const& pool, std::int64_t links, double end_w_per_800g);

    //! Whatever the load [W].
    [[nodiscard]] double static_w() const { return static_w_; }
    //! Of moved bytes [J].
    [[nodiscard]] double moved_j(std::int64_t bytes) const {
        return joules_per_byte_ * static_cast<double>(bytes);
    }
    //! At full bandwidth [W].
    [[nodiscard]] double most_w() const { return most_w_; }

  private:
    double static_w_;
    double joules_per_byte_;
    double most_w_;
};

}  // namespace mw::hardware
