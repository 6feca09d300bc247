#include "megaweave/fabric/transport.hpp"

#include <algorithm>
#include <set>

#include "megaweave/core/check.hpp"

namespace mw::fabric {

namespace {

//! The use of the fabric as a function of time, and its integral.
class Use {
  public:
    Use(FlowNetwork const& network, std::vector<FlowSpec> const& flows, std::vector<double> const& end_s) {
        std::set<std::uint32_t> first;
        std::set<std::uint32_t> last;
        struct Step {
            double time_s;
            double bytes_per_s;
        };
        std::vector<Step> steps;
        for (std::size_t f = 0; f < flows.size(); ++f) {
            double const sending_s = end_s[f] - flows[f].start_s;
            if (flows[f].links.empty() || !(sending_s > 0)) continue;
            first.insert(flows[f].links.front());
            last.insert(flows[f].links.back());
            double const rate = static_cast<double>(flows[f].bytes) / sending_s;
            steps.push_back({flows[f].start_s, rate});
            steps.push_back({end_s[f], -rate});
        }
        double const capacity = std::max(sum(network, first), sum(network, last));
        std::ranges::stable_sort(steps, {}, &Step::time_s);
        double rate = 0;
        double integral = 0;
        double since_s = 0;
        for (Step const& step : steps) {
            integral += rate * (step.time_s - since_s) / capacity;
            time_s_.push_back(step.time_s);
            integral_.push_back(integral);
            since_s = step.time_s;
            rate += step.bytes_per_s;
        }
    }

    //! Mean over a span that begins and ends with a flow.
    [[nodiscard]] double mean(double from_s, double to_s) const {
        return std::clamp((until(to_s) - until(from_s)) / (to_s - from_s), 0.0, 1.0);
    }

  private:
    static double sum(FlowNetwork const& network, std::set<std::uint32_t> const& links) {
        double sum = 0;
        for (std::uint32_t const l : links) sum += static_cast<double>(network.capacity_bytes_per_s[l]);
        return sum;
    }
    [[nodiscard]] double until(double time_s) const {
        return integral_[static_cast<std::size_t>(std::ranges::lower_bound(time_s_, time_s) -
                                                  time_s_.begin())];
    }

    std::vector<double> time_s_;
    std::vector<double> integral_;
};

}  // namespace

double Transport::stretch(double use) const {
    if (ideal()) return 1.0;
    auto const payload = static_cast<double>(params_.payload_bytes);
    return (payload + static_cast<double>(params_.header_bytes)) / payload /
           (1 - params_.spraying_loss * use);
}

std::vector<double> Transport::operator()(FlowNetwork const& network, std::vector<FlowSpec> const& flows,
                                          std::vector<double> const& fluid_finish_s) const {
    MW_EXPECT(fluid_finish_s.size() == flows.size(), "one finish time for each flow");
    if (ideal()) return fluid_finish_s;
    std::vector<double> end_s;  // of sending
    for (std::size_t f = 0; f < flows.size(); ++f) end_s.push_back(fluid_finish_s[f] - flows[f].latency_s);
    Use const use{network, flows, end_s};
    std::vector<double> finish_s;
    for (std::size_t f = 0; f < flows.size(); ++f) {
        double const sending_s = end_s[f] - flows[f].start_s;
        if (flows[f].links.empty() || !(sending_s > 0)) {
            finish_s.push_back(fluid_finish_s[f]);
            continue;
        }
        double const u = use.mean(flows[f].start_s, end_s[f]);
        finish_s.push_back(flows[f].start_s + 2 * flows[f].latency_s + sending_s * stretch(u) +
                           queueing_s(u));
    }
    return finish_s;
}

}  // namespace mw::fabric
