#pragma once

#include <algorithm>
#include <cmath>

#include "megaweave/llm/work.hpp"

namespace mw::llm {

//! How a batch falls apart over micro-batches and attention ranks.
struct WorkCounter::Spread {
    Spread(Batch const& batch, Layout const& layout, double at_once)
        : stages{std::min(layout.pipeline, tokens(batch))},
          interleaved{std::min(at_once, std::max(1.0, std::floor(tokens(batch) / stages)))},
          micro_batches{stages * interleaved},
          all_tokens{tokens(batch) / micro_batches},
          decode_sequences{std::ceil(static_cast<double>(batch.decode_sequences) /
                                     (micro_batches * layout.attention_data))},
          decode_tokens{decode_sequences * static_cast<double>(batch.tokens_per_sequence)},
          prefill_tokens{static_cast<double>(batch.prefill_tokens) / micro_batches *
                         busiest_share(static_cast<double>(batch.prefill_chunks) / micro_batches,
                                       layout.attention_data)} {}

    //! A prompt belongs to one attention rank: of n, one of r ranks has at least ceil(n / r). No number given: even.
    static double busiest_share(double prompts, double ranks) {
        if (prompts <= 0) return 1.0 / ranks;
        double const n = std::max(prompts, 1.0);
        return std::ceil(n / ranks) / n;
    }

    static double tokens(Batch const& batch) {
        return static_cast<double>(batch.decode_tokens() + batch.prefill_tokens);
    }

    double stages;       // that are busy
    double interleaved;  // micro-batches in each
    double micro_batches;
    double all_tokens;        // of a micro-batch
    double decode_sequences;  // of a micro-batch on the busiest attention rank
    double decode_tokens;     // the same
    double prefill_tokens;    // the same
};

}  // namespace mw::llm
