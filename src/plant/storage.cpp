#include "megaweave/plant/storage.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "megaweave/core/check.hpp"
#include "megaweave/core/integer.hpp"

namespace mw::plant {
namespace {

constexpr double uj_per_j = 1e6;
constexpr double set_point_return_s = 600;

std::int64_t to_uj(double joules) {
    return core::to_count(joules * uj_per_j, "the energy of a store or battery [uJ]");
}

//! Of `into_uj` at the terminals; 0 or less passes whole.
std::int64_t kept_uj(std::int64_t into_uj, double round_trip) {
    if (into_uj <= 0) return into_uj;
    return static_cast<std::int64_t>(static_cast<double>(into_uj) * round_trip);
}

//! At the terminals, to fill a room.
std::int64_t to_fill_uj(std::int64_t room_uj, double round_trip) {
    return static_cast<std::int64_t>(
        std::min(static_cast<double>(room_uj) / round_trip, core::most_countable));
}

}  // namespace

RackStorage::RackStorage(RackStorageParams const& params)
    : params_{params},
      capacity_uj_{to_uj(params.capacity_j)},
      charge_uj_{to_uj(params.set_point_share * params.capacity_j)} {
    MW_EXPECT(params.round_trip > 0 && params.round_trip <= 1, "a round trip's efficiency is a share");
    MW_EXPECT(params.smoothing_s > 0, "a store smooths over some time");
}

//! What the store should take, before its limits.
double RackStorage::wish_w(double load_w, double seconds, double supply_share) {
    if (supply_share < 1) return -(1.0 - supply_share) * load_w;
    if (supply_w_ < 0) supply_w_ = load_w;
    double const charge_j = static_cast<double>(charge_uj_) / uj_per_j;
    double const missing_w = (params_.set_point_share * params_.capacity_j - charge_j) / set_point_return_s;
    double const mix = 1.0 - std::exp(-seconds / params_.smoothing_s);
    return supply_w_ + mix * (load_w + missing_w - supply_w_) - load_w;
}

StoreFlow RackStorage::step(std::int64_t load_uj, core::TimeNs dt_ns, double supply_share) {
    if (dt_ns <= 0) return {load_uj, 0, 0};
    double const seconds = core::to_seconds(dt_ns);
    double const load_w = static_cast<double>(load_uj) / uj_per_j / seconds;
    double const into_w =
        std::clamp(wish_w(load_w, seconds, supply_share), -params_.discharge_w, params_.charge_w);
    std::int64_t const most_uj = to_fill_uj(capacity_uj_ - charge_uj_, params_.round_trip);
    std::int64_t const into_uj = std::clamp(to_uj(into_w * seconds), -std::min(charge_uj_, load_uj), most_uj);
    StoreFlow flow;
    flow.stored_uj = kept_uj(into_uj, params_.round_trip);
    flow.lost_uj = into_uj - flow.stored_uj;
    flow.supply_uj = load_uj + into_uj;
    charge_uj_ += flow.stored_uj;
    supply_w_ = static_cast<double>(flow.supply_uj) / uj_per_j / seconds;
    MW_EXPECT(charge_uj_ >= 0 && charge_uj_ <= capacity_uj_, "a store is neither overfull nor in debt");
    return flow;
}

UpsBattery::UpsBattery(UpsBatteryParams const& params, double design_w)
    : recharge_w_{params.recharge_share * design_w},
      round_trip_{params.round_trip},
      capacity_uj_{to_uj(design_w * params.autonomy_s)},
      charge_uj_{capacity_uj_} {
    MW_EXPECT(params.round_trip > 0 && params.round_trip <= 1, "a round trip's efficiency is a share");
}

StoreFlow UpsBattery::step(std::int64_t load_uj, std::int64_t available_uj, core::TimeNs dt_ns) {
    std::int64_t into_uj = 0;
    if (load_uj > available_uj) {
        into_uj = -std::min(load_uj - available_uj, charge_uj_);
    } else {
        std::int64_t const most_uj = to_uj(recharge_w_ * core::to_seconds(dt_ns));
        into_uj =
            std::min({available_uj - load_uj, most_uj, to_fill_uj(capacity_uj_ - charge_uj_, round_trip_)});
    }
    StoreFlow flow;
    flow.stored_uj = kept_uj(into_uj, round_trip_);
    flow.lost_uj = into_uj - flow.stored_uj;
    flow.supply_uj = load_uj + into_uj;
    charge_uj_ += flow.stored_uj;
    return flow;
}

core::TimeNs GridFeed::generators_ns() const {
    return params_.generators_w > 0 ? params_.event_start_ns + params_.generators_start_ns : core::never;
}

double GridFeed::available_w(core::TimeNs since_ns) const {
    bool const event = params_.on() && since_ns > params_.event_start_ns && since_ns <= event_end_ns();
    if (!event) return std::numeric_limits<double>::infinity();
    bool const generators = generators_ns() != core::never && since_ns > generators_ns();
    return params_.available * design_w_ + (generators ? params_.generators_w : 0.0);
}

core::TimeNs GridFeed::next_return_ns(core::TimeNs since_ns) const {
    return generators_ns() > since_ns ? std::min(generators_ns(), event_end_ns()) : event_end_ns();
}

}  // namespace mw::plant
