#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "fabric_partition.hpp"
#include "megaweave/core/frame.hpp"
#include "megaweave/core/hash.hpp"
#include "megaweave/engine/results.hpp"
#include "megaweave/engine/world.hpp"
#include "megaweave/parallel/comm.hpp"
#include "rack.hpp"

namespace mw::engine {

//! Key of a recorded value in the digest: which sample, which column, whose.
[[nodiscard]] constexpr std::uint64_t record_key(std::int64_t sample, std::uint64_t column,
                                                 std::uint64_t owner) {
    return core::mix(static_cast<std::uint64_t>(sample) * 0x9e3779b97f4a7c15ULL ^ column << 48 ^ owner);
}

//! A sample that ends now.
struct LinkSample {
    std::int64_t number{0};
    core::TimeNs length_ns{0};
    bool measured{false};  //!< of the measured period
};

/*!
 * What passes the links: utilisation of bundles and tiers in each sample, and who filled which bundle in the measured period.
 *
 * A bundle is *full* in a sample in which it moves at least 90 % of what it could. Bytes *enter* where they leave a node for its first
 * switch: a path of four links carries its bytes four times, so sums over links tell load and entering bytes tell traffic.
 *
 * What is kept: of every sample, each bundle's utilisation (and, where a deck has traffic of several classes, each class' part of it),
 * and each tier's mean and highest; at the end, of every bundle, the bytes of each service and class. With 100,000 accelerators (some
 * 60,000 bundles) that is 0.24 MB a sample and quantity before compression, and 3 MB of counters for each service.
 *
 * The digest has the bytes of each bundle and sample, all labels together.
 */
class LinkGauges {
  public:
    LinkGauges(World const& world, FabricPartition const& fabric);

    //! Adds the columns that `read` fills.
    void begin_frame(core::Frame& frame);
    //! Reads the counters of a rack's bundles and sets them back; returns what passed its NICs, both ways. Racks in order.
    std::int64_t read(LinkSample const& sample, FabricPartition& fabric, Rack& rack, core::Frame& frame);
    //! Sums the sample over all ranks. Collective.
    void sum(LinkSample const& sample, parallel::Comm const& comm, FairnessCount fairness);
    //! The sample's columns of the facility.
    void put_facility(LinkSample const& sample, core::Frame& frame) const;
    //! Of the sample: bytes on all bundles, over what they could have moved.
    [[nodiscard]] double utilisation(core::TimeNs length_ns) const;

    //! Tiers, classes and the fullest bundles of the measured period. Collective.
    void report(parallel::Comm const& comm, double measured_s, FabricResults& results) const;
    //! This rank's bundles in the measured period.
    [[nodiscard]] BundleColumns columns(double measured_s) const;

    //! What belongs to the whole site; the same on every rank.
    template <class Archive>
    void archive(Archive& ar) {
        ar& measured_.bytes& measured_.peak_ppb& measured_.entered& fairness_;
    }
    //! What belongs to the bundles of one rack, counted from this rank's first.
    template <class Archive>
    void archive_rack(Archive& ar, std::size_t rack) {
        for (std::size_t b = first_of_rack_[rack]; b < first_of_rack_[rack + 1]; ++b) {
            ar& peak_ppb_[b] & full_ns_[b];
            for (std::size_t l = 0; l < labels_; ++l) ar& bytes_[b * labels_ + l];
        }
    }

  private:
    static constexpr std::size_t ways = 2;  //!< of a tier: away from the nodes, towards them
    struct Link {
        fabric::BundleIndex index;
        std::int64_t capacity_bytes_per_s;
        std::size_t way;  //!< tier x ways + way
    };
    struct Sums {
        std::vector<std::int64_t> bytes;     //!< by way
        std::vector<std::int64_t> peak_ppb;  //!< by way; of any bundle in a sample
        std::vector<std::int64_t> entered;   //!< by label
        std::int64_t full{0};                //!< bundles
        FairnessCount fairness;
    };

    [[nodiscard]] Sums nothing() const;
    void split(std::size_t bundle, std::span<std::int64_t> counters, std::int64_t capacity, bool measured,
               core::Frame& frame);
    [[nodiscard]] std::vector<BundleUse> fullest(std::size_t count, double measured_s) const;
    [[nodiscard]] std::vector<BundleUse> fullest_of_all(parallel::Comm const& comm, double measured_s) const;
    [[nodiscard]] BundleUse use_of(std::size_t bundle, double measured_s) const;
    [[nodiscard]] std::int64_t bytes_of(std::size_t bundle) const;

    World const* world_;
    std::size_t labels_;
    std::vector<std::size_t> classes_;  //!< that have a column of their own
    std::vector<Link> links_;           //!< of this rank, in recording order
    std::vector<std::size_t> first_of_rack_;
    std::vector<std::string> tiers_;
    std::vector<std::int64_t> capacity_bytes_per_s_;  //!< by way, of all ranks' bundles
    std::size_t next_{0};                             //!< bundle to be read in this sample
    std::size_t column_{0};                           //!< of the frame: utilisation, then the classes' parts
    Sums now_;

    // Of the measured period
    Sums measured_;
    FairnessCount fairness_;           //!< of the whole run
    std::vector<std::int64_t> bytes_;  //!< [bundle x label]
    std::vector<std::int64_t> peak_ppb_;
    std::vector<core::TimeNs> full_ns_;
};

//! Which classes of traffic the deck's services can put on the links.
[[nodiscard]] std::vector<std::size_t> traffic_of(World const& world);

}  // namespace mw::engine
