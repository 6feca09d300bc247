#pragma once

#include <string>

#include "layout.hpp"
#include "trial.hpp"

namespace mw::test {

//! A measurement of 1,024 tokens in and out on tensor ranks alone.
inline validation::Setup setup_of(char const* model, hardware::Precision weights, char const* hardware,
                                  std::int64_t gpus, char const* engine, char const* version,
                                  validation::Load load) {
    validation::Setup setup;
    setup.source = "test";
    setup.hardware = hardware;
    setup.model = model;
    setup.weights = weights;
    setup.engine = engine;
    setup.engine_version = version;
    setup.gpus = setup.tensor = gpus;
    setup.pipeline = setup.expert = setup.attention_data = 1;
    setup.input_tokens = setup.output_tokens = 1024;
    setup.load = load;
    return setup;
}

//! A points file with one value of one experiment.
inline validation::PointsFile one_experiment(validation::Setup const& setup, std::string const& metric,
                                             std::string const& unit) {
    validation::PointsFile file;
    file.points = {{"p", metric, unit, 1.0, {}, 0}};
    file.experiments = {{setup, {0}}};
    return file;
}

}  // namespace mw::test
