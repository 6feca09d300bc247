#include "units.hpp"

#include <doctest/doctest.h>

#include <string>

using mw::config::format_number;
using mw::config::format_quantity;
using mw::config::parse_number;
using mw::config::parse_quantity;
using mw::config::unit_named;

namespace {

double value_of(std::string const& text, std::string const& likely) {
    auto const parsed = parse_quantity(text, unit_named(likely));
    CAPTURE(text);
    CHECK(parsed.problem == "");
    return parsed.value;
}

std::string problem_of(std::string const& text, std::string const& likely) {
    return parse_quantity(text, unit_named(likely)).problem;
}

bool contains(std::string const& text, std::string const& part) {
    return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("bits and bytes, 1000 and 1024 are distinct") {
    CHECK(value_of("400 Gb/s", "Gb/s") == 50e9);  // 400e9 bits / 8
    CHECK(value_of("400 GB/s", "Gb/s") == 400e9);
    CHECK(value_of("1 GiB", "GB") == 1073741824.0);  // 2^30
    CHECK(value_of("1 GB", "GB") == 1e9);
    CHECK(value_of("8 b", "B") == 1);
    CHECK(value_of("14 TB/s", "TB/s") == 14e12);
}

TEST_CASE("times, rates, powers and temperatures come in base units") {
    CHECK(value_of("1 ms", "s") == 1e-3);
    CHECK(value_of("2 min", "s") == 120);
    CHECK(value_of("2MW", "W") == 2e6);  // the blank is optional
    CHECK(value_of("60 /min", "/s") == doctest::Approx(1.0));
    CHECK(value_of("-5 degC", "degC") == -5);
    CHECK(value_of("300 K", "degC") == doctest::Approx(26.85));  // 300 - 273.15
    CHECK(value_of("1.5e3 W", "W") == 1500);
}

TEST_CASE("a bare number is told the likely unit and every other") {
    auto const problem = problem_of("1", "ms");
    CHECK(contains(problem, "needs a unit of time, such as '1 ms'"));
    CHECK(contains(problem, "ns, us, ms, s, min, h"));
}

TEST_CASE("a slip in case finds both readings, and another dimension is named") {
    CHECK(contains(problem_of("400 gb/s", "Gb/s"), "Did you mean 'GB/s' or 'Gb/s'?"));
    CHECK(contains(problem_of("2 mW", "MW"), "Did you mean 'MW'?"));
    CHECK(contains(problem_of("400 GB", "Gb/s"), "has a unit of data, but this is a data rate"));
    CHECK(contains(problem_of("5 parsec", "s"), "unknown unit 'parsec'"));
}

TEST_CASE("what only looks like a number is not one") {
    CHECK(contains(parse_number("nan").problem, "finite"));
    CHECK(contains(parse_number("-.inf").problem, "finite"));
    CHECK(contains(parse_number("010").problem, "zero"));
    CHECK(contains(parse_number("1,000").problem, "separator"));
    CHECK(contains(parse_number("1_000").problem, "separator"));
    CHECK(contains(parse_number("1e400").problem, "out of the range"));
    CHECK(contains(parse_number("0x10").problem, "plain number"));
    CHECK(contains(parse_number("").problem, "not a number"));
    CHECK(contains(parse_number("5 s").problem, "no unit"));
    CHECK(parse_number("1e5").value == 100000);
    CHECK(parse_number("0.5").value == 0.5);
}

TEST_CASE("a written value reads back as the same bits, in a unit for people") {
    CHECK(format_quantity(50e9, unit_named("Gb/s")) == "400 Gb/s");
    CHECK(format_quantity(50e9, unit_named("TB/s")) == "50 GB/s");
    CHECK(format_quantity(0.78e-12, unit_named("pJ/FLOP")) == "0.78 pJ/FLOP");
    CHECK(format_number(100000) == "100000");
    for (double const value : {1.0 / 3, 0.488e-12, 3.35e12, 80e9, 1e-30, 0.0}) {
        CHECK(value_of(format_quantity(value, unit_named("pJ/FLOP")), "pJ/FLOP") == value);
    }
}
