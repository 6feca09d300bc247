#include "megaweave/plant/weather.hpp"

#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "megaweave/core/error.hpp"

using doctest::Approx;
using mw::plant::OutdoorAir;
using mw::plant::Weather;

namespace {

constexpr mw::core::TimeNs hour_ns = 3600 * mw::core::ns_per_s;

//! A file that is gone at the end of the test.
class File {
  public:
    File(std::string const& name, std::string const& text)
        : path_{std::filesystem::temp_directory_path() / ("mw_weather_" + name)} {
        std::ofstream{path_} << text;
    }
    ~File() { std::filesystem::remove(path_); }
    File(File const&) = delete;
    File& operator=(File const&) = delete;
    [[nodiscard]] std::string path() const { return path_.string(); }

  private:
    std::filesystem::path path_;
};

std::string message_of(std::string const& text) {
    File const file{"bad.csv", text};
    try {
        (void)Weather::from_file(file.path());
    } catch (mw::core::InputError const& error) {
        return error.what();
    }
    return "accepted";
}

std::string epw(int hours) {
    std::string text = "LOCATION,Somewhere,-,-,test,0,50.0,8.0,1.0,100.0\n";
    for (int i = 1; i < 8; ++i) text += "HEADER " + std::to_string(i) + "\n";
    for (int h = 0; h < hours; ++h)
        text += "2005,7,1," + std::to_string(h + 1) + ",60,?9,20.0,9.3,50,101325\n";
    return text;
}

}  // namespace

TEST_CASE("20 degC at 50 % humidity has a wet bulb of 13.7 degC; saturated air its own temperature") {
    CHECK(mw::plant::wet_bulb_c(20, 50) == Approx(13.7).epsilon(0.002));
    CHECK(mw::plant::wet_bulb_c(30, 99) == Approx(30).epsilon(0.02));
}

TEST_CASE("weather is linear between rows and begins again after its period") {
    Weather const day{
        {0, 6 * 3600.0, 12 * 3600.0, 18 * 3600.0}, {{10, 8}, {15, 11}, {22, 15}, {14, 10}}, 24 * 3600.0};
    CHECK(day.at(0).wet_bulb_c == 8);
    CHECK(day.at(3 * hour_ns).dry_bulb_c == Approx(12.5));
    CHECK(day.at(21 * hour_ns).wet_bulb_c == Approx(9));
    CHECK(day.at(27 * hour_ns).dry_bulb_c == Approx(12.5));
    CHECK(day.at(0, 12 * 3600.0).wet_bulb_c == Approx(15));
    CHECK(Weather{OutdoorAir{20, 15}}.at(1000 * hour_ns).wet_bulb_c == 15);
    // Without a period the ends stay.
    Weather const once{{0, 3600}, {{10, 8}, {20, 12}}, 0};
    CHECK(once.at(5 * hour_ns).dry_bulb_c == 20);
}

TEST_CASE("CSV files with wet bulb or humidity and EPW files are read") {
    File const csv{"a.csv", "time_s,dry_bulb_c,wet_bulb_c\n0,10,8\n3600,20,12\n"};
    CHECK(Weather::from_file(csv.path()).at(hour_ns / 2).wet_bulb_c == Approx(10));
    File const humid{"b.csv", "time_s,dry_bulb_c,relative_humidity\n0,20,50\n"};
    CHECK(Weather::from_file(humid.path()).at(0).wet_bulb_c == Approx(13.7).epsilon(0.002));
    File const year{"c.epw", epw(24)};
    CHECK(Weather::from_file(year.path()).at(30 * hour_ns).wet_bulb_c == Approx(13.7).epsilon(0.002));
}

TEST_CASE("a bad weather file is refused with its line") {
    CHECK(message_of("").find("empty") != std::string::npos);
    CHECK(message_of("a,b,c\n").find("header must be") != std::string::npos);
    CHECK(message_of("time_s,dry_bulb_c,wet_bulb_c\n0,10,x\n").find(":2: 'x' is no number") !=
          std::string::npos);
    CHECK(message_of("time_s,dry_bulb_c,wet_bulb_c\n0,10,20\n").find("warmer than the air") !=
          std::string::npos);
    CHECK(message_of("time_s,dry_bulb_c,wet_bulb_c\n5,10,8\n5,10,8\n").find(":3: times must rise") !=
          std::string::npos);
    CHECK(message_of("time_s,dry_bulb_c,wet_bulb_c\n").find("no rows") != std::string::npos);
    CHECK_THROWS_AS((void)Weather::from_file("/nonexistent/weather.csv"), mw::core::InputError);
}
