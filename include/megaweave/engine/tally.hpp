#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "megaweave/core/integer.hpp"

namespace mw::engine {

//! What is counted, everywhere, as integers that add up in any order.
enum class Count : std::uint8_t {
    // Of the whole run
    arrivals,
    completions,
    rejections,
    in_flight_moment_us,  //!< times of departures less times of arrivals; with the number in flight, its integral over time
    first_tokens,
    ttft_ns,  //!< sum over first tokens
    tpot_ns,  //!< sum over completions with more than one token
    tpot_samples,
    output_tokens,
    input_tokens,      //!< prompt tokens processed or found in the prefix cache
    cached_tokens,     //!< of them, found
    completed_tokens,  //!< output tokens of completed requests
    preemptions,
    kv_starved_ns,  //!< of iterations of instances in which a prompt waited for nothing but KV blocks
    iterations,
    events,
    messages,
    kv_bytes,             //!< of caches fetched
    bytes_between_racks,  //!< of them, between racks
    pool_bytes,           //!< from and to memory pools, up to the last sample
    in_service_ns,        //!< requests in service times time, up to the last sample
    // Of the requests that arrived in the measured period
    cohort_arrived,
    cohort_completed,
    cohort_rejected,
    measured_completions,  //!< in the measured period, whenever they arrived
    count_
};
inline constexpr std::size_t count_size = static_cast<std::size_t>(Count::count_);

//! Where energy goes, in the order of the summary's breakdown [uJ].
enum class Consumer : std::uint8_t {
    accelerator_idle,
    accelerator_compute,
    accelerator_memory,
    host,
    nic,
    scale_up,
    scale_out_switch,
    optics,
    memory_pool,
    conversion,
    fans,
    cooling,
    storage,  //!< into batteries, net: negative while they give
    count_
};
inline constexpr std::size_t consumer_size = static_cast<std::size_t>(Consumer::count_);

inline constexpr std::array<char const*, consumer_size> consumer_names = {"accelerator_idle",
                                                                          "accelerator_compute",
                                                                          "accelerator_memory",
                                                                          "host",
                                                                          "nic",
                                                                          "scale_up",
                                                                          "scale_out_switch",
                                                                          "optics",
                                                                          "memory_pool",
                                                                          "conversion",
                                                                          "fans",
                                                                          "cooling",
                                                                          "storage"};

//! Their columns in run.h5.
inline constexpr std::array<char const*, consumer_size> consumer_columns = {"accelerator_idle_w",
                                                                            "accelerator_compute_w",
                                                                            "accelerator_memory_w",
                                                                            "host_w",
                                                                            "nic_w",
                                                                            "scale_up_w",
                                                                            "scale_out_switch_w",
                                                                            "optics_w",
                                                                            "memory_pool_w",
                                                                            "conversion_w",
                                                                            "fans_w",
                                                                            "cooling_w",
                                                                            "storage_w"};

//! An array of integers with names for its places.
template <class Name, std::size_t size>
struct Tally {
    std::array<std::int64_t, size> values{};

    std::int64_t& operator[](Name name) { return values[static_cast<std::size_t>(name)]; }
    std::int64_t operator[](Name name) const { return values[static_cast<std::size_t>(name)]; }
    Tally& operator+=(Tally const& other) {
        for (std::size_t i = 0; i < size; ++i)
            values[i] =
                core::checked_sum(values[i], other.values[i], "a sum of energies [uJ], counts or times [ns]");
        return *this;
    }
    friend Tally operator-(Tally a, Tally const& b) {
        for (std::size_t i = 0; i < size; ++i) a.values[i] -= b.values[i];
        return a;
    }
    [[nodiscard]] std::int64_t sum() const {
        std::int64_t total = 0;
        for (std::int64_t const value : values)
            total = core::checked_sum(total, value, "a sum of energies [uJ], counts or times [ns]");
        return total;
    }
};

using Counts = Tally<Count, count_size>;
using Energies = Tally<Consumer, consumer_size>;

}  // namespace mw::engine
