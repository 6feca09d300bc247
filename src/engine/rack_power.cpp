#include "rack_power.hpp"

#include <cmath>

namespace mw::engine {

namespace {

constexpr double uj_per_j = 1e6;
constexpr double bytes_per_s_per_800g = 100e9;

std::int64_t to_uj(double joules) {
    return std::llround(joules * uj_per_j);
}

double switch_scale(config::Deck const& deck) {
    fabric::ClosParams const& clos = deck.cluster.scale_out;
    return static_cast<double>(clos.radix * clos.link_bytes_per_s) / deck.cluster.network_switch.bytes_per_s;
}

}  // namespace

RackPower::RackPower(config::Deck const& deck)
    : rack_{deck.cluster.rack},
      nic_bytes_per_s_{static_cast<double>(deck.cluster.scale_out.link_bytes_per_s)},
      fans_{deck.cluster.rack.node, deck.cluster.rack.accelerator},
      supply_{deck.facility.delivery, deck.cluster.rack.node.psu_rating_w} {}

Energies RackPower::operator()(RackInventory const& rack, MeterReading const& meter) const {
    hardware::NodeParams const& node = rack_.node;
    double const seconds = core::to_seconds(rack.sample_ns);
    auto const accelerators = static_cast<double>(rack.accelerators);
    auto const nodes = static_cast<double>(rack.nodes);
    double const idle_share = static_cast<double>(meter.accelerator_ns[llm::index_of(llm::Share::idle)]) *
                              1e-9 / (accelerators * seconds);
    double const nic_load =
        static_cast<double>(rack.nic_bytes) / (2.0 * nic_bytes_per_s_ * accelerators * seconds);

    Energies energy;
    energy[Consumer::accelerator_idle] =
        to_uj(seconds * (static_cast<double>(rack.assigned) * rack_.accelerator.resident_idle_w +
                         static_cast<double>(rack.accelerators - rack.assigned) * rack_.accelerator.idle_w));
    energy[Consumer::accelerator_compute] = meter.compute_uj;
    energy[Consumer::accelerator_memory] = meter.memory_uj;
    energy[Consumer::scale_up] = meter.link_uj + to_uj(seconds * nodes * node.scale_up_switch_w);
    energy[Consumer::host] = to_uj(
        seconds * nodes * (node.host_idle_w + (node.host_active_w - node.host_idle_w) * (1.0 - idle_share)));
    energy[Consumer::nic] =
        to_uj(seconds * accelerators * (node.nic_idle_w + (node.nic_active_w - node.nic_idle_w) * nic_load));

    double const board_w = static_cast<double>(energy[Consumer::accelerator_idle] + meter.compute_uj +
                                               meter.memory_uj + meter.link_uj) /
                           uj_per_j / seconds / accelerators;
    energy[Consumer::fans] = to_uj(seconds * nodes * fans_(board_w));
    double const node_w = static_cast<double>(energy.sum()) / uj_per_j / seconds / nodes;
    energy[Consumer::conversion] = to_uj(seconds * nodes * supply_.loss_w(node_w));
    return energy;
}

SitePower::SitePower(World const& world)
    : switch_idle_w_{static_cast<double>(world.plan().clos().switches()) * switch_scale(world.deck()) *
                     world.deck().cluster.network_switch.idle_w},
      switch_active_w_{static_cast<double>(world.plan().clos().switches()) * switch_scale(world.deck()) *
                       world.deck().cluster.network_switch.active_w},
      optics_w_{static_cast<double>(world.plan().clos().optical_ends(world.deck().cluster.optics.at_host)) *
                world.deck().cluster.optics.port_w_per_800g *
                static_cast<double>(world.deck().cluster.scale_out.link_bytes_per_s) / bytes_per_s_per_800g},
      nameplate_it_w_{static_cast<double>(world.plan().nodes()) * world.deck().cluster.rack.node.nameplate_w +
                      switch_active_w_ + optics_w_},
      liquid_share_{world.deck().facility.cooling.kind == plant::CoolingKind::liquid
                        ? world.deck().cluster.rack.liquid_heat_share
                        : 0.0},
      facility_{world.deck().facility, nameplate_it_w_} {}

double SitePower::nameplate_facility_w() const {
    double const liquid_w = (nameplate_it_w_ - switch_active_w_ - optics_w_) * liquid_share_;
    return nameplate_it_w_ + facility_(nameplate_it_w_, liquid_w, nameplate_it_w_ - liquid_w).total_w();
}

std::int64_t SitePower::add(Energies& energy_uj, double sample_s, double fabric_utilisation) const {
    double const racks_w = static_cast<double>(energy_uj.sum()) / uj_per_j / sample_s;
    energy_uj[Consumer::scale_out_switch] +=
        to_uj(sample_s * (switch_idle_w_ + (switch_active_w_ - switch_idle_w_) * fabric_utilisation));
    energy_uj[Consumer::optics] += to_uj(sample_s * optics_w_);
    std::int64_t const it_uj = energy_uj.sum();
    double const it_w = static_cast<double>(it_uj) / uj_per_j / sample_s;
    double const liquid_w = racks_w * liquid_share_;
    plant::FacilityPower const added = facility_(it_w, liquid_w, it_w - liquid_w);
    energy_uj[Consumer::conversion] += to_uj(sample_s * added.conversion_w);
    energy_uj[Consumer::cooling] += to_uj(sample_s * added.cooling_w);
    return it_uj;
}

}  // namespace mw::engine
