// Exact flows against SimGrid on the same networks, in one run: prints both times, their ratio and the largest difference of a finish time.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <string_view>
#include <vector>

#include "flow_cases.hpp"

namespace {

using mw::bench::FlowCase;

void compare(FlowCase const& c, bool with_simgrid) {
    auto const begin = std::chrono::steady_clock::now();
    std::vector<double> const ours = mw::fabric::finish_times(c.network, c.flows);
    double const ours_s = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    std::printf("%-14s %6zu flows, %5lld hosts: megaweave %8.3f s", c.name.c_str(), c.flows.size(),
                static_cast<long long>(c.hosts), ours_s);
    std::fflush(stdout);
    if (with_simgrid) {
        mw::bench::SimgridResult const theirs = mw::bench::run_simgrid(c);
        double worst = 0;
        for (std::size_t f = 0; f < ours.size(); ++f)
            worst = std::max(worst, std::abs(ours[f] / theirs.finish_s[f] - 1));
        std::printf(", SimGrid %8.2f s, ratio %6.1f, largest difference %.1e", theirs.wall_s,
                    theirs.wall_s / ours_s, worst);
    }
    std::printf("\n");
}

}  // namespace

// SimGrid's engine lives once a process, so one case at a time.
int main(int argc, char** argv) {
    std::string_view const name = argc > 1 ? argv[1] : "";
    std::int64_t const hosts = argc > 2 ? std::atoll(argv[2]) : 8'192;
    double const load = argc > 3 ? std::atof(argv[3]) : 0.3;
    bool const with_simgrid = argc < 5 || std::string_view{argv[4]} != "--alone";
    if ((name != "permutation" && name != "open") || hosts < 16 || !(load > 0)) {
        std::fprintf(stderr, "megaweave_flows_bench permutation|open [HOSTS [LOAD [--alone]]]\n");
        return 2;
    }
    compare(
        name == "permutation" ? mw::bench::permutation(hosts) : mw::bench::open_arrivals(hosts, 10'000, load),
        with_simgrid);
}
