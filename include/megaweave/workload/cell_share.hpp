#pragma once

#include <cstdint>
#include <span>

namespace mw::workload {

/*!
 * A cell's part of what comes to its service: what the cell can serve, over what all cells can serve.
 *
 *     part(c) = w(c) / W,  W = sum of w
 *
 * Rates are multiplied by it. Whole numbers (concurrency, requests) are dealt by largest remainder, ties to the first cell, so that the
 * cells' numbers add up. Requests of a trace are dealt by `Dealer`. The weights come from the plan (site::Plan::cell_weights).
 * Worked: weights 1, 2, 2: of 70 requests/s 14, 28 and 28; of 11 in flight 2 (2.2), 5 (4.4) and 4 (4.4).
 */
struct CellShare {
    std::uint32_t cell{0};
    std::uint32_t cells{1};
    std::span<std::uint64_t const> weights{};  //!< of all cells; empty: all are alike

    [[nodiscard]] bool alike() const { return weights.empty(); }
    //! W / w(c): by how much gaps are longer than the service's.
    [[nodiscard]] double stretch() const;
    //! Of a number of requests.
    [[nodiscard]] std::int64_t of(std::int64_t all) const;
    [[nodiscard]] std::uint64_t total() const;
};

/*!
 * Which requests of a trace a cell takes: request i goes to cell i mod cells.
 *
 * Where the cells differ it goes to the cell whose part of [0, 1) holds the fractional part of i times the golden ratio, which spreads
 * each cell's requests evenly over the trace. Worked: weights 1, 2, 2: of requests 0 to 9 (0, 0.618, 0.236, 0.854, 0.472, 0.090,
 * 0.708, 0.326, 0.944, 0.562) the first cell takes 0 and 5, the second 2, 4, 7 and 9.
 */
class Dealer {
  public:
    explicit Dealer(CellShare const& share);
    [[nodiscard]] bool takes(std::uint64_t request) const;

  private:
    CellShare share_;
    std::uint64_t first_{0};  // of the cell's part of [0, 1), in units of 2^-64
    std::uint64_t end_{0};    // one past; 0: the part ends at 1
};

}  // namespace mw::workload
