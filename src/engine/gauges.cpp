#include "gauges.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

#include "budget_watch.hpp"
#include "megaweave/core/check.hpp"
#include "megaweave/core/integer.hpp"
#include "megaweave/engine/deployment.hpp"
#include "power_bins.hpp"

namespace mw::engine {

namespace {

struct ColumnText {
    char const* name;
    char const* unit;
    char const* description;
};

//! In the order in which `Gauges::read_rack` puts them.
constexpr std::array<ColumnText, 15> rack_columns = {{
    {"row_power_w", "W", "AC power of the rack's row, at the row's meter"},
    {"power_w", "W", "AC power at the rack's meter"},
    {"accelerator_power_w", "W", "power of the accelerator boards"},
    {"compute_share", "1", "accelerator time bound by arithmetic"},
    {"hbm_share", "1", "accelerator time bound by HBM bandwidth"},
    {"scale_up_share", "1", "accelerator time waiting for the scale-up fabric"},
    {"scale_out_share", "1", "accelerator time waiting for the scale-out fabric"},
    {"memory_pool_share", "1", "accelerator time waiting for a memory pool"},
    {"overhead_share", "1", "accelerator time in fixed costs of the engine"},
    {"idle_share", "1", "accelerator time without work"},
    {"output_tokens_per_s", "1/s", "tokens generated"},
    {"input_tokens_per_s", "1/s", "prompt tokens processed"},
    {"running_sequences", "1", "sequences in the running batches"},
    {"waiting_requests", "1", "requests queued at the instances, and caches on their way"},
    {"kv_used_share", "1", "KV blocks in use"},
}};

//! After them, what the deck models: dies with a thermal plant, clocks where something may lower them.
constexpr std::array<ColumnText, 2> die_columns = {{
    {"die_temperature_c", "degC", "mean temperature of the accelerators' dies"},
    {"hottest_die_c", "degC", "the hottest accelerator's die, of the instances that live here"},
}};
constexpr ColumnText clock_column = {"clock_share", "1",
                                     "mean clock that caps, locks and temperature allow, of the highest"};

//! After them, where the deck has memory pools.
constexpr std::array<ColumnText, 2> pool_columns = {{
    {"pool_bytes_per_s", "B/s", "from and to the rack's memory pools"},
    {"pool_used_share", "1", "of what instances may keep in memory pools, in use"},
}};

constexpr std::size_t first_own_column = 1;  // the row's comes when all racks are read
constexpr std::uint64_t facility_column = 2000;

std::int64_t in_flight(Counts const& counts) {
    return counts[Count::arrivals] - counts[Count::completions] - counts[Count::rejections];
}

//! Not a number where there is nothing to divide by.
double per(std::int64_t sum, std::int64_t count) {
    return count == 0 ? std::numeric_limits<double>::quiet_NaN()
                      : static_cast<double>(sum) / static_cast<double>(count);
}

//! Of the requests in flight, from the start to `now_ns`.
double in_flight_integral_us(Counts const& counts, core::TimeNs now_ns) {
    core::Wide const to_now = core::Wide{in_flight(counts)} * (now_ns / 1000);
    return static_cast<double>(to_now + counts[Count::in_flight_moment_us]);
}

}  // namespace

Gauges::Gauges(World const& world, parallel::Comm const& comm, FabricPartition const& fabric)
    : world_{&world},
      comm_{&comm},
      rack_power_{world.deck()},
      site_power_{world},
      links_{world, fabric},
      control_{world},
      supply_{world, {site_power_.nameplate_it_w(), site_power_.nameplate_facility_w()}},
      loads_(world.services()),
      history_{world.services()} {
    history_.begin(loads_);
    plant::RackStorage const store{world.deck().facility.delivery.rack_storage};
    constexpr char const* what = "the energy of all stores [uJ]";
    charge_uj_ = core::checked_sum(
        supply_.battery_uj(), core::checked_product(world.plan().racks(), store.charge_uj(), what), what);
    charge_at_warmup_uj_ = charge_uj_;
    require_countable(world);
}

core::TimeNs Gauges::next_sample_ns(core::TimeNs now_ns) const {
    core::TimeNs const sample = world_->deck().time.sample_ns;
    core::TimeNs const offset = world_->warmup_ns() % sample;
    return std::min((now_ns - offset + sample) / sample * sample + offset, world_->end_ns());
}

core::Frame const& Gauges::read(core::TimeNs now_ns, Racks racks, FabricPartition& fabric) {
    sample_ns_ = now_ns - last_ns_;
    sample_s_ = core::to_seconds(sample_ns_);
    last_ns_ = now_ns;
    Sums sums;
    row_uj_.assign(2 * control_.rows(), 0);
    bin_uj_.assign(static_cast<std::size_t>(swing_bins(sample_ns_).count), 0);
    supply_.begin(now_ns, sample_ns_);
    bool const measured = now_ns > world_->warmup_ns();
    LinkSample const links{samples_, sample_ns_, measured};
    begin_frame(now_ns, racks.size());
    for (std::size_t place = 0; place < racks.size(); ++place)
        read_rack(*racks[place], place, now_ns, links_.read(links, fabric, *racks[place], frame_), sums);
    links_.sum(links, *comm_, fabric.fairness());
    sums.active_transfers = fabric.active_at_home();

    add_up(sums);
    put_rows(racks, sums);

    settle_power(sums, now_ns);
    put_facility(sums);
    if (measured) watch_budgets(sums);
    links_.put_facility(links, frame_);
    control_.step(now_ns, sample_ns_, {sums.energy_uj.sum() - sums.energy_uj[Consumer::storage], sums.it_uj},
                  std::span{row_uj_}.subspan(control_.rows()), racks, *comm_);
    if (supply_.goes_dark())
        for (auto const& rack : racks) rack->lose_power(now_ns, supply_.serves_ns());
    if (!measured) charge_at_warmup_uj_ = charge_uj_;
    if (now_ns == world_->warmup_ns()) at_warmup_ = sums.counts;
    follow_loads(racks, sums, measured);
    if (measured) {
        measured_energy_ += sums.energy_uj;
        measured_it_uj_ += sums.it_uj;
        measured_boards_uj_ += sums.boards_uj;
        measured_racks_uj_ += sums.racks_uj;
        if (supply_.dark()) dark_ns_ += sample_ns_;
        follow_swings();
        measured_pool_blocks_ += sums.pool_blocks;
        measured_used_blocks_ += sums.used_blocks;
        for (std::size_t s = 0; s < llm::share_count; ++s)
            measured_accelerator_ns_[s] += sums.accelerator_ns[s];
    }
    last_ = sums.counts;
    ++samples_;
    return frame_;
}

void Gauges::follow_loads(Racks racks, Sums const& sums, bool measured) {
    loads_.assign(loads_.size(), {});
    for (auto const& rack : racks) rack->add_loads(loads_);
    static_assert(sizeof(ServiceLoad) % sizeof(std::int64_t) == 0);
    // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): plain integers side by side
    comm_->sum(std::span{reinterpret_cast<std::int64_t*>(loads_.data()),
                         loads_.size() * sizeof(ServiceLoad) / sizeof(std::int64_t)});
    if (!measured) return history_.begin(loads_);
    Counts const done = sums.counts - last_;
    history_.add(
        {sample_ns_, done[Count::output_tokens], sums.energy_uj.sum(), done[Count::first_tokens],
         done[Count::ttft_ns], done[Count::tpot_samples], done[Count::tpot_ns], done[Count::completions]},
        loads_);
}

void Gauges::begin_frame(core::TimeNs now_ns, std::size_t racks) {
    frame_.time_ns = now_ns;
    frame_.columns.clear();
    for (ColumnText const& column : rack_columns)
        frame_.add(core::Owner::rack, column.name, column.unit, column.description, racks);
    auto const add = [&](ColumnText const& column) {
        frame_.add(core::Owner::rack, column.name, column.unit, column.description, racks);
    };
    if (world_->deck().facility.thermal.on) std::ranges::for_each(die_columns, add);
    if (clocks_may_change(world_->deck())) add(clock_column);
    if (world_->deck().facility.delivery.rack_storage.on())
        frame_.add(core::Owner::rack, "stored_j", "J", "energy in the rack's store", racks);
    if (world_->deck().cluster.memory_pool.present())
        for (ColumnText const& column : pool_columns)
            frame_.add(core::Owner::rack, column.name, column.unit, column.description, racks);
    links_.begin_frame(frame_);
}

void Gauges::read_rack(Rack& rack, std::size_t place, core::TimeNs now_ns, std::int64_t nic_bytes,
                       Sums& sums) {
    MeterReading const meter = rack.read_meter(now_ns);
    std::int64_t const pool_bytes = rack.take_pool_bytes(now_ns);
    Counts const counts = rack.counts();
    Counts const done = rack.counts_since_sample();
    RackEnergy const used = rack_power_(
        {rack.accelerators(), rack.assigned_accelerators(), world_->plan().nodes_in(rack.id()), sample_ns_,
         nic_bytes, rack.die_c(), supply_.dark(), pool_bytes, world_->plan().memory_nodes_in(rack.id())},
        meter);
    Energies const energy = at_meter(rack, used, meter, sums);
    std::int64_t const load_uj = used.by_consumer.sum();
    auto const accelerator_uj = static_cast<double>(used.boards_uj);
    rack.warm(now_ns, accelerator_uj * 1e-6 / sample_s_ / static_cast<double>(rack.accelerators()),
              site_power_.coolant_c(), sample_s_);
    rack.period_energy().rack_uj += load_uj;
    rack.period_energy().boards_uj += used.boards_uj;
    row_uj_[control_.row_of(rack.id())] += energy.sum();
    row_uj_[control_.rows() + control_.row_of(rack.id())] += load_uj;
    double const accelerator_ns = static_cast<double>(rack.accelerators()) * static_cast<double>(sample_ns_);

    std::size_t column = first_own_column;
    auto const put = [&](double value) {
        auto const rounded = static_cast<float>(value);
        frame_.columns[column].values[place] = rounded;
        rack.digest().add(record_key(samples_, column++, rack.id().index()),
                          std::uint64_t{std::bit_cast<std::uint32_t>(rounded)});
    };
    put(static_cast<double>(energy.sum()) * 1e-6 / sample_s_);
    put(accelerator_uj * 1e-6 / sample_s_);
    for (llm::Share const share :
         {llm::Share::compute, llm::Share::hbm, llm::Share::scale_up, llm::Share::scale_out,
          llm::Share::memory_pool, llm::Share::overhead, llm::Share::idle})
        put(static_cast<double>(meter.accelerator_ns[llm::index_of(share)]) / accelerator_ns);
    put(per_second(done[Count::output_tokens]));
    put(per_second(done[Count::input_tokens]));
    put(static_cast<double>(rack.running_sequences()));
    put(static_cast<double>(rack.waiting_requests()));
    put(rack.kv_used_share());
    if (world_->deck().facility.thermal.on) {
        put(rack.die_c());
        put(rack.hottest_die_c());
    }
    if (clocks_may_change(world_->deck())) put(rack.clock());
    if (rack.storage()) put(static_cast<double>(rack.storage()->charge_uj()) * 1e-6);
    if (world_->deck().cluster.memory_pool.present()) {
        put(per_second(pool_bytes));
        put(rack.pool_used_share());
        sums.pool_blocks += rack.pool_blocks();
        sums.used_blocks += rack.used_blocks();
    }
    MW_EXPECT(frame_.columns[column].owner == core::Owner::link, "a value for every column of a rack");

    sums.counts += counts;
    sums.energy_uj += energy;
    sums.boards_uj += used.boards_uj;
    watch_budget(sums.rack_budgets, energy.sum(), world_->deck().facility.control.rack_budget_w, sample_ns_);
    sums.clock_ppb += rack.accelerators() * std::llround(1e9 * rack.clock());
    sums.boards += rack.accelerators();
    for (std::size_t s = 0; s < llm::share_count; ++s) sums.accelerator_ns[s] += meter.accelerator_ns[s];
}

//! What each row drew, by all its racks, into the column of each of them.
void Gauges::put_rows(Racks racks, Sums const& sums) {
    comm_->sum(std::span{row_uj_});
    std::int64_t rows_uj = 0;
    for (std::size_t row = 0; row < control_.rows(); ++row) rows_uj += row_uj_[row];
    MW_EXPECT(rows_uj == sums.energy_uj.sum(), "the rows' meters add up to the racks'");
    for (std::size_t place = 0; place < racks.size(); ++place) {
        auto const rounded = static_cast<float>(
            static_cast<double>(row_uj_[control_.row_of(racks[place]->id())]) * 1e-6 / sample_s_);
        frame_.columns.front().values[place] = rounded;
        racks[place]->digest().add(record_key(samples_, 0, racks[place]->id().index()),
                                   std::uint64_t{std::bit_cast<std::uint32_t>(rounded)});
    }
}

void Gauges::put(char const* name, char const* unit, char const* description, double value) {
    auto const rounded = static_cast<float>(value);
    frame_.add(core::Owner::facility, name, unit, description, 1).values[0] = rounded;
    digest_.add(record_key(samples_, facility_column, core::hash_text(name)),
                std::uint64_t{std::bit_cast<std::uint32_t>(rounded)});
}

void Gauges::put_facility(Sums const& sums) {
    Counts const done = sums.counts - last_;
    facility_w_ = static_cast<double>(sums.energy_uj.sum()) * 1e-6 / sample_s_;
    output_tokens_per_s_ = per_second(done[Count::output_tokens]);
    put("facility_power_w", "W", "power of the whole site at the utility's meter", facility_w_);
    put("it_power_w", "W", "power that racks and network use, without what racks' stores take or give",
        static_cast<double>(sums.it_uj) * 1e-6 / sample_s_);
    put("pue", "1", "facility power over IT power, both without what stores take or give; NaN: dark",
        per(sums.energy_uj.sum() - sums.energy_uj[Consumer::storage], sums.it_uj));
    for (std::size_t c = 0; c < consumer_size; ++c) {
        if (c == static_cast<std::size_t>(Consumer::storage)) continue;  // put_stores
        put(consumer_columns[c], "W", "part of the facility's power",
            static_cast<double>(sums.energy_uj.values[c]) * 1e-6 / sample_s_);
    }
    put_stores(sums);
    put("board_power_w", "W", "power of all accelerator boards", per_second(sums.boards_uj) * 1e-6);
    put_plant(sums);
    put("output_tokens_per_s", "1/s", "tokens generated", output_tokens_per_s_);
    put("input_tokens_per_s", "1/s", "prompt tokens processed", per_second(done[Count::input_tokens]));
    put("requests_in_flight", "1", "requests arrived and not done",
        static_cast<double>(in_flight(sums.counts)));
    put("arrivals_per_s", "1/s", "requests arriving", per_second(done[Count::arrivals]));
    put("completions_per_s", "1/s", "requests completing", per_second(done[Count::completions]));
    put("ttft_mean_s", "s", "mean time to first token of the first tokens in the sample; NaN where none",
        1e-9 * per(done[Count::ttft_ns], done[Count::first_tokens]));
    put("tpot_mean_s", "s", "mean time per output token of the completions in the sample; NaN where none",
        1e-9 * per(done[Count::tpot_ns], done[Count::tpot_samples]));
    put("active_transfers", "1", "transfers under way", static_cast<double>(sums.active_transfers));
    put("fabric_bytes_per_s", "B/s", "bytes of completed transfers", per_second(done[Count::kv_bytes]));
}

//! Only what the deck models.
void Gauges::put_plant(Sums const& sums) {
    config::Deck const& deck = world_->deck();
    plant::FacilityParams const& facility = deck.facility;
    if (facility.thermal.on && facility.cooling.kind == plant::CoolingKind::liquid)
        put("loop_temperature_c", "degC", "coolant supplied to the racks", site_power_.loop_c());
    if (facility.thermal.on)
        put("hall_temperature_c", "degC", "air supplied to the racks", site_power_.hall_c());
    if (facility.cooling.constant_pue <= 0)
        put("wet_bulb_c", "degC", "outdoors", site_power_.wet_bulb_c(frame_.time_ns));
    if (facility.budgeted())
        put("budget_w", "W", "what the site may draw, in force when the sample began; NaN: no budget then",
            site_budget_w() > 0 ? site_budget_w() : std::numeric_limits<double>::quiet_NaN());
    if (facility.control.on())
        put("board_target_w", "W", "power that the site's control leaves to the boards; NaN: no target yet",
            control_.target_w() > 0 ? control_.target_w() : std::numeric_limits<double>::quiet_NaN());
    if (clocks_may_change(deck))
        put(clock_column.name, clock_column.unit, clock_column.description,
            1e-9 * per(sums.clock_ppb, sums.boards));
    if (facility.control.policy == plant::BudgetPolicy::shed)
        put("shed_share", "1", "arrivals of the last service that are turned away", control_.shed_share());
}

void Gauges::report(Results& results) const {
    results.run_counts = last_;
    results.counts = last_ - at_warmup_;
    results.energy_uj = measured_energy_;
    results.it_energy_uj = measured_it_uj_;
    results.boards_energy_uj = measured_boards_uj_;
    results.racks_energy_uj = measured_racks_uj_;
    results.mean_in_service =
        static_cast<double>(results.counts[Count::in_service_ns]) * 1e-9 / results.measured_s;
    results.site_budget = site_budget_;
    results.row_budgets = row_budgets_;
    results.rack_budgets = rack_budgets_;
    results.rows = static_cast<std::int64_t>(control_.rows());
    results.racks = world_->plan().racks();
    results.facility_series_w = series_w_;
    results.fine_series_w = fine_series_w_;
    results.fine_step_s = core::to_seconds(swing_bins(world_->deck().time.sample_ns).length_ns);
    results.history = history_;
    core::TimeNs const from_ns = world_->warmup_ns();
    double const in_flight_us =
        in_flight_integral_us(last_, last_ns_) - in_flight_integral_us(at_warmup_, from_ns);
    results.mean_in_flight = in_flight_us * 1e-6 / results.measured_s;
    results.stored_at_start_uj = charge_at_warmup_uj_;
    results.stored_at_end_uj = charge_uj_;
    results.dark_s = core::to_seconds(dark_ns_);
    results.network_power = network_power(results.measured_s);
    results.series_step_s = core::to_seconds(world_->deck().time.sample_ns);
    results.provisioned_w = {
        static_cast<double>(results.accelerators) * world_->deck().cluster.rack.accelerator.tdp_w,
        site_power_.nameplate_racks_w(), site_power_.nameplate_it_w(), site_power_.nameplate_facility_w()};
    results.accelerator_ns = measured_accelerator_ns_;
    results.pools = site_power_.pools();
    results.pool_share_of_blocks = per(measured_pool_blocks_, measured_used_blocks_);
    results.fabric.bytes = results.counts[Count::kv_bytes];
    results.fabric.kv_bytes = results.counts[Count::kv_bytes];
    results.fabric.bytes_between_racks = results.counts[Count::bytes_between_racks];
    links_.report(*comm_, results.measured_s, results.fabric);
    results.in_flight =
        last_[Count::cohort_arrived] - last_[Count::cohort_completed] - last_[Count::cohort_rejected];
}

}  // namespace mw::engine
