#pragma once

#include <cstdint>
#include <vector>

#include "megaweave/engine/world.hpp"
#include "megaweave/fabric/transport.hpp"
#include "scale_out_pattern.hpp"
#include "transfer.hpp"

namespace mw::engine {

//! Of a standing demand: instance and number among its patterns.
inline constexpr std::uint64_t patterns_at_most = 4;
[[nodiscard]] constexpr std::uint64_t standing_id(core::InstanceId instance, std::size_t pattern) {
    return instance.index() * patterns_at_most + pattern;
}
[[nodiscard]] constexpr core::InstanceId instance_of(std::uint64_t standing) {
    return core::InstanceId{static_cast<std::uint32_t>(standing / patterns_at_most)};
}

/*!
 * An instance whose messages leave its scale-up domain: what load they put on the fabric, and how the fabric's shares stretch iterations.
 *
 * An iteration of B bytes (of the busiest node) takes T, of which the bytes move B / line if nobody else is there; layers alternate
 * with messages within a window or two, so what others see of them is their mean:
 *
 *     demand      d = B / T: the load that the instance puts on links while it is busy; told where it is off by more than a sixteenth
 *     granted     a <= d, max-min fair among all demands and transfers (weight 1 for a node)
 *     burst       x <= line, what it would be granted for a moment, at its line rate beside the transfers that are there
 *     iteration   the messages move at x, and no more bytes than granted: T = T(x) d / a
 *
 * with x and a as means over the iteration before. Links thus carry exactly what iterations move (to the sixteenth), and time is lost
 * where and only where the fabric grants less: x < NICs' rate or a < d. The first term is exact for one source of bursts beside any
 * number of long transfers; the second for sources that fill a link together. It is a lower bound: bursts of several instances are
 * taken to fall beside each other as long as they fit; if all met each other always, T would be (rest) + (sum of all bytes) / capacity.
 * Source: mean-value argument (closed sources with think time; Lazowska et al., Quantitative System Performance, 1984, asymptotic
 * bounds).
 * A transport (fabric::Transport) adds headers and collisions to the messages' time, and a wait to each collective that leaves the domain,
 * both by the mean use of the links over the iteration before.
 * Valid: iterations longer than a window. Leaves out: alignment of bursts (above), incast and its losses, imbalance between nodes,
 * slow reaction of congestion control; the part of messages that overlaps with kernels stretches like the rest.
 * Worked: T = 10 ms of which 4 ms are 1.6 GB at 400 GB/s; a long transfer beside it halves the burst: T = 14 ms; five such
 * instances on a link of 400 GB/s: 1.6 GB / (400/5 GB/s) = 20 ms.
 */
class ScaleOut {
  public:
    //! `alone`: what iterations take on an idle fabric; must outlive it.
    //! `exposed`: of messages' time, what does not hide behind other work.
    ScaleOut(llm::IterationModel const& model, serving::Timing const& alone,
             std::vector<ScaleOutPattern> const& patterns, fabric::Transport const& transport,
             double exposed);
    ScaleOut(ScaleOut const&) = delete;
    ScaleOut& operator=(ScaleOut const&) = delete;

    //! What the instance takes for its iterations' times; points here.
    [[nodiscard]] serving::Timing const& timing() const { return timing_; }
    //! An iteration that begins now, at the shares of the one before.
    [[nodiscard]] llm::IterationCost operator()(llm::Batch const& batch);

    //! Before anything is done to the instance: shares are seen up to now.
    void observe(core::TimeNs now_ns);
    //! An iteration has begun: its own shares count from here.
    void begin(core::TimeNs now_ns);
    //! Nothing runs any more.
    void rest();
    //! Demands that the fabric must be told of, for the instance of this id; they count as told.
    void tell(core::InstanceId instance, std::vector<DemandChange>& changes);
    //! From `since_ns` on the fabric grants this to one of its patterns.
    void granted(Grant const& grant, core::TimeNs since_ns);

    template <class Archive>
    void archive(Archive& ar) {
        ar& flows_& busy_;
    }

  private:
    //! Mean of a share over an iteration. What is lacking is summed, so that a share of 1 stays exactly that.
    struct Mean {
        double now{1};
        double lacking_s{0};
        double mean{1};
    };
    //! Messages of one kind.
    struct Flow {
        double wanted_bytes_per_s{0};  // in this iteration
        std::int64_t told_bytes_per_s{0};
        core::TimeNs since_ns{0};     // shares are summed from here …
        core::TimeNs observed_ns{0};  // … up to here
        Mean of_demand;
        Mean of_line;
        Mean room;  // left on its links

        void observe(core::TimeNs now_ns);
        void average();
    };
    struct Kind {
        fabric::TrafficClass traffic;
        double senders;
        double off_domain;
        double line_share;  // of the NICs' rate, that links allow it alone
    };

    [[nodiscard]] static double crossing(Kind const& kind, llm::Messages const& messages);
    [[nodiscard]] static double use(Flow const& flow) { return 1 - flow.room.mean; }
    void add_queueing(llm::IterationCost& cost, llm::Work const& work, double passes) const;

    llm::IterationModel const* model_;
    serving::Timing const* alone_;
    fabric::Transport transport_;
    double exposed_;
    std::vector<Kind> kinds_;
    std::vector<Flow> flows_;
    bool busy_{false};
    serving::Timing timing_;
};

}  // namespace mw::engine
