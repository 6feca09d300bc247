#pragma once

#include <array>
#include <memory>
#include <vector>

#include "fabric_partition.hpp"
#include "gauges.hpp"
#include "mail.hpp"
#include "megaweave/engine/simulation.hpp"
#include "megaweave/fabric/transport.hpp"
#include "rack.hpp"

namespace mw::engine {

//! Racks that a task runs at least: a task costs about as much as an event.
inline constexpr std::size_t rack_grain = 8;

//! One rank's part of a run: its racks, its part of the fabric, and where in time it stands.
struct Simulation::State {
    State(World const& w, parallel::Comm& c, parallel::Team& t)
        : world{w},
          comm{c},
          team{t},
          partition{w.plan(), c.size()},
          fabric{w.plan(), partition, c, w.services() * traffic_classes,
                 !fabric::Transport{w.deck().cluster.transport}.ideal()},
          mail{partition, c},
          gauges{w, c, fabric},
          window_ns{w.deck().time.window_ns},
          next_sample_ns{gauges.next_sample_ns(0)},
          ends_when_drained{w.finite()},
          final_ns{w.end_ns()} {
        std::int64_t const first = partition.first_rack(comm.rank());
        racks.resize(static_cast<std::size_t>(partition.rack_count(comm.rank())));
        team.for_ranges(racks.size(), rack_grain, [&](std::size_t begin, std::size_t end) {
            for (std::size_t i = begin; i < end; ++i)
                racks[i] =
                    std::make_unique<Rack>(world, core::RackId::of(static_cast<std::size_t>(first) + i));
        });
        for (auto const& rack : racks) due_ns.push_back(rack->next_event_ns());
        fabric.share_work(team);
        begin_demands();
    }

    Outcome run(Observer& observer);
    void begin_demands();
    void run_racks(core::TimeNs end_ns);
    parallel::Pulse exchange(core::TimeNs end_ns, std::uint64_t wishes);
    void share_fabric(core::TimeNs end_ns);
    void record(Observer& observer);
    void jump(core::TimeNs next_event_ns);
    void prefetch(std::size_t at, std::size_t end, core::TimeNs end_ns) const;
    [[nodiscard]] SavedState save();
    void restore(SavedState const& saved);
    void audit();
    [[nodiscard]] std::size_t place(core::RackId id) const {
        return id.index() - static_cast<std::size_t>(partition.first_rack(comm.rank()));
    }
    [[nodiscard]] Rack& rack(core::RackId id) { return *racks[place(id)]; }

    World const& world;
    parallel::Comm& comm;
    parallel::Team& team;
    site::Partition partition;
    std::vector<std::unique_ptr<Rack>> racks;
    std::vector<core::TimeNs> due_ns;  //!< next event of each rack, side by side; 0: it has news to send
    FabricPartition fabric;
    Mail mail;
    Gauges gauges;
    core::TimeNs window_ns;
    core::TimeNs next_sample_ns;
    bool ends_when_drained;  //!< rather than at its time, since nothing arrives without end
    core::TimeNs final_ns;   //!< end of the run

    core::TimeNs now_ns{0};  //!< start of the window
    std::int64_t windows{0};
    std::vector<std::size_t> awake;  //!< racks with events in this window
    std::array<double, 5> time_in_s{};
    double wall_s{0};
    core::TimeNs started_ns{0};  //!< of this session, which may have begun with a restart
    std::int64_t started_windows{0};
    Counts started_counts;
};

}  // namespace mw::engine
