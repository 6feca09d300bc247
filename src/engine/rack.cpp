#include "rack.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "megaweave/core/check.hpp"
#include "megaweave/core/integer.hpp"
#include "power_bins.hpp"
#include "rack_power.hpp"

namespace mw::engine {

namespace {

std::int32_t part_of(std::int64_t tokens, double share) {
    return static_cast<std::int32_t>(std::llround(share * static_cast<double>(tokens)));
}

//! Accelerators of [first, first + count) that lie in a rack.
std::int64_t part_in(core::RackId rack, std::int64_t per_rack, std::int64_t first, std::int64_t count) {
    std::int64_t const begin = std::max(first, rack.index() * per_rack);
    std::int64_t const end = std::min(first + count, (rack.index() + 1) * per_rack);
    return std::max<std::int64_t>(0, end - begin);
}

std::optional<plant::RackStorage> make_storage(config::Deck const& deck) {
    plant::RackStorageParams const& storage = deck.facility.delivery.rack_storage;
    if (!storage.on()) return {};
    return plant::RackStorage{storage};
}

std::optional<plant::AcceleratorThermal> make_thermal(config::Deck const& deck) {
    if (!deck.facility.thermal.on) return {};
    hardware::ThermalParams const& thermal = deck.cluster.rack.accelerator.thermal;
    plant::CoolingParams const& cooling = deck.facility.cooling;
    bool const liquid = is_liquid_cooled(deck);
    return plant::AcceleratorThermal{thermal, liquid ? thermal.liquid_k_per_w : thermal.air_k_per_w,
                                     liquid ? cooling.supply_c : cooling.air_supply_c};
}

}  // namespace

Rack::Rack(World const& world, core::RackId id)
    : world_{&world},
      id_{id},
      transport_{world.deck().cluster.transport},
      accelerators_{world.plan().accelerators_in(id)},
      meter_{world.plan().accelerators_in(id), swing_bins(world.deck().time.sample_ns).length_ns},
      thermal_{make_thermal(world.deck())},
      storage_{make_storage(world.deck())},
      flows_(world.services()),
      results_(world.services()) {
    make_pools();
    host_instances();
    host_cells();
    find_next_event();
}

void Rack::host_instances() {
    site::Plan const& plan = world_->plan();
    std::int64_t const per_rack = plan.rack_type().accelerators();
    auto const& all = plan.instances();
    auto at = std::ranges::partition_point(all, [&](site::InstancePlace const& place) {
        return place.first_accelerator + place.accelerators <= id_.index() * per_rack;
    });
    for (; at != all.end(); ++at) {
        std::int64_t const here = part_in(id_, per_rack, at->first_accelerator, at->accelerators);
        if (here == 0) break;
        assigned_accelerators_ += here;
        auto const instance = core::InstanceId::of(static_cast<std::size_t>(at - all.begin()));
        std::size_t const group = meter_.add_group(here);
        if (at->home != id_) {
            guests_.push_back(Guest{instance, group});
            continue;
        }
        ServiceModel const& service = world_->service(at->service);
        std::unique_ptr<BoardControl> boards = make_boards(*at);
        serving::Timing const& timing = boards ? boards->timing() : service.timing(at->prefill);
        std::unique_ptr<ScaleOut> scale_out;
        if (auto const patterns = scale_out_patterns(plan, *at, service.model(at->prefill));
            !patterns.empty())
            scale_out = std::make_unique<ScaleOut>(service.model(at->prefill), timing, patterns, transport_,
                                                   1.0 - service.params().engine.communication_overlap);
        serving::Timing const& shared = scale_out ? scale_out->timing() : timing;
        hosted_.push_back({instance, &service, std::move(boards), std::move(scale_out),
                           serving::Instance{service.instance(at->prefill), shared}, group, at->prefill,
                           (at->first_accelerator + at->accelerators - 1) / per_rack});
        if (hosted_.size() == 1) first_hosted_ = instance.index();
        due_ns_.push_back(hosted_.back().instance.next_event_ns());
        if (world_->deck().cluster.memory_pool.present()) add_seat(*at);
    }
}

void Rack::host_cells() {
    site::Plan const& plan = world_->plan();
    auto const& all = plan.cells();
    for (auto at = std::ranges::lower_bound(all, id_, {}, &site::CellPlace::home);
         at != all.end() && at->home == id_; ++at) {
        ServiceModel const& service = world_->service(at->service);
        bool const unified = service.params().mode == serving::Mode::unified;
        std::vector<core::InstanceId> prefill;
        std::vector<core::InstanceId> decode;
        for (std::uint32_t i = at->first_instance; i < at->last_instance; ++i) {
            core::InstanceId const instance{i};
            if (unified || plan.instance(instance).prefill) prefill.push_back(instance);
            if (unified || !plan.instance(instance).prefill) decode.push_back(instance);
        }
        auto const id = core::CellId::of(static_cast<std::size_t>(at - all.begin()));
        cells_.push_back(
            {id, serving::Router{service.params().router, std::move(prefill), std::move(decode), unified},
             workload::ArrivalStream{service.params().workload,
                                     service.input(),
                                     service.output(),
                                     service.trace(),
                                     world_->deck().seed,
                                     id.index(),
                                     {at->number, at->count, plan.cell_weights(at->service)}}});
    }
}

void Rack::find_next_event() {
    core::TimeNs next = inbox_.empty() ? serves_ns_ : std::min(serves_ns_, inbox_.front().due_ns);
    for (core::TimeNs const due_ns : due_ns_) next = std::min(next, due_ns);
    if (!seats_.empty()) next = std::min(next, next_pool_event_ns());
    for (Guest const& guest : guests_) next = std::min(next, guest.end_ns);
    for (Cell const& cell : cells_) {
        next = std::min(next, cell.arrivals.next_ns());
        if (!cell.retries.empty()) next = std::min(next, cell.retries.front());
    }
    next_event_ns_ = next;
}

void Rack::deliver(Message const& message) {
    inbox_.push_back(message);
    std::ranges::push_heap(inbox_, DueLater{});
    next_event_ns_ = std::min(next_event_ns_, message.due_ns);
}

void Rack::run_until(core::TimeNs end_ns) {
    window_end_ns_ = end_ns;
    while (next_event_ns_ < end_ns) {
        core::TimeNs const now_ns = next_event_ns_;
        while (!inbox_.empty() && inbox_.front().due_ns <= now_ns) {
            std::ranges::pop_heap(inbox_, DueLater{});
            Message const message = inbox_.back();
            inbox_.pop_back();
            ++counts_[Count::events];
            handle(message);
        }
        if (!seats_.empty()) end_pool_reads(now_ns);
        for (std::uint32_t i = 0; i < hosted_.size(); ++i)
            if (due_ns_[i] == now_ns) {
                ++counts_[Count::events];
                on_instance(i, now_ns, [&](serving::Instance& instance) { instance.advance(*this); });
            }
        if (serves_ns_ == now_ns) resume(now_ns);
        for (Guest& guest : guests_)
            if (guest.end_ns == now_ns) {
                meter_.end(guest.group, now_ns);
                guest.end_ns = core::never;
            }
        for (Cell& cell : cells_) {
            for (; !cell.retries.empty() && cell.retries.front() == now_ns; cell.retries.pop_front())
                cell.arrivals.replace(now_ns);
            while (cell.arrivals.next_ns() == now_ns) arrive(cell);
        }
        find_next_event();
    }
}

void Rack::handle(Message const& message) {
    core::TimeNs const now_ns = message.due_ns;
    switch (message.kind) {
        case MessageKind::prompt:
            on_instance(hosted_index(message.target), now_ns, [&](serving::Instance& instance) {
                instance.submit(message.request, now_ns, *this);
            });
            break;
        case MessageKind::kv_ready:
            on_instance(hosted_index(message.target), now_ns, [&](serving::Instance& instance) {
                instance.attach(message.request, message.slot, now_ns, *this);
            });
            break;
        case MessageKind::kv_arrived:
            on_instance(hosted_index(message.target), now_ns, [&](serving::Instance& instance) {
                instance.kv_arrived(message.slot, message.request.timeline, now_ns, *this);
            });
            break;
        case MessageKind::kv_release:
            on_instance(hosted_index(message.target), now_ns,
                        [&](serving::Instance& instance) { instance.release(message.slot, now_ns, *this); });
            break;
        case MessageKind::prompt_done:
            cell_of(message.target).router.prefill_done(message.request);
            break;
        case MessageKind::request_done:
        case MessageKind::request_rejected: {
            Cell& cell = cell_of(message.target);
            cell.router.request_done(message.request, message.kind == MessageKind::request_rejected);
            cell.arrivals.replace(now_ns);
            break;
        }
        case MessageKind::activity: {
            auto const guest = std::ranges::find(guests_, core::InstanceId{message.target}, &Guest::id);
            MW_EXPECT(guest != guests_.end(), "activity of an instance that has no part here");
            if (serves_ns_ != core::never) break;  // it is told again when there is power
            meter_.begin(guest->group, now_ns, message.work);
            reserved_pool_bytes_ += message.work.pool_bytes * meter_.accelerators(guest->group);
            guest->end_ns = now_ns + message.work.duration_ns;
            break;
        }
    }
}

void Rack::arrive(Cell& cell) {
    workload::Arrival const arrival = cell.arrivals.take();
    serving::Request request;
    request.id = (static_cast<std::uint64_t>(cell.id.index()) << 40) | arrival.index;
    request.arrival_ns = request.timeline.from_ns = arrival.time_ns;
    request.input_tokens = static_cast<std::int32_t>(arrival.input_tokens);
    request.output_tokens = static_cast<std::int32_t>(arrival.output_tokens);
    request.service = world_->plan().cell(cell.id).service;
    request.prefix_tokens =
        part_of(arrival.input_tokens, world_->service(request.service).params().workload.prefix_hit);
    request.cell = cell.id;
    ++counts_[Count::events];
    count_arrival(request);
    if (sheds(cell, request)) {
        count_rejection(request);
        ++flows_[request.service.index()].shed;
        counts_[Count::in_flight_moment_us] += arrival.time_ns / 1000;
        core::TimeNs const last_ns = cell.retries.empty() ? 0 : cell.retries.back();
        cell.retries.push_back(serves_ns_ != core::never
                                   ? std::max(serves_ns_, last_ns)
                                   : arrival.time_ns + world_->deck().facility.control.period_ns);
        return;
    }
    cell.router.assign(request);
    send(MessageKind::prompt, world_->plan().instance(request.prefill).home, request.prefill.index(), 0,
         request, arrival.time_ns);
}

// Whatever is done to an instance may end an iteration or begin one; the meter must know.
template <class Action>
void Rack::on_instance(std::uint32_t index, core::TimeNs now_ns, Action&& action) {
    Hosted& hosted = hosted_[index];
    if (hosted.boards) hosted.boards->observe(now_ns);
    if (hosted.scale_out) hosted.scale_out->observe(now_ns);
    bool const was_busy = hosted.instance.busy();
    core::TimeNs const began_ns = hosted.instance.iteration_start_ns();
    active_service_ = world_->plan().instance(hosted.id).service.index();
    count_in_service(now_ns);
    std::int64_t const served = hosted.instance.in_service();
    action(hosted.instance);
    in_service_ += hosted.instance.in_service() - served;
    if (hosted.instance.busy()) {
        bool const begun = !was_busy || hosted.instance.iteration_start_ns() != began_ns;
        if (begun && hosted.instance.iteration_start_ns() <= now_ns) announce_work(index, now_ns);
    } else if (was_busy) {
        meter_.end(hosted.group, now_ns);
        if (!seats_.empty() && std::exchange(seats_[index].guests_wait, false))
            tell_guests(hosted, {}, now_ns);
        if (hosted.boards) hosted.boards->set_power({});
        if (hosted.scale_out) {
            hosted.scale_out->rest();
            hosted.scale_out->tell(hosted.id, demands_);
        }
    }
    due_ns_[index] = hosted.instance.next_event_ns();
}

void Rack::announce_work(std::uint32_t index, core::TimeNs now_ns) {
    Hosted& hosted = hosted_[index];
    if (hosted.instance.reading()) ask_pool(index, now_ns);
    llm::IterationCost const& cost = hosted.instance.iteration();
    hardware::DynamicPower const power = hosted.service->power(cost, hosted.prefill);
    if (hosted.boards) hosted.boards->set_power(power);
    Work work{cost.duration_ns, cost.share_ns, to_mw(power.compute_w), to_mw(power.memory_w),
              to_mw(power.link_w)};
    if (!seats_.empty()) {
        seats_[index].guests_wait = false;
        if (seats_[index].reserved) add_wait(hosted, work);
        reserved_pool_bytes_ += work.pool_bytes * meter_.accelerators(hosted.group);
    }
    meter_.begin(hosted.group, now_ns, work);
    if (hosted.scale_out) {
        hosted.scale_out->begin(now_ns);
        hosted.scale_out->tell(hosted.id, demands_);
    }
    tell_guests(hosted, work, now_ns);
}

//! What accelerators of an instance in other racks do from now on.
void Rack::tell_guests(Hosted const& hosted, Work const& work, core::TimeNs now_ns) {
    for (std::int64_t rack = id_.index() + 1; rack <= hosted.last_rack; ++rack) {
        send(MessageKind::activity, core::RackId::of(static_cast<std::size_t>(rack)), hosted.id.index(), 0,
             {}, now_ns);
        outbox_.back().work = work;
    }
}

void Rack::send(MessageKind kind, core::RackId to, std::uint32_t target, serving::Slot slot,
                serving::Request const& request, core::TimeNs due_ns) {
    Message& message = outbox_.emplace_back();
    message.due_ns = std::max(due_ns, window_end_ns_);
    message.from = id_;
    message.sequence = sequence_++;
    message.to = to;
    message.target = target;
    message.slot = slot;
    message.kind = kind;
    message.request = request;
    ++counts_[Count::messages];
}

std::uint32_t Rack::hosted_index(std::uint32_t instance) const {
    std::uint32_t const index = instance - first_hosted_;
    MW_EXPECT(index < hosted_.size(), "a message for an instance that does not live here");
    return index;
}

Rack::Cell& Rack::cell_of(std::uint32_t cell) {
    auto const at = std::ranges::lower_bound(cells_, core::CellId{cell}, {}, &Cell::id);
    MW_EXPECT(at != cells_.end() && at->id.index() == cell, "a message for a router that does not live here");
    return *at;
}

}  // namespace mw::engine
