#pragma once

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

/*!
 * Iteration times that a user measured or profiled, in place of the roofline.
 *
 * CSV with a header that names at least `kind,batch,kv_tokens,chunk,iteration_s` (further columns are
 * ignored). `decode` rows give times over batch and kv_tokens (mean context of the sequences), `prefill`
 * rows over chunk and kv_tokens (context before the chunk).
 *
 *     decode   D(sequences, mean context)
 *     prefill  P(tokens, mean visible context - tokens / 2)
 *     mixed    P(chunk + sequences, ...) + D(sequences, context) - D(sequences, smallest context of the table)
 *
 * The mixed form counts the linear layers once, for all tokens, and adds what the decoding sequences'
 * attention takes above a short context. Prefill's time counts as compute, decode's as hbm; work counts
 * come from the roofline model of the same instance.
 * Valid: one engine, layout and precision, those of the measurement.
 * Leaves out: several chunks' separate attention (they act as one chunk of their total), and any measured
 * split of time. Throws InputError with every mistake (`file:line: what`), WorldError if the file cannot be
 * read.
 */
class TimingTable {
  public:
    TimingTable(std::string const& path, IterationModel const& work);

    [[nodiscard]] IterationCost operator()(Batch const& batch) const;

  private:
    struct Curves {
        CurveFamily decode;
        CurveFamily prefill;
    };
    TimingTable(Curves curves, IterationModel const& work);
    static Curves read(std::string const& path);

    CurveFamily decode_;   // s, over sequences and mean context
    CurveFamily prefill_;  // s, over tokens and context before them
    IterationModel work_;
};

}  // namespace mw::llm
