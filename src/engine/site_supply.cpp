#include "site_supply.hpp"

#include <algorithm>
#include <cmath>

#include "megaweave/core/integer.hpp"

namespace mw::engine {

namespace {

plant::UpsBatteryParams battery_of(plant::DeliveryParams const& delivery) {
    plant::UpsBatteryParams battery = delivery.battery;
    if (delivery.ups == plant::UpsMode::none) battery.autonomy_s = 0;
    return battery;
}

}  // namespace

SiteSupply::SiteSupply(World const& world, DesignLoad const& design)
    : world_{&world},
      feed_{world.deck().facility.grid, design.facility_w},
      battery_{battery_of(world.deck().facility.delivery), design.it_w} {}

void SiteSupply::begin(core::TimeNs now_ns, core::TimeNs sample_ns) {
    now_ns_ = now_ns;
    sample_ns_ = sample_ns;
    goes_dark_ = false;
    dark_ = now_ns - sample_ns < dark_until_ns_;
    available_w_ = feed_.available_w(now_ns - world_->warmup_ns());
    rack_share_ = 1;
    if (std::isfinite(available_w_) && racks_w_ > 0)
        rack_share_ = std::clamp((available_w_ - others_w_) / racks_w_, 0.0, 1.0);
}

std::int64_t SiteSupply::settle(Energies& energy_uj, std::int64_t racks_uj) {
    double const seconds = core::to_seconds(sample_ns_);
    std::int64_t const need_uj = energy_uj.sum();
    // Without an event: infinite
    std::int64_t const available_uj =
        std::llround(std::min(available_w_ * seconds * 1e6, core::most_countable));
    plant::StoreFlow const flow = battery_.step(need_uj, available_uj, sample_ns_);
    energy_uj[Consumer::storage] += flow.stored_uj;
    energy_uj[Consumer::conversion] += flow.lost_uj;
    racks_w_ = static_cast<double>(racks_uj) * 1e-6 / seconds;
    others_w_ = static_cast<double>(need_uj) * 1e-6 / seconds - racks_w_;

    bool const covered = flow.supply_uj <= available_uj;
    bool const once_more = battery_.charge_uj() >= -flow.stored_uj;
    if (!dark_ && !(covered && once_more)) {
        goes_dark_ = true;
        core::TimeNs const back_ns =
            world_->warmup_ns() + feed_.next_return_ns(now_ns_ - world_->warmup_ns());
        core::TimeNs const samples = (back_ns - now_ns_ + sample_ns_ - 1) / sample_ns_;
        dark_until_ns_ = now_ns_ + samples * sample_ns_;
    }
    return flow.stored_uj;
}

core::TimeNs SiteSupply::serves_ns() const {
    return dark_until_ns_ + world_->deck().facility.grid.restart_ns;
}

}  // namespace mw::engine
