#include <benchmark/benchmark.h>

#include <string>

#include "cases.hpp"
#include "megaweave/core/hash.hpp"
#include "synthetic_site.hpp"
#include "test_folder.hpp"

namespace mw::bench {

namespace {

constexpr std::int64_t racks = 3'125;
constexpr std::int64_t links = 25'600;  // bundles of the reference deck's Clos
constexpr int rack_columns = 14;
constexpr int facility_columns = 25;

//! A sample as the engine records it. Values vary from rack to rack and sample to sample, as real ones: they hardly compress.
core::Frame make_frame(test::Part rack_part, test::Part link_part) {
    core::Frame frame;
    frame.columns.reserve(rack_columns + facility_columns + 1);
    auto const name = [](char const* owner, int i) { return std::string{owner} + std::to_string(i) + "_w"; };
    for (int i = 0; i < rack_columns; ++i)
        frame.add(core::Owner::rack, name("rack", i), "W", "a quantity",
                  static_cast<std::size_t>(rack_part.count));
    frame.add(core::Owner::link, "utilisation", "1", "a quantity", static_cast<std::size_t>(link_part.count));
    for (int i = 0; i < facility_columns; ++i)
        frame.add(core::Owner::facility, name("facility", i), "W", "a quantity", 1);
    std::uint64_t key = static_cast<std::uint64_t>(rack_part.first) << 40;
    for (core::Column& column : frame.columns)
        if (column.owner != core::Owner::facility)
            for (float& value : column.values) value = 4e4F + static_cast<float>(core::mix(++key) % 4096);
    return frame;
}

//! Time of one sample, where every so many are flushed.
void hdf5_sample(benchmark::State& state, parallel::Comm& comm) {
    test::Folder const folder{comm, "bench"};
    test::Part const rack_part = test::part_of(racks, comm.size(), comm.rank());
    test::Part const link_part = test::part_of(links, comm.size(), comm.rank());
    io::RunFile file = io::RunFile::create(comm, folder.path() + "/run.h5", test::identity(),
                                           test::shape_of(racks, rack_part, links, link_part));
    core::Frame frame = make_frame(rack_part, link_part);
    std::int64_t const every = state.range(0);
    comm.barrier();
    for (auto _ : state) {
        frame.time_ns += test::sample_ns;
        for (core::Column& column : frame.columns) column.values[0] += 1.0F;
        file.append(frame);
        if (file.rows() % every == 0) file.flush();
    }
    comm.barrier();
    file.finish("0");
    state.SetItemsProcessed(state.iterations());
    state.SetBytesProcessed(state.iterations() * (rack_columns * racks + links + facility_columns) *
                            static_cast<std::int64_t>(sizeof(float)));
}

}  // namespace

void register_hdf5(parallel::Comm& comm) {
    std::string const name = "hdf5_sample/ranks:" + std::to_string(comm.size());
    for (std::int64_t const every : {1, 32})
        benchmark::RegisterBenchmark(name.c_str(),
                                     [&comm](benchmark::State& state) { hdf5_sample(state, comm); })
            ->ArgName("samples_per_flush")
            ->Arg(every)
            ->UseRealTime()
            ->Iterations(every == 1 ? 16 : 64)
            ->Unit(benchmark::kMillisecond);
}

}  // namespace mw::bench
