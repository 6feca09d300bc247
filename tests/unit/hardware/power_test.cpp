#include "megaweave/hardware/power.hpp"

#include <doctest/doctest.h>

#include "boards.hpp"
#include "megaweave/core/error.hpp"

using doctest::Approx;
using mw::hardware::AcceleratorParams;
using mw::hardware::AcceleratorPower;
using mw::hardware::Activity;
using mw::hardware::Precision;
using mw::test::b200;
using mw::test::decode_attention;
using mw::test::gb200;
using mw::test::h100;
using mw::test::h200;

namespace {

double board_w(AcceleratorParams const& board, Activity const& activity, Precision weights = Precision::fp8) {
    return board.resident_idle_w + AcceleratorPower{board}(activity, weights).total_w();
}

//! A second of one large product at a share of peak.
Activity product(AcceleratorParams const& board, Precision precision, double share) {
    return {share * board.peak_flops[index_of(precision)], 0, 0, 0, 1.0};
}

}  // namespace

TEST_CASE("decode attention at 85 % of HBM draws 477 W on an H100: idle, floor, bytes and arithmetic") {
    double const bytes = 0.85 * 3.35e12;
    CHECK(board_w(h100(), decode_attention(h100(), 0.85)) ==
          Approx(142 + 103 + bytes * 71.7e-12 + 8 * bytes * 1.22e-12));
    CHECK(board_w(h100(), decode_attention(h100(), 0.85)) == Approx(477).epsilon(2e-3));
}

TEST_CASE("decode attention at 85 % of HBM meets the anchors 465, 465, 698 and 658 W within 10 %") {
    CHECK(board_w(h100(), decode_attention(h100(), 0.85)) == Approx(465).epsilon(0.10));
    CHECK(board_w(h200(), decode_attention(h200(), 0.85)) == Approx(465).epsilon(0.10));
    CHECK(board_w(b200(), decode_attention(b200(), 0.85)) == Approx(698).epsilon(0.10));
    CHECK(board_w(gb200(), decode_attention(gb200(), 0.85)) == Approx(658).epsilon(0.10));
}

TEST_CASE(
    "a launch-bound decode step draws the anchors 249, 371 and 314 W within 5 %, a waiting device its idle") {
    Activity const kernels_only{0, 0, 0, 0, 1.0};
    CHECK(board_w(h100(), kernels_only) == Approx(249).epsilon(0.05));
    CHECK(board_w(b200(), kernels_only) == Approx(371).epsilon(0.05));
    CHECK(board_w(gb200(), kernels_only) == Approx(314).epsilon(0.05));
    Activity host_bound = kernels_only;
    host_bound.busy_share = 0.25;
    CHECK(board_w(h100(), host_bound) == Approx(142 + 0.25 * 103));
}

TEST_CASE("a large product at the engines' share of peak holds 0.99 of TDP within 3 %") {
    CHECK(board_w(h100(), product(h100(), Precision::bf16, 0.71), Precision::bf16) ==
          Approx(0.99 * 700).epsilon(0.03));
    CHECK(board_w(h100(), product(h100(), Precision::fp8, 0.57)) == Approx(0.99 * 700).epsilon(0.03));
    CHECK(board_w(b200(), product(b200(), Precision::bf16, 0.65), Precision::bf16) ==
          Approx(0.98 * 1000).epsilon(0.03));
    CHECK(board_w(b200(), product(b200(), Precision::fp4, 0.48), Precision::fp4) ==
          Approx(0.98 * 1000).epsilon(0.03));
    CHECK(board_w(gb200(), product(gb200(), Precision::fp8, 0.40)) == Approx(0.96 * 1200).epsilon(0.04));
}

TEST_CASE("what would pass TDP runs at the clock that meets it") {
    // BF16 GEMM on H100 at full voltage: 142 + 103 + 702.2 TFLOP/s x 1.22 pJ = 1101.7 W.
    AcceleratorPower const power{h100()};
    Activity const gemm = product(h100(), Precision::bf16, 0.71);
    double const clock = power.sustained_clock(gemm, Precision::bf16, power.headroom_w());
    CHECK(clock == Approx(0.73).epsilon(0.01));
    double const v = power.clock_law().voltage(clock);
    CHECK(v * v * (103 * clock + 0.71 * 989 * 1.22) == Approx(700 - 142).epsilon(1e-4));
    CHECK(power(gemm, Precision::bf16).total_w() == Approx(558).epsilon(1e-4));
    // Absurd rates: no clock is low enough, the parts shrink in proportion.
    auto const most = power(Activity{1e17, 0, 1e14, 0, 1.0}, Precision::fp8);
    CHECK(most.total_w() == Approx(558));
}

TEST_CASE("weights, sampling and block scales cost what the fit says") {
    AcceleratorPower const power{h100()};
    Activity step{0, 0, 2e12, 0, 1.0};
    double const before = power(step, Precision::fp8).total_w();
    step.weight_bytes = 1e12;
    step.logits = 4e8;
    step.rescale_share = 0.5;
    CHECK(power(step, Precision::fp8).total_w() - before == Approx(34.4 + 41.2 + 94));
}

TEST_CASE("a precision that is not native costs what the next wider one costs") {
    CHECK(native_precision(h100(), Precision::fp4) == Precision::fp8);
    AcceleratorPower const power{h100()};
    CHECK(power(1e14, Precision::fp4, 0, 0, 1.0).compute_w ==
          power(1e14, Precision::fp8, 0, 0, 1.0).compute_w);
    auto narrow = h100();
    narrow.peak_flops = {1e15, 0, 0};
    CHECK_THROWS_AS(AcceleratorPower{narrow}, mw::core::ContractError);
}

TEST_CASE("weights in FP4 are converted as they are read on an H100, which has no FP4: 80 pJ more a byte") {
    Activity const step{0, 0, 1e12, 0, 1.0, 1e12};
    AcceleratorPower const hopper{h100()};
    // Two numbers a byte, 40 pJ each.
    CHECK(hopper(step, Precision::fp4).compute_w - hopper(step, Precision::fp8).compute_w == Approx(80));
    AcceleratorPower const blackwell{b200()};
    CHECK(blackwell(step, Precision::fp4).compute_w == Approx(blackwell(step, Precision::fp8).compute_w));
}

TEST_CASE("an empty interval draws nothing above idle") {
    CHECK(AcceleratorPower{h100()}(Activity{}, Precision::bf16).total_w() == 0.0);
}

TEST_CASE("a die 20 K hotter leaks 14 % of its idle power more") {
    CHECK(AcceleratorPower{h100()}.leakage_w(142, 75) == Approx(0.007 * 20 * 142));
    CHECK(AcceleratorPower{h100()}.leakage_w(142, 55) == Approx(0));
}
