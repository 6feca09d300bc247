#pragma once

#include <compare>
#include <cstdint>
#include <functional>
#include <limits>

namespace mw::core {

/*!
 * A typed index: `RackId` does not convert to `NodeId` nor to an integer by accident.
 *
 * Invalid when default-constructed; `index()` unwraps for array access.
 */
template <class Tag>
class OpaqueId {
  public:
    using value_type = std::uint32_t;

    constexpr OpaqueId() = default;
    constexpr explicit OpaqueId(value_type index) : index_{index} {}
    static constexpr OpaqueId of(std::size_t index) { return OpaqueId{static_cast<value_type>(index)}; }

    [[nodiscard]] constexpr bool valid() const { return index_ != invalid; }
    [[nodiscard]] constexpr value_type index() const { return index_; }

    friend constexpr auto operator<=>(OpaqueId, OpaqueId) = default;

  private:
    static constexpr value_type invalid = std::numeric_limits<value_type>::max();
    value_type index_{invalid};
};

using RackId = OpaqueId<struct RackTag>;
using NodeId = OpaqueId<struct NodeTag>;          //!< one host with its accelerators
using InstanceId = OpaqueId<struct InstanceTag>;  //!< one replica of a served model
using CellId = OpaqueId<struct CellTag>;          //!< a group of instances behind one router
using ServiceId = OpaqueId<struct ServiceTag>;

}  // namespace mw::core

template <class Tag>
struct std::hash<mw::core::OpaqueId<Tag>> {
    std::size_t operator()(mw::core::OpaqueId<Tag> id) const noexcept { return id.index(); }
};
