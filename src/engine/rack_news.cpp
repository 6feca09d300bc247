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
        record_ttft(request, serving::as_client_sees(engine, at_engine, request.input_tokens, 1).first_ns -
                                 request.arrival_ns);
    }
    if (measured(request.arrival_ns))
        results_[request.service.index()].queue_wait.add(request.scheduled_ns - request.arrival_ns);
}

void Rack::record_ttft(serving::Request const& request, core::TimeNs ttft_ns) {
    counts_[Count::ttft_ns] += ttft_ns;
    if (!measured(request.arrival_ns)) return;
    ServiceResults& results = results_[request.service.index()];
    results.ttft.add(ttft_ns);
    std::array<core::TimeNs, serving::ttft_parts> const parts = serving::parts_of(request.timeline, ttft_ns);
    for (std::size_t p = 0; p < parts.size(); ++p) results.parts[p].add(parts[p]);
    results.contention.add(request.timeline.contention_ns);
}

void Rack::on_token_gaps(core::TimeNs gap_ns, std::int64_t sequences, core::TimeNs now_ns) {
    if (measured(now_ns)) results_[active_service_].token_gaps.add(gap_ns, sequences);
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
        record_ttft(request, seen.first_ns - seen.arrival_ns);
    bool const has_tpot = request.output_tokens > 1;
    core::TimeNs const tpot_ns = has_tpot ? (seen.done_ns - seen.first_ns) / (request.output_tokens - 1) : 0;
    ++counts_[Count::completions];
    counts_[Count::in_flight_moment_us] += now_ns / 1000;
    ++flows_[request.service.index()].completions;
    counts_[Count::completed_tokens] += request.output_tokens;
    if (has_tpot) {
        counts_[Count::tpot_ns] += tpot_ns;
        ++counts_[Count::tpot_samples];
    }
    ServiceResults& results = results_[request.service.index()];
    bool const met =
        seen.first_ns - seen.arrival_ns <= service.ttft_objective_ns && tpot_ns <= service.tpot_objective_ns;
    if (measured(request.arrival_ns)) {
        ++counts_[Count::cohort_completed];
        ++results.completed;
        results.e2e.add(seen.done_ns - seen.arrival_ns);
        results.met += met ? 1 : 0;
    }
    if (!measured(now_ns)) return;
    ++results.completions;
    results.output_tokens += request.output_tokens;
    if (met) results.goodput_tokens += request.output_tokens;
    ++counts_[Count::measured_completions];
    results.completed_ttft.add(seen.first_ns - seen.arrival_ns);
    results.completed_e2e.add(seen.done_ns - seen.arrival_ns);
    if (has_tpot) {
        results.tpot.add(tpot_ns);
        results.longest_gap.add(request.longest_gap_ns);
    }
    record_request(request, seen);
}

//! Into the sample that run.h5 lists.
void Rack::record_request(serving::Request const& request, serving::RequestTimes const& seen) {
    if (world_->random().uniform(core::Draw::sample, request.cell.index(), request.id & 0xffffffffffULL) >=
        world_->deck().output.request_sample)
        return;
    RequestRecord& row = requests_.emplace_back();
    row.id = request.id;
    row.service = static_cast<std::int32_t>(request.service.index());
    row.input_tokens = request.input_tokens;
    row.output_tokens = request.output_tokens;
    row.preemptions = request.preemptions;
    row.arrival_ns = seen.arrival_ns;
    row.first_token_ns = seen.first_ns;
    row.completed_ns = seen.done_ns;
    row.prefill_instance = static_cast<std::int32_t>(request.prefill.index());
    row.decode_instance = static_cast<std::int32_t>(request.decode.index());
    row.part_ns = serving::parts_of(request.timeline, seen.first_ns - seen.arrival_ns);
    row.contention_ns = request.timeline.contention_ns;
    row.longest_gap_ns = request.longest_gap_ns;
    for (core::TimeNs const time :
         {seen.arrival_ns, seen.first_ns, seen.done_ns, row.contention_ns, row.longest_gap_ns})
        digest_.add(request.id, time);
    for (std::size_t p = 0; p < row.part_ns.size(); ++p) digest_.add(request.id + p, row.part_ns[p]);
}

void Rack::count_arrival(serving::Request const& request) {
    ++counts_[Count::arrivals];
    counts_[Count::in_flight_moment_us] -= request.arrival_ns / 1000;
    ++flows_[request.service.index()].arrivals;
    if (!measured(request.arrival_ns)) return;
    ++counts_[Count::cohort_arrived];
    ++results_[request.service.index()].arrived;
}

void Rack::count_rejection(serving::Request const& request) {
    ++counts_[Count::rejections];
    ++flows_[request.service.index()].rejections;
    if (!measured(request.arrival_ns)) return;
    ++counts_[Count::cohort_rejected];
    ++results_[request.service.index()].rejected;
}

void Rack::on_rejected(serving::Request const& request, core::TimeNs now_ns) {
    count_rejection(request);
    counts_[Count::in_flight_moment_us] += now_ns / 1000;
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
