#include "megaweave/engine/simulation.hpp"

#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <cstring>

#include "fabric_partition.hpp"
#include "gauges.hpp"
#include "mail.hpp"
#include "megaweave/core/archive.hpp"
#include "megaweave/core/check.hpp"
#include "rack.hpp"

namespace mw::engine {

namespace {

using Clock = std::chrono::steady_clock;

enum class Phase : std::uint8_t { racks, fabric, exchange, plant, record };

//! Adds the life of the object to a phase's time.
class Stopwatch {
  public:
    Stopwatch(std::array<double, 5>& times, Phase phase) : time_{times[static_cast<std::size_t>(phase)]} {}
    ~Stopwatch() { time_ += std::chrono::duration<double>(Clock::now() - start_).count(); }
    Stopwatch(Stopwatch const&) = delete;
    Stopwatch& operator=(Stopwatch const&) = delete;

  private:
    double& time_;
    Clock::time_point start_{Clock::now()};
};

constexpr std::size_t rack_grain = 8;  // racks a task runs at least: a task costs about as much as an event

}  // namespace

struct Simulation::State {
    State(World const& w, parallel::Comm& c, parallel::Team& t)
        : world{w},
          comm{c},
          team{t},
          partition{w.plan(), c.size()},
          fabric{w.plan(), partition, c},
          mail{partition, c},
          gauges{w, c},
          window_ns{w.deck().time.window_ns},
          next_sample_ns{gauges.next_sample_ns(0)} {
        std::int64_t const first = partition.first_rack(comm.rank());
        racks.resize(static_cast<std::size_t>(partition.rack_count(comm.rank())));
        team.for_ranges(racks.size(), rack_grain, [&](std::size_t begin, std::size_t end) {
            for (std::size_t i = begin; i < end; ++i)
                racks[i] =
                    std::make_unique<Rack>(world, core::RackId::of(static_cast<std::size_t>(first) + i));
        });
    }

    Outcome run(Observer& observer);
    void run_racks(core::TimeNs end_ns);
    parallel::Pulse exchange(core::TimeNs end_ns, std::uint64_t wishes);
    void share_fabric(core::TimeNs end_ns);
    void record(Observer& observer);
    void jump(core::TimeNs next_event_ns);
    [[nodiscard]] SavedState save();
    void restore(SavedState const& saved);
    void audit();
    [[nodiscard]] Rack& rack(core::RackId id) {
        return *racks[id.index() - static_cast<std::size_t>(partition.first_rack(comm.rank()))];
    }

    World const& world;
    parallel::Comm& comm;
    parallel::Team& team;
    site::Partition partition;
    std::vector<std::unique_ptr<Rack>> racks;
    FabricPartition fabric;
    Mail mail;
    Gauges gauges;
    core::TimeNs window_ns;
    core::TimeNs next_sample_ns;

    core::TimeNs now_ns{0};  //!< start of the window
    std::int64_t windows{0};
    std::vector<std::size_t> awake;  //!< racks with events in this window
    std::array<double, 5> time_in_s{};
    double wall_s{0};
    core::TimeNs started_ns{0};  //!< of this session, which may have begun with a restart
    std::int64_t started_windows{0};
    Counts started_counts;
};

Outcome Simulation::State::run(Observer& observer) {
    auto const start = Clock::now();
    started_ns = now_ns;
    started_windows = windows;
    started_counts = gauges.run_counts();
    Outcome outcome = Outcome::finished;
    while (now_ns < world.end_ns() && outcome == Outcome::finished) {
        core::TimeNs const end_ns = now_ns + window_ns;
        run_racks(end_ns);
        parallel::Pulse const agreed = exchange(end_ns, observer.wishes());
        share_fabric(end_ns);
        now_ns = end_ns;
        ++windows;
        if (now_ns == next_sample_ns) record(observer);
        observer.on_window({now_ns, world.end_ns(), gauges.output_tokens_per_s(), gauges.facility_w()});
        jump(agreed.next_event_ns);
        if (agreed.flags != 0 && now_ns < world.end_ns()) {
            Stopwatch const watch{time_in_s, Phase::record};
            observer.on_checkpoint(save());
            if ((agreed.flags & Wish::stop) != 0) outcome = Outcome::stopped;
        }
    }
    wall_s += std::chrono::duration<double>(Clock::now() - start).count();
    return outcome;
}

void Simulation::State::run_racks(core::TimeNs end_ns) {
    Stopwatch const watch{time_in_s, Phase::racks};
    awake.clear();
    for (std::size_t i = 0; i < racks.size(); ++i)
        if (racks[i]->next_event_ns() < end_ns || !racks[i]->outbox().empty()) awake.push_back(i);
    team.for_ranges(awake.size(), rack_grain, [&](std::size_t begin, std::size_t end) {
        for (std::size_t i = begin; i < end; ++i) racks[awake[i]]->run_until(end_ns);
    });
}

//! Messages reach their racks' inboxes, and new transfers the partitions whose links they use.
parallel::Pulse Simulation::State::exchange(core::TimeNs end_ns, std::uint64_t wishes) {
    Stopwatch const watch{time_in_s, Phase::exchange};
    parallel::Pulse mine{fabric.next_event_ns(end_ns), wishes};
    for (std::size_t const i : awake) {
        for (Message const& message : racks[i]->outbox()) {
            mine.next_event_ns = std::min(mine.next_event_ns, message.due_ns);
            mail.post(message);
        }
        for (Transfer const& transfer : racks[i]->started()) {
            mine.next_event_ns = std::min(mine.next_event_ns, std::max(end_ns, transfer.present_from_ns));
            mail.post(transfer, fabric);
        }
        racks[i]->outbox().clear();
        racks[i]->started().clear();
    }
    for (auto const& rack : racks) mine.next_event_ns = std::min(mine.next_event_ns, rack->next_event_ns());
    return mail.exchange(
        mine, [&](Message const& message) { rack(message.to).deliver(message); },
        [&](Transfer const& transfer) { fabric.join(transfer); });
}

void Simulation::State::share_fabric(core::TimeNs end_ns) {
    Stopwatch const watch{time_in_s, Phase::fabric};
    for (Arrival const& arrival : fabric.advance(now_ns, end_ns))
        rack(arrival.transfer.home).transfer_finished(arrival.transfer, arrival.at_ns, end_ns, window_ns);
}

void Simulation::State::record(Observer& observer) {
    core::Frame const* frame = nullptr;
    {
        Stopwatch const watch{time_in_s, Phase::plant};
        if constexpr (core::audit_enabled) audit();
        frame = &gauges.read(now_ns, racks, fabric);
    }
    Stopwatch const watch{time_in_s, Phase::record};
    observer.on_sample(*frame);
}

//! To the window of the next event, or to the one that ends with the next sample.
void Simulation::State::jump(core::TimeNs next_event_ns) {
    next_sample_ns = gauges.next_sample_ns(now_ns);
    core::TimeNs const target_ns =
        std::min(next_event_ns / window_ns * window_ns, next_sample_ns - window_ns);
    now_ns = std::max(now_ns, target_ns);
}

void Simulation::State::audit() {
    for (auto const& rack : racks) rack->audit();
    std::array<std::int64_t, 2> sums{};
    for (auto const& rack : racks) {
        Counts const counts = rack->counts();
        sums[0] += counts[Count::arrivals] - counts[Count::completions] - counts[Count::rejections];
        sums[1] += rack->census();
    }
    comm.sum(std::span{sums});
    MW_EXPECT(sums[0] == sums[1], "requests are neither made nor lost");
}

SavedState Simulation::State::save() {
    SavedState saved{windows, now_ns, gauges.samples(), {}, {}};
    core::ByteWriter global{saved.global};
    global& gauges;
    for (auto const& rack : racks) {
        core::ByteWriter out{saved.racks.emplace_back()};
        std::vector<Transfer> transfers = fabric.of_home(rack->id());
        auto const bytes = fabric.bundle_bytes_of(rack->id());
        std::vector<std::int64_t> bundle_bytes{bytes.begin(), bytes.end()};
        out&* rack& transfers& bundle_bytes;
    }
    return saved;
}

void Simulation::State::restore(SavedState const& saved) {
    MW_EXPECT(saved.racks.size() == racks.size(), "a saved state for other racks");
    windows = saved.windows;
    now_ns = saved.time_ns;
    next_sample_ns = gauges.next_sample_ns(now_ns);
    core::ByteReader global{saved.global};
    global& gauges;
    for (std::size_t i = 0; i < racks.size(); ++i) {
        core::ByteReader in{saved.racks[i]};
        std::vector<Transfer> transfers;
        std::vector<std::int64_t> bundle_bytes;
        in&* racks[i] & transfers& bundle_bytes;
        std::ranges::copy(bundle_bytes, fabric.bundle_bytes_of(racks[i]->id()).begin());
        for (Transfer const& transfer : transfers) mail.post(transfer, fabric);
        for (Message const& message : racks[i]->outbox())
            MW_EXPECT(message.due_ns >= now_ns, "saved news are of the past");
    }
    mail.exchange(
        {}, [](Message const&) {}, [&](Transfer const& transfer) { fabric.join(transfer); });
}

Simulation::Simulation(World const& world, parallel::Comm& comm, parallel::Team& team)
    : state_{std::make_unique<State>(world, comm, team)} {}

Simulation::~Simulation() = default;

void Simulation::restore(SavedState const& state) {
    state_->restore(state);
}

Outcome Simulation::run(Observer& observer) {
    return state_->run(observer);
}

site::Partition const& Simulation::partition() const {
    return state_->partition;
}

std::vector<RequestRecord> Simulation::requests() const {
    std::vector<RequestRecord> all;
    for (auto const& rack : state_->racks)
        all.insert(all.end(), rack->requests().begin(), rack->requests().end());
    return all;
}

namespace {

//! Every rank's latencies, merged; the same on all ranks.
std::vector<ServiceResults> gather_services(World const& world, parallel::Comm const& comm, Racks racks) {
    std::vector<ServiceResults> mine(world.services());
    for (auto const& rack : racks)
        for (std::size_t s = 0; s < mine.size(); ++s) mine[s].merge(rack->results()[s]);
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
    results.measured_s = core::to_seconds(s.world.deck().time.duration_ns);
    results.accelerators = s.world.plan().accelerators();
    results.services = gather_services(s.world, s.comm, s.racks);
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

void ServiceResults::merge(ServiceResults const& other) {
    ttft.merge(other.ttft);
    tpot.merge(other.tpot);
    e2e.merge(other.e2e);
    queue_wait.merge(other.queue_wait);
    completions += other.completions;
    output_tokens += other.output_tokens;
    objectives_met += other.objectives_met;
}

void ServiceResults::add_to(core::Digest& digest, std::uint64_t key) const {
    std::uint64_t field = core::mix(key ^ core::hash_text("service"));
    for (core::Histogram const* histogram : {&ttft, &tpot, &e2e, &queue_wait}) {
        for (std::size_t i = 0; i < histogram->buckets().size(); ++i)
            if (histogram->buckets()[i] != 0)
                digest.add(field ^ static_cast<std::uint64_t>(histogram->first_bucket() +
                                                              static_cast<std::int64_t>(i)),
                           histogram->buckets()[i]);
        field = core::mix(field);
    }
    for (std::int64_t const value : {completions, output_tokens, objectives_met})
        digest.add(field = core::mix(field), value);
}

}  // namespace mw::engine
