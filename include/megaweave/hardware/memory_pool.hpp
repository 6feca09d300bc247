#pragma once

#include <cstdint>

#include "megaweave/hardware/params.hpp"

namespace mw::hardware {

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
