#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <queue>
#include <utility>
#include <vector>

#include "measure.hpp"
#include "megaweave/engine/world.hpp"
#include "trial.hpp"

namespace mw::validation {

//! A request of an estimate.
struct Item {
    std::int64_t input;
    std::int64_t output;
    core::TimeNs arrival_ns{0};
    core::TimeNs first_ns{-1};
    core::TimeNs done_ns{0};
    std::int64_t processed{0};
};

//! One instance whose batch jumps from event to event.
class Replica {
  public:
    Replica(engine::World const& world, Setup const& setup, std::vector<Item> items);

    //! All requests, served.
    std::vector<Item> const& run();
    [[nodiscard]] double mean_batch() const { return sequence_ns_ / static_cast<double>(now_ns_); }
    //! What happened between the end of request `from` (counted as they end) and that of request `to`.
    [[nodiscard]] SteadyState between(std::size_t from, std::size_t to) const;

  private:
    //! `times` iterations alike.
    struct Step {
        core::TimeNs each_ns;
        std::int64_t times;
        std::int64_t decoding;
        std::int64_t input;  //!< tokens of prompts, of all of them together
        std::int64_t emitted;
        std::size_t done;  //!< requests, before
    };

    using Finish = std::pair<std::int64_t, std::size_t>;  // step, item
    struct Chunk {
        std::size_t item;
        std::int64_t tokens;
    };

    void finish(std::size_t i);
    void choose_chunks(llm::Batch& batch);
    void take(std::size_t i, std::int64_t& budget);
    void poll();
    void step();
    void end_decodes();
    void end_prompts();

    engine::ServiceModel const& service_;
    serving::SchedulerParams scheduler_;
    std::int64_t kv_tokens_;
    std::size_t at_once_;
    bool keeps_steps_;
    std::vector<Step> steps_;
    std::vector<Item> items_;
    std::size_t next_{0};
    std::size_t done_{0};
    std::deque<std::size_t> waiting_;
    std::vector<std::size_t> incoming_;
    std::vector<std::size_t> arrived_;  //!< and not yet looked for
    std::int64_t since_poll_{0};        //!< iterations; 0: it is time
    std::vector<std::size_t> prefilling_;
    std::vector<Chunk> chunks_;
    std::priority_queue<Finish, std::vector<Finish>, std::greater<>> finishes_;
    std::int64_t step_{0};
    std::int64_t decoding_{0};
    std::int64_t context_{0};
    std::int64_t kv_used_{0};
    core::TimeNs now_ns_{0};
    double sequence_ns_{0};
};

}  // namespace mw::validation
