// What can be read off a rack.
#include <algorithm>
#include <utility>

#include "megaweave/core/integer.hpp"
#include "rack.hpp"

namespace mw::engine {

Counts Rack::counts() const {
    Counts counts = counts_;
    for (Hosted const& hosted : hosted_) {
        serving::InstanceCounts const& done = hosted.instance.counts();
        counts[Count::iterations] += done.iterations;
        counts[Count::output_tokens] += done.output_tokens;
        counts[Count::input_tokens] += done.input_tokens;
        counts[Count::cached_tokens] += done.cached_tokens;
        counts[Count::preemptions] += done.preemptions;
        counts[Count::kv_starved_ns] += done.kv_starved_ns;
    }
    return counts;
}

Counts Rack::counts_since_sample() {
    Counts const before = std::exchange(at_sample_, counts());
    return at_sample_ - before;
}

//! Requests in service times time, up to now.
void Rack::count_in_service(core::TimeNs now_ns) {
    core::TimeNs const dt_ns = now_ns - std::exchange(in_service_from_ns_, now_ns);
    counts_[Count::in_service_ns] +=
        core::checked_product(in_service_, dt_ns, "requests in service times time [ns]");
}

std::int64_t Rack::running_sequences() const {
    std::int64_t running = 0;
    for (Hosted const& hosted : hosted_) running += hosted.instance.running();
    return running;
}

std::int64_t Rack::waiting_requests() const {
    std::int64_t waiting = 0;
    for (Hosted const& hosted : hosted_) waiting += hosted.instance.waiting();
    return waiting;
}

double Rack::kv_used_share() const {
    std::int64_t used = 0;
    std::int64_t all = 0;
    for (Hosted const& hosted : hosted_) {
        used += hosted.instance.used_blocks();
        all += hosted.instance.kv_blocks();
    }
    return all == 0 ? 0.0 : static_cast<double>(used) / static_cast<double>(all);
}

std::int64_t Rack::census() const {
    std::int64_t requests = std::ranges::count_if(inbox_, [](Message const& message) {
        return message.kind == MessageKind::prompt || message.kind == MessageKind::kv_ready;
    });
    for (Hosted const& hosted : hosted_) requests += hosted.instance.census();
    return requests;
}

std::int64_t Rack::tokens_present() const {
    std::int64_t tokens = 0;
    for (Message const& message : inbox_)
        if (message.kind == MessageKind::kv_ready) tokens += message.request.generated;
    for (Hosted const& hosted : hosted_) tokens += hosted.instance.tokens_present();
    return tokens;
}

void Rack::audit() const {
    for (Hosted const& hosted : hosted_) hosted.instance.audit();
}

}  // namespace mw::engine
