#pragma once

#include <array>
#include <cstdint>

#include "megaweave/core/ids.hpp"
#include "megaweave/core/time.hpp"
#include "megaweave/llm/iteration.hpp"
#include "megaweave/serving/instance.hpp"
#include "megaweave/serving/request.hpp"

namespace mw::engine {

enum class MessageKind : std::uint8_t {
    prompt,        //!< router → instance: a new request
    prompt_done,   //!< instance → router: its prompt is processed
    kv_ready,      //!< prefill → decode instance: the cache waits in `slot`
    kv_arrived,    //!< fabric → decode instance: it lies in `slot` now
    kv_release,    //!< decode → prefill instance: `slot` is no longer needed
    request_done,  //!< instance → router
    request_rejected,
    activity,  //!< home rack → other racks of an instance: what their accelerators do
};

//! What the accelerators of an instance do during an iteration, as their racks' meters need it.
struct Work {
    core::TimeNs duration_ns{0};
    std::array<core::TimeNs, llm::share_count> share_ns{};  //!< sums to duration_ns
    std::int64_t compute_mw{0};  //!< of one accelerator, above its resident idle [mW]
    std::int64_t memory_mw{0};
    std::int64_t link_mw{0};
    std::int64_t pool_bytes{0};  //!< of one accelerator, from memory pools that keep a part for its instance
};

/*!
 * Everything that crosses from rack to rack, and takes effect no earlier than the next window.
 *
 * Delivered in the order (due, from, sequence), which no partition can change. Plain data.
 */
struct Message {
    core::TimeNs due_ns{0};
    core::RackId from;
    std::uint32_t sequence{0};  //!< the sender's running number
    core::RackId to;
    std::uint32_t target{0};  //!< instance or cell
    serving::Slot slot{0};
    MessageKind kind{MessageKind::prompt};
    serving::Request request;
    Work work;  //!< activity only
};

//! Later messages first, so that a heap has the next one on top.
struct DueLater {
    bool operator()(Message const& a, Message const& b) const {
        if (a.due_ns != b.due_ns) return a.due_ns > b.due_ns;
        if (a.from != b.from) return a.from > b.from;
        return a.sequence > b.sequence;
    }
};

}  // namespace mw::engine
