#pragma once

#include <cstdint>

namespace mw::engine {

//! Requests of a service that came and went.
struct ServiceFlow {
    std::int64_t arrivals{0};
    std::int64_t completions{0};
    std::int64_t rejections{0};  //!< for whatever reason
    std::int64_t shed{0};        //!< of them, turned away by the site's control or without power

    friend ServiceFlow operator-(ServiceFlow a, ServiceFlow const& b) {
        return {a.arrivals - b.arrivals, a.completions - b.completions, a.rejections - b.rejections,
                a.shed - b.shed};
    }
};

//! The load of a service, or of its part in a rack, at one moment. Integers, so that ranks add up exactly.
struct ServiceLoad {
    ServiceFlow flow;                 //!< since the start; in a history, of the sample
    std::int64_t prompts_waiting{0};  //!< requests at instances that take prompts, not yet begun
    std::int64_t caches_waiting{0};   //!< at decode instances: for KV blocks, or on their way
    std::int64_t caches_moving{0};    //!< of them, on their way
    std::int64_t running{0};          //!< in batches
    std::int64_t waiting_squares{0};  //!< sum over instances of the square of what waits there
    std::int64_t full{0};             //!< instances with as many sequences as the scheduler allows
    std::int64_t starved_ns{0};  //!< like `flow`: of iterations in which a request waited for KV blocks alone
    std::int64_t prefill_instances{0};  //!< that process prompts alone (disaggregated)
    std::int64_t prefill_busy_ns{0};    //!< like `flow`: of their iterations
    std::int64_t in_system{0};          //!< arrived and not done; filled in by the history

    [[nodiscard]] std::int64_t waiting() const { return prompts_waiting + caches_waiting; }
};

}  // namespace mw::engine
