#pragma once

#include <cstdint>

#include "megaweave/engine/tally.hpp"
#include "megaweave/engine/world.hpp"
#include "megaweave/plant/storage.hpp"

namespace mw::engine {

//! Design loads of a site [W].
struct DesignLoad {
    double it_w{0};
    double facility_w{0};
};

/*!
 * Where a site's power comes from, sample by sample: the utility, generators, the UPS's batteries and the racks' stores.
 *
 * In a grid event the racks' stores give what the feeds cannot (by the last sample's loads), and the batteries give the rest. Cooling runs
 * while anything comes from outside. When the batteries cannot carry another sample like the last, the whole site goes dark: nothing
 * draws power until the feeds return, iterations that were cut short are done again after `restart`, requests in flight wait, and
 * arrivals meanwhile are turned away (and counted). Event times are rounded to samples.
 * Leaves out: racks that go dark one by one; KV caches and weights that are read again (`restart` stands for them); transfers under way end.
 */
class SiteSupply {
  public:
    SiteSupply(World const& world, DesignLoad const& design);

    //! A sample that ends at `now_ns` is about to be read.
    void begin(core::TimeNs now_ns, core::TimeNs sample_ns);
    [[nodiscard]] bool dark() const { return dark_; }
    //! Of the racks' loads, that does not have to come from their stores.
    [[nodiscard]] double rack_share() const { return rack_share_; }
    [[nodiscard]] bool cooling_runs() const { return available_w_ > 0; }

    //! Adds what batteries give and take to the energies of the sample; `racks_uj`: of them, the racks'. Returns the energy stored [uJ].
    std::int64_t settle(Energies& energy_uj, std::int64_t racks_uj);
    //! The site goes dark when this sample ends; it serves again at `serves_ns`.
    [[nodiscard]] bool goes_dark() const { return goes_dark_; }
    [[nodiscard]] core::TimeNs serves_ns() const;
    [[nodiscard]] std::int64_t battery_uj() const { return battery_.charge_uj(); }

    template <class Archive>
    void archive(Archive& ar) {
        ar& battery_& dark_until_ns_& racks_w_& others_w_;
    }

  private:
    World const* world_;
    plant::GridFeed feed_;
    plant::UpsBattery battery_;
    core::TimeNs dark_until_ns_{0};
    double racks_w_{0};   // of the last sample, at their meters
    double others_w_{0};  // of the last sample, what else the site needed
    // Of the sample that is being read
    core::TimeNs now_ns_{0};
    core::TimeNs sample_ns_{0};
    double available_w_{0};
    double rack_share_{1};
    bool dark_{false};
    bool goes_dark_{false};
};

}  // namespace mw::engine
