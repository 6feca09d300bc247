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

void Rack::add_loads(std::span<ServiceLoad> loads) const {
    for (std::size_t s = 0; s < flows_.size(); ++s) {
        loads[s].flow.arrivals += flows_[s].arrivals;
        loads[s].flow.completions += flows_[s].completions;
        loads[s].flow.rejections += flows_[s].rejections;
        loads[s].flow.shed += flows_[s].shed;
    }
    for (Hosted const& hosted : hosted_) {
        serving::Instance const& instance = hosted.instance;
        ServiceLoad& load = loads[world_->plan().instance(hosted.id).service.index()];
        std::int64_t const waiting = instance.waiting();
        load.prompts_waiting += waiting - instance.caches_waiting();
        load.caches_waiting += instance.caches_waiting();
        load.caches_moving += instance.fetching();
        load.running += instance.running();
        load.waiting_squares += waiting * waiting;
        load.starved_ns += instance.counts().kv_starved_ns;
        load.full += instance.full() ? 1 : 0;
        if (!hosted.prefill) continue;
        ++load.prefill_instances;
        load.prefill_busy_ns += instance.counts().busy_ns;
    }
}

void Rack::add_open(core::TimeNs end_ns, std::span<ServiceResults> results) const {
    auto const add = [&](serving::Request const& request) {
        if (!measured(request.arrival_ns)) return;
        serving::ServiceParams const& service = world_->service(request.service).params();
        ServiceResults& result = results[request.service.index()];
        core::TimeNs const age_ns = end_ns - request.arrival_ns;
        result.e2e_open.add(age_ns);
        // Tokens that are delivered together are seen with the last of them: here, at the end.
        bool const seen =
            request.first_token_ns > 0 && (service.engine.stream_interval == 1 || request.output_tokens == 1);
        core::TimeNs ttft_ns = age_ns;
        core::TimeNs tpot_ns = 0;  // at least
        if (seen) {
            serving::RequestTimes const at_engine{request.arrival_ns, request.first_token_ns, end_ns};
            ttft_ns = serving::as_client_sees(service.engine, at_engine, request.input_tokens, 1).first_ns -
                      request.arrival_ns;
            if (request.output_tokens > 1)
                tpot_ns = (end_ns - request.first_token_ns) / (request.output_tokens - 1);
        } else {
            result.ttft_open.add(age_ns);
        }
        if (ttft_ns > service.ttft_objective_ns || tpot_ns > service.tpot_objective_ns) ++result.late;
    };
    for (Message const& message : inbox_)
        if (message.kind == MessageKind::prompt || message.kind == MessageKind::kv_ready)
            add(message.request);
    for (Hosted const& hosted : hosted_) hosted.instance.for_each_request(add);
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
