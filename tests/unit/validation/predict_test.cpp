#include <doctest/doctest.h>

#include "megaweave/engine/world.hpp"
#include "megaweave/validation/validate.hpp"
#include "one_experiment.hpp"

using namespace mw;
using validation::Load;

namespace {

//! Llama-3.1-8B in FP8 on one H100 under vLLM.
validation::PointsFile one_point(Load load, double input, double output, double concurrency,
                                 std::string const& metric, std::string const& unit) {
    validation::Setup setup;
    setup.source = "test";
    setup.hardware = "h100-sxm";
    setup.model = "llama-3.1-8b";
    setup.engine = "vLLM";
    setup.gpus = setup.tensor = setup.pipeline = setup.expert = setup.attention_data = 1;
    setup.input_tokens = input;
    setup.output_tokens = output;
    setup.load = load;
    setup.concurrency = concurrency;
    return test::one_experiment(setup, metric, unit);
}

config::Entries const& entries() {
    // The client's delays are the engine's own matter (client_view.hpp): the clockwork below has none.
    static config::Entries const all{{{"engines.vllm.client.response", "0 ms"},
                                      {"engines.vllm.client.response_per_token", "0 us"},
                                      {"engines.vllm.client.stream_interval", "1"}}};
    return all;
}

validation::Prediction predict_one(validation::PointsFile const& file, int threads = 1) {
    parallel::Comm const comm = parallel::Comm::alone();
    parallel::Team team{threads};
    return validation::predict(file, entries(), comm, team).front();
}

double value(validation::Prediction const& prediction, std::string const& metric) {
    for (auto const& [name, number] : prediction.metrics)
        if (name == metric) return number;
    FAIL("no metric " << metric);
    return 0;
}

//! Seconds of iterations of the model that the experiment's deck amounts to.
class Clockwork {
  public:
    explicit Clockwork(validation::PointsFile const& file)
        : world_{validation::make_trial(file, file.experiments.front(), entries()).deck} {}

    //! `prompts` whole ones of that length, beside decoding sequences with so many tokens of context in all.
    double operator()(std::int64_t prompts, std::int64_t input, std::int64_t sequences,
                      std::int64_t context) const {
        llm::Batch batch;
        batch.prefill_tokens = prompts * input;
        batch.prefill_pairs = prompts * input * (input + 1) / 2;
        batch.prefill_chunks = prompts;
        batch.prefill_squares = prompts * input * input;
        batch.new_requests = prompts;
        batch.decode_sequences = sequences;
        batch.context_tokens = context;
        batch.sampled_tokens = prompts + sequences;
        batch.emitted_tokens = prompts + sequences;
        return core::to_seconds(world_.service(core::ServiceId::of(0)).timing()(batch).duration_ns);
    }

  private:
    engine::World world_;
};

}  // namespace

TEST_CASE("a static batch takes its prompts' iterations and one iteration per further token") {
    std::int64_t const input = 100;
    std::int64_t const output = 50;
    auto const file = one_point(Load::static_batch, 100, 50, 32, "output_throughput_total", "tok/s");
    Clockwork const seconds{file};
    // The first prompt finds the engine idle and is begun at once; the other 31 (3,100 of 8,192 tokens) come with the next iteration,
    // in which the first decodes. From then on it is one token ahead of them.
    double const prompts_s = seconds(1, input, 0, 0) + seconds(31, input, 1, input + 1);
    double together_s = 0;
    for (std::int64_t k = 1; k <= output - 2; ++k) together_s += seconds(0, 0, 32, 32 * (input + k) + 1);
    double const last_s = seconds(0, 0, 31, 31 * (input + output - 1));
    double const window_s = 1e-4;  // the router's post
    double const all_s = window_s + prompts_s + together_s + last_s;

    auto const prediction = predict_one(file);
    REQUIRE(prediction.reason == "");
    CHECK(value(prediction, "ttft") == doctest::Approx(window_s + prompts_s).epsilon(1e-9));
    CHECK(value(prediction, "tpot_median") ==
          doctest::Approx((together_s + last_s) / (output - 1)).epsilon(1e-9));
    CHECK(value(prediction, "output_throughput_total") == doctest::Approx(32 * 50 / all_s).epsilon(1e-9));
    // 31 sequences decode together_s + last_s, the first one before them too.
    CHECK(
        prediction.mean_batch ==
        doctest::Approx((31 * (together_s + last_s) + together_s + seconds(31, input, 1, input + 1)) / all_s)
            .epsilon(1e-9));
}

TEST_CASE("a closed loop of one runs ten requests one after the other") {
    auto const file = one_point(Load::closed, 400, 30, 1, "tpot_mean", "ms");
    Clockwork const seconds{file};
    double const prompt_s = seconds(1, 400, 0, 0);
    double decode_s = 0;
    for (std::int64_t k = 1; k < 30; ++k) decode_s += seconds(0, 0, 1, 400 + k);
    auto const prediction = predict_one(file);
    REQUIRE(prediction.reason == "");
    CHECK(value(prediction, "tpot_mean") == doctest::Approx(decode_s / 29).epsilon(1e-9));
    CHECK(value(prediction, "tpot_p99") == doctest::Approx(decode_s / 29).epsilon(1e-9));
    // News and the next prompt wait for the end of a window each, so a request starts up to 0.2 ms late.
    double const least_s = prompt_s + decode_s;
    double const throughput = value(prediction, "output_throughput_total");
    CHECK(throughput < 30 / least_s);
    CHECK(throughput > 30 / (least_s + 2.1e-4));
    CHECK(value(prediction, "ttft_median") > prompt_s);
    CHECK(value(prediction, "ttft_median") < prompt_s + 1.1e-4);
}

TEST_CASE("in a steady batch, throughput, batch and time between tokens obey Little's law") {
    auto const file = one_point(Load::steady_batch, 200, 100, 16, "itl_median", "ms");
    auto const prediction = predict_one(file);
    REQUIRE(prediction.reason == "");
    // All but the first tokens end a gap; fixed lengths of 100 make 99 of 100 tokens do so.
    CHECK(prediction.mean_batch ==
          doctest::Approx(0.99 * value(prediction, "output_throughput_total") * value(prediction, "itl_mean"))
              .epsilon(0.02));
    CHECK(prediction.mean_batch < 16);  // some are always at their prompts
    CHECK(
        value(prediction, "gpu_energy_per_output_token") ==
        doctest::Approx(value(prediction, "gpu_power_total") / value(prediction, "output_throughput_total")));
    CHECK(value(prediction, "gpu_power_total") > 142);  // more than idle, and less than it may draw
    CHECK(value(prediction, "gpu_power_total") < 700);
}

TEST_CASE("predictions do not depend on the number of threads") {
    auto file = one_point(Load::closed, 300, 40, 8, "tpot_mean", "ms");
    for (double const concurrency : {2.0, 4.0, 16.0}) {
        file.experiments.push_back(file.experiments.front());
        file.experiments.back().setup.concurrency = concurrency;
        file.experiments.back().setup.uniform_lengths = true;
    }
    parallel::Comm const comm = parallel::Comm::alone();
    parallel::Team one{1};
    parallel::Team three{3};
    auto const a = validation::predict(file, entries(), comm, one);
    auto const b = validation::predict(file, entries(), comm, three);
    for (std::size_t i = 0; i < a.size(); ++i) {
        CHECK(a[i].reason == "");
        CHECK(a[i].time_share == b[i].time_share);
        for (std::size_t m = 0; m < a[i].metrics.size(); ++m)
            CHECK(a[i].metrics[m].value == b[i].metrics[m].value);
    }
}

TEST_CASE("what cannot be run says why: unknown names, no room, no lengths") {
    auto file = one_point(Load::closed, 400, 30, 1, "tpot_mean", "ms");
    auto& setup = file.experiments.front().setup;
    setup.model = "llama-9";
    CHECK(predict_one(file).reason == "model 'llama-9' is not in the catalogue");
    setup.model = "llama-3.1-405b";
    CHECK(predict_one(file).reason.find("does not fit") != std::string::npos);
    setup.model = "llama-3.1-8b";
    setup.hardware = "abacus";
    CHECK(predict_one(file).reason == "accelerator 'abacus' is not in the catalogue of racks");
    setup.hardware = "h100-sxm";
    setup.output_tokens = 0;
    CHECK(predict_one(file).reason == "the answers' length is not given");
    setup.output_tokens = 30;
    setup.input_tokens = 2e6;
    CHECK(predict_one(file).reason.find("never fit") != std::string::npos);
}

TEST_CASE("two unequal pools: prefill here, decode there, and every token comes") {
    auto file = one_point(Load::closed, 1000, 100, 8, "tpot_mean", "ms");
    auto& setup = file.experiments.front().setup;
    setup.disaggregated = true;
    setup.gpus = 4;
    setup.prefill = "2xtp1 ep1 dpattn=false";
    setup.decode = "1xtp2 ep1 dpattn=false";
    auto const prediction = predict_one(file);
    REQUIRE(prediction.reason == "");
    double const output = value(prediction, "output_throughput_total");
    CHECK(value(prediction, "output_throughput_per_gpu") == doctest::Approx(output / 2));
    CHECK(value(prediction, "input_throughput_per_gpu") == doctest::Approx(10 * output / 2));
    CHECK(value(prediction, "total_throughput_per_gpu") == doctest::Approx(11 * output / 4));
}
