#include "megaweave/engine/verdict.hpp"

#include <doctest/doctest.h>

#include <cmath>

using namespace mw;
using engine::LoadState;

namespace {

constexpr int samples = 320;
constexpr core::TimeNs sample_ns = 100'000'000;

struct Load {
    std::int64_t arrivals;     //!< in a sample
    std::int64_t completions;  //!< in a sample
    std::int64_t waiting;
    std::int64_t running;
};

config::Deck deck_of(workload::Process process) {
    config::Deck deck;
    deck.services.emplace_back();
    deck.services[0].name = "chat";
    deck.services[0].workload.arrivals.process = process;
    return deck;
}

//! A measured period of 32 s whose i-th sample is load(i).
template <class Function>
engine::Results results_of(Function&& load) {
    engine::Results r;
    r.measured_s = samples * core::to_seconds(sample_ns);
    r.services.resize(1);
    r.instances = {4};
    r.history = engine::LoadHistory{1};
    std::array<engine::ServiceLoad, 1> now{};
    r.history.begin(now);
    for (int i = 0; i < samples; ++i) {
        Load const at = load(i);
        now[0].flow.arrivals += at.arrivals;
        now[0].flow.completions += at.completions;
        now[0].prompts_waiting = at.waiting;
        now[0].running = at.running;
        now[0].waiting_squares = at.waiting * at.waiting / 4;  // even
        r.history.add({sample_ns, 10 * at.completions, 1'000'000, at.completions, 50'000'000 * at.completions,
                       at.completions, 10'000'000 * at.completions, at.completions},
                      now);
        r.counts[engine::Count::measured_completions] += at.completions;
    }
    r.counts[engine::Count::cohort_arrived] = 1;
    for (int i = 0; i < 1000; ++i) r.services[0].e2e.add(1'000'000'000);  // a life of a second
    return r;
}

bool doubts(engine::Verdict const& verdict, std::string const& words) {
    for (std::string const& doubt : verdict.doubts)
        if (doubt.find(words) != std::string::npos) return true;
    return false;
}

}  // namespace

TEST_CASE("A load that is served as it comes is steady, and its means are known exactly") {
    engine::Verdict const verdict = engine::judge(deck_of(workload::Process::poisson), results_of([](int) {
                                                      return Load{50, 50, 3, 40};
                                                  }));
    CHECK(verdict.text == "steady");
    CHECK(verdict.doubts.empty());
    REQUIRE(verdict.output_tokens_per_s);
    CHECK(verdict.output_tokens_per_s->mean == doctest::Approx(5000));
    CHECK(*verdict.output_tokens_per_s->half_width == doctest::Approx(0));
    CHECK(verdict.ttft_s->mean == doctest::Approx(0.05));
    CHECK(verdict.tpot_s->mean == doctest::Approx(0.01));
}

TEST_CASE("A queue that grows by one request in fifty is an overload, wherever the latencies stand") {
    engine::Verdict const verdict = engine::judge(deck_of(workload::Process::poisson), results_of([](int i) {
                                                      return Load{500, 490, 10 * i, 40};
                                                  }));
    CHECK(verdict.state == LoadState::overloaded);
    CHECK(verdict.text == "overloaded (chat, compute)");
}

TEST_CASE("A queue that fluctuates as chance has it is none") {
    // 160,000 arrivals: a standard deviation of 400; the queue swings by 200.
    engine::Verdict const verdict = engine::judge(
        deck_of(workload::Process::poisson), results_of([](int i) {
            return Load{500, 500, 300 + static_cast<std::int64_t>(200 * std::sin(i / 25.0)), 40};
        }));
    CHECK(verdict.state == LoadState::steady);
}

TEST_CASE("Requests in flight that grow without waiting fill the site") {
    engine::Verdict const verdict = engine::judge(deck_of(workload::Process::poisson), results_of([](int i) {
                                                      return Load{50, i < 160 ? 30 : 45, 0, 10 * i};
                                                  }));
    CHECK(verdict.text == "filling");
}

TEST_CASE("With a fixed number in flight more requests that wait than run are an overload") {
    auto const judged = [](std::int64_t waiting) {
        return engine::judge(deck_of(workload::Process::closed), results_of([=](int) {
                                 return Load{50, 50, waiting, 40};
                             }));
    };
    CHECK(judged(39).state == LoadState::steady);
    CHECK(judged(41).state == LoadState::overloaded);
}

TEST_CASE("A site that turns away one request in ten does not serve its load") {
    config::Deck const deck = deck_of(workload::Process::poisson);
    engine::Results results = results_of([](int) { return Load{50, 45, 0, 40}; });
    std::array<engine::ServiceLoad, 1> now{};
    engine::LoadHistory history{1};
    history.begin(now);
    for (int i = 0; i < samples; ++i) {
        now[0].flow.arrivals += 50;
        now[0].flow.completions += 45;
        now[0].flow.rejections += 5;
        history.add({sample_ns, 450, 1'000'000, 45, 0, 45, 0, 45}, now);
    }
    results.history = history;
    CHECK(engine::judge(deck, results).text == "overloaded (chat, kv_capacity)");
}

TEST_CASE("Means that will not hold are doubted: short periods, halves that differ, waves") {
    config::Deck const deck = deck_of(workload::Process::poisson);
    engine::Results brief = results_of([](int) { return Load{50, 50, 0, 40}; });
    for (int i = 0; i < 9000; ++i) brief.services[0].e2e.add(20'000'000'000);
    CHECK(doubts(engine::judge(deck, brief), "times the mean life of a request"));
    CHECK(doubts(engine::judge(deck, results_of([](int i) {
                                   return Load{50, i < 160 ? 50 : 40, 0, 40};
                               })),
                 "halves of the measured period differ"));
    engine::Results const waves = results_of([](int i) { return Load{50, i % 20 == 0 ? 1000 : 0, 0, 40}; });
    engine::Verdict const verdict = engine::judge(deck_of(workload::Process::closed), waves);
    CHECK(doubts(verdict, "one each 2 s"));
}
