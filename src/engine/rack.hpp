#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "board_control.hpp"
#include "megaweave/core/hash.hpp"
#include "megaweave/core/histogram.hpp"
#include "megaweave/core/prefetch.hpp"
#include "megaweave/engine/results.hpp"
#include "megaweave/engine/service_load.hpp"
#include "megaweave/engine/tally.hpp"
#include "megaweave/engine/world.hpp"
#include "megaweave/fabric/transport.hpp"
#include "megaweave/hardware/shared_pool.hpp"
#include "megaweave/plant/storage.hpp"
#include "megaweave/plant/thermal.hpp"
#include "megaweave/serving/client_view.hpp"
#include "megaweave/serving/instance.hpp"
#include "megaweave/serving/router.hpp"
#include "megaweave/workload/arrivals.hpp"
#include "message.hpp"
#include "meter.hpp"
#include "scale_out.hpp"
#include "site_control.hpp"
#include "transfer.hpp"

namespace mw::engine {

//! A cap, a lock, the temperature of dies or the site's control may lower the boards' clocks.
[[nodiscard]] bool clocks_may_change(config::Deck const& deck);

/*!
 * A rack: the logical process of the simulation. It runs the events of the instances and routers that live in it, in time order, and
 * meters its accelerators.
 *
 * Touched by one thread in a window. All that leaves it are messages and transfers, both taking effect no earlier than the next
 * window; all that enters it are messages. Equal times: messages first, then reads that memory pools end, then iterations by instance,
 * then arrivals by cell.
 */
// NOLINTNEXTLINE(cppcoreguidelines-virtual-class-destructor): final, and the base cannot be deleted through
class Rack final : private serving::InstanceListener {
  public:
    Rack(World const& world, core::RackId id);
    Rack(Rack const&) = delete;
    Rack& operator=(Rack const&) = delete;

    [[nodiscard]] core::RackId id() const { return id_; }
    //! When something happens here next, or core::never.
    [[nodiscard]] core::TimeNs next_event_ns() const { return next_event_ns_; }
    void deliver(Message const& message);
    //! Runs all events before `end_ns`, the end of the window; what it sends is due then at the earliest.
    void run_until(core::TimeNs end_ns);

    //! Hints for a loop over racks, which are too many for a cache: this rack's events come soon. Each relies on the one before.
    void prefetch() const { core::prefetch(this, sizeof(Rack)); }
    void prefetch_events() const;
    void prefetch_due(core::TimeNs end_ns) const;
    void prefetch_batches(core::TimeNs end_ns) const;

    //! A transfer that this rack started has ended in the window that ends at `window_end_ns`, after its exchange.
    void transfer_finished(Arrival const& arrival, core::TimeNs window_end_ns, core::TimeNs window_ns);

    //! From the window on that began at `start_ns`, the fabric grants an instance's messages this.
    void granted(Grant const& grant, core::TimeNs start_ns);

    //! What the last run produced; the engine empties them.
    [[nodiscard]] std::vector<Message>& outbox() { return outbox_; }
    [[nodiscard]] std::vector<Transfer>& started() { return started_; }
    [[nodiscard]] std::vector<DemandChange>& demands() { return demands_; }

    [[nodiscard]] MeterReading read_meter(core::TimeNs now_ns) {
        count_in_service(now_ns);
        return meter_.read(now_ns);
    }
    //! Mean temperature of its dies [degC]; where the deck has no thermal plant, the temperature for which idle power is stated.
    [[nodiscard]] double die_c() const;
    //! Of the accelerators whose instances live here.
    [[nodiscard]] double hottest_die_c() const;
    //! Its accelerators drew `board_w` each, on the mean, for `seconds`: temperatures follow, and clocks from now on.
    void warm(core::TimeNs now_ns, double board_w, double coolant_c, double seconds);
    //! Energy and boards of the instances that live here by class of the site's control, since this was last called.
    void add_classes(core::TimeNs now_ns, ClassSums& sums);
    //! A cap for the boards of each class, from now on.
    void set_caps(ClassCaps const& caps);
    //! Of the arrivals of the last service, from now on.
    void set_shed_share(double share) { shed_share_ = share; }
    //! Since the control last looked.
    [[nodiscard]] PeriodEnergy& period_energy() { return period_energy_; }
    //! Keeps the rack to a budget of its own.
    [[nodiscard]] BudgetGovernor& governor() { return governor_; }
    //! Power fails now: nothing runs until `serves_ns`, and arrivals are turned away.
    void lose_power(core::TimeNs now_ns, core::TimeNs serves_ns);
    //! Its energy storage; none where the deck has none.
    [[nodiscard]] std::optional<plant::RackStorage>& storage() { return storage_; }
    //! Mean clock of its instances, share of the highest.
    [[nodiscard]] double clock() const;

    //! Moved by memory pools here since this was last called, with what instances of several pools asked for in iterations begun.
    [[nodiscard]] std::int64_t take_pool_bytes(core::TimeNs now_ns);
    //! KV blocks of the instances that live here: in memory pools, and all.
    [[nodiscard]] std::int64_t pool_blocks() const;
    [[nodiscard]] std::int64_t used_blocks() const;
    //! Share in use of what instances may keep in pools.
    [[nodiscard]] double pool_used_share() const;

    [[nodiscard]] Counts counts() const;
    //! What was counted since this was last called.
    [[nodiscard]] Counts counts_since_sample();
    [[nodiscard]] std::int64_t accelerators() const { return accelerators_; }
    [[nodiscard]] std::int64_t assigned_accelerators() const { return assigned_accelerators_; }
    [[nodiscard]] std::int64_t running_sequences() const;
    [[nodiscard]] std::int64_t waiting_requests() const;
    [[nodiscard]] double kv_used_share() const;
    //! Adds what came, went and waits here, by service.
    void add_loads(std::span<ServiceLoad> loads) const;
    [[nodiscard]] std::vector<ServiceResults> const& results() const { return results_; }
    //! Adds the requests of the measured period that are still open, as they stand at the end, by service.
    void add_open(core::TimeNs end_ns, std::span<ServiceResults> results) const;
    [[nodiscard]] std::vector<RequestRecord> const& requests() const { return requests_; }
    [[nodiscard]] core::Digest& digest() { return digest_; }
    //! Requests that are in this rack or on their way to it; for conservation checks.
    [[nodiscard]] std::int64_t census() const;
    //! Output tokens that those requests have so far.
    [[nodiscard]] std::int64_t tokens_present() const;
    void audit() const;

    template <class Archive>
    void archive(Archive& ar) {
        for (std::size_t i = 0; i < hosted_.size(); ++i) {
            ar& hosted_[i].instance;
            due_ns_[i] = hosted_[i].instance.next_event_ns();
            if (hosted_[i].boards) ar&* hosted_[i].boards;
            if (hosted_[i].scale_out) ar&* hosted_[i].scale_out;
        }
        if (thermal_) ar&* thermal_;
        if (storage_) ar&* storage_;
        ar& governor_& shed_share_& period_energy_& serves_ns_;
        for (Cell& cell : cells_) ar& cell.router& cell.arrivals& cell.retries;
        ar& guests_& inbox_& outbox_& fetches_& free_fetches_& meter_& counts_& at_sample_& flows_& results_&
            requests_& digest_;
        ar& sequence_& transfers_& next_event_ns_;
        for (hardware::SharedPool& pool : pools_) ar& pool;
        for (PoolSeat& seat : seats_) ar& seat.waits_from_ns& seat.read& seat.guests_wait;
        ar& reserved_pool_bytes_& taken_pool_bytes_;
        ar& in_service_& in_service_from_ns_;
    }

  private:
    //! An instance that lives here, and the group of accelerators that it has in this rack.
    struct Hosted {
        core::InstanceId id;
        ServiceModel const* service;
        std::unique_ptr<BoardControl> boards;  //!< none where nothing can change their clock
        std::unique_ptr<ScaleOut> scale_out;   //!< none where all its messages stay in a scale-up domain
        serving::Instance instance;
        std::size_t group;
        bool prefill;
        std::int64_t last_rack;  //!< in which it has accelerators
    };
    struct Cell {
        core::CellId id;
        serving::Router router;
        workload::ArrivalStream arrivals;
        std::deque<core::TimeNs> retries{};  //!< when clients whose requests were turned away come again
    };
    //! Part of an instance that lives in another rack.
    struct Guest {
        core::InstanceId id;
        std::size_t group;
        core::TimeNs end_ns{core::never};  //!< of the work it was told of
    };
    static constexpr std::uint32_t no_read = ~std::uint32_t{0};
    //! How a hosted instance comes by its memory pools.
    struct PoolSeat {
        std::size_t pool{0};   //!< of this rack; unless it has accelerators at several pools
        bool reserved{false};  //!< it has: its part of each is set aside for it
        core::TimeNs waits_from_ns{core::never};  //!< nothing but the pool is left of its iteration
        std::uint32_t read{no_read};              //!< of memory nodes: the fetch that the iteration needs
        bool guests_wait{false};                  //!< and racks with a part of it were told so
    };
    //! A KV cache on its way here, or what an iteration reads from memory nodes, in one or more transfers.
    struct Fetch {
        bool of_memory{false};
        std::uint32_t instance{0};  //!< among hosted
        serving::Slot reserved{0};
        serving::Slot source{0};
        std::int64_t pieces{0};  //!< still to come
        core::TimeNs arrived_ns{0};
        core::TimeNs alone_ns{0};  //!< what it takes on an empty network
        serving::Request request;
    };
    struct LinkBytes {
        fabric::LinkIndex link;
        double bytes;
    };

    void on_first_token(serving::Request const& request, core::TimeNs now_ns) override;
    void on_token_gaps(core::TimeNs gap_ns, std::int64_t sequences, core::TimeNs now_ns) override;
    void on_completed(serving::Request const& request, core::TimeNs now_ns) override;
    void on_rejected(serving::Request const& request, core::TimeNs now_ns) override;
    void on_prefilled(serving::Request const& request, serving::Slot held, core::TimeNs now_ns) override;
    void on_fetch(serving::Request const& request, serving::Slot source, serving::Slot reserved,
                  core::TimeNs now_ns) override;

    void host_instances();
    void host_cells();
    [[nodiscard]] std::unique_ptr<BoardControl> make_boards(site::InstancePlace const& place) const;
    void count_in_service(core::TimeNs now_ns);
    void find_next_event();
    void resume(core::TimeNs now_ns);
    void handle(Message const& message);
    void arrive(Cell& cell);
    [[nodiscard]] bool sheds(Cell const& cell, serving::Request const& request) const;
    template <class Action>
    void on_instance(std::uint32_t index, core::TimeNs now_ns, Action&& action);
    void announce_work(std::uint32_t index, core::TimeNs now_ns);
    void make_pools();
    void add_seat(site::InstancePlace const& place);
    void ask_pool(std::uint32_t index, core::TimeNs now_ns);
    void end_pool_reads(core::TimeNs now_ns);
    void wait_for_pools(core::TimeNs now_ns);
    void add_wait(Hosted const& hosted, Work& work) const;
    [[nodiscard]] core::TimeNs next_pool_event_ns() const;
    void send(MessageKind kind, core::RackId to, std::uint32_t target, serving::Slot slot,
              serving::Request const& request, core::TimeNs due_ns);
    [[nodiscard]] std::uint32_t take_fetch();
    void start_transfers(std::uint32_t fetch, core::TimeNs now_ns);
    [[nodiscard]] core::TimeNs alone_on_links_ns();
    Transfer& add_transfer(std::uint32_t fetch, std::int64_t bytes, fabric::Route route, core::TimeNs now_ns);
    [[nodiscard]] std::int64_t nic_bytes_per_s() const;
    [[nodiscard]] core::TimeNs last_byte_ns(Arrival const& arrival) const;
    void kv_arrives(std::uint32_t fetch, core::TimeNs window_end_ns, core::TimeNs window_ns);
    void read_memory(std::uint32_t index, core::TimeNs now_ns);
    void read_for_node(std::uint32_t index, std::int64_t first, std::int64_t count, std::int64_t bytes,
                       core::TimeNs now_ns);
    void memory_read(std::uint32_t fetch, core::TimeNs window_end_ns);
    void tell_guests(Hosted const& hosted, Work const& work, core::TimeNs now_ns);
    void record_completion(serving::Request const& request, core::TimeNs now_ns);
    void record_ttft(serving::Request const& request, core::TimeNs ttft_ns);
    void record_request(serving::Request const& request, serving::RequestTimes const& seen);
    void count_arrival(serving::Request const& request);
    void count_rejection(serving::Request const& request);
    [[nodiscard]] std::uint32_t hosted_index(std::uint32_t instance) const;
    [[nodiscard]] Cell& cell_of(std::uint32_t cell);
    [[nodiscard]] bool measured(core::TimeNs time_ns) const { return time_ns >= world_->warmup_ns(); }

    World const* world_;
    core::RackId id_;
    fabric::Transport transport_;
    std::int64_t accelerators_;
    std::int64_t assigned_accelerators_{0};
    std::vector<Hosted> hosted_;     //!< by instance id, which ascends
    std::uint32_t first_hosted_{0};  //!< id of the first; the others follow in a row
    //! Of the hosted instances, side by side: every event looks at them all.
    std::vector<core::TimeNs> due_ns_;
    std::vector<hardware::SharedPool> pools_;
    std::vector<PoolSeat> seats_;          //!< of the hosted instances, where there are pools
    std::int64_t reserved_pool_bytes_{0};  //!< of reads that no SharedPool runs
    std::int64_t taken_pool_bytes_{0};
    std::vector<Cell> cells_;
    std::vector<Guest> guests_;
    std::vector<Message> inbox_;  //!< heap
    std::vector<Fetch> fetches_;
    std::vector<std::uint32_t> free_fetches_;
    Meter meter_;
    std::optional<plant::AcceleratorThermal> thermal_;  //!< the mean of its accelerators
    std::optional<plant::RackStorage> storage_;
    BudgetGovernor governor_;
    PeriodEnergy period_energy_;
    double shed_share_{0};
    core::TimeNs serves_ns_{core::never};  //!< without power until then

    std::vector<Message> outbox_;
    std::vector<Transfer> started_;
    std::vector<DemandChange> demands_;
    fabric::Path path_;                  // reused
    std::vector<LinkBytes> link_bytes_;  // reused: of the transfers that a fetch begins
    std::size_t active_service_{0};      //!< of the instance that something is done to
    std::uint32_t sequence_{0};          //!< of messages
    std::uint32_t transfers_{0};
    core::TimeNs next_event_ns_{core::never};
    core::TimeNs window_end_ns_{0};
    std::int64_t in_service_{0};          //!< requests of the hosted instances
    core::TimeNs in_service_from_ns_{0};  //!< up to here they are counted

    Counts counts_;
    Counts at_sample_;
    std::vector<ServiceFlow> flows_;       //!< by service, since the start
    std::vector<ServiceResults> results_;  //!< by service; empty histograms where none is here
    std::vector<RequestRecord> requests_;
    core::Digest digest_;
};

}  // namespace mw::engine
