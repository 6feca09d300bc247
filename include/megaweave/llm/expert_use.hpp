#pragma once

#include <array>
#include <cstdint>

namespace mw::llm {

/*!
 * Which experts of a layer a batch uses, and how unevenly.
 *
 *     touched(n) = sum_i 1 - (1 - p_i)^n,   p_i = min(1, k z_i),  z_i ~ (i + 1)^-s, summing to 1
 *
 * s = 0: uniform routing, touched = E (1 - (1 - k/E)^n). With s > 0 Zipf's law; what min(1, …) cuts goes to the others. Expert i lies in
 * group i mod e. Routing of different tokens is taken as independent.
 * Valid: any n; with s > 0 between 1 and 2^20 tokens interpolated linearly in log2 n (error below 0.3 %).
 * Leaves out: popularity that changes with layer and time.
 * Worked: E = 256, k = 8: 1 token touches 8, 64 tokens 222.4; s = 1, 64 tokens: fewer, and of 8 groups the busiest has more than an eighth.
 */
class ExpertUse {
  public:
    ExpertUse(std::int64_t experts, std::int64_t per_token, std::int64_t groups, double skew);

    //! Experts that `tokens` tokens use.
    [[nodiscard]] double touched(double tokens) const;
    //! Share of the busiest group in all uses, over an even share: 1 if routing is uniform.
    [[nodiscard]] double imbalance() const { return imbalance_; }

  private:
    //! What one expert adds, of probability `use` for each token.
    void add_touched(double use);

    static constexpr std::size_t knots = 81;  // four an octave
    double experts_;
    double log_untouched_;  // uniform: log(1 - k/E)
    bool uniform_;
    double imbalance_{1};
    std::array<double, knots> touched_{};
};

}  // namespace mw::llm
