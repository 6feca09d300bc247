#pragma once

#include <doctest/doctest.h>

#include <vector>

#include "megaweave/core/archive.hpp"
#include "megaweave/workload/arrivals.hpp"

namespace mw::test {

using namespace mw::workload;
using mw::core::TimeNs;

inline LengthLaw const lognormal{{.law = Law::lognormal, .max = 8192, .median = 500, .sigma = 1}};
inline LengthLaw const in_trace{{.law = Law::trace}};

inline WorkloadParams arrivals(Process process, double rate_per_s, double cv = 1) {
    WorkloadParams params;
    params.arrivals.process = process;
    params.arrivals.rate_per_s = rate_per_s;
    params.arrivals.cv = cv;
    return params;
}

inline WorkloadParams closed(std::int64_t concurrency) {
    auto params = arrivals(Process::closed, 0);
    params.arrivals.concurrency = concurrency;
    return params;
}

inline WorkloadParams replayed(double scale) {
    auto params = arrivals(Process::trace, 0);
    params.arrivals.scale = scale;
    return params;
}

// Cells numbered in a row from `first`.
inline ArrivalStream stream(WorkloadParams const& params, std::uint32_t cell = 0, std::uint32_t cells = 1,
                            std::uint64_t seed = 1, std::uint32_t first = 0) {
    return {params, lognormal, lognormal, nullptr, seed, first + cell, {cell, cells}};
}

inline ArrivalStream stream(WorkloadParams const& params, Trace const& trace, std::uint32_t cell = 0,
                            std::uint32_t cells = 1) {
    return {params, in_trace, in_trace, &trace, 1, 40 + cell, {cell, cells}};
}

inline std::vector<Arrival> until(ArrivalStream& from, TimeNs end_ns) {
    std::vector<Arrival> taken;
    while (from.next_ns() < end_ns) {
        taken.push_back(from.take());
        if (taken.size() > 1) REQUIRE(taken.back().time_ns >= taken[taken.size() - 2].time_ns);
        REQUIRE(taken.back().index == taken.size() - 1);
    }
    return taken;
}

inline bool same(Arrival const& a, Arrival const& b) {
    return a.time_ns == b.time_ns && a.input_tokens == b.input_tokens && a.output_tokens == b.output_tokens &&
           a.index == b.index;
}

//! Archives a stream that is under way, restores it into a fresh one, and holds both against each other.
inline void check_goes_on(ArrivalStream original, ArrivalStream fresh) {
    for (int i = 0; i < 7; ++i) {
        original.take();
        original.replace(1000 + i);
    }
    std::vector<std::byte> bytes;
    mw::core::ByteWriter{bytes} & original;
    mw::core::ByteReader reader{bytes};
    reader& fresh;
    CHECK(reader.left() == 0);
    for (int i = 0; i < 40; ++i) {
        original.replace(2000 + i);
        fresh.replace(2000 + i);
        REQUIRE(same(original.take(), fresh.take()));
    }
    CHECK(original.next_ns() == fresh.next_ns());
}

}  // namespace mw::test
