#include "layout.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <string_view>

namespace mw::validation {

namespace {

//! One side of a disaggregated row.
struct PoolText {
    std::int64_t instances;
    std::int64_t tensor;
    std::int64_t expert;
    bool data_parallel_attention;

    [[nodiscard]] std::int64_t size() const { return std::max(tensor, expert); }
};

//! The number behind `key`, as in "4xtp8 ep8 dpattn=true"; 0 if there is none.
std::int64_t number_after(std::string const& text, std::string_view key) {
    auto const at = text.find(key);
    std::int64_t value = 0;
    if (at != std::string::npos) {
        char const* const begin = text.data() + at + key.size();
        std::from_chars(begin, text.data() + text.size(), value);
    }
    return value;
}

PoolText parse_pool(std::string const& text) {
    PoolText const pool{number_after(text, ""), number_after(text, "tp"), number_after(text, "ep"),
                        text.find("dpattn=true") != std::string::npos};
    if (pool.instances < 1 || pool.tensor < 1 || pool.expert < 1)
        throw CannotRun("pool '" + text + "' is not like '2xtp4 ep4 dpattn=true'");
    return pool;
}

Pool make_pool(PoolText const& text, std::int64_t size, std::int64_t expert) {
    llm::Parallelism parallelism;
    parallelism.tensor = text.data_parallel_attention ? 1 : size;
    parallelism.attention_data = text.data_parallel_attention ? size : 1;
    parallelism.expert = expert;
    return {text.instances, parallelism};
}

double measured(PointsFile const& file, Experiment const& experiment, std::string_view metric) {
    for (std::size_t const point : experiment.points)
        if (file.points[point].metric == metric) return file.points[point].value;
    return 0;
}

//! Accelerators of all prefill instances, from what each kind of accelerator was measured to do; 0 where that is not given.
double prefill_accelerators(Setup const& setup, PointsFile const& file, Experiment const& experiment) {
    double const input = measured(file, experiment, "input_throughput_per_gpu");
    double const output = measured(file, experiment, "output_throughput_per_gpu");
    double const total = measured(file, experiment, "total_throughput_per_gpu");
    if (input <= 0 || output <= 0 || total <= 0 || std::abs(input / output - 1) < 0.02) return 0;
    return static_cast<double>(setup.gpus) * (total - output) / (input - output);
}

Arrangement one_pool(std::int64_t tensor, std::int64_t pipeline, std::int64_t expert, std::int64_t data) {
    return {std::nullopt, Pool{1, {tensor, pipeline, expert, data}}};
}

}  // namespace

std::vector<Arrangement> arrangements(Setup const& setup) {
    std::int64_t const g = setup.gpus;
    std::int64_t const tp = std::max<std::int64_t>(setup.tensor, 1);
    std::int64_t const pp = std::max<std::int64_t>(setup.pipeline, 1);
    std::int64_t const ep = std::max<std::int64_t>(setup.expert, 1);
    std::int64_t const dp = std::max<std::int64_t>(setup.attention_data, 1);
    if (g < 1) throw CannotRun("the number of accelerators is not given");
    if (ep == 1 && dp == 1 && tp > 16)
        throw CannotRun(fmt::format(
            "{} tensor ranks: probably a disaggregated service that was counted as one instance", tp));

    std::vector<Arrangement> found;
    if (g == ep * ep && g > ep) {
        bool const data_parallel = dp > 1;
        found.push_back(one_pool(data_parallel ? 1 : ep, 1, ep, data_parallel ? ep : 1));
    } else if (g == ep && tp == dp && g == tp * tp && tp > 1) {
        found.push_back(one_pool(tp, 1, tp, 1));
    }
    if (tp * pp * dp == g) {
        found.push_back(one_pool(tp, pp, ep, dp));
    } else if (dp == tp && tp * pp == g) {
        found.push_back(one_pool(1, pp, ep, dp));
    } else if (ep * pp == g && g % (pp * dp) == 0) {
        found.push_back(one_pool(g / (pp * dp), pp, ep, dp));
    }
    if (found.empty())
        throw CannotRun(fmt::format("tp {}, pp {}, ep {}, attention dp {} do not make {} accelerators", tp,
                                    pp, ep, dp, g));
    return found;
}

Arrangement disaggregated_arrangement(Setup const& setup, PointsFile const& file,
                                      Experiment const& experiment) {
    PoolText const prefill = parse_pool(setup.prefill);
    PoolText const decode = parse_pool(setup.decode);
    if (prefill.instances * prefill.size() + decode.instances * decode.size() == setup.gpus)
        return {make_pool(prefill, prefill.size(), prefill.expert),
                make_pool(decode, decode.size(), decode.expert)};

    double const exact = prefill_accelerators(setup, file, experiment);
    auto const in_prefill = static_cast<std::int64_t>(std::llround(exact));
    std::int64_t const in_decode = setup.gpus - in_prefill;
    if (in_prefill < 1 || in_decode < 1 || std::abs(exact - static_cast<double>(in_prefill)) > 0.05 ||
        in_prefill % prefill.instances != 0 || in_decode % decode.instances != 0)
        throw CannotRun(fmt::format("pools '{}' and '{}' do not make {} accelerators", setup.prefill,
                                    setup.decode, setup.gpus));
    std::int64_t const prefill_size = in_prefill / prefill.instances;
    std::int64_t const decode_size = in_decode / decode.instances;
    return {make_pool(prefill, prefill_size, prefill_size), make_pool(decode, decode_size, decode_size)};
}

std::string impossible(llm::ModelParams const& model, Pool const& pool) {
    llm::Parallelism const& p = pool.parallelism;
    std::int64_t const experts = std::max<std::int64_t>(model.routed_experts, 1);
    std::int64_t const stage = p.accelerators() / p.pipeline;
    if (p.pipeline > model.layers)
        return fmt::format("{} pipeline stages for {} layers", p.pipeline, model.layers);
    if (model.heads % p.tensor != 0)
        return fmt::format("{} tensor ranks do not divide {} heads", p.tensor, model.heads);
    if (p.expert > experts) return fmt::format("{} expert ranks for {} experts", p.expert, experts);
    if (stage % p.tensor != 0 || stage % p.expert != 0)
        return fmt::format("{} tensor and {} expert ranks do not divide {} accelerators", p.tensor, p.expert,
                           stage);
    return {};
}

}  // namespace mw::validation
