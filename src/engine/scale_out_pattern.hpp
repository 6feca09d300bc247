#pragma once

#include <cstdint>
#include <vector>

#include "megaweave/fabric/traffic.hpp"
#include "megaweave/llm/iteration.hpp"
#include "megaweave/site/plan.hpp"
#include "transfer.hpp"

namespace mw::engine {

//! Where an instance's messages of one kind go, once they leave their scale-up domain.
struct ScaleOutPattern {
    fabric::TrafficClass traffic{fabric::TrafficClass::expert};
    double senders{0};  //!< accelerators' worth of bytes that leave the busiest node: rates are this node's
    double off_domain{1};  //!< of messages sent directly, the part that leaves the domain
    std::int64_t line_bytes_per_s{
        0};  //!< of the busiest node while messages move: its NICs', or what the links allow it if nobody else is there
    double nominal_bytes_per_s{0};  //!< its NICs' alone
    std::vector<LinkPart> parts;    //!< each link once, ascending
};

/*!
 * Traffic matrix of the messages that leave an instance's scale-up domains, node to node, put on the network's links.
 *
 *     expert     all-to-all: each accelerator of a stage sends evenly to those of the stage's other domains; experts that are split
 *                like matrices gather instead, a ring over domains
 *     tensor     a ring over the domains of a tensor group, each accelerator to its like in the next
 *     pipeline   each accelerator to its like in the next stage, where that is another domain
 *
 * Ranks count tensor first, then attention data, then pipeline; accelerators of an instance are consecutive. The rate of a pattern is that
 * of its busiest node, so that a node's all-to-all counts as one transfer where links are shared. weight(link) = sum over pairs of
 * bytes x the path's share / bytes of the busiest node, rounded up to 1/720,720. line = min(NICs, min over links capacity / weight).
 * Leaves out: imbalance between nodes (Zipf's experts), directly sent messages between nodes of one domain, paths inside a node.
 * Worked: all-to-all over 4 nodes, 2 on each of 2 leaves: a node's links carry 1, a leaf's uplinks 2 x 2/3 = 4/3 of a node's bytes; with
 * leaves tapered 4:1 (2 nodes of 4 NICs below 2 uplinks) a node sends at 2 / (4/3) = 1.5 links instead of 4.
 */
[[nodiscard]] std::vector<ScaleOutPattern> scale_out_patterns(site::Plan const& plan,
                                                              site::InstancePlace const& place,
                                                              llm::IterationModel const& model);

//! It lies in more than one scale-up domain.
[[nodiscard]] bool spans_domains(site::Plan const& plan, site::InstancePlace const& place);
//! Any instance of the plan does.
[[nodiscard]] bool spans_domains(site::Plan const& plan);

}  // namespace mw::engine
