#include "flow_cases.hpp"

#include <cmath>
#include <numeric>
#include <utility>

#include "megaweave/core/hash.hpp"
#include "megaweave/core/random.hpp"
#include "megaweave/fabric/clos.hpp"
#include "megaweave/fabric/explicit.hpp"

namespace mw::bench {

namespace {

//! The radix whose full 3-tier fat tree (k^3 / 4 hosts) holds them.
std::int64_t radix_for(std::int64_t hosts) {
    std::int64_t radix = 2;
    while (radix * radix * radix / 4 < hosts) radix += 2;
    return radix;
}

class FatTree {
  public:
    explicit FatTree(std::int64_t hosts) : clos_{params(hosts)} {}

    [[nodiscard]] FlowCase empty_case(std::string name) const {
        return {std::move(name), {fabric::capacities(clos_)}, {}, clos_.nodes(), {}};
    }
    void add(FlowCase& c, std::uint64_t src, std::uint64_t dst, std::int64_t bytes, double start_s) const {
        fabric::FlowSpec& spec = c.flows.emplace_back(fabric::FlowSpec{bytes, start_s, {}, 0, {}});
        c.ends.emplace_back(src, dst);
        fabric::Route const route{static_cast<std::int32_t>(src), static_cast<std::int32_t>(dst), 0,
                                  fabric::Route::undecided, 1};
        fabric::Path const path = clos_.path(route);
        for (fabric::Hop const& hop : path.hops()) spec.links.push_back(static_cast<std::uint32_t>(hop.link));
    }

  private:
    static fabric::NetworkParams params(std::int64_t hosts) {
        fabric::NetworkParams p;
        p.endpoints = hosts;
        p.radix = radix_for(hosts);
        p.link_bytes_per_s = 50'000'000'000;
        p.routing = fabric::Routing::ecmp;
        return p;
    }
    fabric::Clos clos_;
};

}  // namespace

FlowCase permutation(std::int64_t hosts) {
    FatTree const tree{hosts};
    std::vector<std::uint64_t> to(static_cast<std::size_t>(hosts));
    std::iota(to.begin(), to.end(), 0U);
    // Sattolo's shuffle: one cycle, so nobody sends to itself.
    for (std::size_t i = to.size() - 1; i > 0; --i) std::swap(to[i], to[core::mix(i) % i]);
    FlowCase c = tree.empty_case("permutation");
    for (std::size_t h = 0; h < to.size(); ++h) tree.add(c, h, to[h], 100'000'000, 0);
    return c;
}

FlowCase open_arrivals(std::int64_t hosts, std::int64_t flows, double load) {
    FatTree const tree{hosts};
    auto const n = static_cast<std::uint64_t>(hosts);
    double const mean_gap_s = 80e6 / (load * 50e9 * static_cast<double>(hosts));
    FlowCase c = tree.empty_case("open arrivals");
    double start_s = 0;
    core::KeyedRandom const random{1};
    for (std::uint64_t f = 0; f < static_cast<std::uint64_t>(flows); ++f) {
        auto const draw = [&](std::uint32_t what) { return random.bits(core::Draw::test, what, f); };
        start_s -= mean_gap_s * std::log((static_cast<double>(draw(0) >> 11) + 0.5) * 0x1p-53);
        double const start_10ns_s = std::round(start_s * 1e8) * 1e-8;  // SimGrid tells no closer times apart
        std::uint64_t const src = draw(1) % n;
        std::uint64_t const dst = (src + 1 + draw(2) % (n - 1)) % n;
        tree.add(c, src, dst, static_cast<std::int64_t>(10'000'000 + draw(3) % 140'000'001), start_10ns_s);
    }
    return c;
}

}  // namespace mw::bench
