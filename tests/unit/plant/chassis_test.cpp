#include "megaweave/plant/chassis.hpp"

#include <doctest/doctest.h>

#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "megaweave/plant/facility.hpp"
#include "shared_csv.hpp"

using doctest::Approx;
using mw::plant::ChassisDraw;
using mw::plant::ChassisPower;
using mw::plant::DeliveryParams;

namespace {

// Nodes and accelerators as in inputs/catalogue, the values that matter here.
struct Server {
    mw::hardware::NodeParams node;
    mw::hardware::AcceleratorParams accelerator;

    [[nodiscard]] ChassisDraw at(double accelerator_w, double busy, double nic_load = 0) const {
        return ChassisPower{node, accelerator, DeliveryParams{}}(accelerator_w, busy, nic_load);
    }
};

Server make(double tdp_w, double idle_w, double resident_w, mw::hardware::NodeParams const& node) {
    Server server{node, {}};
    server.accelerator.tdp_w = tdp_w;
    server.accelerator.idle_w = idle_w;
    server.accelerator.resident_idle_w = resident_w;
    return server;
}

Server h100() {
    return make(700, 85, 142, {8, 872, 952, 15, 25, 400, 47, 395, 19800, 10200});
}
Server h200() {
    return make(700, 77, 115, {8, 872, 952, 15, 25, 400, 47, 395, 19800, 10200});
}
Server b200() {
    return make(1000, 150, 247, {8, 820, 1100, 15, 25, 250, 200, 800, 19800, 14300});
}
Server b200_water() {
    auto server = b200();
    server.node.fan_idle_w = server.node.fan_full_w = 0;
    return server;
}
Server gb200_tray() {
    return make(1200, 200, 223, {4, 500, 830, 15, 25, 238.5, 0, 0, 7333, 6667});
}

//! Rows of ../shared/validation/mlperf_power_summary.csv: value by (hardware, model, scenario, metric). Empty where it is absent.
struct WallPower {
    std::string hardware;
    std::string model;
    std::string scenario;
    std::string metric;
    double watts;
};

std::vector<WallPower> measured() {
    std::ifstream in{std::string{MW_SHARED_DIR} + "/validation/mlperf_power_summary.csv"};
    std::vector<WallPower> rows;
    std::string line;
    std::getline(in, line);
    while (std::getline(in, line)) {
        auto const f = test::split_csv(line);
        if (f.size() > 13) rows.push_back({f[3], f[5], f[11], f[12], std::stod(f[13])});
    }
    return rows;
}

}  // namespace

TEST_CASE("an H100 chassis at 317 W a GPU draws 4.25 kW from the wall") {
    auto server = h100();
    server.node.nic_idle_w = server.node.nic_active_w = 0;  // the anchor counts adapters with the network
    auto const draw = server.at(317, 1.0);
    CHECK(draw.dc_w() == Approx(8 * 317 + 952 + 400 + 127).epsilon(1e-3));
    CHECK(draw.ac_w() == Approx(4250).epsilon(0.01));
    CHECK(draw.ac_w() ==
          draw.accelerators_w + draw.host_w + draw.nic_w + draw.scale_up_w + draw.fans_w + draw.conversion_w);
}

TEST_CASE("at TDP and full network every server stays below its nameplate and above 70 % of it") {
    for (auto const& server : {h100(), h200(), b200(), gb200_tray()}) {
        double const ac_w = server.at(server.accelerator.tdp_w, 1.0, 1.0).ac_w();
        CHECK(ac_w < server.node.nameplate_w);
        CHECK(ac_w > 0.7 * server.node.nameplate_w);
    }
}

TEST_CASE("a GB200 NVL72 rack takes 111.5 kW of IT at 1200 W a GPU and has a nameplate of 120 kW") {
    double const rack_w = 18 * gb200_tray().at(1200, 1.0, 1.0).ac_w();
    MESSAGE("rack: ", rack_w * 1e-3, " kW");
    CHECK(rack_w == Approx(111.5e3).epsilon(0.05));
    CHECK(18 * gb200_tray().node.nameplate_w == Approx(120e3).epsilon(0.01));
}

TEST_CASE("provisioned all-in: 1.73, 2.17 and 2.10 kW a GPU for H100, B200 and GB200 within 10 %") {
    // Nameplate and the network of 0.47 kW an 8-GPU chassis, times the design PUE of a double-conversion site.
    auto const all_in_kw = [](Server const& server, mw::plant::CoolingKind kind, double liquid_share) {
        mw::plant::FacilityParams params;
        params.cooling.kind = kind;
        params.cooling.wet_bulb_c = 22;  // a design day
        params.delivery.ups_efficiency = 0.95;
        double const gpus = static_cast<double>(server.node.accelerators);
        double const it_w = server.node.nameplate_w + 470.0 / 8 * gpus;
        mw::plant::Facility const facility{params, it_w};
        double const liquid_w = liquid_share * server.node.nameplate_w;
        return (it_w + facility(it_w, liquid_w, it_w - liquid_w).total_w()) / gpus * 1e-3;
    };
    double const h100_kw = all_in_kw(h100(), mw::plant::CoolingKind::air, 0);
    double const b200_kw = all_in_kw(b200(), mw::plant::CoolingKind::liquid, 0.8);
    double const gb200_kw = all_in_kw(gb200_tray(), mw::plant::CoolingKind::liquid, 0.945);
    MESSAGE("all-in kW a GPU: H100 ", h100_kw, ", B200 ", b200_kw, ", GB200 ", gb200_kw);
    CHECK(h100_kw == Approx(1.73).epsilon(0.10));
    CHECK(b200_kw == Approx(2.17).epsilon(0.10));
    CHECK(gb200_kw == Approx(2.10).epsilon(0.10));
}

TEST_CASE("wall power of MLPerf servers near idle, before a model is loaded, is met within 10 %") {
    std::size_t checked = 0;
    for (auto const& row : measured()) {
        if (row.metric != "server_wall_power_first30s_median") continue;
        bool const is_h200 = row.hardware.find("H200") != std::string::npos;
        bool const water = row.hardware.find("water") != std::string::npos;
        auto const server = is_h200 ? h200() : water ? b200_water() : b200();
        // H200's logs begin with a resident process; B200's begin below what eight resident boards alone would draw.
        double const board_w = is_h200 ? server.accelerator.resident_idle_w : server.accelerator.idle_w;
        double const ac_w = server.at(board_w, 0.0).ac_w();
        MESSAGE(row.hardware, " ", row.model, " ", row.scenario, " idle: ", ac_w, " W, measured ", row.watts);
        CHECK(ac_w == Approx(row.watts).epsilon(0.10));
        ++checked;
    }
    if (checked == 0) MESSAGE("skipped: ../shared/validation is absent");
}

TEST_CASE("wall power of saturated B200 servers is met within 10 % with boards at 0.97 TDP") {
    std::size_t checked = 0;
    for (auto const& row : measured()) {
        if (row.metric != "server_wall_power_plateau_median" ||
            row.hardware.find("B200") == std::string::npos)
            continue;
        auto const server = row.hardware.find("water") != std::string::npos ? b200_water() : b200();
        double const ac_w = server.at(0.97 * 1000, 1.0).ac_w();
        MESSAGE(row.model, " ", row.scenario, " loaded: ", ac_w, " W, measured ", row.watts);
        CHECK(ac_w == Approx(row.watts).epsilon(0.10));
        ++checked;
    }
    if (checked == 0) MESSAGE("skipped: ../shared/validation is absent");
}
