#include <doctest/doctest.h>

#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>
#include <string>
#include <vector>

#include "key_lister.hpp"
#include "megaweave/core/error.hpp"
#include "megaweave/engine/memory_need.hpp"
#include "run_deck.hpp"

//! Every key of the schema at both of its bounds. `MW_BOUNDS_ONLY` (a part of a path) narrows the search for a mistake.
namespace {

using namespace mw;

std::string const folder = std::string{MW_SOURCE_DIR} + "/tests/edges/decks/";
std::vector<std::string> const decks{"unified.yaml", "split.yaml", "dragonfly.yaml", "torus.yaml",
                                     "site_pool.yaml"};
constexpr double small_machine_bytes = 0.5e9;
constexpr core::TimeNs run_ns = 60 * core::ns_per_ms;

//! NaN is what a column's description says it is (no completions in the sample, no budget yet); nothing is ever infinite.
bool strange_value(core::Column const& column, float value) {
    bool const none = std::isnan(value) && column.description.find("NaN") != std::string::npos;
    return !std::isfinite(value) && !none;
}

//! Stops after 60 ms; every recorded value must be a number.
class Watcher final : public engine::Observer {
  public:
    std::uint64_t wishes() override { return now_ns_ >= run_ns ? engine::Wish::stop : 0; }
    void on_sample(core::Frame const& frame) override {
        for (core::Column const& column : frame.columns)
            for (float const value : column.values)
                if (strange_value(column, value) && strange_.empty()) strange_ = column.name;
    }
    void on_window(engine::Progress const& progress) override { now_ns_ = progress.now_ns; }
    void on_checkpoint(engine::SavedState const&, std::uint64_t) override {}
    [[nodiscard]] std::string const& strange() const { return strange_; }

  private:
    core::TimeNs now_ns_{0};
    std::string strange_;
};

struct Refused {
    std::size_t by_checks{0};  //!< a rule between keys
    std::size_t by_memory{0};  //!< needs more than a small machine has
};

//! "" if the deck ran, or was refused with a message; else what went wrong.
std::string outcome(std::string const& deck, config::Override const& change, Refused& refused) {
    try {
        engine::World const world{config::read_deck(folder + deck, {change})};
        double needed = 0;
        for (engine::MemoryNeed const& need : engine::memory_needs(world, engine::describe(world)))
            needed += need.bytes;
        if (needed > small_machine_bytes) return ++refused.by_memory, "";  // as `check` and `run` do
        parallel::Comm comm = parallel::Comm::alone();
        parallel::Team team{1};
        engine::Simulation simulation{world, comm, team};
        Watcher watcher;
        if (simulation.run(watcher) == engine::Outcome::finished) static_cast<void>(simulation.results());
        return watcher.strange().empty() ? "" : "not finite: " + watcher.strange();
    } catch (core::InputError const& error) {
        ++refused.by_checks;
        for (std::string const& message : error.messages())
            if (message.find(": ") == std::string::npos) return "refused without a place: " + message;
        return "";
    } catch (std::exception const& error) {
        return error.what();
    }
}

}  // namespace

TEST_CASE("every numeric key has finite bounds, and a deck runs at each of them or is refused in words") {
    setenv("MEGAWEAVE_CATALOGUE", MW_SOURCE_DIR "/tests/fuzz/catalogue", 1);
    char const* const only = std::getenv("MW_BOUNDS_ONLY");
    std::set<std::string> seen;
    std::size_t runs = 0;
    Refused refused;
    for (std::string const& deck : decks)
        for (config::NumericKey const& key : config::numeric_keys(folder + deck)) {
            if (!seen.insert(key.path).second) continue;
            if (only != nullptr && key.path.find(only) == std::string::npos) continue;
            CAPTURE(deck);
            CAPTURE(key.path);
            CHECK(std::isfinite(key.rule.min));
            CHECK(std::isfinite(key.rule.max));
            for (double const value : {key.rule.min, key.rule.max}) {
                std::string const text = key.text(value);
                CAPTURE(text);
                if (only != nullptr) MESSAGE(key.path << " = " << text);
                auto const start = std::chrono::steady_clock::now();
                CHECK(outcome(deck, {key.path, text}, refused) == "");
                double const seconds =
                    std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
                if (seconds > 2)
                    std::fprintf(stderr, "%s = %s took %.0f s\n", key.path.c_str(), text.c_str(), seconds);
                CHECK(seconds < 30);
                ++runs;
            }
        }
    MESSAGE(seen.size() << " keys, " << runs << " values, refused by a rule between keys "
                        << refused.by_checks << ", for memory " << refused.by_memory);
    if (only == nullptr) CHECK(seen.size() > 250);
}
