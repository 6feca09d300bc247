#include "machine_memory.hpp"

#include <fmt/format.h>
#include <sys/resource.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <fstream>
#include <limits>
#include <set>
#include <string>

#include "agree.hpp"
#include "megaweave/engine/memory_need.hpp"

namespace mw::app {

namespace {

constexpr double unlimited = std::numeric_limits<double>::infinity();

double number_in(std::string const& path) {
    std::ifstream in{path};
    double value = 0;
    return in >> value && value > 0 ? value : unlimited;  // "max"
}

//! Limits of the process's control group and of those above it, versions 1 and 2.
double group_limit() {
    double least = std::min(number_in("/sys/fs/cgroup/memory.max"),
                            number_in("/sys/fs/cgroup/memory/memory.limit_in_bytes"));
    std::ifstream groups{"/proc/self/cgroup"};
    for (std::string line; std::getline(groups, line);) {
        if (!line.starts_with("0::/")) continue;
        for (std::string path = line.substr(3); path.size() > 1; path.resize(path.find_last_of('/')))
            least = std::min(least, number_in("/sys/fs/cgroup" + path + "/memory.max"));
    }
    return least;
}

double resource_limit() {
    rlimit limit{};
    bool const limited = getrlimit(RLIMIT_AS, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY;
    return limited ? static_cast<double>(limit.rlim_cur) : unlimited;
}

//! Different machines that the ranks run on.
std::int64_t machines(parallel::Comm const& comm) {
    if (comm.size() == 1) return 1;
    std::array<char, 256> name{};
    gethostname(name.data(), name.size() - 1);
    std::vector<std::byte> mine(std::strlen(name.data()));
    std::memcpy(mine.data(), name.data(), mine.size());
    std::set<std::string> distinct;
    for (auto const& bytes : comm.gather(mine)) {
        std::string host(bytes.size(), '\0');
        std::memcpy(host.data(), bytes.data(), bytes.size());
        distinct.insert(std::move(host));
    }
    return comm.max(static_cast<std::int64_t>(distinct.size()));
}

}  // namespace

double machine_memory() {
    struct sysinfo info {};
    double const installed =
        sysinfo(&info) == 0 ? static_cast<double>(info.totalram) * info.mem_unit : unlimited;
    return std::min({installed, group_limit(), resource_limit()});
}

double memory_of(engine::World const& world) {
    double sum = 0;
    for (engine::MemoryNeed const& need : engine::memory_needs(world, engine::describe(world)))
        sum += need.bytes;
    return sum;
}

void refuse_beyond_memory(engine::World const& world, parallel::Comm const& comm) {
    auto const here =
        static_cast<double>(comm.min(static_cast<std::int64_t>(std::min(machine_memory(), 1e18))));
    double const there = here * static_cast<double>(machines(comm));
    on_all_ranks(comm, [&] {
        double sum = 0;
        engine::MemoryNeed largest;
        for (engine::MemoryNeed const& need : engine::memory_needs(world, engine::describe(world))) {
            sum += need.bytes;
            if (need.bytes > largest.bytes) largest = need;
        }
        if (sum > there)
            throw core::InputError(world.deck().placed(
                largest.key,
                fmt::format(
                    "a run needs about {:.3g} GB of memory, of them {:.3g} GB for {}; this machine has "
                    "{:.3g} GB. Lower {}, or use more machines",
                    sum * 1e-9, largest.bytes * 1e-9, largest.what, there * 1e-9, largest.key)));
        return true;
    });
}

}  // namespace mw::app
