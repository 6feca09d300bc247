#pragma once

#include <cstdint>
#include <span>

namespace mw::fabric {

//! What a flow takes of a link.
struct Claim {
    std::int64_t rate{0};
    std::int64_t weight{1};  //!< of its share
    std::int64_t units{
        1};  //!< of the link that one step of its level takes: weight times the link's units for each of its own
};

/*!
 * What one more flow would meet on a link, in so few bits that links can tell everybody: its share would be
 *
 *     s(w) = (1 - held) C / (crowd + w)
 *
 * for a newcomer of which the link carries the part w, if the flows that are there now and have less than that share (because another
 * link or their demand limits them) keep their rates (`held`), and all others give way to it (`crowd`, in flows of the newcomer's
 * weight that are whole on the link).
 *
 * Found by filling the link once more, with a whole newcomer, and with the others' present rates as their demands.
 *
 * Validity: exact for one newcomer with w = 1 that only this link limits. Leaves out: what the flows that give way set free elsewhere;
 * classes of other priorities count as if they were of the newcomer's.
 * Worked: C = 12, flows with 2 (limited elsewhere), 5 and 5: the level is (12 - 2) / 3 = 3.33, so held = 1/6 and crowd = 2.
 */
struct LinkLoad {
    static constexpr std::int64_t whole = 4096;   //!< held = 1
    static constexpr std::int64_t one_flow = 64;  //!< crowd = 1
    static constexpr std::int64_t most = 0xffff;

    std::uint16_t held{0};   //!< in parts of `whole`
    std::uint16_t crowd{0};  //!< in parts of `one_flow`, at most `most`

    [[nodiscard]] bool idle() const { return held == 0 && crowd == 0; }
    friend bool operator==(LinkLoad const&, LinkLoad const&) = default;
};

//! Of a link with this capacity, met by a newcomer of this weight of which a step takes so many units.
[[nodiscard]] LinkLoad link_load(std::int64_t capacity, std::span<Claim const> claims, Claim const& newcomer);

}  // namespace mw::fabric
