#pragma once

#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "megaweave/llm/params.hpp"
#include "megaweave/validation/points.hpp"

namespace mw::validation {

//! This experiment cannot be run, and why; listed, never fatal.
class CannotRun : public std::runtime_error {
  public:
    using std::runtime_error::runtime_error;
};

//! Equal instances.
struct Pool {
    std::int64_t instances{1};
    llm::Parallelism parallelism;

    [[nodiscard]] std::int64_t accelerators() const { return instances * parallelism.accelerators(); }
};

//! How the accelerators of an experiment are used. Without a prefill pool every instance does both.
struct Arrangement {
    std::optional<Pool> prefill;
    Pool decode;

    [[nodiscard]] std::int64_t accelerators() const {
        return decode.accelerators() + (prefill ? prefill->accelerators() : 0);
    }
};

/*!
 * What a row's tp, pp, ep and attention_dp mean, in the order in which they should be tried: the first that the model allows and
 * that fits is run.
 *
 * Public tables state parallelism in four ways. Rules, by the number of accelerators g:
 * - tp x pp x dp = g: as it stands.
 * - dp = tp and tp x pp = g (InferenceMAX, "dp-attention"): attention is data-parallel over the tp ranks.
 * - tp x pp x dp < g and ep = g / pp (ML.ENERGY: vLLM with expert parallelism counts its tensor ranks as expert ranks): the
 *   missing factor is tensor parallelism.
 * - g = ep x ep with ep = 4 or 8, or g = ep = tp x tp (AIConfigurator's sample): the table counted tensor ranks times expert ranks.
 *   The same measurements, to the last digit, stand in the same table with g = ep (tp8 ep8 on 8 accelerators as tp64 ep8 on 64), so
 *   g is the root.
 * Throws CannotRun where none of them holds.
 */
[[nodiscard]] std::vector<Arrangement> arrangements(Setup const& setup);

/*!
 * The pools of a disaggregated row, from `N x tp ep dpattn`.
 *
 * An instance has max(tp, ep) accelerators; `dpattn=true`: attention is data-parallel over all of them, else it is tensor-parallel over
 * tp. Where the pools do not add up to the row's accelerators (Dynamo with SGLang states tp1 ep1 for wide instances), they are taken
 * from the throughputs per prefill, decode and any accelerator, which fix them: P = g (total - output) / (input - output); the
 * experts are then spread over the whole instance. Throws CannotRun where that is no whole number of accelerators.
 */
[[nodiscard]] Arrangement disaggregated_arrangement(Setup const& setup, PointsFile const& file,
                                                    Experiment const& experiment);

//! Why a model cannot lie like that, or "".
[[nodiscard]] std::string impossible(llm::ModelParams const& model, Pool const& pool);

}  // namespace mw::validation
