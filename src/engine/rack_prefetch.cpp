// Hints to the memory system. A window wakes one rack in five of thousands, and each finds its state far from the processor.
#include "rack.hpp"

namespace mw::engine {

void Rack::prefetch_events() const {
    core::prefetch(due_ns_.data(), due_ns_.size() * sizeof(core::TimeNs));
    if (!inbox_.empty()) {
        core::prefetch(inbox_.data(), sizeof(Message));
        core::prefetch(&inbox_.back(), sizeof(Message));
    }
    meter_.prefetch();
}

void Rack::prefetch_due(core::TimeNs end_ns) const {
    for (std::size_t i = 0; i < due_ns_.size(); ++i) {
        if (due_ns_[i] >= end_ns) continue;
        core::prefetch(&hosted_[i], sizeof(Hosted));
        meter_.prefetch(i);
    }
}

void Rack::prefetch_batches(core::TimeNs end_ns) const {
    for (std::size_t i = 0; i < due_ns_.size(); ++i)
        if (due_ns_[i] < end_ns) hosted_[i].instance.prefetch();
}

}  // namespace mw::engine
