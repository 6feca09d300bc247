#include <array>
#include <charconv>
#include <cmath>

#include "unit_table.hpp"
#include "units.hpp"

namespace mw::config {

std::string format_number(double value) {
    std::array<char, 64> buffer{};
    auto const general = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value);
    std::string text(buffer.data(), general.ptr);
    if (std::abs(value) < 1e15 && value == std::floor(value)) {
        auto const plain =
            std::to_chars(buffer.data(), buffer.data() + buffer.size(), value, std::chars_format::fixed);
        text.assign(buffer.data(), plain.ptr);
    }
    return text;
}

namespace {

//! The value in this unit, if it reads back exactly.
std::string format_in(double value, Unit const& unit) {
    double const number = (value - unit.offset) / unit.factor;
    std::array<char, 64> buffer{};
    // Twelve digits first: 0.78 pJ should not come back as 0.7800000000000001.
    auto const end =
        std::to_chars(buffer.data(), buffer.data() + buffer.size(), number, std::chars_format::general, 12);
    double short_number = 0;
    std::from_chars(buffer.data(), end.ptr, short_number);
    for (double const candidate : {short_number, number}) {
        if (candidate * unit.factor + unit.offset == value)
            return format_number(candidate) + " " + std::string{unit.name};
    }
    return {};
}

}  // namespace

std::string format_quantity(double value, Unit const& usual) {
    std::string best;
    double best_factor = 0;
    for (auto const& unit : units) {
        if (unit.dimension != usual.dimension) continue;
        std::string const text = format_in(value, unit);
        bool const better = best.empty() || text.size() < best.size() ||
                            (text.size() == best.size() && unit.factor > best_factor);
        if (text.empty() || !better) continue;
        best = text;
        best_factor = unit.factor;
    }
    std::string const in_usual = format_in(value, usual);
    std::size_t const longer = in_usual.starts_with('0') ? 0 : 2;  // 400 Gb/s for 50 GB/s, but not 0.05 TB/s
    if (!in_usual.empty() && in_usual.size() <= best.size() + longer) return in_usual;
    if (!best.empty()) return best;
    return format_number((value - usual.offset) / usual.factor) + " " + std::string{usual.name};
}

}  // namespace mw::config
