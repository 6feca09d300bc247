#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "megaweave/engine/world.hpp"
#include "megaweave/parallel/comm.hpp"
#include "rack.hpp"
#include "site_control.hpp"

namespace mw::engine {

//! What the whole site used in a sample, without what stores took or gave.
struct SiteEnergy {
    std::int64_t facility_uj{0};
    std::int64_t it_uj{0};
};

/*!
 * Budgets of the facility, its rows and its racks: reads their meters once a period and sets the boards' caps for the next.
 *
 * All decisions rest on integers that every rank has, or on a rack's own: the same on any ranks. A rack's boards get the lowest of what
 * the facility, the row and the rack leave them. Shedding: while the caps bind, a tenth more of the last service's arrivals is turned
 * away each period, and a twentieth less otherwise. Leaves out: breakers; instances that span racks obey their home's caps.
 */
class PowerControl {
  public:
    explicit PowerControl(World const& world);

    [[nodiscard]] std::size_t rows() const { return rows_; }
    [[nodiscard]] std::size_t row_of(core::RackId rack) const { return row_of_[rack.index()]; }
    //! A sample ended. Collective where the deck has a control.
    void step(core::TimeNs now_ns, core::TimeNs sample_ns, SiteEnergy const& site,
              std::span<std::int64_t const> row_uj, std::span<std::unique_ptr<Rack> const> racks,
              parallel::Comm const& comm);
    //! Power that the facility's budget leaves to the boards.
    [[nodiscard]] double target_w() const { return governor_.target_w(); }
    [[nodiscard]] double shed_share() const { return shed_share_; }

    template <class Archive>
    void archive(Archive& ar) {
        ar& governor_& row_governors_& row_period_uj_& period_ns_& period_facility_uj_& period_it_uj_&
            shed_share_;
    }

  private:
    void decide(core::TimeNs now_ns, std::span<std::unique_ptr<Rack> const> racks,
                parallel::Comm const& comm);
    ClassCaps facility_caps(core::TimeNs now_ns, ClassSums const& sums, double boards_w);
    void update_shedding(double boards_w);

    World const* world_;
    std::size_t rows_{0};
    std::vector<std::uint32_t> row_of_;  //!< by rack, all racks
    BudgetGovernor governor_;
    std::vector<BudgetGovernor> row_governors_;
    std::vector<std::int64_t> row_period_uj_;  //!< of the racks, by row
    core::TimeNs period_ns_{0};                //!< so far
    std::int64_t period_facility_uj_{0};
    std::int64_t period_it_uj_{0};
    double shed_share_{0};
};

}  // namespace mw::engine
