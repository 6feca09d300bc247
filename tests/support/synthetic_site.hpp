#pragma once

#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include "megaweave/core/frame.hpp"
#include "megaweave/core/hash.hpp"
#include "megaweave/io/checkpoint.hpp"
#include "megaweave/io/run_file.hpp"

/*!
 * A small made-up site and what it records, as a pure function of indices: any rank, any partition and any reader of the files
 * can say what each value must be.
 */
namespace mw::test {

inline constexpr core::TimeNs sample_ns = 100 * core::ns_per_ms;
inline constexpr core::TimeNs warmup_ns = 5 * sample_ns;

struct Part {
    std::int64_t first;
    std::int64_t count;
};

//! `total` things cut over `ranks`; rank `empty` gets none (-1: none is empty).
inline Part part_of(std::int64_t total, int ranks, int rank, int empty = -1) {
    if (rank == empty && ranks > 1)
        return {rank == 0 ? 0
                          : part_of(total, ranks, rank - 1, empty).first +
                                part_of(total, ranks, rank - 1, empty).count,
                0};
    std::int64_t const shares = empty >= 0 && ranks > 1 ? ranks - 1 : ranks;
    std::int64_t const share = empty >= 0 && rank > empty ? rank - 1 : rank;
    std::int64_t const first = total * share / shares;
    return {first, total * (share + 1) / shares - first};
}

inline float rack_power_w(std::int64_t row, std::int64_t rack) {
    auto const x = static_cast<double>(rack);
    auto const t = static_cast<double>(row);
    return static_cast<float>(38000.0 + 6000.0 * std::sin(0.35 * x + 0.11 * t) + 500.0 * std::cos(1.7 * x));
}
inline float tokens_per_s(std::int64_t row, std::int64_t rack) {
    return static_cast<float>(1000 * row + rack);
}
inline float utilisation(std::int64_t row, std::int64_t link) {
    return static_cast<float>(static_cast<double>((link * 37 + row * 11) % 100) / 100.0);
}
inline float facility_power_w(std::int64_t row) {
    return static_cast<float>(1.5e6 + 1e3 * static_cast<double>(row));
}
inline double time_s(std::int64_t row) {
    return core::to_seconds((row + 1) * sample_ns - warmup_ns);
}

inline std::vector<std::byte> rack_state(std::int64_t rack, std::int64_t version) {
    std::vector<std::byte> bytes(
        static_cast<std::size_t>((rack * 131 + version * 7) % 500));  // some are empty
    auto const key = static_cast<std::uint64_t>(rack * 1'000'003 + version);
    for (std::size_t i = 0; i < bytes.size(); ++i)
        bytes[i] = static_cast<std::byte>(core::mix(key + (i << 32)) & 0xff);
    return bytes;
}

inline io::RackInfo rack_info(std::int64_t rack) {
    auto const row = rack / 16;
    return {"hall0/row" + std::to_string(row) + "/rack" + std::to_string(rack % 16),
            static_cast<std::int32_t>(row / 8),
            static_cast<std::int32_t>(row),
            {0.6 * static_cast<double>(rack % 16) + 0.3, 2.4 * static_cast<double>(row) + 0.6, 0.0},
            {0.58, 1.2, 2.2},
            32};
}

inline io::LinkInfo link_info(std::int64_t link, std::int64_t racks) {
    auto const rack = racks == 0 ? 0 : link % racks;
    auto const at = rack_info(rack).position_m;
    std::array<double, 3> const top{at[0], at[1], 2.2};
    std::array<double, 3> const spine{4.8, 2.4 * static_cast<double>((rack / 16)) + 0.6, 4.0};
    bool const up = link < racks;
    return {(up ? "up" : "down") + std::to_string(rack),
            up ? top : spine,
            up ? spine : top,
            1.6e12,
            0,
            static_cast<std::int32_t>(rack)};
}

inline io::RunShape shape_of(std::int64_t racks, Part my_racks, std::int64_t links, Part my_links) {
    io::RunShape shape{racks, my_racks.first, {}, links, my_links.first, {}};
    for (std::int64_t i = 0; i < my_racks.count; ++i) shape.racks.push_back(rack_info(my_racks.first + i));
    if (my_racks.first == 0 && my_racks.count > 0)  // the root, in these tests
        shape.instances = {{"chat/prefill/0", "chat", "prefill", 0, 0, 8, 0},
                           {"chat/decode/0", "chat", "decode", 0, 8, 8, 0}};
    for (std::int64_t i = 0; i < my_links.count; ++i)
        shape.links.push_back(link_info(my_links.first + i, racks));
    return shape;
}

inline io::RunIdentity identity() {
    return {"0.1.0-test", "a test", "synthetic", "name: synthetic\n", 0xfeedULL, warmup_ns, sample_ns};
}

inline core::Frame frame_of(std::int64_t row, Part racks, Part links) {
    core::Frame frame;
    frame.time_ns = (row + 1) * sample_ns;
    frame.columns.reserve(4);
    auto& power = frame.add(core::Owner::rack, "power_w", "W", "power at the rack's meter",
                            static_cast<std::size_t>(racks.count));
    auto& tokens = frame.add(core::Owner::rack, "output_tokens_per_s", "1/s", "output tokens",
                             static_cast<std::size_t>(racks.count));
    auto& busy = frame.add(core::Owner::link, "utilisation", "1", "share of the capacity in use",
                           static_cast<std::size_t>(links.count));
    auto& total = frame.add(core::Owner::facility, "facility_power_w", "W", "power of the site", 1);
    for (std::int64_t i = 0; i < racks.count; ++i) {
        power.values[static_cast<std::size_t>(i)] = rack_power_w(row, racks.first + i);
        tokens.values[static_cast<std::size_t>(i)] = tokens_per_s(row, racks.first + i);
    }
    for (std::int64_t i = 0; i < links.count; ++i)
        busy.values[static_cast<std::size_t>(i)] = utilisation(row, links.first + i);
    total.values[0] = facility_power_w(row);
    return frame;
}

}  // namespace mw::test
