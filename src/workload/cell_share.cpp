#include "megaweave/workload/cell_share.hpp"

#include <cmath>
#include <numeric>

#include "megaweave/core/check.hpp"
#include "megaweave/core/integer.hpp"

namespace mw::workload {

std::uint64_t CellShare::total() const {
    return std::accumulate(weights.begin(), weights.end(), std::uint64_t{0});
}

double CellShare::stretch() const {
    if (alike()) return cells;
    MW_EXPECT(weights[cell] > 0, "every cell can serve something");
    return static_cast<double>(total()) / static_cast<double>(weights[cell]);
}

std::int64_t CellShare::of(std::int64_t all) const {
    if (alike()) return all / cells + (cell < all % cells ? 1 : 0);
    auto const whole = static_cast<core::Wide>(total());
    auto const share = [&](std::size_t c) {
        return static_cast<core::Wide>(all) * static_cast<core::Wide>(weights[c]);
    };
    core::Wide left = all;
    for (std::size_t c = 0; c < weights.size(); ++c) left -= share(c) / whole;
    core::Wide const own = share(cell) % whole;
    for (std::size_t c = 0; c < weights.size(); ++c) {
        core::Wide const other = share(c) % whole;
        if (other > own || (other == own && c < cell)) --left;
    }
    return static_cast<std::int64_t>(share(cell) / whole) + (left > 0 ? 1 : 0);
}

Dealer::Dealer(CellShare const& share) : share_{share} {
    if (share.alike()) return;
    std::uint64_t const before =
        std::accumulate(share.weights.begin(), share.weights.begin() + share.cell, std::uint64_t{0});
    // The same expression on both sides of an edge: no request is lost or doubled.
    auto const edge = [&](std::uint64_t weight) {
        double const part = static_cast<double>(weight) / static_cast<double>(share.total());
        return static_cast<std::uint64_t>(std::ldexp(part, 64));
    };
    first_ = edge(before);
    if (share.cell + 1 < share.cells) end_ = edge(before + share.weights[share.cell]);
}

bool Dealer::takes(std::uint64_t request) const {
    if (share_.alike()) return request % share_.cells == share_.cell;
    constexpr std::uint64_t golden = 0x9E3779B97F4A7C15;  // (sqrt(5) - 1) / 2
    std::uint64_t const place = request * golden;
    return place >= first_ && (end_ == 0 || place < end_);
}

}  // namespace mw::workload
