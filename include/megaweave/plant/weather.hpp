#pragma once

#include <string>
#include <vector>

#include "megaweave/core/time.hpp"

namespace mw::plant {

//! Outdoor air at a moment.
struct OutdoorAir {
    double dry_bulb_c{20};
    double wet_bulb_c{15};
};

/*!
 * Wet-bulb temperature from dry bulb and relative humidity at sea level.
 *
 *     T_w = T atan(0.151977 (RH + 8.313659)^0.5) + atan(T + RH) - atan(RH - 1.676331) + 0.00391838 RH^1.5 atan(0.023101 RH) - 4.686035
 *
 * Source: R. Stull, J. Appl. Meteorol. Climatol. 50 (2011) 2267. Valid: 5-99 %, -20 to 50 degC, error within 1 K.
 * Worked: 20 degC at 50 %: 13.7 degC.
 */
[[nodiscard]] double wet_bulb_c(double dry_bulb_c, double relative_humidity_percent);

/*!
 * The weather of a site: constant, or a table over time, linear between rows and repeated after its end (a typical year).
 *
 * A file is CSV with the header `time_s,dry_bulb_c,wet_bulb_c` or `time_s,dry_bulb_c,relative_humidity` (percent), or an EPW file (hourly
 * typical year; columns 7 and 9 hold dry bulb and relative humidity, after eight header lines). Rows must rise in time.
 */
class Weather {
  public:
    explicit Weather(OutdoorAir constant) : rows_{{0.0, constant}}, period_s_{0.0} {}
    //! `period_s`: when the table begins again; 0: the last row stays. Throws core::InputError unless times rise from 0 or later.
    Weather(std::vector<double> const& time_s, std::vector<OutdoorAir> const& air, double period_s);
    //! Throws core::InputError (file:line: what) for what it cannot read.
    [[nodiscard]] static Weather from_file(std::string const& path);

    //! Air at a time since the simulation began; `offset_s` into the table (July is 181 days into a year).
    [[nodiscard]] OutdoorAir at(core::TimeNs time_ns, double offset_s = 0.0) const;

  private:
    struct Row {
        double time_s;
        OutdoorAir air;
    };
    std::vector<Row> rows_;
    double period_s_;
};

}  // namespace mw::plant
