#pragma once

#include <cstdint>
#include <functional>

#include "megaweave/llm/iteration.hpp"
#include "megaweave/llm/params.hpp"

namespace mw::llm {

/*!
 * Tokens that a sequence gains, on the average, in an iteration that verifies d drafts.
 *
 *     E = 1 + a + a^2 + ... + a^d = (1 - a^(d+1)) / (1 - a)
 *
 * a: probability that a draft is accepted, given that those before it were. The first rejected draft is replaced by the model's
 * own token, and after d accepted ones it adds one more. Source: Leviathan, Kalman, Matias, ICML 2023, equation 1. Leaves out:
 * acceptance that falls with the position (give the mean). Worked: d = 1, a = 0.8: 1.8 tokens; d = 3, a = 0.7: 2.533.
 */
[[nodiscard]] double expected_tokens(std::int64_t drafts, double acceptance);

/*!
 * What drafting one token costs, over a decode pass of the model, if one extra layer and the output head do it (multi-token
 * prediction as in DeepSeek-V3; EAGLE).
 *
 *     c = h + (1 - h) / layers,  h: the head's share of the active parameters
 *
 * Worked: 61 layers, a head of 2.5 % of the active parameters: c = 0.041.
 */
[[nodiscard]] double draft_cost(ModelParams const& model);

/*!
 * Iterations with speculative decoding: verification as the given model counts it, and d draft passes before it.
 *
 *     T = T_verify(1 + d tokens a sequence) + d c T_decode(1 token a sequence)
 *
 * Verification multiplies d + 1 times the tokens and reads the same cache once (Batch::tokens_per_sequence). Drafts follow one
 * another, so each is a pass of its own; its work is c times that of a decode pass. Leaves out: the draft layer's pass over the
 * prompt (1 / layers of the prefill), trees of drafts, a draft model's own layout.
 */
class SpeculativeIteration {
  public:
    using Model = std::function<IterationCost(Batch const&)>;

    //! `cost` is c, of one draft token.
    SpeculativeIteration(Model model, double cost) : model_{std::move(model)}, cost_{cost} {}

    [[nodiscard]] IterationCost operator()(Batch const& batch) const;

  private:
    Model model_;
    double cost_;
};

}  // namespace mw::llm
