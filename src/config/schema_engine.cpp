#include "schema_entry.hpp"

namespace mw::config {

void describe(Fields& fields, llm::EngineParams& engine) {
    static Choices const first_tokens{{"family", "decode", "resampled", "prefill"}, {}};
    Rule const factor = bounds::factor;
    Rule const size = bounds::count;
    describe_name(fields, engine.name);
    fields.text("family", engine.family);
    describe_month(fields, "released", engine.released_month);
    if (fields.reading() || engine.first_token != llm::FirstToken::family)
        fields.choice("first_token", engine.first_token, first_tokens);
    fields.block("factors", [&](Fields& block) {
        block.number("flops", engine.flops, factor);
        block.number("expert_flops", engine.expert_flops, factor);
        block.number("attention_flops", engine.attention_flops, factor);
        block.number("hbm", engine.hbm, factor);
        block.number("kv_hbm", engine.kv_hbm, factor);
        block.number("link", engine.link, factor);
    });
    fields.number("half_rows", engine.half_rows, size);
    fields.number("half_expert_rows", engine.half_expert_rows, size);
    fields.number("half_columns", engine.half_columns, size);
    fields.number("half_expert_columns", engine.half_expert_columns, size);
    fields.number("roofline_blend", engine.roofline_blend, share);
    fields.number("activation_passes", engine.activation_passes, within(0, 100));
    fields.number("communication_overlap", engine.communication_overlap, share);
    fields.integer("interleaved_batches", engine.interleaved_batches, within(1, 16));
    fields.number("expert_skew", engine.expert_skew, within(0, 4));
    fields.block("maturing", [&](Fields& block) {
        Rule const extra = within(0, 100);
        block.number("kernels", engine.maturing.kernels, extra);
        block.number("products", engine.maturing.products, extra);
        block.number("months", engine.maturing.months, within(0.1, 1200));
    });
    fields.block("launches", [&](Fields& block) {
        Rule const count = within(0, 1000);
        block.number("attention", engine.launches.attention, count);
        block.number("latent", engine.launches.latent, count);
        block.number("linear", engine.launches.linear, count);
        block.number("index", engine.launches.index, count);
        block.number("dense", engine.launches.dense, count);
        block.number("experts", engine.launches.experts, count);
        block.number("fp4_experts", engine.launches.fp4_experts, count);
        block.number("shared", engine.launches.shared, count);
        block.number("norm", engine.launches.norm, count);
        block.number("quantise", engine.launches.quantise, count);
    });
    fields.time("kernel", engine.kernel_ns, "us", bounds::latency);
    fields.time("collective", engine.collective_ns, "us", bounds::latency);
    fields.time("ring_step", engine.ring_step_ns, "us", bounds::latency);
    fields.block("host", [&](Fields& block) {
        block.time("iteration", engine.iteration_ns, "ms", within(0, 10));
        block.time("sequence", engine.sequence_ns, "us", bounds::latency);
        block.time("request", engine.request_ns, "ms", within(0, 10));
        block.time("token", engine.token_ns, "ns", within(0, 1e-3));
        block.number("overlap", engine.host_overlap, share);
        block.time("launch", engine.launch_ns, "us", bounds::latency);
    });
    fields.block("client", [&](Fields& block) {
        block.time("response", engine.response_ns, "ms", within(0, 60));
        block.time("response_per_token", engine.response_per_token_ns, "us", bounds::latency);
        block.integer("stream_interval", engine.stream_interval, within(1, 1e6));
    });
    if (!fields.physics_only()) fields.words("measured_on", engine.measured_on);
    describe(fields, engine.provenance, source_rule(fields));
}

}  // namespace mw::config
