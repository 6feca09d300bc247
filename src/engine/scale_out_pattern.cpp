#include "scale_out_pattern.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <utility>

#include "megaweave/core/hash.hpp"

namespace mw::engine {

namespace {

using Nodes = std::pair<std::int64_t, std::int64_t>;

//! Runs of consecutive accelerators: an instance, its stages, its tensor groups.
struct Run {
    std::int64_t first;
    std::int64_t count;

    [[nodiscard]] std::int64_t end() const { return first + count; }
};

//! Bytes between nodes, in units of what one accelerator sends.
class Matrix {
  public:
    explicit Matrix(site::Plan const& plan) : plan_{&plan} {}

    [[nodiscard]] std::map<Nodes, double> const& pairs() const { return pairs_; }
    //! The node that sends most.
    [[nodiscard]] double busiest() const {
        std::map<std::int64_t, double> sent;
        double most = 0;
        for (auto const& [nodes, bytes] : pairs_) most = std::max(most, sent[nodes.first] += bytes);
        return most;
    }

    void send(std::int64_t from, std::int64_t to, double bytes) {
        std::int64_t const source = plan_->node_of(from);
        std::int64_t const sink = plan_->node_of(to);
        if (source != sink) pairs_[{source, sink}] += bytes;
    }

    //! Evenly to all members of the group's other domains, node by node.
    void all_to_all(Run group) {
        std::vector<Run> const domains = split(group, plan_->rack_type().scale_up_domain);
        if (domains.size() < 2) return;
        for (Run const& own : domains)
            for (Run const& source : split(own, plan_->rack_type().node.accelerators))
                for (Run const& domain : domains) {
                    if (domain.first == own.first) continue;
                    for (Run const& sink : split(domain, plan_->rack_type().node.accelerators))
                        send(source.first, sink.first,
                             static_cast<double>(source.count * sink.count) /
                                 static_cast<double>(group.count - own.count));
                }
    }

    //! Each to its like in the group's next domain.
    void ring(Run group) {
        std::vector<Run> const domains = split(group, plan_->rack_type().scale_up_domain);
        if (domains.size() < 2) return;
        for (std::size_t d = 0; d < domains.size(); ++d) {
            Run const& next = domains[(d + 1) % domains.size()];
            for (std::int64_t i = 0; i < domains[d].count; ++i)
                send(domains[d].first + i, next.first + i % next.count, 1.0);
        }
    }

    //! Each of one stage to its like in the next.
    void forward(Run stage) {
        for (std::int64_t a = stage.first; a < stage.end(); ++a)
            if (!plan_->same_scale_up_domain(a, a + stage.count)) send(a, a + stage.count, 1.0);
    }

  private:
    //! At multiples of `size`.
    static std::vector<Run> split(Run run, std::int64_t size) {
        std::vector<Run> parts;
        for (std::int64_t at = run.first; at < run.end();) {
            std::int64_t const end = std::min(run.end(), (at / size + 1) * size);
            parts.push_back({at, end - at});
            at = end;
        }
        return parts;
    }

    site::Plan const* plan_;
    std::map<Nodes, double> pairs_;
};

//! Bytes of each link, of those of the busiest node.
std::map<fabric::LinkIndex, double> load_links(site::Plan const& plan, Matrix const& matrix, double busiest) {
    fabric::Topology const& network = plan.network();
    std::int64_t const nics = plan.rack_type().node.accelerators;
    std::int64_t const rails = network.pieces(nics);
    std::map<fabric::LinkIndex, double> loads;
    fabric::Path path;
    for (auto const& [nodes, bytes] : matrix.pairs())
        for (std::int64_t rail = 0; rail < rails; ++rail) {
            auto const source = static_cast<std::uint64_t>(nodes.first);
            auto const sink = static_cast<std::uint64_t>(nodes.second);
            std::uint64_t const hash =
                core::mix(source << 40 ^ sink << 16 ^ static_cast<std::uint64_t>(rail));
            network.path({static_cast<std::int32_t>(nodes.first), static_cast<std::int32_t>(nodes.second),
                          static_cast<std::int32_t>(rail), fabric::Route::undecided, hash},
                         path);
            for (fabric::Hop const& hop : path.hops())
                loads[hop.link] += bytes / busiest * hop.weight / static_cast<double>(rails);
        }
    return loads;
}

void put_on_links(site::Plan const& plan, Matrix const& matrix, ScaleOutPattern& pattern) {
    constexpr double slack = 1e-6;  // of a part, so that whole numbers stay whole
    double line = pattern.nominal_bytes_per_s;
    for (auto const& [link, load] : load_links(plan, matrix, pattern.senders)) {
        pattern.parts.push_back({link, std::max<std::int64_t>(1, std::llround(std::ceil(load - slack)))});
        line = std::min(line, static_cast<double>(plan.network().capacity(link)) * fabric::full_weight /
                                  static_cast<double>(pattern.parts.back().weight));
    }
    pattern.line_bytes_per_s = std::max<std::int64_t>(1, std::llround(line));
}

//! An iteration of one sequence or of one prompt sends messages of this kind out of the domain.
bool leaves(llm::IterationModel const& model, llm::Messages llm::Work::*kind) {
    llm::Batch decode;
    decode.decode_sequences = decode.context_tokens = decode.sampled_tokens = 1;
    llm::Batch prefill;
    prefill.prefill_tokens = prefill.prefill_pairs = prefill.sampled_tokens = prefill.prefill_chunks = 1;
    return (model.counter()(decode).*kind).scale_out_bytes > 0 ||
           (model.counter()(prefill).*kind).scale_out_bytes > 0;
}

}  // namespace

std::vector<ScaleOutPattern> scale_out_patterns(site::Plan const& plan, site::InstancePlace const& place,
                                                llm::IterationModel const& model) {
    if (!spans_domains(plan, place)) return {};
    llm::Layout const& layout = model.counter().layout();
    auto const tensor = static_cast<std::int64_t>(layout.tensor);
    auto const stage = static_cast<std::int64_t>(layout.stage);
    auto const stages = static_cast<std::int64_t>(layout.pipeline);
    std::vector<ScaleOutPattern> patterns;
    auto const add = [&](fabric::TrafficClass traffic, llm::Messages llm::Work::*kind, auto const& fill) {
        if (!leaves(model, kind)) return;
        Matrix matrix{plan};
        for (std::int64_t s = 0; s < stages; ++s)
            fill(matrix, Run{place.first_accelerator + s * stage, stage}, s);
        if (matrix.pairs().empty()) return;
        ScaleOutPattern& pattern = patterns.emplace_back();
        pattern.traffic = traffic;
        pattern.senders = matrix.busiest();
        pattern.off_domain = std::max(0.0, layout.stage - layout.domain) / std::max(1.0, layout.stage - 1.0);
        pattern.nominal_bytes_per_s = pattern.senders * model.scale_out_bytes_per_s();
        put_on_links(plan, matrix, pattern);
    };
    add(fabric::TrafficClass::tensor, &llm::Work::tensor, [&](Matrix& matrix, Run run, std::int64_t) {
        for (std::int64_t at = run.first; at < run.end(); at += tensor) matrix.ring({at, tensor});
    });
    add(fabric::TrafficClass::expert, &llm::Work::expert, [&](Matrix& matrix, Run run, std::int64_t) {
        if (layout.expert > 1)
            matrix.all_to_all(run);
        else
            matrix.ring(run);
    });
    add(fabric::TrafficClass::pipeline, &llm::Work::pipeline, [&](Matrix& matrix, Run run, std::int64_t s) {
        if (s + 1 < stages) matrix.forward(run);
    });
    return patterns;
}

bool spans_domains(site::Plan const& plan, site::InstancePlace const& place) {
    return !plan.same_scale_up_domain(place.first_accelerator,
                                      place.first_accelerator + place.accelerators - 1);
}

bool spans_domains(site::Plan const& plan) {
    return std::ranges::any_of(plan.instances(),
                               [&](site::InstancePlace const& place) { return spans_domains(plan, place); });
}

}  // namespace mw::engine
