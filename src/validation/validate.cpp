#include "megaweave/validation/validate.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <numeric>
#include <optional>

#include "engine_choice.hpp"
#include "estimate.hpp"
#include "measure.hpp"
#include "megaweave/core/archive.hpp"
#include "megaweave/core/check.hpp"
#include "megaweave/core/error.hpp"

namespace mw::validation {

namespace {

//! A trial, or why there is none.
struct Candidate {
    std::optional<Trial> trial;
    std::string reason;
};

Candidate make_candidate(PointsFile const& file, Experiment const& experiment,
                         config::Entries const& entries) {
    Candidate candidate;
    try {
        candidate.trial = make_trial(file, experiment, entries);
    } catch (CannotRun const& why) {
        candidate.reason = why.what();
    }
    return candidate;
}

//! The costliest first, each to the rank that has least to do: the same on every rank.
std::vector<std::size_t> share_of(int rank, int ranks, std::vector<Candidate> const& candidates) {
    std::vector<std::size_t> order;
    for (std::size_t i = 0; i < candidates.size(); ++i)
        if (candidates[i].trial) order.push_back(i);
    std::ranges::stable_sort(order, std::greater{}, [&](std::size_t i) { return candidates[i].trial->cost; });
    std::vector<double> load(static_cast<std::size_t>(ranks), 0.0);
    std::vector<std::size_t> mine;
    for (std::size_t const i : order) {
        auto const least = std::ranges::min_element(load) - load.begin();
        load[static_cast<std::size_t>(least)] += candidates[i].trial->cost;
        if (least == rank) mine.push_back(i);
    }
    return mine;
}

Prediction run(Setup const& setup, Trial const& trial, Method method) {
    try {
        Prediction prediction = method == Method::estimate ? estimate(setup, trial) : measure(setup, trial);
        prediction.engine =
            engine_used(setup, trial.deck.services[0].engine, trial.deck.cluster.rack.accelerator.name);
        return prediction;
    } catch (CannotRun const& why) {
        Prediction none;
        none.reason = why.what();
        return none;
    } catch (core::ContractError const& bug) {
        throw core::ContractError(fmt::format("{} {} on {} {}: {}", setup.source, setup.model, setup.gpus,
                                              setup.hardware, bug.what()));
    }
}

double in_unit(double value, std::string const& unit) {
    return unit == "ms" ? value * 1e3 : value;
}

bool known_unit(std::string const& unit) {
    return unit == "ms" || unit == "s" || unit == "tok/s" || unit == "tok/s/GPU" || unit == "J/tok" ||
           unit == "W";
}

Comparison compare_point(Point const& point, Prediction const& prediction) {
    Comparison result;
    if (!prediction.reason.empty()) {
        result.reason = prediction.reason;
        return result;
    }
    auto const found = std::ranges::find(prediction.metrics, point.metric, &Metric::name);
    if (found == prediction.metrics.end()) {
        result.reason = "metric '" + point.metric + "' is unknown for this load";
    } else if (!known_unit(point.unit)) {
        result.reason = "unit '" + point.unit + "' is unknown";
    } else {
        result.compared = true;
        result.predicted = in_unit(found->value, point.unit);
        result.error = result.predicted / point.value - 1;
    }
    return result;
}

}  // namespace

std::vector<Prediction> predict(PointsFile const& file, config::Entries const& entries,
                                parallel::Comm const& comm, parallel::Team& team, Method method) {
    std::vector<Candidate> candidates(file.experiments.size());
    team.for_ranges(candidates.size(), 16, [&](std::size_t begin, std::size_t end) {
        for (std::size_t i = begin; i < end; ++i)
            candidates[i] = make_candidate(file, file.experiments[i], entries);
    });
    std::vector<std::size_t> const mine = share_of(comm.rank(), comm.size(), candidates);
    std::vector<Prediction> done(mine.size());
    // Each task takes the costliest that is left.
    std::atomic<std::size_t> next{0};
    team.for_ranges(mine.size(), 1, [&](std::size_t begin, std::size_t end) {
        for (std::size_t task = begin; task < end; ++task) {
            std::size_t const i = next++;
            done[i] = run(file.experiments[mine[i]].setup, *candidates[mine[i]].trial, method);
        }
    });

    std::vector<std::byte> bytes;
    core::ByteWriter out{bytes};
    for (std::size_t i = 0; i < mine.size(); ++i) {
        std::size_t place = mine[i];
        out& place& done[i];
    }
    std::vector<Prediction> all;
    auto const parts = comm.gather(bytes);
    if (!comm.root()) return all;
    all.resize(candidates.size());
    for (std::size_t i = 0; i < candidates.size(); ++i) all[i].reason = candidates[i].reason;
    for (auto const& part : parts) {
        core::ByteReader in{part};
        while (in.left() > 0) {
            std::size_t place = 0;
            in& place;
            in& all[place];
        }
    }
    return all;
}

std::vector<Comparison> compare(PointsFile const& file, std::vector<Prediction> const& predictions) {
    MW_EXPECT(predictions.size() == file.experiments.size(), "a prediction for every experiment");
    std::vector<Comparison> rows;
    for (std::size_t i = 0; i < file.points.size(); ++i) {
        rows.push_back(compare_point(file.points[i], predictions[file.points[i].experiment]));
        rows.back().point = i;
    }
    return rows;
}

}  // namespace mw::validation
