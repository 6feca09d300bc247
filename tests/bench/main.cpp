// Benchmarks of the parts that a run spends its time in. Alone: all cases. Under mpirun: the collective ones; the root reports.
#include <benchmark/benchmark.h>

#include <cstdio>
#include <exception>
#include <string_view>
#include <vector>

#include "cases.hpp"
#include "megaweave/core/error.hpp"
#include "megaweave/parallel/session.hpp"

namespace {

//! For the ranks that only take part.
class SilentReporter final : public benchmark::BenchmarkReporter {
  public:
    bool ReportContext(Context const&) override { return true; }
    void ReportRuns(std::vector<Run> const&) override {}
};

void register_cases(mw::parallel::Comm& comm) {
    if (comm.size() == 1) {
        mw::bench::register_core();
        mw::bench::register_workload();
        mw::bench::register_llm();
        mw::bench::register_batcher();
        mw::bench::register_max_min();
        mw::bench::register_rack();
    }
    mw::bench::register_exchange(comm);
    mw::bench::register_fabric(comm);
    mw::bench::register_hdf5(comm);
}

void run(mw::parallel::Comm& comm, int argc, char** argv) {
    std::vector<char*> arguments{argv, argv + argc};
    if (!comm.root())  // one file, one writer
        std::erase_if(arguments,
                      [](char const* text) { return std::string_view{text}.starts_with("--benchmark_out"); });
    int count = static_cast<int>(arguments.size());
    arguments.push_back(nullptr);
    benchmark::Initialize(&count, arguments.data());
    if (benchmark::ReportUnrecognizedArguments(count, arguments.data()))
        throw mw::core::InputError("an option is unknown: --help lists them");
    register_cases(comm);
    SilentReporter silent;
    benchmark::RunSpecifiedBenchmarks(comm.root() ? nullptr : &silent);
}

}  // namespace

int main(int argc, char** argv) {
    mw::parallel::Session const session{argc, argv};
    mw::parallel::Comm comm;
    try {
        run(comm, argc, argv);
    } catch (std::exception const& error) {
        std::fprintf(stderr, "megaweave_bench: %s\n", error.what());
        mw::parallel::Session::abort(1);
    }
    return 0;
}
