#include "megaweave/fabric/explicit.hpp"

#include <doctest/doctest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <string>

#include "megaweave/core/error.hpp"
#include "megaweave/fabric/clos.hpp"

using namespace mw::fabric;

namespace {

//! A folder of its own for one test, gone afterwards.
class Scratch {
  public:
    Scratch()
        : path_{std::filesystem::temp_directory_path() / ("megaweave_explicit_" + std::to_string(getpid()))} {
        std::filesystem::create_directories(path_);
    }
    ~Scratch() { std::filesystem::remove_all(path_); }
    Scratch(Scratch const&) = delete;
    Scratch& operator=(Scratch const&) = delete;

    [[nodiscard]] std::string path(std::string const& name) const { return (path_ / name).string(); }
    [[nodiscard]] std::string write(std::string const& name, std::string const& text) const {
        std::ofstream{path(name), std::ios::binary} << text;
        return path(name);
    }

  private:
    std::filesystem::path path_;
};

std::vector<std::string> mistakes_of(std::function<void()> const& reading) {
    try {
        reading();
    } catch (mw::core::InputError const& error) {
        return error.messages();
    }
    return {};
}

}  // namespace

TEST_CASE("an explicit network is read with its routes, and its latencies add up along them") {
    Scratch const scratch;
    auto const links = scratch.write(
        "links.csv", "link,capacity_bytes_per_s,latency_ns\r\na,5e10,500000000\r\nb,100,250000000\r\n\r\n");
    auto const routes = scratch.write("routes.csv", "\xEF\xBB\xBFsrc,dst,links\nx,y,a  b\ny,x,b\n");
    auto const flows_file = scratch.write(
        "flows.csv", "src,dst,flow,note,bytes,start_s\nx,y,first,hello,200,0.5\nx,x,inside,,7,1\n");
    auto const network = read_network(links, routes);
    CHECK(network.link_names == std::vector<std::string>{"a", "b"});
    CHECK(network.capacity_bytes_per_s == std::vector<std::int64_t>{50'000'000'000, 100});
    CHECK(network.routes.at({"x", "y"}) == std::vector<std::uint32_t>{0, 1});
    auto const flows = read_flows(flows_file);
    auto const specs = on_network(flows, network);
    REQUIRE(specs.size() == 2);
    CHECK(specs[0].bytes == 200);
    CHECK(specs[0].start_s == 0.5);
    CHECK(specs[0].latency_s == doctest::Approx(0.75));
    CHECK(specs[1].links.empty());  // from a place to itself

    auto const out = scratch.path("out.csv");
    write_finish_times(out, flows, finish_times({network.capacity_bytes_per_s}, specs));
    std::ifstream file{out};
    std::string const text{std::istreambuf_iterator<char>{file}, {}};
    // 0.5 s + 200 / 100 bytes/s + 0.75 s
    CHECK(text ==
          "src,dst,flow,note,bytes,start_s,finish_s\nx,y,first,hello,200,0.5,3.25\nx,x,inside,,"
          "7,1,1\n");
}

TEST_CASE("capacities and latencies may have decimals, where whole bytes per second show no difference") {
    Scratch const scratch;
    auto const routes = scratch.write("routes.csv", "src,dst,links\nx,y,a b\n");
    auto const links = scratch.write(
        "links.csv", "link,capacity_bytes_per_s,latency_ns\na,12500000000.5,500.25\nb,1.25e10,0.5\n");
    auto const network = read_network(links, routes);
    CHECK(network.capacity_bytes_per_s == std::vector<std::int64_t>{12'500'000'001, 12'500'000'000});
    auto const flows = scratch.write("flows.csv", "flow,src,dst,bytes,start_s\na,x,y,0,0\n");
    CHECK(on_network(read_flows(flows), network)[0].latency_s == doctest::Approx(500.75e-9).epsilon(1e-15));
    auto const slow = scratch.write("slow.csv", "link,capacity_bytes_per_s,latency_ns\na,1.5,0\nb,1,-0.5\n");
    auto const mistakes = mistakes_of([&] { (void)read_network(slow, routes); });
    REQUIRE(mistakes.size() == 2);
    CHECK(mistakes[0] ==
          slow + ":2: capacity_bytes_per_s '1.5' is no positive whole number (large ones may have decimals)");
    CHECK(mistakes[1] == slow + ":3: latency_ns '-0.5' is no number of nanoseconds from 0");
}

TEST_CASE("all mistakes in an explicit network are reported at once, each with its file and line") {
    Scratch const scratch;
    auto const links =
        scratch.write("links.csv", "link,capacity_bytes_per_s,latency_ns\nspine,0,5\nspine,100,x\n");
    auto const routes = scratch.write("routes.csv", "src,dst,links\n0,1,spin\n0,1,spine spine\n");
    auto const mistakes = mistakes_of([&] { (void)read_network(links, routes); });
    REQUIRE(mistakes.size() == 6);
    CHECK(mistakes[0] ==
          links + ":2: capacity_bytes_per_s '0' is no positive whole number (large ones may have decimals)");
    CHECK(mistakes[1] == links + ":3: latency_ns 'x' is no number of nanoseconds from 0");
    CHECK(mistakes[2] == links + ":3: link 'spine' is listed twice");
    CHECK(mistakes[3] == routes + ":2: unknown link 'spin'. Did you mean 'spine'?");
    CHECK(mistakes[4] == routes + ":3: the route takes link 'spine' twice");
    CHECK(mistakes[5] == routes + ":3: a second route from '0' to '1'. List one.");
}

TEST_CASE("mistakes in a flows file are reported at once, 20 of them in full") {
    Scratch const scratch;
    auto const bad =
        scratch.write("bad.csv", "flow,src,dst,bytes,start_s\n0,0,1,-5,0\n0,0,1,5\n1,0,1,1.5,now\n");
    auto const mistakes = mistakes_of([&] { (void)read_flows(bad); });
    REQUIRE(mistakes.size() == 4);
    CHECK(mistakes[0] == bad + ":3: 4 fields, but the header names 5");
    CHECK(mistakes[1] == bad + ":2: bytes '-5' is no whole number");
    CHECK(mistakes[2] == bad + ":4: bytes '1.5' is no whole number");
    CHECK(mistakes[3] == bad + ":4: start_s 'now' is no time in seconds from 0");

    std::string many = "flow,src,dst,bytes,start_s\n";
    for (int i = 0; i < 50; ++i) many += std::to_string(i) + ",0,1,none,0\n";
    auto const shortened = mistakes_of([&] { (void)read_flows(scratch.write("many.csv", many)); });
    REQUIRE(shortened.size() == 21);
    CHECK(shortened.back() == "… and 30 more");
}

TEST_CASE("a missing file, a missing column, a missing route and an unknown node say so") {
    Scratch const scratch;
    auto const absent = mistakes_of([&] { (void)read_flows(scratch.path("absent.csv")); });
    REQUIRE(absent.size() == 1);
    CHECK(absent[0].find("absent.csv: no such file") != std::string::npos);
    auto const empty = mistakes_of([&] { (void)read_flows(scratch.write("empty.csv", "")); });
    REQUIRE(empty.size() == 1);
    CHECK(empty[0].find("is empty") != std::string::npos);

    auto const header =
        mistakes_of([&] { (void)read_flows(scratch.write("header.csv", "flow,src,dst,byte,start_s\n")); });
    REQUIRE(header.size() == 1);
    CHECK(header[0].find("header.csv:1: no column 'bytes'. Is 'byte' meant to be it?") != std::string::npos);

    auto const flows =
        read_flows(scratch.write("flows.csv", "flow,src,dst,bytes,start_s\n0,0,64,10,0\n1,host,3,10,0\n"));
    auto const routeless = mistakes_of([&] { (void)on_network(flows, ExplicitNetwork{}); });
    REQUIRE(routeless.size() == 2);
    CHECK(routeless[0] == flows.path + ":2: no route from '0' to '64' in the routes file");

    NetworkParams params;
    params.endpoints = 64;
    params.tiers = 2;
    params.radix = 16;
    params.link_bytes_per_s = 100;
    auto const outside = mistakes_of([&] { (void)on_topology(flows, Clos{params}, 1); });
    REQUIRE(outside.size() == 2);
    CHECK(outside[0] == flows.path + ":2: dst '64' is no node: they count from 0 to 63");
    CHECK(outside[1] == flows.path + ":3: src 'host' is no node: they count from 0 to 63");
}

TEST_CASE("an output that cannot be written is the world's fault") {
    Scratch const scratch;
    FlowTable const none{"flows.csv", "flow,src,dst,bytes,start_s", {}};
    CHECK_THROWS_AS(write_finish_times(scratch.path("no/such/folder/out.csv"), none, {}),
                    mw::core::WorldError);
}

TEST_CASE("an incast on a Clos divides the receiver's link") {
    Scratch const scratch;
    std::string text = "flow,src,dst,bytes,start_s\n";
    for (int i = 1; i <= 8; ++i) text += std::to_string(i) + "," + std::to_string(i * 7) + ",0,1000,0\n";
    auto const flows = read_flows(scratch.write("incast.csv", text));
    NetworkParams params;
    params.endpoints = 64;
    params.tiers = 2;
    params.radix = 16;
    params.link_bytes_per_s = 1'000;
    for (Routing const routing : {Routing::adaptive, Routing::ecmp}) {
        params.routing = routing;
        Clos const clos{params};
        auto const specs = on_topology(flows, clos, 1);
        auto const finish = finish_times({capacities(clos)}, specs);
        // 8 x 1000 bytes through 1000 bytes/s: 8 s, plus latency; 7 is on node 0's leaf.
        for (std::size_t f = 0; f < finish.size(); ++f)
            CHECK(finish[f] == doctest::Approx(8 + specs[f].latency_s).epsilon(1e-12));
        CHECK(specs[0].latency_s == doctest::Approx(1.4e-6));
        CHECK(specs[7].latency_s == doctest::Approx(2.1e-6));
    }
}
