#include "rack_power.hpp"

#include <fmt/format.h>

#include <cmath>

#include "megaweave/core/integer.hpp"
#include "megaweave/hardware/scale_up.hpp"

namespace mw::engine {

namespace {

constexpr double uj_per_j = 1e6;
constexpr double bytes_per_s_per_800g = 100e9;

//! Energy of a sample. All racks' parts must fit into 63 bits together: `parts` of them are alike.
std::int64_t to_uj(Consumer consumer, double joules, double parts = 1) {
    double const uj = joules * uj_per_j;
    if (!(std::abs(uj) <= core::most_countable / parts))
        core::too_large(fmt::format("the energy of '{}' in a sample [uJ]",
                                    consumer_names[static_cast<std::size_t>(consumer)])
                            .c_str(),
                        uj * parts);
    return std::llround(uj);
}

constexpr double hall_rise_k = 10;
constexpr double air_share_of_liquid_site = 0.2;  // of the design heat, as plant::Facility sizes it

plant::Weather make_weather(plant::FacilityParams const& facility) {
    if (!facility.weather.file.empty()) return plant::Weather::from_file(facility.weather.file);
    return plant::Weather{{facility.cooling.wet_bulb_c, facility.cooling.wet_bulb_c}};
}

plant::ThermalStoreParams loop_params(plant::FacilityParams const& facility, double design_w) {
    bool const liquid = facility.cooling.kind == plant::CoolingKind::liquid;
    plant::ThermalPlantParams const& thermal = facility.thermal;
    return {facility.cooling.supply_c,    liquid ? design_w : 0.0,
            facility.cooling.loop_rise_k, thermal.loop_s,
            thermal.response_s,           thermal.spare};
}

plant::ThermalStoreParams hall_params(plant::FacilityParams const& facility, double design_w) {
    bool const liquid = facility.cooling.kind == plant::CoolingKind::liquid;
    plant::ThermalPlantParams const& thermal = facility.thermal;
    return {facility.cooling.air_supply_c,
            liquid ? air_share_of_liquid_site * design_w : design_w,
            hall_rise_k,
            thermal.hall_s,
            thermal.response_s,
            thermal.spare};
}

double switch_scale(site::Plan const& plan, config::Deck const& deck) {
    return static_cast<double>(plan.network().radix() * deck.cluster.scale_out.link_bytes_per_s) /
           deck.cluster.network_switch.bytes_per_s;
}

std::optional<PoolsPower> make_pools(config::Deck const& deck) {
    if (!deck.cluster.memory_pool.present()) return {};
    return PoolsPower{deck};
}

std::int64_t count_pools(site::Plan const& plan, config::Deck const& deck) {
    hardware::MemoryPoolParams const& pool = deck.cluster.memory_pool;
    if (!pool.present()) return 0;
    if (pool.on_network()) return 1;
    return pool.scope == hardware::PoolScope::node ? plan.nodes() : plan.racks();
}

double pools_nameplate_w(std::int64_t pools, config::Deck const& deck) {
    std::int64_t const boxes =
        deck.cluster.memory_pool.on_network() ? deck.cluster.scale_out.memory_nodes : pools;
    return boxes == 0 ? 0.0 : static_cast<double>(boxes) * PoolsPower{deck}.nameplate_w();
}

//! A pool, or a memory node's part of one.
hardware::PoolPower box_of(config::Deck const& deck) {
    hardware::MemoryPoolParams box = deck.cluster.memory_pool;
    double const end_w = deck.cluster.pool_optics.port_w_per_800g;
    if (!box.on_network()) return {box, box.accelerators(deck.cluster.rack), end_w};
    box.capacity_bytes /= static_cast<double>(deck.cluster.scale_out.memory_nodes);
    box.bytes_per_s /= deck.cluster.scale_out.memory_nodes;
    return {box, 0, end_w};  // its links are the network's
}

double nics_of_box_w(config::Deck const& deck) {
    hardware::NodeParams const& node = deck.cluster.rack.node;
    return deck.cluster.memory_pool.on_network() ? static_cast<double>(node.accelerators) * node.nic_idle_w
                                                 : 0.0;
}

}  // namespace

PoolsPower::PoolsPower(config::Deck const& deck)
    : scope_{deck.cluster.memory_pool.scope},
      nics_w_{nics_of_box_w(deck)},
      pool_{box_of(deck)},
      supply_{deck.facility.delivery, 2.0 * most_w()},
      on_die_joules_per_byte_{deck.cluster.rack.accelerator.joules_per_hbm_byte -
                              deck.cluster.rack.accelerator.kernel_power.device_joules_per_byte} {}

std::int64_t PoolsPower::boxes_in(RackInventory const& rack) const {
    if (scope_ == hardware::PoolScope::site) return rack.memory_nodes;
    return scope_ == hardware::PoolScope::node ? rack.nodes : 1;
}

double PoolsPower::energy_j(std::int64_t boxes, std::int64_t bytes, double seconds) const {
    return static_cast<double>(boxes) * seconds * (pool_.static_w() + nics_w_) + pool_.moved_j(bytes);
}

// Bytes of a site's pool count in other racks than its boxes: their energy is converted as a box at rest converts.
double PoolsPower::conversion_j(std::int64_t boxes, double dc_j, double seconds) const {
    double const rest_w = pool_.static_w() + nics_w_;
    if (scope_ == hardware::PoolScope::site) return dc_j * supply_.loss_w(rest_w) / rest_w;
    auto const count = static_cast<double>(boxes);
    return seconds * count * supply_.loss_w(dc_j / seconds / count);
}

bool is_liquid_cooled(config::Deck const& deck) {
    return deck.facility.cooling.kind == plant::CoolingKind::liquid &&
           deck.cluster.rack.liquid_heat_share > 0;
}

double scale_up_optics_w(hardware::RackParams const& rack) {
    return hardware::ScaleUp{rack}.optics_w() * static_cast<double>(rack.node.accelerators) /
           static_cast<double>(rack.scale_up_domain);
}

RackPower::RackPower(config::Deck const& deck)
    : rack_{deck.cluster.rack},
      scale_up_optics_w_{scale_up_optics_w(rack_)},
      nic_bytes_per_s_{static_cast<double>(deck.cluster.scale_out.link_bytes_per_s)},
      chassis_{deck.cluster.rack.node, deck.cluster.rack.accelerator, deck.facility.delivery},
      accelerator_{deck.cluster.rack.accelerator},
      pools_{make_pools(deck)},
      racks_{std::ceil(static_cast<double>(deck.cluster.accelerators) /
                       static_cast<double>(rack_.accelerators()))} {}

RackEnergy RackPower::operator()(RackInventory const& rack, MeterReading const& meter) const {
    if (rack.dark) return {};
    hardware::NodeParams const& node = rack_.node;
    double const seconds = core::to_seconds(rack.sample_ns);
    auto const accelerators = static_cast<double>(rack.accelerators);
    auto const nodes = static_cast<double>(rack.nodes);
    double const idle_share = static_cast<double>(meter.accelerator_ns[llm::index_of(llm::Share::idle)]) *
                              1e-9 / (accelerators * seconds);
    double const nic_load =
        static_cast<double>(rack.nic_bytes) / (2.0 * nic_bytes_per_s_ * accelerators * seconds);

    double const idle_w = static_cast<double>(rack.assigned) * rack_.accelerator.resident_idle_w +
                          static_cast<double>(rack.accelerators - rack.assigned) * rack_.accelerator.idle_w;
    Energies energy;
    auto const set = [&](Consumer consumer, double watts) {
        energy[consumer] = to_uj(consumer, seconds * watts, racks_);
    };
    set(Consumer::accelerator_idle, idle_w + accelerator_.leakage_w(idle_w, rack.die_c));
    energy[Consumer::accelerator_compute] = meter.compute_uj;
    energy[Consumer::accelerator_memory] =
        meter.memory_uj +
        (pools_ ? to_uj(Consumer::accelerator_memory, pools_->on_die_j(rack.pool_bytes), racks_) : 0);
    set(Consumer::scale_up, nodes * node.scale_up_switch_w);
    energy[Consumer::scale_up] += meter.link_uj;
    set(Consumer::optics, nodes * scale_up_optics_w_);
    set(Consumer::host,
        nodes * (node.host_idle_w + (node.host_active_w - node.host_idle_w) * (1.0 - idle_share)));
    set(Consumer::nic, accelerators * (node.nic_idle_w + (node.nic_active_w - node.nic_idle_w) * nic_load));

    std::int64_t const boards_uj = energy[Consumer::accelerator_idle] +
                                   energy[Consumer::accelerator_compute] +
                                   energy[Consumer::accelerator_memory] + meter.link_uj;
    double const board_w = static_cast<double>(boards_uj) / uj_per_j / seconds / accelerators;
    set(Consumer::fans, nodes * chassis_.fans_w(board_w));
    double const node_w = static_cast<double>(energy.sum()) / uj_per_j / seconds / nodes;
    set(Consumer::conversion, nodes * chassis_.conversion_w(node_w));
    if (pools_) add_pools(energy, rack, seconds);
    return {energy, boards_uj};
}

void RackPower::add_pools(Energies& energy, RackInventory const& rack, double seconds) const {
    std::int64_t const boxes = pools_->boxes_in(rack);
    double const joules = pools_->energy_j(boxes, rack.pool_bytes, seconds);
    energy[Consumer::memory_pool] = to_uj(Consumer::memory_pool, joules, racks_);
    energy[Consumer::conversion] +=
        to_uj(Consumer::conversion, pools_->conversion_j(boxes, joules, seconds), racks_);
}

SitePower::SitePower(World const& world)
    : deck_{&world.deck()},
      switch_idle_w_{static_cast<double>(world.plan().network().switches()) *
                     switch_scale(world.plan(), world.deck()) * world.deck().cluster.network_switch.idle_w},
      switch_active_w_{static_cast<double>(world.plan().network().switches()) *
                       switch_scale(world.plan(), world.deck()) *
                       world.deck().cluster.network_switch.active_w},
      optics_w_{static_cast<double>(world.plan().optical_ends(world.deck().cluster.optics.at_host)) *
                world.deck().cluster.optics.port_w_per_800g *
                static_cast<double>(world.deck().cluster.scale_out.link_bytes_per_s) / bytes_per_s_per_800g},
      pools_{count_pools(world.plan(), world.deck())},
      nameplate_it_w_{
          static_cast<double>(world.plan().nodes()) *
              (world.deck().cluster.rack.node.nameplate_w + scale_up_optics_w(world.deck().cluster.rack)) +
          pools_nameplate_w(pools_, world.deck()) + switch_active_w_ + optics_w_},
      liquid_share_{world.deck().facility.cooling.kind == plant::CoolingKind::liquid
                        ? world.deck().cluster.rack.liquid_heat_share
                        : 0.0},
      facility_{world.deck().facility, nameplate_it_w_},
      weather_{make_weather(world.deck().facility)},
      loop_{loop_params(world.deck().facility, nameplate_it_w_)},
      hall_{hall_params(world.deck().facility, nameplate_it_w_)} {}

double SitePower::coolant_c() const {
    return is_liquid_cooled(*deck_) ? loop_c() : hall_c();
}

double SitePower::wet_bulb_c(core::TimeNs now_ns) const {
    return weather_.at(now_ns, core::to_seconds(deck_->facility.weather.offset_ns)).wet_bulb_c;
}

//! Share of the cooling plant that works.
double SitePower::available(core::TimeNs now_ns) const {
    plant::ThermalPlantParams const& thermal = deck_->facility.thermal;
    core::TimeNs const since_ns = now_ns - deck_->time.warmup_ns - thermal.failure_start_ns;
    return since_ns > 0 && since_ns <= thermal.failure_ns ? thermal.failure_available : 1.0;
}

double SitePower::nameplate_facility_w() const {
    double const liquid_w = (nameplate_it_w_ - switch_active_w_ - optics_w_) * liquid_share_;
    return nameplate_it_w_ + facility_(nameplate_it_w_, liquid_w, nameplate_it_w_ - liquid_w).total_w();
}

std::int64_t SitePower::add(Energies& energy_uj, core::TimeNs now_ns, double sample_s,
                            double fabric_utilisation, SiteState const& state) {
    auto const watts = [&](std::int64_t uj) { return static_cast<double>(uj) / uj_per_j / sample_s; };
    std::int64_t const stored_uj = energy_uj[Consumer::storage];  // is no heat yet
    double const racks_w = watts(energy_uj.sum() - stored_uj);
    auto const add = [&](Consumer consumer, double more_w) {
        energy_uj[consumer] = core::checked_sum(energy_uj[consumer], to_uj(consumer, sample_s * more_w),
                                                "a site's energy [uJ]");
    };
    if (!state.dark) {
        add(Consumer::scale_out_switch,
            switch_idle_w_ + (switch_active_w_ - switch_idle_w_) * fabric_utilisation);
        add(Consumer::optics, optics_w_);
    }
    std::int64_t const it_uj = energy_uj.sum();
    double liquid_w = racks_w * liquid_share_;
    double air_w = watts(it_uj - stored_uj) - liquid_w;
    if (deck_->facility.thermal.on) {
        double const works = state.cooling_runs ? available(now_ns) : 0.0;
        liquid_w = loop_.step(liquid_w, works, sample_s);
        air_w = hall_.step(air_w, works, sample_s);
    }
    if (state.dark) return it_uj;
    plant::FacilityPower const added =
        facility_({watts(it_uj), watts(stored_uj)}, liquid_w, air_w, wet_bulb_c(now_ns));
    add(Consumer::conversion, added.conversion_w);
    if (state.cooling_runs) add(Consumer::cooling, added.cooling_w);
    return it_uj;
}

}  // namespace mw::engine
