#include "megaweave/engine/load_history.hpp"

#include "megaweave/core/check.hpp"

namespace mw::engine {

namespace {

void join(SiteSample& into, SiteSample const& next) {
    into.length_ns += next.length_ns;
    into.output_tokens += next.output_tokens;
    into.energy_uj += next.energy_uj;
    into.first_tokens += next.first_tokens;
    into.ttft_ns += next.ttft_ns;
    into.tpot_samples += next.tpot_samples;
    into.tpot_ns += next.tpot_ns;
    into.completions += next.completions;
}

void join(ServiceLoad& into, ServiceLoad const& next) {
    ServiceLoad const before = into;
    into = next;
    into.flow.arrivals += before.flow.arrivals;
    into.flow.completions += before.flow.completions;
    into.flow.rejections += before.flow.rejections;
    into.flow.shed += before.flow.shed;
    into.starved_ns += before.starved_ns;
    into.prefill_busy_ns += before.prefill_busy_ns;
}

}  // namespace

void LoadHistory::add(SiteSample const& sample, std::span<ServiceLoad const> loads) {
    MW_EXPECT(loads.size() == services_ && last_.size() == services_, "a history knows its services");
    if (pending_ == 0 && samples_.size() >= most) halve();
    bool const fresh = pending_ == 0;
    if (fresh) {
        samples_.push_back(sample);
        loads_.resize(loads_.size() + services_);
    } else {
        join(samples_.back(), sample);
    }
    for (std::size_t s = 0; s < services_; ++s) {
        ServiceLoad now = loads[s];
        now.in_system = now.flow.arrivals - now.flow.completions - now.flow.rejections;
        now.flow = now.flow - last_[s].flow;
        now.starved_ns -= last_[s].starved_ns;
        now.prefill_busy_ns -= last_[s].prefill_busy_ns;
        join(loads_[loads_.size() - services_ + s], now);
        last_[s] = loads[s];
    }
    pending_ = (pending_ + 1) % merged_;
}

void LoadHistory::halve() {
    std::size_t const pairs = samples_.size() / 2;
    for (std::size_t i = 0; i < pairs; ++i) {
        samples_[i] = samples_[2 * i];
        join(samples_[i], samples_[2 * i + 1]);
        for (std::size_t s = 0; s < services_; ++s) {
            ServiceLoad both = load(2 * i, s);
            join(both, load(2 * i + 1, s));
            loads_[i * services_ + s] = both;
        }
    }
    samples_.resize(pairs);
    loads_.resize(pairs * services_);
    merged_ *= 2;
}

}  // namespace mw::engine
