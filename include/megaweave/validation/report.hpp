#pragma once

#include <string>
#include <vector>

#include "megaweave/validation/validate.hpp"

namespace mw::validation {

//! Absolute errors of a group of rows, in per cent.
struct ErrorStatistics {
    std::size_t count{0};
    double median{0};  //!< of |error|
    double p90{0};     //!< of |error|
    double bias{0};    //!< median of the signed error
};
[[nodiscard]] ErrorStatistics error_statistics(std::vector<double> const& errors);

//! A family of models, such as llama-3.1 or qwen3: the name up to its size; all of DeepSeek-V3's and all of Llama 4 are one.
[[nodiscard]] std::string model_family(std::string const& model);

//! none | accelerator | family | generic
[[nodiscard]] char const* name_of(StandIn stand_in);

//! Tables of the errors per target group, source, accelerator, family and metric, which engines stood in for others, and what could not be run.
[[nodiscard]] std::string report(PointsFile const& file, std::vector<Prediction> const& predictions,
                                 std::vector<Comparison> const& rows);

//! Every row of the file with its prediction, error, binding resource and time shares. Throws core::WorldError.
void write_predictions(std::string const& path, PointsFile const& file,
                       std::vector<Prediction> const& predictions, std::vector<Comparison> const& rows);

}  // namespace mw::validation
