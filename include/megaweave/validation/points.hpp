#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "megaweave/hardware/params.hpp"

namespace mw::validation {

//! How the requests of a measurement came.
enum class Load : std::uint8_t {
    max,           //!< all queued at once, a finite number
    static_batch,  //!< one batch from start to end
    closed,        //!< a number in flight, each finished one replaced at once
    steady_batch   //!< a mean batch, steady state
};

//! One row of a points file: one measured quantity.
struct Point {
    std::string id;
    std::string metric;
    std::string unit;
    double value{0};                 //!< measured, in `unit`
    std::vector<std::string> cells;  //!< the row as it stands, in the file's columns
    std::size_t experiment{0};       //!< that measured it
};

//! What was run, as the rows state it. Numbers are 0 where the file says nothing.
struct Setup {
    std::string source;
    std::string hardware;  //!< catalogue name or alias of a rack
    std::string model;     //!< catalogue name or alias
    hardware::Precision weights{hardware::Precision::fp8};
    std::string engine;
    std::string engine_version;
    std::int64_t gpus{0};
    std::int64_t tensor{0};
    std::int64_t pipeline{0};
    std::int64_t expert{0};
    std::int64_t attention_data{0};
    bool disaggregated{false};
    std::string prefill;  //!< pools as `2xtp4 ep4 dpattn=true`
    std::string decode;
    double input_tokens{0};       //!< 0: only a name of the data set is given …
    std::string input_dataset;    //!< … this one
    double output_tokens{0};      //!< nominal or mean
    bool uniform_lengths{false};  //!< lengths uniform in 0.8 to 1.0 of the nominal ones
    Load load{Load::closed};
    double concurrency{0};    //!< requests in flight, or the mean batch
    std::string speculative;  //!< none | mtp
};

//! Rows that differ in nothing but what they measure: one run.
struct Experiment {
    Setup setup;
    std::vector<std::size_t> points;  //!< places in PointsFile::points
};

//! A file of published measurements in the schema of the shared `validation/points.csv`.
struct PointsFile {
    std::string path;
    std::vector<std::string> columns;
    std::vector<Point> points;            //!< in file order
    std::vector<Experiment> experiments;  //!< by first row
};

//! Keeps the rows whose `column` holds one of `values`.
struct Filter {
    std::string column;
    std::vector<std::string> values;
};

/*!
 * Reads a points file and groups its rows into experiments.
 *
 * Throws core::InputError with up to 20 mistakes at once, each as `file:line:field: what is wrong. How to mend it`.
 */
[[nodiscard]] PointsFile read_points(std::string const& path, std::vector<Filter> const& filters = {});

}  // namespace mw::validation
