#include "megaweave/fabric/adaptive_routing.hpp"

#include <algorithm>
#include <limits>

namespace mw::fabric {

namespace {

constexpr std::int32_t parts = 16;

//! Times this close are equal: rounding must not send bytes on detours.
constexpr double same = 1 - 1e-9;

}  // namespace

void AdaptiveRouting::weigh(Path const& path, double Option::*part, Loads const& loads) {
    for (Hop const& hop : path.hops()) {
        auto known = std::ranges::find(options_, hop.link, &Option::link);
        if (known == options_.end()) {
            LinkLoad const load = loads(hop.link);
            double const free_share = 1 - static_cast<double>(load.held) / LinkLoad::whole;
            options_.push_back({hop.link, 0, 0,
                                free_share * static_cast<double>(network_->capacity(hop.link)),
                                static_cast<double>(load.crowd) / LinkLoad::one_flow});
            known = options_.end() - 1;
        }
        (*known).*part += static_cast<double>(hop.weight) / full_weight;
    }
}

double AdaptiveRouting::time_per_byte(double share, double line_bytes_per_s) const {
    double time = 1 / line_bytes_per_s;
    for (Option const& option : options_) {
        double const w = (1 - share) * option.direct + share * option.around;
        if (w == 0) continue;
        if (option.free_bytes_per_s <= 0) return std::numeric_limits<double>::infinity();
        time = std::max(time, (option.crowd + w) / option.free_bytes_per_s);
    }
    return time;
}

std::int32_t AdaptiveRouting::operator()(Route const& route, std::int64_t line_bytes_per_s,
                                         Loads const& loads) {
    Route way = route;
    way.detour = 0;
    network_->path(way, path_);
    if (path_.size() <= 2) return 0;  // both ends on one switch
    options_.clear();
    weigh(path_, &Option::direct, loads);
    way.detour = parts;
    network_->path(way, path_);
    weigh(path_, &Option::around, loads);
    std::int32_t best = 0;
    double least = time_per_byte(0, static_cast<double>(line_bytes_per_s));
    for (std::int32_t x = 1; x <= parts; ++x) {
        double const time =
            time_per_byte(static_cast<double>(x) / parts, static_cast<double>(line_bytes_per_s));
        if (time >= same * least) continue;
        least = time;
        best = x;
    }
    return best;
}

}  // namespace mw::fabric
