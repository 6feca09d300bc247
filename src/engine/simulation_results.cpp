#include <sys/resource.h>

#include "megaweave/core/archive.hpp"
#include "simulation_state.hpp"

namespace mw::engine {

namespace {

//! Every rank's latencies, merged, with the requests that are open at the end; the same on all ranks.
std::vector<ServiceResults> gather_services(World const& world, parallel::Comm const& comm, Racks racks,
                                            core::TimeNs end_ns) {
    std::vector<ServiceResults> mine(world.services());
    for (auto const& rack : racks) {
        for (std::size_t s = 0; s < mine.size(); ++s) mine[s].merge(rack->results()[s]);
        rack->add_open(end_ns, mine);
    }
    std::vector<std::byte> bytes;
    core::ByteWriter{bytes} & mine;
    std::vector<ServiceResults> all(world.services());
    for (auto const& part : comm.gather(bytes)) {
        std::vector<ServiceResults> theirs;
        core::ByteReader{part} & theirs;
        for (std::size_t s = 0; s < all.size(); ++s) all[s].merge(theirs[s]);
    }
    bytes.clear();
    core::ByteWriter{bytes} & all;
    comm.broadcast(bytes);
    core::ByteReader{bytes} & all;
    return all;
}

std::int64_t resident_mb() {
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    return usage.ru_maxrss / 1024;
}

}  // namespace

Results Simulation::results() {
    State& s = *state_;
    Results results;
    results.measured_s = core::to_seconds(s.final_ns - s.world.warmup_ns());
    results.accelerators = s.world.plan().accelerators();
    results.services = gather_services(s.world, s.comm, s.racks, s.final_ns);
    results.drained = s.final_ns < s.world.end_ns();
    results.instances.assign(s.world.services(), 0);
    for (site::InstancePlace const& place : s.world.plan().instances())
        ++results.instances[place.service.index()];
    s.gauges.report(results);

    core::Digest digest;
    for (auto const& rack : s.racks) digest += rack->digest();
    std::array<std::uint64_t, 2> words{digest.low, digest.high};
    s.comm.sum(std::span{words});
    core::Digest whole{words[0], words[1]};
    whole += s.gauges.digest();
    for (std::size_t i = 0; i < results.services.size(); ++i) results.services[i].add_to(whole, i);
    results.digest = whole.hex();

    Performance& p = results.performance;
    p.ranks = s.comm.size();
    p.threads = s.team.threads();
    p.wall_s = s.wall_s;
    p.simulated_s = core::to_seconds(s.now_ns - s.started_ns);
    p.windows = s.windows - s.started_windows;
    Counts const done = results.run_counts - s.started_counts;
    p.messages = done[Count::messages];
    p.iterations = done[Count::iterations];
    p.events = done[Count::events];
    p.remote_messages = s.comm.sum(s.mail.remote_messages());
    p.bytes = s.comm.sum(s.comm.counters().bytes);
    p.solver_rounds = s.comm.max(s.fabric.rounds());
    p.peak_rss_mb = s.comm.sum(resident_mb());
    for (std::size_t i = 0; i < p.time_in_s.size(); ++i)
        p.time_in_s[i] = static_cast<double>(s.comm.sum(core::from_seconds(s.time_in_s[i]))) * 1e-9 / p.ranks;
    return results;
}

BundleColumns Simulation::bundles() const {
    return state_->gauges.links().columns(core::to_seconds(state_->final_ns - state_->world.warmup_ns()));
}

void ServiceResults::merge(ServiceResults const& other) {
    ttft.merge(other.ttft);
    e2e.merge(other.e2e);
    queue_wait.merge(other.queue_wait);
    for (std::size_t p = 0; p < parts.size(); ++p) parts[p].merge(other.parts[p]);
    contention.merge(other.contention);
    ttft_open.merge(other.ttft_open);
    e2e_open.merge(other.e2e_open);
    arrived += other.arrived;
    completed += other.completed;
    rejected += other.rejected;
    late += other.late;
    met += other.met;
    goodput_tokens += other.goodput_tokens;
    token_gaps.merge(other.token_gaps);
    tpot.merge(other.tpot);
    longest_gap.merge(other.longest_gap);
    completed_ttft.merge(other.completed_ttft);
    completed_e2e.merge(other.completed_e2e);
    completions += other.completions;
    output_tokens += other.output_tokens;
}

namespace {

template <class AnyHistogram>
void add_histogram(core::Digest& digest, std::uint64_t field, AnyHistogram const& histogram) {
    for (std::size_t i = 0; i < histogram.buckets().size(); ++i)
        if (histogram.buckets()[i] != 0)
            digest.add(
                field ^ static_cast<std::uint64_t>(histogram.first_bucket() + static_cast<std::int64_t>(i)),
                histogram.buckets()[i]);
}

}  // namespace

void ServiceResults::add_to(core::Digest& digest, std::uint64_t key) const {
    std::uint64_t field = core::mix(key ^ core::hash_text("service"));
    for (core::Histogram const* histogram : {&ttft, &e2e, &queue_wait, &ttft_open, &e2e_open, &token_gaps,
                                             &tpot, &longest_gap, &completed_ttft, &completed_e2e})
        add_histogram(digest, field = core::mix(field), *histogram);
    for (core::CoarseHistogram const& part : parts) add_histogram(digest, field = core::mix(field), part);
    add_histogram(digest, field = core::mix(field), contention);
    for (std::int64_t const value :
         {arrived, completed, rejected, late, met, goodput_tokens, completions, output_tokens})
        digest.add(field = core::mix(field), value);
}

}  // namespace mw::engine
