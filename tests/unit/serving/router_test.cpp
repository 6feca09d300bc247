#include "megaweave/serving/router.hpp"

#include <doctest/doctest.h>

#include <deque>
#include <map>

#include "instance_harness.hpp"

using namespace mw;
using core::InstanceId;
using serving::Router;
using serving::RouterPolicy;

namespace {

serving::Request request(std::int32_t input, std::int32_t output = 10) {
    serving::Request r;
    r.input_tokens = input;
    r.output_tokens = output;
    return r;
}

std::vector<InstanceId> instances(std::uint32_t first, std::uint32_t count) {
    std::vector<InstanceId> ids;
    for (std::uint32_t i = 0; i < count; ++i) ids.emplace_back(first + i);
    return ids;
}

serving::Request assigned(Router& router, std::int32_t input, std::int32_t output = 10) {
    serving::Request r = request(input, output);
    router.assign(r);
    return r;
}

}  // namespace

TEST_CASE("Round robin goes round, whatever the load") {
    Router router{RouterPolicy::round_robin, instances(5, 3), instances(5, 3), true};
    for (std::uint32_t i = 0; i < 9; ++i) {
        serving::Request const r = assigned(router, 100);
        CHECK(r.decode == InstanceId{5 + i % 3});
        CHECK(r.prefill == r.decode);
        if (i % 2 == 0) router.request_done(r, false);
    }
    CHECK(router.outstanding() == 4);
}

TEST_CASE("Instances that owe equally much take turns") {
    Router router{RouterPolicy::least_loaded, instances(0, 4), instances(0, 4), true};
    for (std::uint32_t i = 0; i < 12; ++i) {
        serving::Request const r = assigned(router, 1);
        CHECK(r.decode == InstanceId{i % 4});
        router.request_done(r, false);  // all at zero again
    }
}

TEST_CASE("Unified, the instance with the fewest requests is chosen, not the one with the fewest tokens") {
    Router router{RouterPolicy::least_loaded, instances(0, 2), instances(0, 2), true};
    serving::Request const first = assigned(router, 1000);
    CHECK(assigned(router, 1).decode != first.decode);
    CHECK(assigned(router, 1).decode == first.decode);  // 1 : 1, in turn
    CHECK(assigned(router, 1).decode != first.decode);  // 2 : 1
    router.request_done(first, false);                  // 1 : 2
    CHECK(assigned(router, 1).decode == first.decode);
}

TEST_CASE(
    "Disaggregated, prompts go where the fewest prompt tokens are owed, decode where the fewest requests "
    "are") {
    Router router{RouterPolicy::least_loaded, instances(0, 2), instances(2, 2), false};
    serving::Request const long_one = assigned(router, 1000);
    // Three short prompts go to the other prefill instance; decode alternates.
    std::map<InstanceId, int> decode{{long_one.decode, 1}};
    for (int i = 0; i < 3; ++i) {
        serving::Request const r = assigned(router, 300);
        CHECK(r.prefill != long_one.prefill);
        ++decode[r.decode];
    }
    for (auto const& [id, count] : decode) CHECK(count == 2);
    router.prefill_done(long_one);  // 0 : 900
    CHECK(assigned(router, 1).prefill == long_one.prefill);
}

TEST_CASE(
    "Whatever the answers and their order, no instance owes anything at the end, and the next is again the "
    "one in turn") {
    for (bool const unified : {true, false}) {
        Router router{RouterPolicy::least_loaded, instances(0, 5),
                      unified ? instances(0, 5) : instances(5, 5), unified};
        test::Dice dice{unified ? 1U : 2U};
        std::vector<serving::Request> in_prefill;
        std::vector<serving::Request> in_decode;
        auto const take = [&](std::vector<serving::Request>& from) {
            auto const at = from.begin() + dice.between(0, std::ssize(from) - 1);
            serving::Request const r = *at;
            from.erase(at);
            return r;
        };
        std::int64_t assignments = 0;
        for (int step = 0; step < 20'000 || !in_prefill.empty() || !in_decode.empty(); ++step) {
            if (step < 20'000 && dice.one_in(2)) {
                in_prefill.push_back(assigned(router, static_cast<std::int32_t>(dice.between(1, 9000)),
                                              dice.one_in(4) ? 1 : 50));
                ++assignments;
            } else if (!in_prefill.empty() && dice.one_in(2)) {
                serving::Request r = take(in_prefill);
                if (dice.one_in(10)) {
                    router.request_done(r, true);
                } else if (r.output_tokens == 1) {
                    router.request_done(r, false);  // ends with its prompt: one answer for both
                } else {
                    router.prefill_done(r);
                    r.handed_over = true;
                    in_decode.push_back(r);
                }
            } else if (!in_decode.empty()) {
                router.request_done(take(in_decode), false);
            }
            REQUIRE(router.outstanding() == std::ssize(in_prefill) + std::ssize(in_decode));
        }
        CHECK(assignments > 5000);
        // With nothing owed, five in a row go to five different instances, in turn.
        for (std::int64_t i = 0; i < 5; ++i) {
            serving::Request const r = assigned(router, 1);
            auto const turn = static_cast<std::uint32_t>((assignments + i) % 5);
            CHECK(r.prefill == InstanceId{turn});
            CHECK(r.decode == InstanceId{unified ? turn : turn + 5});
        }
    }
}

TEST_CASE("A router that is saved and read back chooses as it would have") {
    Router one{RouterPolicy::least_loaded, instances(0, 3), instances(3, 4), false};
    for (std::int32_t i = 0; i < 100; ++i) assigned(one, 1 + 37 * i % 500);
    std::vector<std::byte> bytes;
    core::ByteWriter{bytes} & one;
    Router two{RouterPolicy::least_loaded, instances(0, 3), instances(3, 4), false};
    core::ByteReader in{bytes};
    in& two;
    for (std::int32_t i = 0; i < 100; ++i) {
        serving::Request const a = assigned(one, 1 + 91 * i % 300);
        serving::Request const b = assigned(two, 1 + 91 * i % 300);
        CHECK(a.prefill == b.prefill);
        CHECK(a.decode == b.decode);
    }
    CHECK(one.outstanding() == two.outstanding());
}
