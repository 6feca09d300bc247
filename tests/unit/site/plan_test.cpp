#include "megaweave/site/plan.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "megaweave/core/error.hpp"
#include "plans.hpp"

using namespace mw;
using core::RackId;
using site::Plan;

namespace {

//! What must hold for any plan.
void check_invariants(Plan const& plan) {
    std::int64_t accelerators = 0;
    std::int64_t nodes = 0;
    std::vector<fabric::BundleIndex> bundles;
    for (RackId const rack : test::racks_of(plan)) {
        CHECK(plan.first_node(rack) == nodes);
        accelerators += plan.accelerators_in(rack);
        nodes += plan.nodes_in(rack);
        for (fabric::BundleIndex const bundle : plan.bundles_of(rack)) bundles.push_back(bundle);
    }
    CHECK(accelerators == plan.accelerators());
    CHECK(nodes == plan.nodes());

    // Every bundle has one owner, and each of its links the same one.
    std::ranges::sort(bundles);
    CHECK(std::ssize(bundles) == plan.network().bundle_count());
    CHECK(std::ranges::adjacent_find(bundles) == bundles.end());
    for (RackId const rack : test::racks_of(plan))
        for (fabric::BundleIndex const bundle : plan.bundles_of(rack)) {
            auto const ends = plan.ends_m(plan.network().bundle(bundle));
            CHECK(std::isfinite(ends[0][2] + ends[1][2]));
        }
    for (fabric::LinkIndex link = 0; link < plan.network().link_count(); ++link) {
        auto const owned = plan.bundles_of(plan.rack_of_link(link));
        CHECK(std::ranges::find(owned, plan.network().bundle_of(link)) != owned.end());
    }

    // Instances follow one another without overlap, inside the cluster; homes ascend with them.
    std::int64_t used = 0;
    std::int64_t end = 0;
    for (site::InstancePlace const& place : plan.instances()) {
        CHECK(place.first_accelerator >= end);
        end = place.first_accelerator + place.accelerators;
        used += place.accelerators;
        CHECK(place.home == plan.rack_of_node(plan.node_of(place.first_accelerator)));
    }
    CHECK(end <= plan.accelerators());
    CHECK(used + plan.unused_accelerators() == plan.accelerators());

    // Cells cut the instances into runs; each has what it needs.
    std::uint32_t next = 0;
    for (std::size_t c = 0; c < plan.cells().size(); ++c) {
        site::CellPlace const& cell = plan.cells()[c];
        CHECK(cell.first_instance == next);
        CHECK(cell.last_instance > cell.first_instance);
        CHECK(cell.home == plan.instances()[cell.first_instance].home);
        next = cell.last_instance;
        for (std::uint32_t i = cell.first_instance; i < cell.last_instance; ++i) {
            CHECK(plan.instances()[i].cell == core::CellId::of(c));
            CHECK(plan.instances()[i].service == cell.service);
        }
    }
    CHECK(next == plan.instances().size());
}

void check_floor(Plan const& plan) {
    std::set<std::string> names;
    std::vector<site::RackPlace> places;
    for (RackId const rack : test::racks_of(plan)) places.push_back(plan.place(rack));
    for (site::RackPlace const& place : places) CHECK(names.insert(place.name).second);
    // No two footprints overlap: sorted by x, only those closer than a width need a look.
    std::ranges::sort(places, {}, [](site::RackPlace const& p) { return p.position_m[0]; });
    double const hair_m = 1e-9;  // racks stand side by side
    for (std::size_t a = 0; a < places.size(); ++a)
        for (std::size_t b = a + 1; b < places.size(); ++b) {
            if (places[b].position_m[0] - places[a].position_m[0] > places[a].size_m[0] - hair_m) break;
            bool const apart =
                std::abs(places[b].position_m[1] - places[a].position_m[1]) > places[a].size_m[1] - hair_m;
            REQUIRE(apart);
        }
}

std::int64_t prefill_instances(Plan const& plan, std::uint32_t first, std::uint32_t last) {
    return std::count_if(plan.instances().begin() + first, plan.instances().begin() + last,
                         [](site::InstancePlace const& place) { return place.prefill; });
}

}  // namespace

TEST_CASE(
    "The quickstart is 32 racks of 32, 128 instances, half of them for prompts, in every cell and along the "
    "floor") {
    Plan const plan{test::quickstart()};
    CHECK(plan.racks() == 32);
    CHECK(plan.nodes() == 128);
    CHECK(plan.instances().size() == 128);
    CHECK(plan.cells().size() == 1);
    CHECK(plan.unused_accelerators() == 0);
    CHECK(plan.halls() == 1);
    CHECK(prefill_instances(plan, 0, 128) == 64);
    // Evenly: any 2 in a row have one of each kind, so a rack of 4 nodes has two.
    for (std::uint32_t i = 0; i < 128; i += 2) CHECK(prefill_instances(plan, i, i + 2) == 1);
    check_invariants(plan);
    check_floor(plan);
}

TEST_CASE("A cluster that fills neither its last rack nor its last leaf is whole all the same") {
    // 200 = 6 racks of 32 and 8 more: 25 nodes, the last rack has one.
    site::PlanParams params = test::quickstart();
    params.accelerators = 200;
    params.services = {{200, 8, 0.3, 128}};
    for (auto const routing : {fabric::Routing::adaptive, fabric::Routing::ecmp}) {
        params.scale_out = test::clos_of_400g(routing);
        Plan const plan{params};
        CHECK(plan.racks() == 7);
        CHECK(plan.nodes() == 25);
        CHECK(plan.accelerators_in(RackId{6}) == 8);
        CHECK(plan.nodes_in(RackId{6}) == 1);
        CHECK(plan.instances().size() == 25);
        CHECK(prefill_instances(plan, 0, 25) == 8);  // round(0.3 x 25)
        check_invariants(plan);
        check_floor(plan);
    }
}

TEST_CASE("Instances smaller than a node never straddle nodes; what is left over in each stays unused") {
    // 3 accelerators an instance: 2 to a node of 8, 2 accelerators over in each of 4 nodes.
    Plan const plan{{32, test::hgx_rack(), test::clos_of_400g(), {{32, 3, 0, 128}}}};
    CHECK(plan.instances().size() == 8);
    CHECK(plan.unused_accelerators() == 8);
    for (site::InstancePlace const& place : plan.instances())
        CHECK(plan.node_of(place.first_accelerator) == plan.node_of(place.first_accelerator + 2));
    check_invariants(plan);
}

TEST_CASE("Instances larger than a node begin at a node, and may be larger than a rack") {
    // 12: one and a half nodes, so two; 16 nodes hold 8 of them, with 4 accelerators over each.
    Plan const wide{{128, test::hgx_rack(), test::clos_of_400g(), {{128, 12, 0, 128}}}};
    CHECK(wide.instances().size() == 8);
    CHECK(wide.unused_accelerators() == 32);
    for (site::InstancePlace const& place : wide.instances()) CHECK(place.first_accelerator % 8 == 0);
    check_invariants(wide);

    // 48: a rack and a half. Homes are racks 0, 1, 3, 4, …: the rack in between has only guests.
    Plan const huge{{192, test::hgx_rack(), test::clos_of_400g(), {{192, 48, 0.5, 128}}}};
    REQUIRE(huge.instances().size() == 4);
    std::vector<std::uint32_t> homes;
    for (site::InstancePlace const& place : huge.instances()) homes.push_back(place.home.index());
    CHECK(homes == std::vector<std::uint32_t>{0, 1, 3, 4});
    CHECK(prefill_instances(huge, 0, 4) == 2);
    check_invariants(huge);
}

TEST_CASE("Two services take consecutive parts, each with its own cells of at most the stated size") {
    Plan const plan{{256, test::hgx_rack(), test::clos_of_400g(), {{160, 8, 0.25, 8}, {96, 4, 0, 10}}}};
    std::int64_t const first =
        std::ranges::count(plan.instances(), core::ServiceId{0}, &site::InstancePlace::service);
    CHECK(first == 20);
    CHECK(plan.instances().size() == 20 + 24);
    CHECK(plan.cells().size() == 3 + 3);  // 20 by at most 8, 24 by at most 10
    for (site::CellPlace const& cell : plan.cells()) {
        CHECK(cell.count == 3);
        std::uint32_t const size = cell.last_instance - cell.first_instance;
        CHECK(size <= (cell.service == core::ServiceId{0} ? 8U : 10U));
        std::int64_t const prefill = prefill_instances(plan, cell.first_instance, cell.last_instance);
        if (cell.service == core::ServiceId{0})
            CHECK(prefill == std::llround(0.25 * size));
        else
            CHECK(prefill == 0);
    }
    check_invariants(plan);
}

TEST_CASE("A service whose part ends inside a node leaves the rest of the node to nobody") {
    // The first has 12 accelerators: one node and a half; the second begins at the third node.
    Plan const plan{{64, test::hgx_rack(), test::clos_of_400g(), {{12, 8, 0, 128}, {52, 8, 0, 128}}}};
    CHECK(plan.instances()[0].first_accelerator == 0);
    CHECK(plan.instances()[1].first_accelerator == 16);
    CHECK(plan.instances().size() == 1 + 6);
    check_invariants(plan);
}

TEST_CASE("A service without room for one instance, or for one of each kind, is refused") {
    auto const plan_of = [](site::Placement const& placement) {
        return Plan{{64, test::hgx_rack(), test::clos_of_400g(), {placement}}};
    };
    CHECK_THROWS_AS(plan_of({64, 72, 0, 128}), core::InputError);
    CHECK_THROWS_AS(plan_of({8, 8, 0.5, 128}), core::InputError);
    CHECK(plan_of({16, 8, 0.99, 128}).instances().size() == 2);
    Plan const smallest =
        plan_of({16, 8, 0.99, 1});  // a cell has one of each kind, whatever its size should be
    CHECK(smallest.cells().size() == 1);
    CHECK(prefill_instances(smallest, 0, 2) == 1);
}

TEST_CASE("A floor of 100,000 accelerators has several halls and no racks inside each other") {
    fabric::NetworkParams clos = test::clos_of_400g();
    clos.radix = 128;
    Plan const plan{{100'000, test::hgx_rack(), clos, {{100'000, 8, 0.5, 128}}}};
    CHECK(plan.racks() == 3125);
    CHECK(plan.halls() > 1);
    std::int32_t last_hall = 0;
    for (RackId const rack : test::racks_of(plan)) {
        site::RackPlace const place = plan.place(rack);
        CHECK(place.hall >= last_hall);
        last_hall = place.hall;
    }
    CHECK(last_hall + 1 == plan.halls());
    check_floor(plan);
}

TEST_CASE("Scale-up domains are those of the rack type") {
    hardware::RackParams whole_rack = test::hgx_rack();
    whole_rack.scale_up_domain = 32;
    Plan const nodes{test::quickstart()};
    Plan const racks{{1024, whole_rack, test::clos_of_400g(), {{1024, 8, 0, 128}}}};
    CHECK(nodes.same_scale_up_domain(0, 7));
    CHECK_FALSE(nodes.same_scale_up_domain(7, 8));
    CHECK(racks.same_scale_up_domain(0, 31));
    CHECK_FALSE(racks.same_scale_up_domain(31, 32));
}

TEST_CASE("units of unequal pools: 2 prefill instances of 4 and one decode instance of 16 take three nodes") {
    site::PlanParams params = test::quickstart();
    params.accelerators = 64;
    params.services = {{64, 16, 0.5, 128, {2, 4, 1}}};
    site::Plan const plan{params};
    // The prefill instances share a node, the decode instance starts at the next: 24 accelerators a unit, 16 are left over.
    REQUIRE(plan.cells().size() == 2);
    REQUIRE(plan.instances().size() == 6);
    CHECK(plan.unused_accelerators() == 16);
    for (std::size_t c = 0; c < 2; ++c) {
        auto const& cell = plan.cells()[c];
        CHECK(cell.first_instance == 3 * c);
        CHECK(cell.last_instance == 3 * c + 3);
        CHECK(cell.count == 2);
        for (std::size_t i = 0; i < 3; ++i) {
            auto const& place = plan.instances()[3 * c + i];
            CHECK(place.cell == core::CellId::of(c));
            CHECK(place.prefill == (i < 2));
            CHECK(place.accelerators == (i < 2 ? 4 : 16));
            CHECK(place.first_accelerator == static_cast<std::int64_t>(24 * c + (i < 2 ? 4 * i : 8)));
        }
    }
    params.services = {{64, 16, 0.5, 128, {13, 4, 1}}};
    CHECK_THROWS_AS(site::Plan{params}, core::InputError);
}

TEST_CASE(
    "cells weigh what they can serve: instances, or the smaller share of prefill and decode instances") {
    auto const weights = [](site::Placement const& placement) {
        Plan const plan{{placement.accelerators, test::hgx_rack(), test::clos_of_400g(), {placement}}};
        return plan.cell_weights(core::ServiceId::of(0));
    };
    using Weights = std::vector<std::uint64_t>;
    CHECK(weights({40, 8, 0, 2}) == Weights{1, 2, 2});  // the case uneven_cells
    CHECK(weights({64, 8, 0, 2}).empty());              // 8 instances in cells of 2: all alike
    CHECK(weights({1024, 8, 0.5, 128}).empty());        // one cell
    // 7 instances in cells of 3 and 4: 2 + 1 (llround of 1.5) and 2 + 2. min(2/4, 1/3) : min(2/4, 2/3) = 1/3 : 1/2.
    CHECK(weights({56, 8, 0.5, 4}) == Weights{2, 3});
    CHECK(weights({32, 8, 0, 128, {1, 8, 1}}).empty());  // units are alike
}
