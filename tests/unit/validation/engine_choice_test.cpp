#include "engine_choice.hpp"

#include <doctest/doctest.h>

using namespace mw;
using validation::StandIn;

namespace {

validation::EngineUsed used(std::string const& entry, std::vector<std::string> const& measured_on) {
    validation::Setup setup;
    setup.engine = "dynamo-trtllm";
    setup.engine_version = "trtllm 1.2.0rc6.post3";
    llm::EngineParams engine;
    engine.name = entry;
    engine.measured_on = measured_on;
    return validation::engine_used(setup, engine, "h200");
}

}  // namespace

TEST_CASE("a row's engine says which generation it is, and which entry stood in for it") {
    CHECK(used("tensorrt-llm-1.2.0rc6.post3", {"h100", "h200"}).stand_in == StandIn::none);
    CHECK(used("tensorrt-llm-1.2.0rc6.post3", {"h100"}).stand_in == StandIn::accelerator);
    CHECK(used("tensorrt-llm", {}).stand_in == StandIn::family);
    CHECK(used("generic", {"h200"}).stand_in == StandIn::generic);
    CHECK(used("generic", {}).wanted == "tensorrt-llm-1.2.0rc6.post3");
    CHECK(used("generic", {}).family == "tensorrt-llm");
}
