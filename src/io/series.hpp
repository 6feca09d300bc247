#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "dataset.hpp"

namespace mw::io {

/*!
 * One quantity over time: a dataset [T x width] (or [T]: width 0) that grows, cut over the ranks by columns.
 *
 * Rows are held until `write`. Storage: see chunk_rows(); what one write has put into a compressed chunk is never rewritten.
 */
class Series {
  public:
    enum class Element : std::uint8_t { float32, float64 };

    //! A new dataset of `place`. Collective.
    static Series create(Place const& place, std::string const& name, Element element, Cut columns,
                         bool scalar, Label const& label);
    //! One that exists, with at least one row. Throws core::WorldError if its width is another. Collective.
    static Series open(Place const& place, std::string const& name, Element element, Cut columns,
                       bool scalar);

    //! This rank's part of the next row; none from a rank without columns.
    void hold(std::span<std::byte const> row);
    //! Collective. `before`: rows in the file; throws where it fails (the caller agrees).
    void write(std::int64_t before, std::int64_t held, hid_t transfer);

    [[nodiscard]] std::string const& name() const { return name_; }
    //! Of this rank's part of a row, for RunFile::recorded().
    [[nodiscard]] std::uint64_t hash(std::int64_t row, std::span<std::byte const> values) const;

  private:
    Series(Place const& place, std::string const& name, Element element, Cut columns, bool scalar);

    std::string name_;
    std::string where_;
    std::uint64_t key_;
    hid_t type_;
    Cut columns_;
    bool scalar_;
    Handle dataset_;
    std::vector<std::byte> held_;
};

/*!
 * Sum over values of one hash each, keyed by series (its path in the file: "/rack/power_w"), row and column: the parts of a row add up,
 * whoever has them.
 */
[[nodiscard]] std::uint64_t hash_row(std::uint64_t series, std::int64_t row, std::int64_t first_column,
                                     std::span<std::byte const> values, std::size_t value_bytes);

/*!
 * Rows per chunk of a series with rows of `row_bytes`, and whether it is compressed.
 *
 * Large rows: one per chunk, compressed, so that no later write must read, change and move a compressed chunk: that would be slow,
 * and a kill in between could lose rows that were safe. Small rows: many per chunk, plain, filled in place.
 */
struct ChunkShape {
    std::int64_t rows;
    std::int64_t columns;
    bool compressed;
};
[[nodiscard]] ChunkShape chunk_shape(std::int64_t width, std::int64_t element_bytes);

}  // namespace mw::io
