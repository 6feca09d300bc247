#include "megaweave/workload/arrivals.hpp"

#include "megaweave/core/check.hpp"

namespace mw::workload {

ArrivalStream::ArrivalStream(WorkloadParams const& params, LengthLaw const& input, LengthLaw const& output,
                             Trace const* trace, std::uint64_t seed, std::uint32_t entity,
                             CellShare const& share)
    : key_{core::KeyedRandom{seed}, entity, share},
      input_{&input},
      output_{&output},
      process_{make(params.arrivals, trace, key_)} {
    bool const traced = std::holds_alternative<TraceReplay>(process_);
    MW_EXPECT(traced || (!input.from_trace() && !output.from_trace()),
              "lengths from a trace need arrivals from a trace");
}

ArrivalStream::Process ArrivalStream::make(ArrivalParams const& params, Trace const* trace,
                                           CellKey const& key) {
    MW_EXPECT(key.share.cell < key.share.cells, "a service's cells are numbered from 0");
    switch (params.process) {
        case workload::Process::poisson:
        case workload::Process::gamma:
            return RenewalProcess{params, key};
        case workload::Process::closed:
        case workload::Process::burst:
            return ClosedLoop{params, key};
        case workload::Process::trace:
            break;
    }
    MW_EXPECT(trace != nullptr, "trace arrivals need a trace");
    return TraceReplay{params, *trace, key};
}

core::TimeNs ArrivalStream::next_ns() const {
    return std::visit([](auto const& process) { return process.next_ns(); }, process_);
}

std::int64_t ArrivalStream::length(LengthLaw const& law, core::Draw purpose, std::int32_t traced) const {
    return law.from_trace() ? traced : law(key_.random, purpose, key_.entity, taken_);
}

Arrival ArrivalStream::take() {
    MW_EXPECT(next_ns() != core::never, "a request is taken only when one is due");
    auto const* const replay = std::get_if<TraceReplay>(&process_);
    TraceRequest const row = replay != nullptr ? replay->row() : TraceRequest{};
    Arrival const arrival{next_ns(), length(*input_, core::Draw::input_length, row.input_tokens),
                          length(*output_, core::Draw::output_length, row.output_tokens), taken_};
    ++taken_;
    std::visit([](auto& process) { process.advance(); }, process_);
    return arrival;
}

void ArrivalStream::replace(core::TimeNs now_ns) {
    if (auto* const loop = std::get_if<ClosedLoop>(&process_)) loop->replace(now_ns);
}

}  // namespace mw::workload
