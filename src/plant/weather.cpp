#include "megaweave/plant/weather.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <sstream>

#include "megaweave/core/error.hpp"
#include "megaweave/core/text.hpp"
#include "megaweave/core/text_file.hpp"

namespace mw::plant {
namespace {

constexpr double hour_s = 3600;
constexpr int epw_header_lines = 8;
constexpr std::size_t epw_dry_bulb = 6;
constexpr std::size_t epw_humidity = 8;

class Reader {
  public:
    explicit Reader(std::string const& path)
        : path_{path}, in_{core::need_text_file(path, core::table_limits)} {}
    bool next() {
        while (std::getline(in_, line_)) {
            ++number_;
            std::erase(line_, '\r');
            if (line_.empty()) continue;
            fields_ = core::split(line_);
            return true;
        }
        return false;
    }
    [[nodiscard]] std::string const& line() const { return line_; }
    [[nodiscard]] double number(std::size_t column) const {
        if (column >= fields_.size()) fail("too few columns");
        std::string_view const text = fields_[column];
        double value = 0;
        auto const [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
        if (error != std::errc{} || end != text.data() + text.size() || !std::isfinite(value))
            fail("'" + std::string{text} + "' is no number");
        return value;
    }
    [[noreturn]] void fail(std::string const& what) const {
        throw core::InputError(path_ + ":" + std::to_string(number_) + ": " + what);
    }

  private:
    std::string path_;
    std::istringstream in_;
    std::string line_;
    std::vector<std::string_view> fields_;  // of line_
    int number_{0};
};

void check_air(Reader const& reader, OutdoorAir const& air) {
    if (air.dry_bulb_c < -90 || air.dry_bulb_c > 60) reader.fail("no dry-bulb temperature on Earth [degC]");
    if (air.wet_bulb_c < -90) reader.fail("no wet-bulb temperature on Earth [degC]");
    if (air.wet_bulb_c > air.dry_bulb_c + 1) reader.fail("the wet bulb is warmer than the air");
}

OutdoorAir humid(Reader const& reader, double dry_bulb_c, double humidity) {
    if (humidity < 0 || humidity > 110) reader.fail("relative humidity is a percentage");
    return {dry_bulb_c, std::min(dry_bulb_c, wet_bulb_c(dry_bulb_c, std::clamp(humidity, 5.0, 99.0)))};
}

Weather read_epw(Reader& reader) {
    for (int i = 1; i < epw_header_lines; ++i)
        if (!reader.next()) reader.fail("an EPW file begins with eight header lines");
    std::vector<double> time_s;
    std::vector<OutdoorAir> air;
    while (reader.next()) {
        time_s.push_back(hour_s * static_cast<double>(time_s.size()));
        air.push_back(humid(reader, reader.number(epw_dry_bulb), reader.number(epw_humidity)));
        check_air(reader, air.back());
    }
    if (air.empty()) reader.fail("no hours follow the header");
    return {time_s, air, hour_s * static_cast<double>(air.size())};
}

Weather read_csv(Reader& reader, bool relative) {
    std::vector<double> time_s;
    std::vector<OutdoorAir> air;
    while (reader.next()) {
        time_s.push_back(reader.number(0));
        double const dry = reader.number(1);
        air.push_back(relative ? humid(reader, dry, reader.number(2)) : OutdoorAir{dry, reader.number(2)});
        check_air(reader, air.back());
        if (time_s.size() > 1 && time_s.back() <= time_s[time_s.size() - 2]) reader.fail("times must rise");
    }
    if (air.empty()) reader.fail("no rows follow the header");
    double const step_s = time_s.size() > 1 ? time_s.back() - time_s[time_s.size() - 2] : 0.0;
    return {time_s, air, time_s.size() > 1 ? time_s.back() + step_s : 0.0};
}

}  // namespace

double wet_bulb_c(double dry_bulb_c, double relative_humidity_percent) {
    double const t = dry_bulb_c;
    double const rh = relative_humidity_percent;
    return t * std::atan(0.151977 * std::sqrt(rh + 8.313659)) + std::atan(t + rh) - std::atan(rh - 1.676331) +
           0.00391838 * std::pow(rh, 1.5) * std::atan(0.023101 * rh) - 4.686035;
}

Weather::Weather(std::vector<double> const& time_s, std::vector<OutdoorAir> const& air, double period_s)
    : period_s_{period_s} {
    if (time_s.empty() || time_s.size() != air.size())
        throw core::InputError("weather needs rows, each with a time and its air");
    for (std::size_t i = 0; i < time_s.size(); ++i) {
        if (i > 0 && time_s[i] <= time_s[i - 1]) throw core::InputError("weather: times must rise");
        rows_.push_back({time_s[i], air[i]});
    }
    if (period_s_ > 0 && (time_s.front() < 0 || period_s_ <= time_s.back() - time_s.front()))
        throw core::InputError("weather: the table is longer than its period");
}

Weather Weather::from_file(std::string const& path) {
    Reader reader{path};
    if (!reader.next()) reader.fail("the file is empty");
    if (reader.line().rfind("LOCATION", 0) == 0) return read_epw(reader);
    std::string header = reader.line();
    if (!header.empty() && header.back() == '\r') header.pop_back();
    if (header == "time_s,dry_bulb_c,wet_bulb_c") return read_csv(reader, false);
    if (header == "time_s,dry_bulb_c,relative_humidity") return read_csv(reader, true);
    reader.fail(
        "the header must be time_s,dry_bulb_c,wet_bulb_c or time_s,dry_bulb_c,relative_humidity (an EPW file "
        "begins with LOCATION)");
}

OutdoorAir Weather::at(core::TimeNs time_ns, double offset_s) const {
    double t = core::to_seconds(time_ns) + offset_s;
    if (period_s_ > 0) t -= period_s_ * std::floor(t / period_s_);
    auto const above = std::ranges::upper_bound(rows_, t, {}, [](Row const& row) { return row.time_s; });
    bool const before = above == rows_.begin();
    bool const after = above == rows_.end();
    if (period_s_ <= 0 && before) return rows_.front().air;
    if (period_s_ <= 0 && after) return rows_.back().air;
    Row const& low = before ? rows_.back() : *(above - 1);
    Row const& high = after ? rows_.front() : *above;
    double const low_s = before ? low.time_s - period_s_ : low.time_s;
    double const high_s = after ? high.time_s + period_s_ : high.time_s;
    double const weight = high_s > low_s ? (t - low_s) / (high_s - low_s) : 0.0;
    return {low.air.dry_bulb_c + weight * (high.air.dry_bulb_c - low.air.dry_bulb_c),
            low.air.wet_bulb_c + weight * (high.air.wet_bulb_c - low.air.wet_bulb_c)};
}

}  // namespace mw::plant
