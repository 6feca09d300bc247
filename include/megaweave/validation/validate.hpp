#pragma once

#include <array>
#include <string>
#include <vector>

#include "megaweave/config/entries.hpp"
#include "megaweave/llm/iteration.hpp"
#include "megaweave/parallel/comm.hpp"
#include "megaweave/parallel/team.hpp"
#include "megaweave/validation/points.hpp"

namespace mw::validation {

//! A predicted quantity by the name that points files use; seconds, tokens/s, watts, joules per token.
struct Metric {
    std::string name;
    double value{0};

    template <class Archive>
    void archive(Archive& ar) {
        ar& name& value;
    }
};

//! Which of these stood in for the engine generation that a row states: the nearest that the catalogue has, in this order.
enum class StandIn : std::uint8_t {
    none,         //!< the generation, fitted on this accelerator
    accelerator,  //!< the generation, fitted on others
    family,       //!< the mean of its family's generations
    generic       //!< the mean of all
};

//! The engine that a row asks for and the catalogue's entry that it gets.
struct EngineUsed {
    std::string family;
    std::string wanted;  //!< generation
    std::string entry;
    StandIn stand_in{StandIn::none};

    template <class Archive>
    void archive(Archive& ar) {
        ar& family& wanted& entry& stand_in;
    }
};

//! What the emulator says about one experiment.
struct Prediction {
    std::string reason;  //!< why it could not be run; "" if it was
    std::vector<Metric> metrics;
    std::string
        binding;  //!< share that most busy time goes to, or kv_memory where admission mostly waits for blocks
    std::array<double, llm::share_count> time_share{};  //!< of accelerator time, idle included
    double mean_batch{0};                               //!< decoding sequences, mean over the run
    double kv_starved{0};  //!< share of busy time in which a prompt waited for nothing but KV blocks
    bool mixture{false};   //!< the model is a mixture of experts
    EngineUsed engine;

    template <class Archive>
    void archive(Archive& ar) {
        ar& reason& metrics& binding& time_share& mean_batch& kv_starved& mixture& engine;
    }
};

//! How a prediction is made.
enum class Method : std::uint8_t {
    emulate,
    estimate  //!< by jumps from event to event: a hundred times faster, for calibration (see estimate.hpp)
};

/*!
 * Runs every experiment of a file in the emulator, spread over the ranks (by expected cost) and the threads of each. On the root: one
 * prediction per experiment, the same to the last bit for any number of ranks and threads; elsewhere empty. Collective.
 */
[[nodiscard]] std::vector<Prediction> predict(PointsFile const& file, config::Entries const& entries,
                                              parallel::Comm const& comm, parallel::Team& team,
                                              Method method = Method::emulate);

//! One row of the file with its prediction.
struct Comparison {
    std::size_t point{0};
    bool compared{false};
    double predicted{0};  //!< in the row's unit
    double error{0};      //!< predicted / measured - 1
    std::string reason;   //!< where not compared
};

//! Every row of the file, in its order.
[[nodiscard]] std::vector<Comparison> compare(PointsFile const& file,
                                              std::vector<Prediction> const& predictions);

}  // namespace mw::validation
