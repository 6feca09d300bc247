#pragma once

#include <map>
#include <string>
#include <vector>

#include "megaweave/config/deck.hpp"
#include "megaweave/engine/simulation.hpp"
#include "megaweave/engine/world.hpp"
#include "megaweave/parallel/comm.hpp"
#include "megaweave/parallel/team.hpp"

namespace mw::test {

//! What a run of a deck in this process left.
struct DeckRun {
    config::Deck deck;
    engine::Results results;
    std::vector<engine::RequestRecord> requests;  //!< completed in the measured period, by rack
    std::map<std::string, std::vector<double>>
        facility;  //!< columns of the measured period, a value per sample
    std::map<std::string, std::vector<double>> first_rack;  //!< those of rack 0
    std::vector<core::TimeNs> sample_ns;                    //!< ends of those samples

    [[nodiscard]] double mean(std::string const& column) const {
        double sum = 0;
        for (double const value : facility.at(column)) sum += value;
        return sum / static_cast<double>(facility.at(column).size());
    }
};

//! Keeps the columns of the facility and of its first rack, in memory.
class Keeper final : public engine::Observer {
  public:
    explicit Keeper(DeckRun& run) : run_{&run} {}
    std::uint64_t wishes() override { return 0; }
    void on_sample(core::Frame const& frame) override {
        if (frame.time_ns <= run_->deck.time.warmup_ns) return;
        run_->sample_ns.push_back(frame.time_ns);
        for (core::Column const& column : frame.columns)
            if (column.owner == core::Owner::facility)
                run_->facility[column.name].push_back(column.values.front());
            else if (column.owner == core::Owner::rack)
                run_->first_rack[column.name].push_back(column.values.front());
    }
    void on_window(engine::Progress const&) override {}
    void on_checkpoint(engine::SavedState const&, std::uint64_t) override {}

  private:
    DeckRun* run_;
};

//! Stops a run at a time and keeps its state.
class Stopper final : public engine::Observer {
  public:
    explicit Stopper(core::TimeNs at_ns) : at_ns_{at_ns} {}
    std::uint64_t wishes() override { return now_ns_ >= at_ns_ ? engine::Wish::stop : 0; }
    void on_sample(core::Frame const&) override {}
    void on_window(engine::Progress const& progress) override { now_ns_ = progress.now_ns; }
    void on_checkpoint(engine::SavedState const& state, std::uint64_t) override { state_ = state; }
    [[nodiscard]] engine::SavedState const& state() const { return state_; }

  private:
    core::TimeNs at_ns_;
    core::TimeNs now_ns_{0};
    engine::SavedState state_;
};

//! Runs a deck below tests/decks/physics, with overrides as `--set` has them, on one thread.
inline DeckRun run_deck(std::string const& name, std::vector<config::Override> const& overrides = {}) {
    DeckRun run;
    run.deck = config::read_deck(std::string{MW_SOURCE_DIR} + "/tests/decks/physics/" + name, overrides);
    engine::World const world{run.deck};
    parallel::Comm comm;
    parallel::Team team{1};
    engine::Simulation simulation{world, comm, team};
    Keeper keeper{run};
    simulation.run(keeper);
    run.results = simulation.results();
    run.requests = simulation.requests();
    return run;
}

}  // namespace mw::test
