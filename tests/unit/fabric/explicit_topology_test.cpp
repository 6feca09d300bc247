#include "megaweave/fabric/explicit_topology.hpp"

#include <doctest/doctest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "networks.hpp"

using namespace mw::fabric;
using mw::test::network_of;
using mw::test::route_of;
using mw::test::why_not;

namespace {

//! A folder of its own, gone at the end.
class Folder {
  public:
    Folder() {
        static int count = 0;
        path_ = (std::filesystem::temp_directory_path() /
                 ("megaweave-explicit-" + std::to_string(getpid()) + "-" + std::to_string(count++)))
                    .string();
        std::filesystem::create_directories(path_);
    }
    ~Folder() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    Folder(Folder const&) = delete;
    Folder& operator=(Folder const&) = delete;
    [[nodiscard]] std::string const& path() const { return path_; }

  private:
    std::string path_;
};

//! Three nodes of two NICs on one switch, written out.
NetworkParams star(std::string const& folder, std::string const& routes) {
    std::ofstream{folder + "/links.csv"} << "link,capacity_bytes_per_s,latency_ns\nu0,100,10\nu1,100,10\nu2,"
                                            "100,10\nd0,50,20\nd1,50,20\nd2,50,20\n";
    std::ofstream{folder + "/routes.csv"} << routes;
    NetworkParams params = network_of(Kind::explicit_files, 6, 2);
    params.links_file = folder + "/links.csv";
    params.routes_file = folder + "/routes.csv";
    return params;
}

constexpr char const* all_routes =
    "src,dst,links\n0,1,u0 d1\n0,2,u0 d2\n1,0,u1 d0\n1,2,u1 d2\n2,0,u2 d0\n2,1,u2 d1\n";

}  // namespace

TEST_CASE("a network in files has their links, routes, capacities and latencies") {
    Folder const folder;
    auto const network = make_topology(star(folder.path(), all_routes));
    CHECK(network->nodes() == 3);
    CHECK(network->link_count() == 6);
    CHECK(network->switches() == 0);
    CHECK(network->cables() == 3);
    Path const path = network->path(route_of(2, 0));
    REQUIRE(path.size() == 2);
    CHECK(network->bundle_name(path.hops()[0].link) == "u2");
    CHECK(network->bundle_name(path.hops()[1].link) == "d0");
    CHECK(network->capacity(path.hops()[1].link) == 50);
    CHECK(network->latency_ns(path) == 30);
    CHECK(network->path(route_of(1, 1)).empty());
    CHECK(network->pieces(2) == 1);
}

TEST_CASE("links belong to the first node that sends over them, and end where their nodes are") {
    Folder const folder;
    auto const network = make_topology(star(folder.path(), all_routes));
    std::vector<BundleIndex> owned;
    for (std::int64_t node = 0; node < 3; ++node) network->bundles_owned_by(node, owned);
    CHECK(owned == std::vector<BundleIndex>{0, 4, 5, 1, 3, 2});  // u0 d1 d2; u1 d0; u2
    Bundle const up = network->bundle(2);
    CHECK(up.tier == 0);
    CHECK(up.up);
    CHECK(up.from.first_node == 2);
    CHECK(up.from.level == 0);
    CHECK_FALSE(network->bundle(3).up);
}

TEST_CASE("pairs without a route are named") {
    Folder const folder;
    std::string const error = why_not(star(folder.path(), "src,dst,links\n0,1,u0 d1\n1,0,u1 d0\n"));
    CHECK(error.find("no route from node 0 to node 2") != std::string::npos);
    CHECK(error.find("no route from node 2 to node 1") != std::string::npos);
}
