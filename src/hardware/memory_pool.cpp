#include "megaweave/hardware/memory_pool.hpp"

namespace mw::hardware {

namespace {

constexpr double bytes_per_s_of_800g = 100e9;

}  // namespace

PoolPower::PoolPower(MemoryPoolParams const& pool, std::int64_t links, double end_w_per_800g)
    : static_w_{pool.capacity_bytes * pool.memory.idle_w_per_byte +
                2.0 * static_cast<double>(links) * static_cast<double>(pool.link_bytes_per_s) /
                    bytes_per_s_of_800g * end_w_per_800g},
      joules_per_byte_{8.0 * pool.memory.joules_per_bit},
      most_w_{static_w_ + joules_per_byte_ * static_cast<double>(pool.bytes_per_s)} {}

}  // namespace mw::hardware
