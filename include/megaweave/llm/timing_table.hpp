#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "megaweave/llm/iteration.hpp"

namespace mw::llm {

//! A function through given points: linear between them and past the last, flat below the first.
class Curve {
  public:
    //! At least one point, x strictly rising. Throws ContractError otherwise.
    Curve(std::vector<double> x, std::vector<double> values);

    [[nodiscard]] double operator()(double x) const;
    [[nodiscard]] double first_x() const { return x_.front(); }

  private:
    std::vector<double> x_;
    std::vector<double> values_;
};

/*!
 * A function of two variables: a curve over y at each of some x, linear between neighbouring curves and
 * past the last, flat below the first. The curves need not have the same y, so a table may end where a
 * context limit ends it.
 *
 * Worked: curves {0: 0, 1: 5} at x = 0 and {0: 10, 1: 15} at x = 10: the value at (5, 0.5) is 7.5, at (20,
 * 0) 20 and at (-5, 1) 5.
 */
class CurveFamily {
  public:
    CurveFamily(std::vector<double> x, std::vector<Curve> curves);

    [[nodiscard]] double operator()(double x, double y) const;
    //! The smallest y of any curve.
    [[nodiscard]] double smallest_y() const { return smallest_y_; }

  private:
    std::vector<double> x_;
    std::vector<Curve> curves_;
    double smallest_y_;
};

//! How a timing table is looked up.
struct TimingRules {
    //! Token counts are rounded up to a multiple: tiles of matrix products, sizes of captured graphs. 0: 8 for a table with
    //! operators, else 1.
    std::int64_t round_tokens{0};
    std::int64_t round_context{
        1};  //!< contexts are rounded up to a multiple, as attention kernels read tiles of the cache
    double prompt_batching{1};  //!< prefill attention of several prompts at once, over that of one as large
};

/*!
 * Iteration times that a user measured or profiled, in place of the roofline.
 *
 * CSV with a header that names at least `kind,batch,kv_tokens,chunk,iteration_s`. `decode` rows give times over batch and
 * kv_tokens (mean context of the sequences), `prefill` rows over chunk and kv_tokens (context before the chunk). Between its
 * points a table is linear.
 *
 * Profilers also tell what each operator takes: with `layers` and columns `<operator>_ms_per_layer`, those whose names contain
 * `decode` and `prefill` are the attention of either kind, `all_reduce` and `all_to_all` are collectives, and all the rest of
 * iteration_s depends on the number of tokens alone. Such a table knows what a mixed iteration takes:
 *
 *     with operators   L(all tokens) + A_d(sequences, mean context) + A_p(chunk, context before it)
 *     without          decode   D(sequences, mean context)
 *                      prefill  P(tokens, context before them)
 *                      mixed    P(tokens + decode's tokens, ...) + D(sequences, context) - D(sequences, smallest context of the table)
 *
 * L is read from the rows of both kinds. Several chunks act as one of length sqrt(sum chunk^2) behind the sum of their contexts,
 * which keeps the pairs within them and the bytes read, times `prompt_batching`. Without operators they act as one of their
 * total, and the mixed form counts the linear layers once and adds what the decoding sequences' attention takes above a short
 * context. Sequences that verify k tokens at once read their cache once: their products are those of k times as many tokens.
 * A table was measured on an idle fabric: where this one grants less, what the roofline model would wait for it is added.
 * Prefill's time counts as compute, decode's as hbm, collectives as scale_up; work counts come from the roofline model of the
 * same instance.
 * Valid: one engine, layout and precision, those of the measurement.
 * Leaves out: pairs of a chunk with what another one has before it; any measured split of time other than the above. Throws
 * InputError with every mistake (`file:line: what`), WorldError if the file cannot be read.
 * Worked: L = 10, 20, 30 ms at 8, 64, 512 tokens, A_d(56 sequences, 1,000) = 4 ms, A_p(456, 512) = 3 ms: 56 sequences beside a
 * chunk of 456 after 512 take 37 ms.
 */
class TimingTable {
  public:
    TimingTable(std::string const& path, IterationModel const& work, TimingRules const& rules = {});

    [[nodiscard]] IterationCost operator()(Batch const& batch) const;

  private:
    struct Curves {
        CurveFamily decode;   // s, over sequences and mean context; with operators the attention alone
        CurveFamily prefill;  // s, over tokens and context before them; with operators the attention alone
        std::optional<Curve> linear;       // s, over tokens
        std::optional<Curve> collectives;  // s, over tokens
    };
    struct Seconds {
        double compute{0};
        double hbm{0};
        double scale_up{0};
    };
    static Curves read(std::string const& path, TimingRules const& rules);
    static TimingRules completed(TimingRules rules, bool split);

    [[nodiscard]] Seconds whole_iterations(Batch const& batch) const;
    [[nodiscard]] Seconds by_operators(Batch const& batch) const;

    TimingRules rules_;
    Curves curves_;
    IterationModel work_;
};

}  // namespace mw::llm
