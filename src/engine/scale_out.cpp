#include "scale_out.hpp"

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "megaweave/core/integer.hpp"

namespace mw::engine {

namespace {

constexpr double most_bytes_per_s = 1e17;
constexpr std::int64_t hysteresis = 16;  // parts of a demand
constexpr double least_share = 1e-6;     // an iteration ends some day, however crowded its links

llm::Messages const& messages_of(llm::Work const& work, fabric::TrafficClass traffic) {
    if (traffic == fabric::TrafficClass::tensor) return work.tensor;
    return traffic == fabric::TrafficClass::expert ? work.expert : work.pipeline;
}

double& share_of(llm::ScaleOutShares& shares, fabric::TrafficClass traffic) {
    if (traffic == fabric::TrafficClass::tensor) return shares.tensor;
    return traffic == fabric::TrafficClass::expert ? shares.expert : shares.pipeline;
}

}  // namespace

void ScaleOut::Flow::observe(core::TimeNs now_ns) {
    if (now_ns <= observed_ns) return;
    double const seconds = core::to_seconds(now_ns - observed_ns);
    for (Mean* const share : {&of_demand, &of_line, &room}) share->lacking_s += (1 - share->now) * seconds;
    observed_ns = now_ns;
}

void ScaleOut::Flow::average() {
    double const seconds = core::to_seconds(observed_ns - since_ns);
    if (seconds <= 0) return;
    for (Mean* const share : {&of_demand, &of_line, &room})
        share->mean = std::max(least_share, 1 - share->lacking_s / seconds);
}

ScaleOut::ScaleOut(llm::IterationModel const& model, serving::Timing const& alone,
                   std::vector<ScaleOutPattern> const& patterns, fabric::Transport const& transport,
                   double exposed)
    : model_{&model},
      alone_{&alone},
      transport_{transport},
      exposed_{exposed},
      timing_{[this](llm::Batch const& batch) { return (*this)(batch); }} {
    for (ScaleOutPattern const& pattern : patterns)
        kinds_.push_back({pattern.traffic, pattern.senders, pattern.off_domain,
                          static_cast<double>(pattern.line_bytes_per_s) / pattern.nominal_bytes_per_s});
    flows_.resize(kinds_.size());
}

//! Of what one accelerator sends of a kind, the part that goes over the network.
double ScaleOut::crossing(Kind const& kind, llm::Messages const& messages) {
    bool const direct = kind.traffic == fabric::TrafficClass::expert && messages.scale_up_bytes <= 0;
    return direct ? kind.off_domain : 1.0;
}

llm::IterationCost ScaleOut::operator()(llm::Batch const& batch) {
    llm::Work const work = model_->counter()(batch);
    llm::Batch stretched = batch;
    for (std::size_t k = 0; k < kinds_.size(); ++k) {
        flows_[k].average();
        share_of(stretched.granted, kinds_[k].traffic) =
            std::min(1.0, kinds_[k].line_share * flows_[k].of_line.mean /
                              crossing(kinds_[k], messages_of(work, kinds_[k].traffic))) /
            transport_.stretch(use(flows_[k]));
    }
    llm::IterationCost cost = (*alone_)(stretched);
    if (work.total_scale_out_bytes <= 0) {
        for (Flow& flow : flows_) flow.wanted_bytes_per_s = 0;
        return cost;
    }
    // A draft's passes send like the model's own.
    double const passes = cost.scale_out_bytes / work.total_scale_out_bytes;
    if (!transport_.ideal()) add_queueing(cost, work, passes);
    double const seconds = core::to_seconds(cost.duration_ns);
    double stretch = 1;
    for (std::size_t k = 0; k < kinds_.size(); ++k) {
        llm::Messages const& messages = messages_of(work, kinds_[k].traffic);
        double const bytes = messages.scale_out_bytes * crossing(kinds_[k], messages) * kinds_[k].senders *
                             work.micro_batches * passes;
        Flow& flow = flows_[k];
        flow.wanted_bytes_per_s = bytes / seconds;
        if (flow.wanted_bytes_per_s <= 0 || flow.told_bytes_per_s == 0) continue;
        double const of_told = flow.wanted_bytes_per_s / static_cast<double>(flow.told_bytes_per_s);
        stretch = std::max(stretch, std::min(1.0, of_told) / flow.of_demand.mean);
    }
    core::TimeNs const waits_ns = core::from_seconds((stretch - 1) * seconds);
    cost.share_ns[llm::index_of(llm::Share::scale_out)] += waits_ns;
    cost.duration_ns += waits_ns;
    return cost;
}

//! Of every collective that leaves the domain.
void ScaleOut::add_queueing(llm::IterationCost& cost, llm::Work const& work, double passes) const {
    double seconds = 0;
    for (std::size_t k = 0; k < kinds_.size(); ++k) {
        llm::Messages const& messages = messages_of(work, kinds_[k].traffic);
        if (messages.scale_out_bytes > 0)
            seconds += messages.count * work.micro_batches * passes * transport_.queueing_s(use(flows_[k]));
    }
    core::TimeNs const waits_ns = core::from_seconds(exposed_ * seconds);
    cost.share_ns[llm::index_of(llm::Share::scale_out)] += waits_ns;
    cost.duration_ns += waits_ns;
}

void ScaleOut::observe(core::TimeNs now_ns) {
    if (!busy_) return;
    for (Flow& flow : flows_) flow.observe(now_ns);
}

void ScaleOut::begin(core::TimeNs now_ns) {
    busy_ = true;
    for (Flow& flow : flows_) {
        flow.since_ns = flow.observed_ns = now_ns;
        flow.of_demand.lacking_s = flow.of_line.lacking_s = flow.room.lacking_s = 0;
    }
}

void ScaleOut::rest() {
    busy_ = false;
    for (Flow& flow : flows_) {
        flow.average();
        flow.wanted_bytes_per_s = 0;
        flow.since_ns = flow.observed_ns;
    }
}

void ScaleOut::tell(core::InstanceId instance, std::vector<DemandChange>& changes) {
    for (std::size_t k = 0; k < flows_.size(); ++k) {
        Flow& flow = flows_[k];
        std::int64_t const wanted =
            core::to_count(flow.wanted_bytes_per_s, "what an instance sends [B/s]", most_bytes_per_s);
        std::int64_t const off = std::abs(wanted - flow.told_bytes_per_s);
        if (off * hysteresis <= std::max(wanted, flow.told_bytes_per_s)) continue;
        flow.told_bytes_per_s = wanted;
        changes.push_back({standing_id(instance, k), wanted});
    }
}

void ScaleOut::granted(Grant const& grant, core::TimeNs since_ns) {
    Flow& flow = flows_[grant.id % patterns_at_most];
    double const room = 1 - grant.use;
    if (flow.of_demand.now == grant.of_demand && flow.of_line.now == grant.of_line && flow.room.now == room)
        return;
    if (busy_) flow.observe(since_ns);
    flow.of_demand.now = grant.of_demand;
    flow.of_line.now = grant.of_line;
    flow.room.now = room;
}

}  // namespace mw::engine
