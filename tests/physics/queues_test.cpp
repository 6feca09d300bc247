#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "run_deck.hpp"

// Queues whose waiting time is known: the emulator against the exact recursion for its own arrivals, request by request, and against the
// formulas for Poisson arrivals within the sampling error. 256 instances on cells of their own are 256 independent runs, so the
// error of the mean is the scatter of their means over sqrt(256).

using namespace mw;

namespace {

constexpr core::TimeNs window_ns = 100 * core::ns_per_us;
constexpr std::uint64_t index_mask = (std::uint64_t{1} << 40) - 1;

struct Job {
    std::uint64_t index;
    core::TimeNs arrival_ns;
    core::TimeNs service_ns;
    core::TimeNs start_ns;
};
using Queue =
    std::vector<Job>;  // jobs of one cell in order of arrival, up to the first that was not completed

//! The jobs of every cell. An iteration takes `quantum_ns`, so a job of n tokens holds its place for n of them.
std::map<std::uint64_t, Queue> queues_of(test::DeckRun const& run, core::TimeNs quantum_ns) {
    std::map<std::uint64_t, Queue> queues;
    for (engine::RequestRecord const& r : run.requests)
        queues[r.id >> 40].push_back(
            {r.id & index_mask, r.arrival_ns, r.output_tokens * quantum_ns, r.first_token_ns - quantum_ns});
    for (auto& [cell, queue] : queues) {
        std::ranges::sort(queue, {}, &Job::index);
        std::size_t whole = 0;
        while (whole < queue.size() && queue[whole].index == whole) ++whole;
        queue.resize(whole);
    }
    return queues;
}

struct Delay {
    core::TimeNs least_ns{core::never};
    core::TimeNs most_ns{-core::never};
    std::int64_t jobs{0};
};

//! How much later than in the exact queue with c servers (Kiefer & Wolfowitz 1955: the server that is free first) each job began.
Delay delay_to_exact(std::map<std::uint64_t, Queue> const& queues, std::size_t servers) {
    Delay delay;
    for (auto const& [cell, queue] : queues) {
        std::vector<core::TimeNs> free_ns(servers, 0);
        for (Job const& job : queue) {
            auto const first = std::ranges::min_element(free_ns);
            core::TimeNs const start_ns = std::max(job.arrival_ns, *first);
            *first = start_ns + job.service_ns;
            delay.least_ns = std::min(delay.least_ns, job.start_ns - start_ns);
            delay.most_ns = std::max(delay.most_ns, job.start_ns - start_ns);
            ++delay.jobs;
        }
    }
    return delay;
}

struct Estimate {
    double mean_s;
    double sigma_s;  //!< of the mean
};

//! Mean wait of what arrived from `from_ns` on, over cells that count alike.
Estimate mean_wait(std::map<std::uint64_t, Queue> const& queues, core::TimeNs from_ns) {
    std::vector<double> means;
    for (auto const& [cell, queue] : queues) {
        double sum = 0;
        double count = 0;
        for (Job const& job : queue) {
            if (job.arrival_ns < from_ns) continue;
            sum += core::to_seconds(job.start_ns - job.arrival_ns);
            count += 1;
        }
        means.push_back(sum / count);
    }
    auto const n = static_cast<double>(means.size());
    double mean = 0;
    for (double const m : means) mean += m / n;
    double variance = 0;
    for (double const m : means) variance += (m - mean) * (m - mean) / (n - 1);
    return {mean, std::sqrt(variance / n)};
}

//! Probability that an arrival waits in M/M/c, a = lambda S (Erlang 1917), by the recursion of Erlang B.
double erlang_c(int servers, double a) {
    double b = 1;
    for (int k = 1; k <= servers; ++k) b = a * b / (k + a * b);
    double const rho = a / servers;
    return b / (1 - rho + rho * b);
}

std::string number(double value) {
    return std::to_string(value);
}

void check_mean(Estimate const& wait, double expected_s, double bias_low_s, double bias_high_s) {
    MESSAGE("mean wait ", wait.mean_s, " s, formula ", expected_s, " s, sigma ", wait.sigma_s, " s");
    CHECK(wait.mean_s > expected_s + bias_low_s - 3 * wait.sigma_s);
    CHECK(wait.mean_s < expected_s + bias_high_s + 3 * wait.sigma_s);
    CHECK(wait.sigma_s < 0.03 * expected_s);  // the run is long enough for the test to mean something
}

}  // namespace

TEST_CASE("Erlang's formula gives the published value: 4 servers at 2.8 erlang make 42.9 % wait") {
    CHECK(erlang_c(4, 2.8) == doctest::Approx(0.4286).epsilon(0.001));
    CHECK(erlang_c(1, 0.6) == doctest::Approx(0.6));  // M/M/1: rho
}

TEST_CASE("One sequence at a time and a fixed service time: the wait of M/D/1") {
    // S = 0.1 s. W = rho S / (2 (1 - rho)): 21.4 ms at 0.3, 75 ms at 0.6, 200 ms at 0.8 (Pollaczek & Khinchine).
    // A prompt reaches its instance at the end of the window in which it arrives: every start is 0 to 0.1 ms late, none more, since a
    // delay of all arrivals by at most that delays no start by more.
    double const service_s = 0.1;
    for (double const rho : {0.3, 0.6, 0.8}) {
        CAPTURE(rho);
        // Long enough for a sigma of 1 %; the queue forgets its empty start within some S / (1 - sqrt(rho))^2, 9 s at 0.8.
        std::string const duration = rho == 0.8 ? "400 s" : "100 s";
        auto const run = test::run_deck(
            "queue.yaml", {{"time.duration", duration},
                           {"services[0].workload.arrivals.rate", number(256 * rho / service_s) + " /s"}});
        auto const queues = queues_of(run, core::from_seconds(service_s));
        Delay const delay = delay_to_exact(queues, 1);
        CHECK(queues.size() == 256);
        CHECK(delay.jobs > 40'000);
        CHECK(delay.least_ns >= 0);
        CHECK(delay.most_ns <= window_ns);
        check_mean(mean_wait(queues, 10 * core::ns_per_s), rho * service_s / (2 * (1 - rho)), 0, 1e-4);
        // The histogram of the results has the same requests and no more bias.
        CHECK(run.results.services[0].queue_wait.mean() * 1e-9 ==
              doctest::Approx(mean_wait(queues, 0).mean_s).epsilon(0.05));
    }
}

TEST_CASE("Four sequences at a time and exponential outputs: the wait of M/M/4") {
    // An iteration takes q = 2 ms whatever its batch, an output has 100 tokens on average: S = 0.2 s. W = C S / (c (1 - rho)), C from
    // Erlang: 71.4 ms at rho 0.7, 394 ms at 0.9.
    // A start waits for the window's end and, beside others, for the end of an iteration: 0 to q + 0.1 ms, and no more, since every start and
    // end of a busy instance lies on the grid of its iterations. Outputs are geometric, not exponential: their squared coefficient of
    // variation is 1 - 1/100, which takes 0.5 % off the wait (Lee & Longton: W ~ (1 + c^2) / 2).
    core::TimeNs const quantum_ns = 2 * core::ns_per_ms;
    double const service_s = 0.2;
    for (double const rho : {0.7, 0.9}) {
        CAPTURE(rho);
        auto const run = test::run_deck(
            "queue.yaml",
            {{"time.duration", rho == 0.7 ? "80 s" : "240 s"},
             {"services[0].scheduler.max_sequences", "4"},
             {"services[0].timing", "{table: " MW_SOURCE_DIR "/tests/decks/physics/iteration_2ms.csv}"},
             {"services[0].workload.output", "{distribution: exponential, mean: 100}"},
             {"services[0].workload.arrivals.rate", number(256 * 4 * rho / service_s) + " /s"}});
        auto const queues = queues_of(run, quantum_ns);
        Delay const delay = delay_to_exact(queues, 4);
        CHECK(delay.jobs > 100'000);
        CHECK(delay.least_ns >= 0);
        CHECK(delay.most_ns <= quantum_ns + window_ns);
        double const expected_s = erlang_c(4, 4 * rho) * service_s / (4 * (1 - rho));
        check_mean(mean_wait(queues, 20 * core::ns_per_s), expected_s, -0.005 * expected_s, 2.1e-3);
    }
}
