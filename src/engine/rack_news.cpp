// What a rack does when its instances have news.
#include "megaweave/serving/client_view.hpp"
#include "rack.hpp"

namespace mw::engine {

// A first token that is delivered with others is seen when they are there: record_completion knows when.
void Rack::on_first_token(serving::Request const& request, core::TimeNs now_ns) {
    ++counts_[Count::first_tokens];
    llm::EngineParams const& engine = world_->service(request.service).params().engine;
    if (engine.stream_interval == 1 || request.output_tokens == 1) {
        serving::RequestTimes const at_engine{request.arrival_ns, now_ns, now_ns};
        record_ttft(
            request,
            serving::as_client_sees(engine, at_engine, request.input_tokens, 1).first_ns - request.arrival_ns,
            now_ns);
    }
    if (measured(now_ns))
        results_[request.service.index()].queue_wait.add(request.scheduled_ns - request.arrival_ns);
}

void Rack::record_ttft(serving::Request const& request, core::TimeNs ttft_ns, core::TimeNs now_ns) {
    counts_[Count::ttft_ns] += ttft_ns;
    if (measured(now_ns)) results_[request.service.index()].ttft.add(ttft_ns);
}

void Rack::on_completed(serving::Request const& request, core::TimeNs now_ns) {
    record_completion(request, now_ns);
    send(MessageKind::request_done, world_->plan().cell(request.cell).home, request.cell.index(), 0, request,
         now_ns);
}

void Rack::record_completion(serving::Request const& request, core::TimeNs now_ns) {
    serving::ServiceParams const& service = world_->service(request.service).params();
    serving::RequestTimes const seen =
        serving::as_client_sees(service.engine, {request.arrival_ns, request.first_token_ns, now_ns},
                                request.input_tokens, request.output_tokens);
    if (service.engine.stream_interval > 1 && request.output_tokens > 1)
        record_ttft(request, seen.first_ns - seen.arrival_ns, now_ns);
    core::TimeNs const tpot_ns =
        request.output_tokens > 1 ? (seen.done_ns - seen.first_ns) / (request.output_tokens - 1) : 0;
    ++counts_[Count::completions];
    counts_[Count::completed_tokens] += request.output_tokens;
    if (request.output_tokens > 1) {
        counts_[Count::tpot_ns] += tpot_ns;
        ++counts_[Count::tpot_samples];
    }
    if (measured(request.arrival_ns)) ++counts_[Count::cohort_completed];
    if (!measured(now_ns)) return;

    ServiceResults& results = results_[request.service.index()];
    results.e2e.add(seen.done_ns - seen.arrival_ns);
    if (request.output_tokens > 1) results.tpot.add(tpot_ns);
    bool const met =
        seen.first_ns - seen.arrival_ns <= service.ttft_objective_ns && tpot_ns <= service.tpot_objective_ns;
    ++results.completions;
    results.output_tokens += request.output_tokens;
    ++counts_[Count::measured_completions];
    if (met) {
        ++results.objectives_met;
        ++counts_[Count::objectives_met];
        counts_[Count::goodput_tokens] += request.output_tokens;
    }
    if (world_->random().uniform(core::Draw::sample, request.cell.index(), request.id & 0xffffffffffULL) <
        world_->deck().output.request_sample) {
        requests_.push_back({request.id, static_cast<std::int32_t>(request.service.index()),
                             request.input_tokens, request.output_tokens, request.preemptions,
                             seen.arrival_ns, seen.first_ns, seen.done_ns,
                             static_cast<std::int32_t>(request.prefill.index()),
                             static_cast<std::int32_t>(request.decode.index())});
        for (core::TimeNs const time : {seen.arrival_ns, seen.first_ns, seen.done_ns})
            digest_.add(request.id, time);
    }
}

void Rack::on_rejected(serving::Request const& request, core::TimeNs now_ns) {
    ++counts_[Count::rejections];
    if (measured(request.arrival_ns)) ++counts_[Count::cohort_rejected];
    send(MessageKind::request_rejected, world_->plan().cell(request.cell).home, request.cell.index(), 0,
         request, now_ns);
}

void Rack::on_prefilled(serving::Request const& request, serving::Slot held, core::TimeNs now_ns) {
    site::Plan const& plan = world_->plan();
    send(MessageKind::kv_ready, plan.instance(request.decode).home, request.decode.index(), held, request,
         now_ns);
    send(MessageKind::prompt_done, plan.cell(request.cell).home, request.cell.index(), 0, request, now_ns);
}

}  // namespace mw::engine
