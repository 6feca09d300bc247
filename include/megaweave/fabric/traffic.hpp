#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace mw::fabric {

//! What bytes on the network are for.
enum class TrafficClass : std::uint8_t {
    kv,        //!< caches from prefill to decode
    weights,   //!< of models that are loaded
    pool,      //!< reads of a memory pool
    expert,    //!< all-to-alls between scale-up domains
    tensor,    //!< all-reduces that leave a scale-up domain
    pipeline,  //!< activations between stages
};
inline constexpr std::size_t traffic_classes = 6;
inline constexpr std::array<char const*, traffic_classes> traffic_names = {"kv",     "weights", "pool",
                                                                           "expert", "tensor",  "pipeline"};

//! How a class shares links with the others.
struct ClassParams {
    std::int64_t priority{0};  //!< strict: 0 shares first, the next takes what is left
    std::int64_t weight{1};    //!< of its flows' shares within a priority

    friend bool operator==(ClassParams const&, ClassParams const&) = default;
};
inline constexpr std::int64_t priorities = 8;
inline constexpr std::int64_t most_class_weight = 1'000;

//! All classes, by TrafficClass.
struct ClassTable {
    std::array<ClassParams, traffic_classes> of_class{};

    [[nodiscard]] ClassParams const& operator[](TrafficClass traffic) const {
        return of_class[static_cast<std::size_t>(traffic)];
    }
    friend bool operator==(ClassTable const&, ClassTable const&) = default;
};

}  // namespace mw::fabric
