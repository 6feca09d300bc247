#include "megaweave/serving/router.hpp"

#include <algorithm>

#include "megaweave/core/check.hpp"

namespace mw::serving {

Router::Router(RouterPolicy policy, std::vector<core::InstanceId> prefill,
               std::vector<core::InstanceId> decode, bool unified)
    : policy_{policy}, unified_{unified} {
    MW_EXPECT(!prefill.empty() && !decode.empty(), "a router needs instances for prompts and for decode");
    prefill_.load.assign(prefill.size(), 0);
    prefill_.instances = std::move(prefill);
    decode_.load.assign(decode.size(), 0);
    decode_.instances = std::move(decode);
}

std::size_t Router::choose(Pool& pool) const {
    std::size_t const count = pool.instances.size();
    std::size_t const start = pool.turn++ % count;
    if (policy_ == RouterPolicy::round_robin) return start;
    auto const first = pool.load.begin();
    auto const turn = first + static_cast<std::ptrdiff_t>(start);
    auto const after = std::min_element(turn, pool.load.end());
    auto const before = std::min_element(first, turn);
    return static_cast<std::size_t>((before != turn && *before < *after ? before : after) - first);
}

std::int64_t& Router::load_of(Pool& pool, core::InstanceId instance) {
    auto const at = std::ranges::lower_bound(pool.instances, instance);
    MW_EXPECT(at != pool.instances.end() && *at == instance, "a router hears only from its own instances");
    return pool.load[static_cast<std::size_t>(at - pool.instances.begin())];
}

void Router::assign(Request& request) {
    ++outstanding_;
    std::size_t const decode = choose(decode_);
    request.decode = decode_.instances[decode];
    ++decode_.load[decode];
    if (unified_) {
        request.prefill = request.decode;
        return;
    }
    std::size_t const prefill = choose(prefill_);
    request.prefill = prefill_.instances[prefill];
    prefill_.load[prefill] += request.input_tokens;
}

void Router::prefill_done(Request const& request) {
    if (!unified_) load_of(prefill_, request.prefill) -= request.input_tokens;
}

void Router::request_done(Request const& request, bool rejected) {
    --outstanding_;
    --load_of(decode_, request.decode);
    // Unless a decode instance went on with it, the prefill instance's answer comes only now.
    if (rejected || !request.handed_over) prefill_done(request);
}

}  // namespace mw::serving
