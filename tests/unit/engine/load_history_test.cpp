#include "megaweave/engine/load_history.hpp"

#include <doctest/doctest.h>

#include <array>

using namespace mw;

TEST_CASE("A history of any length keeps at most its number of samples, and every sum") {
    engine::LoadHistory history{2};
    std::array<engine::ServiceLoad, 2> loads{};
    loads[0].flow = {10, 4, 1, 0};  // before the measured period
    history.begin(loads);
    std::int64_t const samples = 5 * static_cast<std::int64_t>(engine::LoadHistory::most) + 3;
    for (std::int64_t i = 0; i < samples; ++i) {
        loads[0].flow.arrivals += 3;
        loads[0].flow.completions += 2;
        loads[1].starved_ns += 7;
        loads[1].running = i;
        history.add({100, 5, 11, 1, 2, 3, 4, 6}, loads);
    }
    CHECK(history.samples().size() <= engine::LoadHistory::most);
    std::int64_t arrivals = 0;
    std::int64_t tokens = 0;
    std::int64_t starved_ns = 0;
    core::TimeNs length_ns = 0;
    for (std::size_t i = 0; i < history.samples().size(); ++i) {
        arrivals += history.load(i, 0).flow.arrivals;
        starved_ns += history.load(i, 1).starved_ns;
        tokens += history.samples()[i].output_tokens;
        length_ns += history.samples()[i].length_ns;
    }
    CHECK(arrivals == 3 * samples);
    CHECK(tokens == 5 * samples);
    CHECK(starved_ns == 7 * samples);
    CHECK(length_ns == 100 * samples);
    engine::ServiceLoad const& last = history.load(history.samples().size() - 1, 0);
    CHECK(last.in_system == 10 - 4 - 1 + samples);  // one more each sample
    CHECK(history.load(history.samples().size() - 1, 1).running == samples - 1);
}
