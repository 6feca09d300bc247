#include "megaweave/validation/report.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>
#include <set>

#include "measure.hpp"

namespace mw::validation {

namespace {

//! Groups by key, in the order of their keys or, for the target groups, of their first letter.
using Groups = std::map<std::string, std::vector<double>>;

std::string metric_kind(std::string const& metric) {
    for (char const* kind : {"ttft", "tpot", "itl", "e2e", "power", "energy"})
        if (metric.find(kind) != std::string::npos) return kind;
    return metric.find("throughput") != std::string::npos ? "throughput" : metric;
}

char const* load_name(Load load) {
    switch (load) {
        case Load::max:
            return "max";
        case Load::static_batch:
            return "static";
        case Load::closed:
            return "closed";
        case Load::steady_batch:
            return "steady_batch";
    }
    return "";
}

//! The groups that targets are set for.
std::string target_group(Setup const& setup, std::string const& metric, bool mixture) {
    std::string const kind = metric_kind(metric);
    if (setup.disaggregated)
        return fmt::format("disaggregated{}, {}", setup.speculative == "mtp" ? " mtp" : "", kind);
    if (setup.speculative == "mtp") return "mtp, " + kind;
    if (setup.load == Load::static_batch) return "static, " + kind;
    return fmt::format("{} {}, {}", load_name(setup.load), mixture ? "MoE" : "dense", kind);
}

bool is_size(std::string const& word) {
    bool const active = word.size() > 1 && (word[0] == 'a' || word[0] == 'e');
    std::string const number = active ? word.substr(1) : word;
    return number.size() > 1 && number.back() == 'b' &&
           number.find_first_not_of("0123456789.xeb") == std::string::npos && std::isdigit(number[0]) != 0;
}

void add_table(std::string& text, char const* title, Groups const& groups) {
    std::size_t width = std::string{title}.size();
    for (auto const& [name, errors] : groups) width = std::max(width, name.size());
    text +=
        fmt::format("\n{:<{}}  {:>6}  {:>8}  {:>8}  {:>8}\n", title, width, "rows", "median", "p90", "bias");
    for (auto const& [name, errors] : groups) {
        ErrorStatistics const e = error_statistics(errors);
        text += fmt::format("{:<{}}  {:>6}  {:>6.1f} %  {:>6.1f} %  {:>+6.1f} %\n", name, width, e.count,
                            e.median, e.p90, e.bias);
    }
}

std::string list_of_reasons(PointsFile const& file, std::vector<Comparison> const& rows) {
    struct Seen {
        std::size_t rows{0};
        std::set<std::size_t> experiments;
    };
    std::map<std::string, Seen> reasons;
    std::size_t missing = 0;
    for (Comparison const& row : rows) {
        if (row.compared) continue;
        ++missing;
        Point const& point = file.points[row.point];
        Seen& seen = reasons[row.reason];
        ++seen.rows;
        seen.experiments.insert(point.experiment);
    }
    std::string text = fmt::format("\nnot run: {} rows\n", missing);
    for (auto const& [reason, seen] : reasons)
        text +=
            fmt::format("  {} rows of {} experiments (first: {}): {}\n", seen.rows, seen.experiments.size(),
                        file.points[file.experiments[*seen.experiments.begin()].points.front()].id, reason);
    return text;
}

//! Rows by the engine that they ask for, where the catalogue does not have it as they ask.
std::string list_of_stand_ins(PointsFile const& file, std::vector<Prediction> const& predictions,
                              std::vector<Comparison> const& rows) {
    std::map<std::string, std::size_t> stand_ins;
    std::size_t total = 0;
    for (Comparison const& row : rows) {
        Experiment const& experiment = file.experiments[file.points[row.point].experiment];
        EngineUsed const& engine = predictions[file.points[row.point].experiment].engine;
        if (!row.compared || engine.stand_in == StandIn::none) continue;
        ++total;
        ++stand_ins[engine.stand_in == StandIn::accelerator
                        ? fmt::format("{} as fitted on other accelerators than {}", engine.wanted,
                                      experiment.setup.hardware)
                        : fmt::format("{} by {} ({})", engine.wanted, engine.entry,
                                      name_of(engine.stand_in))];
    }
    std::string text = fmt::format("\nengine generations that others stand in for: {} rows\n", total);
    for (auto const& [what, count] : stand_ins) text += fmt::format("  {} rows: {}\n", count, what);
    return text;
}

}  // namespace

char const* name_of(StandIn stand_in) {
    switch (stand_in) {
        case StandIn::none:
            return "none";
        case StandIn::accelerator:
            return "accelerator";
        case StandIn::family:
            return "family";
        case StandIn::generic:
            return "generic";
    }
    return "";
}

ErrorStatistics error_statistics(std::vector<double> const& errors) {
    std::vector<double> signed_errors = errors;
    std::vector<double> sizes;
    for (double const error : errors) sizes.push_back(std::abs(error));
    return {errors.size(), 100 * percentile(sizes, 0.5), 100 * percentile(sizes, 0.9),
            100 * percentile(signed_errors, 0.5)};
}

std::string model_family(std::string const& model) {
    for (char const* whole : {"deepseek", "llama-4"})
        if (model.starts_with(whole)) return whole;
    std::string family;
    for (std::size_t begin = 0; begin < model.size();) {
        std::size_t const end = std::min(model.find('-', begin), model.size());
        std::string const word = model.substr(begin, end - begin);
        if (is_size(word)) break;
        family += (family.empty() ? "" : "-") + word;
        begin = end + 1;
    }
    return family.empty() ? model : family;
}

std::string report(PointsFile const& file, std::vector<Prediction> const& predictions,
                   std::vector<Comparison> const& rows) {
    Groups targets;
    Groups sources;
    Groups accelerators;
    Groups families;
    Groups metrics;
    std::size_t compared = 0;
    for (Comparison const& row : rows) {
        if (!row.compared) continue;
        ++compared;
        Point const& point = file.points[row.point];
        Setup const& setup = file.experiments[point.experiment].setup;
        targets[target_group(setup, point.metric, predictions[point.experiment].mixture)].push_back(
            row.error);
        sources[setup.source].push_back(row.error);
        accelerators[setup.hardware].push_back(row.error);
        families[model_family(setup.model)].push_back(row.error);
        metrics[point.metric].push_back(row.error);
    }
    auto const ran = std::ranges::count_if(predictions, [](Prediction const& p) { return p.reason.empty(); });
    std::string text = fmt::format(
        "{}: {} of {} rows predicted, {} of {} experiments run\n"
        "|error| = |predicted / measured - 1|; bias: median of the signed error\n",
        file.path, compared, rows.size(), ran, predictions.size());
    add_table(text, "group", targets);
    add_table(text, "source", sources);
    add_table(text, "accelerator", accelerators);
    add_table(text, "model family", families);
    add_table(text, "metric", metrics);
    text += list_of_stand_ins(file, predictions, rows);
    if (compared < rows.size()) text += list_of_reasons(file, rows);
    return text;
}

}  // namespace mw::validation
