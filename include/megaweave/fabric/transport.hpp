#pragma once

#include <vector>

#include "megaweave/fabric/exact_flows.hpp"
#include "megaweave/fabric/params.hpp"

namespace mw::fabric {

/*!
 * What a transport adds to the completion times of a fluid: headers, collisions of sprayed packets, queueing,
 * and the way back of the last acknowledgement. It corrects finish times after the sharing.
 *
 * In `flows`, for all flows together:
 *
 *     T = L + S (h + p) / p / (1 - k U) + q U + L
 *
 * S is the time of sending in the fluid, L the path's latency one way, p and h payload and header of a packet;
 * U the use of the fabric while the flow sends: bytes/s of all flows (each at its own mean rate) over the
 * capacity of the links by which they enter or leave, whichever is more. Collisions among sprayed packets take
 * rate only where the core is busy: an incast loses next to nothing (U = 1 / senders), a permutation k.
 *
 * In a run, for transfers one by one: U is the least use among the links of its path, up to its end, in the step of the fabric in which
 * it ends (an incast leaves its senders' links idle, a lone flow those above its leaf); and its receiver does not wait for an
 * acknowledgement. For messages that leave a scale-up domain: their bytes take (h + p) / p / (1 - k U) of their time and every collective
 * waits for q U more, U being the mean of the least use among their links, to the sixteenth below. That wait is all of the latency
 * under load that a run knows.
 *
 * Source: k and q chosen on one grid over four htsim runs (EQDS on a full-bisection fat tree of 128 hosts: incast,
 * permutation, 512 random flows; NDP on 32 hosts: incast; 400 Gb/s, 500 ns a hop): mean completion within 2.5 %, p99
 * within 3 %; without them (k = q = 0) 9.7 % and 13.4 % too fast at worst. A fit on few runs: take 10 % and 25 % as its
 * error elsewhere.
 * Validity: fabric with full bisection, about as large as the hosts that talk (else U is too high); transfers of 100 kB
 * and more: single short flows are off by 13 % (median) under load, and their tail, up to 70 us in the packet runs, is
 * not modelled. Single-path lossless transports (RoCE with PFC and without congestion control) are not of this kind: their
 * ports serve inputs in turn rather than flows, and pause frames block bystanders; against such a run the fluid is
 * 13 % and this model 10 % too fast in the mean, 8 and 5 % at p99, up to a factor of 3 for single flows.
 * The same k and q in a run, whose fabric shares windows of 1 ms, on the trees of these four runs: mean within 1.9 %, p99 within 4.8 %
 * (tests/parallel/engine). Nothing measured stands behind collectives' wait but q, fitted on transfers: take it as an order of magnitude.
 * Leaves out: that a stretched flow holds its links for longer; loss; start-up below a round trip.
 * Worked: 4,096,000 bytes alone on two links of 50 GB/s in a fabric where it is the only flow (U = 1), L = 3 us:
 * 81.92 us x 4160/4096 / 0.92 + 5 us + 6 us = 101.43 us.
 */
class Transport {
  public:
    explicit Transport(TransportParams const& params) : params_{params} {}

    [[nodiscard]] bool ideal() const { return params_.kind == TransportParams::Kind::ideal; }
    //! What sending takes, of what it takes in the fluid, at a use of the fabric between 0 and 1.
    [[nodiscard]] double stretch(double use) const;
    //! What a message waits for beside others.
    [[nodiscard]] double queueing_s(double use) const { return ideal() ? 0.0 : params_.queueing_s * use; }

    //! Finish times with the transport's part, from those of the fluid.
    [[nodiscard]] std::vector<double> operator()(FlowNetwork const& network,
                                                 std::vector<FlowSpec> const& flows,
                                                 std::vector<double> const& fluid_finish_s) const;

  private:
    TransportParams params_;
};

}  // namespace mw::fabric
