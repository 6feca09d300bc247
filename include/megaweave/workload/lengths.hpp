#pragma once

#include <cstdint>
#include <variant>

#include "megaweave/core/random.hpp"
#include "megaweave/workload/length_laws.hpp"
#include "megaweave/workload/params.hpp"

namespace mw::workload {

/*!
 * How many tokens a request has: a law with its parameters, asked by key.
 *
 * Immutable: one law may serve every cell and thread.
 */
class LengthLaw {
  public:
    //! Loads a quantiles file. Throws core::InputError for parameters out of range and for mistakes in the file ("file:line: …").
    explicit LengthLaw(LengthParams const& params);

    //! In [1, max]. The same key gives the same number.
    std::int64_t operator()(core::KeyedRandom const& random, core::Draw purpose, std::uint32_t entity,
                            std::uint64_t index) const;
    //! The count below which a share p of the requests lies, p in (0, 1).
    [[nodiscard]] std::int64_t quantile(double p) const;
    //! Probability of more than so many tokens, by bisection of the quantiles: exact to 1e-15.
    [[nodiscard]] double share_above(std::int64_t tokens) const;
    //! Of the bounded law, in tokens.
    [[nodiscard]] double mean() const;
    //! Lengths come from the trace's rows; this law must not be asked.
    [[nodiscard]] bool from_trace() const { return std::holds_alternative<TraceLaw>(law_); }

  private:
    using Any =
        std::variant<FixedLaw, UniformLaw, LognormalLaw, GeometricLaw, LinearLaw, DiscreteLaw, TraceLaw>;
    static Any make(LengthParams const& params);

    Any law_;
};

}  // namespace mw::workload
