#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "megaweave/core/time.hpp"

namespace mw::core {

//! Who the rows of a column belong to.
enum class Owner : std::uint8_t { rack, link, facility };

//! One recorded quantity at one sample: a value for each rack or link of this partition, or one for the whole facility.
struct Column {
    Owner owner{Owner::rack};
    std::string name;  //!< with its unit as suffix, as it appears in run.h5: "power_w"
    std::string unit;  //!< "W"
    std::string description;
    std::vector<float> values;
};

/*!
 * What one sample tick recorded: named columns, in a fixed order. The engine fills it, `io` writes it; neither knows the other.
 *
 * Invariants: the columns (owner, name, order, length) are the same in every sample of a run on a partition; facility columns
 * hold one value, equal on every rank.
 */
struct Frame {
    TimeNs time_ns{0};  //!< end of the sampled interval, from the start of the warm-up
    std::vector<Column> columns;

    Column& add(Owner owner, std::string_view name, std::string_view unit, std::string_view description,
                std::size_t size);
};

}  // namespace mw::core
