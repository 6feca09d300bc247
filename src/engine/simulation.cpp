#include "megaweave/engine/simulation.hpp"

#include <algorithm>
#include <chrono>

#include "megaweave/core/archive.hpp"
#include "megaweave/core/check.hpp"
#include "megaweave/core/error.hpp"
#include "simulation_state.hpp"

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

}  // namespace

//! Every instance whose messages leave its scale-up domain has its demands from the start, of 0 while it rests: all ranks know them from
//! the plan, and only rates are told.
void Simulation::State::begin_demands() {
    site::Plan const& plan = world.plan();
    if (!spans_domains(plan)) return;
    std::vector<int> ranks;
    for (std::size_t i = 0; i < plan.instances().size(); ++i) {
        auto const id = core::InstanceId::of(i);
        site::InstancePlace const& instance = plan.instance(id);
        auto const patterns =
            scale_out_patterns(plan, instance, world.service(instance.service).model(instance.prefill));
        for (std::size_t k = 0; k < patterns.size(); ++k) {
            StandingDemand const demand{standing_id(id, k),
                                        instance.home,
                                        0,
                                        patterns[k].parts,
                                        patterns[k].line_bytes_per_s,
                                        label_of(instance.service, patterns[k].traffic)};
            fabric.participants(demand, ranks);
            if (std::ranges::binary_search(ranks, comm.rank())) fabric.begin(demand);
        }
    }
}

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
        bool const drained =
            ends_when_drained && agreed.next_event_ns == core::never && now_ns > world.warmup_ns();
        if (drained) final_ns = now_ns;
        if (now_ns == next_sample_ns || drained) record(observer);
        observer.on_window({now_ns, world.end_ns(), gauges.output_tokens_per_s(), gauges.facility_w()});
        if (drained) break;
        jump(agreed.next_event_ns);
        if (agreed.flags != 0 && now_ns < world.end_ns()) {
            Stopwatch const watch{time_in_s, Phase::record};
            observer.on_checkpoint(save(), agreed.flags);
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
        if (due_ns[i] < end_ns) awake.push_back(i);
    team.for_ranges(awake.size(), rack_grain, [&](std::size_t begin, std::size_t end) {
        for (std::size_t i = begin; i < end; ++i) {
            prefetch(i, end, end_ns);
            racks[awake[i]]->run_until(end_ns);
            due_ns[awake[i]] = racks[awake[i]]->next_event_ns();
        }
    });
}

//! Hints for racks that run after this one; what reads them stays among those of the same thread.
void Simulation::State::prefetch(std::size_t at, std::size_t end, core::TimeNs end_ns) const {
    if (at + 6 < awake.size()) racks[awake[at + 6]]->prefetch();
    if (at + 4 < end) racks[awake[at + 4]]->prefetch_events();
    if (at + 3 < end) racks[awake[at + 3]]->prefetch_due(end_ns);
    if (at + 1 < end) racks[awake[at + 1]]->prefetch_batches(end_ns);
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
        for (Transfer& transfer : racks[i]->started()) {
            fabric.choose_way(transfer);
            mine.next_event_ns = std::min(mine.next_event_ns, std::max(end_ns, transfer.present_from_ns));
            mail.post(transfer, fabric);
        }
        for (DemandChange const& change : racks[i]->demands()) mail.post_standing(change, fabric);
        racks[i]->outbox().clear();
        racks[i]->started().clear();
        racks[i]->demands().clear();
    }
    for (LoadNews const& news : fabric.load_news()) mail.post(news);
    fabric.load_news().clear();
    for (core::TimeNs const rack_ns : due_ns) mine.next_event_ns = std::min(mine.next_event_ns, rack_ns);
    return mail.exchange(
        mine,
        [&](Message const& message) {
            rack(message.to).deliver(message);
            core::TimeNs& rack_ns = due_ns[place(message.to)];
            rack_ns = std::min(rack_ns, message.due_ns);
        },
        [&](Transfer const& transfer) { fabric.join(transfer); },
        [&](auto const& told) { fabric.apply(told); });
}

void Simulation::State::share_fabric(core::TimeNs end_ns) {
    Stopwatch const watch{time_in_s, Phase::fabric};
    for (Arrival const& arrival : fabric.advance(now_ns, end_ns, end_ns == next_sample_ns)) {
        rack(arrival.transfer.home).transfer_finished(arrival, end_ns, window_ns);
        due_ns[place(arrival.transfer.home)] = 0;  // it has news to send
    }
    for (Grant const& grant : fabric.grants()) rack(grant.home).granted(grant, now_ns);
}

void Simulation::State::record(Observer& observer) {
    core::Frame const* frame = nullptr;
    {
        Stopwatch const watch{time_in_s, Phase::plant};
        if constexpr (core::audit_enabled) audit();
        frame = &gauges.read(now_ns, racks, fabric);
        for (std::size_t i = 0; gauges.power_failed() && i < racks.size(); ++i)
            if (due_ns[i] != 0) due_ns[i] = racks[i]->next_event_ns();  // 0: it has news to send
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
    std::array<std::int64_t, 4> sums{};
    for (auto const& rack : racks) {
        Counts const counts = rack->counts();
        sums[0] += counts[Count::arrivals] - counts[Count::completions] - counts[Count::rejections];
        sums[1] += rack->census();
        sums[2] += counts[Count::output_tokens] - counts[Count::completed_tokens];
        sums[3] += rack->tokens_present();
    }
    comm.sum(std::span{sums});
    MW_EXPECT(sums[0] == sums[1], "requests are neither made nor lost");
    MW_EXPECT(sums[2] == sums[3], "tokens are neither made nor lost");
}

SavedState Simulation::State::save() {
    SavedState saved{windows, now_ns, {}, {}};
    core::ByteWriter global{saved.global};
    global& gauges;
    for (std::size_t i = 0; i < racks.size(); ++i) {
        auto const& rack = racks[i];
        core::ByteWriter out{saved.racks.emplace_back()};
        std::vector<Transfer> transfers = fabric.of_home(rack->id());
        auto const bytes = fabric.saved_bytes_of(rack->id());
        std::vector<std::int64_t> bundle_bytes{bytes.begin(), bytes.end()};
        std::vector<StandingState> standing = fabric.standing_of_home(rack->id());
        std::vector<LoadNews> known = fabric.known_loads(rack->id());
        std::vector<LoadNews> news = fabric.load_news_of(rack->id());
        out&* rack& transfers& bundle_bytes& standing& known& news;
        gauges.links().archive_rack(out, i);
    }
    return saved;
}

namespace {

//! More than was asked for: the state has another layout.
void require_end(core::ByteReader const& in) {
    if (in.left() != 0)
        throw core::WorldError(
            "a saved state is longer than this program knows: restart with the build that wrote it, or start "
            "anew without --restart");
}

}  // namespace

void Simulation::State::restore(SavedState const& saved) {
    MW_EXPECT(saved.racks.size() == racks.size(), "a saved state for other racks");
    windows = saved.windows;
    now_ns = saved.time_ns;
    next_sample_ns = gauges.next_sample_ns(now_ns);
    core::ByteReader global{saved.global};
    global& gauges;
    require_end(global);
    for (std::size_t i = 0; i < racks.size(); ++i) {
        core::ByteReader in{saved.racks[i]};
        std::vector<Transfer> transfers;
        std::vector<std::int64_t> bundle_bytes;
        std::vector<StandingState> standing;
        std::vector<LoadNews> known;
        std::vector<LoadNews> news;
        in&* racks[i] & transfers& bundle_bytes& standing& known& news;
        fabric.restore_loads(known, news);
        for (LoadNews const& one : known) mail.post(one);
        gauges.links().archive_rack(in, i);
        require_end(in);
        std::ranges::copy(bundle_bytes, fabric.saved_bytes_of(racks[i]->id()).begin());
        for (Transfer const& transfer : transfers) mail.post(transfer, fabric);
        for (StandingState const& state : standing) mail.post_standing(state, fabric);
        for (Message const& message : racks[i]->outbox())
            MW_EXPECT(message.due_ns >= now_ns, "saved news are of the past");
        due_ns[i] = racks[i]->outbox().empty() ? racks[i]->next_event_ns() : 0;
    }
    mail.exchange(
        {}, [](Message const&) {}, [&](Transfer const& transfer) { fabric.join(transfer); },
        [&](auto const& demand) { fabric.apply(demand); });
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

}  // namespace mw::engine
