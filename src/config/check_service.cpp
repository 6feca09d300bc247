#include <algorithm>

#include "checker.hpp"

namespace mw::config {

namespace {

void check_model(llm::ModelParams const& model, std::string const& path, Checker& check) {
    bool const latent = model.attention == llm::Attention::latent;
    check.expect(latent || (model.kv_heads > 0 && model.head_dim > 0 &&
                            model.heads % std::max<std::int64_t>(model.kv_heads, 1) == 0),
                 {path}, "model " + model.name + " needs head_dim, and kv_heads that divide heads");
    check.expect(
        !latent || (model.kv_lora_rank > 0 && model.v_head_dim > 0 && model.qk_nope_head_dim > 0), {path},
        "model " + model.name + " with latent attention needs kv_lora_rank, qk_nope_head_dim and v_head_dim");
    bool const dense = model.moe_every == 0;
    check.expect(dense
                     ? model.dense_intermediate > 0
                     : model.routed_experts > 0 && model.experts_per_token > 0 && model.moe_intermediate > 0,
                 {path},
                 "model " + model.name +
                     (dense ? " needs dense_intermediate"
                            : " needs routed_experts, experts_per_token and moe_intermediate"));
    check.expect(model.experts_per_token <= model.routed_experts, {path},
                 "model " + model.name + " has more experts_per_token than routed_experts");
    check.expect(model.sliding_layers + model.linear_layers <= model.layers, {path},
                 "model " + model.name + " has more sliding and linear layers than layers");
    check.expect(model.sliding_layers == 0 || model.sliding_window > 0, {path},
                 "model " + model.name + " has sliding_layers, but no sliding_window");
    check.expect(model.linear_layers == 0 || (model.linear_key_heads > 0 && model.linear_value_heads > 0 &&
                                              model.linear_key_dim > 0 && model.linear_value_dim > 0),
                 {path},
                 "model " + model.name +
                     " with linear_layers needs linear_key_heads, linear_value_heads, linear_key_dim and "
                     "linear_value_dim");
    check.expect(model.sparse_tokens == 0 || (model.index_heads > 0 && model.index_head_dim > 0), {path},
                 "model " + model.name + " with sparse_tokens needs index_heads and index_head_dim");
}

//! `layout`: the path of the block.
void check_parallelism(llm::ModelParams const& model, llm::Parallelism const& parallelism,
                       std::string const& path, std::string const& layout, Checker& check) {
    if (model.heads > 0) {
        check.expect(model.heads % parallelism.tensor == 0, {layout + ".tensor", path + ".model"},
                     "parallelism.tensor = " + num(parallelism.tensor) + " does not divide the " +
                         num(model.heads) + " heads of " + model.name);
        check.expect(
            parallelism.pipeline <= model.layers, {layout + ".pipeline", path + ".model"},
            "parallelism.pipeline is larger than the " + num(model.layers) + " layers of " + model.name);
        check.expect(
            parallelism.expert == 1 || model.routed_experts > 0, {layout + ".expert", path + ".model"},
            "parallelism.expert needs a model with experts; " + model.name + " has none. Write expert: 1");
        check.expect(model.routed_experts == 0 || parallelism.expert <= model.routed_experts,
                     {layout + ".expert", path + ".model"},
                     "parallelism.expert is larger than the " + num(model.routed_experts) + " experts of " +
                         model.name);
    }
    std::int64_t const attention = parallelism.tensor * parallelism.attention_data;
    check.expect(parallelism.expert <= attention ? attention % parallelism.expert == 0
                                                 : parallelism.expert % attention == 0,
                 {layout, layout + ".expert", layout + ".tensor", layout + ".attention_data"},
                 "parallelism.expert and tensor x attention_data share the same accelerators: one must "
                 "divide the other");
}

void check_layout(serving::ServiceParams const& service, std::string const& path, Checker& check) {
    if (service.prefill_pool.instances == 0)
        return check_parallelism(service.model, service.parallelism, path, path + ".parallelism", check);
    check_parallelism(service.model, service.prefill_pool.parallelism, path,
                      path + ".pools.prefill.parallelism", check);
    check_parallelism(service.model, service.decode_pool.parallelism, path,
                      path + ".pools.decode.parallelism", check);
    check.expect(service.mode == serving::Mode::disaggregated, {path + ".pools", path + ".mode"},
                 path + ".pools are of a disaggregated service. Write mode: disaggregated");
    std::int64_t const unit = service.prefill_pool.accelerators() + service.decode_pool.accelerators();
    check.expect(
        service.accelerators == 0 || unit <= service.accelerators,
        {path + ".pools", path + ".accelerators", "cluster.accelerators"},
        "the pools' " + num(unit) + " accelerators do not fit the service's " + num(service.accelerators));
}

void check_part(Deck const& deck, serving::ServiceParams const& service, std::string const& path,
                Checker& check) {
    auto const& cluster = deck.cluster;
    std::int64_t const node = cluster.rack.node.accelerators;
    std::int64_t const instance = service.parallelism.accelerators();
    std::string const layout = path + ".parallelism";
    std::string const part = path + ".accelerators";
    if (node == 0 || cluster.accelerators == 0 || service.accelerators == 0) return;
    if (service.unequal_pools()) return;  // the plan places units where they fit
    check.expect(node % instance == 0 || instance % node == 0, {layout, "cluster.rack"},
                 "an instance of " + num(instance) + " accelerators neither divides a node of " + num(node) +
                     " nor is a multiple of it");
    bool const whole_cluster = service.accelerators == cluster.accelerators;  // said there
    check.expect(whole_cluster || service.accelerators % node == 0,
                 {part, "cluster.rack", "cluster.accelerators"},
                 part + " must be a multiple of " + num(node) + ", a node of " + cluster.rack.name);
    bool const fits = instance <= service.accelerators;
    check.expect(fits, {layout, part, "cluster.accelerators"},
                 "an instance of " + num(instance) + " accelerators does not fit the service's " +
                     num(service.accelerators));
    bool const split = service.mode == serving::Mode::disaggregated;
    check.expect(!fits || !split || service.accelerators / instance >= 2,
                 {path + ".mode", layout, part, "cluster.accelerators"},
                 "mode disaggregated needs at least 2 instances, one for prefill and one for decode; there "
                 "is room for 1");
}

//! What a service asks of a memory pool.
void check_pool_use(Deck const& deck, serving::ServiceParams const& service, std::string const& path,
                    Checker& check) {
    bool const present = deck.cluster.memory_pool.present();
    auto const needs = [&](bool asks, std::string const& key, std::string const& text) {
        check.expect(!asks || present, {path + key, "cluster.memory_pool"},
                     path + key + ": " + text +
                         " needs a memory pool. Write cluster.memory_pool: {capacity: 32 TB, bandwidth: 14 "
                         "TB/s}, or leave it out");
    };
    needs(service.scheduler.preemption == serving::Preemption::swap, ".scheduler.preemption", "swap");
    needs(service.scheduler.prefix_cache == serving::PrefixCache::pool, ".scheduler.prefix_cache", "pool");
    needs(service.start == serving::Start::cold, ".start", "cold");
}

void check_requests(serving::ServiceParams const& service, std::string const& path, Checker& check) {
    auto const& scheduler = service.scheduler;
    check.expect(scheduler.max_batched_tokens >= scheduler.max_sequences,
                 {path + ".scheduler.max_batched_tokens", path + ".scheduler.max_sequences"},
                 "scheduler.max_batched_tokens must be at least max_sequences (" +
                     num(scheduler.max_sequences) +
                     "): each decoding sequence takes one token of an iteration");
    for (auto const& [key, length] : {std::pair{".workload.input", &service.workload.input},
                                      std::pair{".workload.output", &service.workload.output}}) {
        std::string const law = path + key;
        bool const uniform = length->law == workload::Law::uniform;
        check.expect(!uniform || length->min <= length->max, {law + ".min", law + ".max"},
                     "min of a uniform law must not exceed max");
        bool const bounded = length->max > 0;
        check.expect(length->law != workload::Law::lognormal || !bounded ||
                         length->median <= static_cast<double>(length->max),
                     {law + ".max", law + ".median"}, "max of a lognormal law must not be below its median");
        check.expect(length->law != workload::Law::exponential || !bounded ||
                         length->mean <= static_cast<double>(length->max),
                     {law + ".max", law + ".mean"}, "max of an exponential law must not be below its mean");
    }
}

}  // namespace

void check_services(Deck const& deck, Checker& check) {
    std::int64_t total = 0;
    for (std::size_t i = 0; i < deck.services.size(); ++i) {
        auto const& service = deck.services[i];
        std::string const path = "services[" + std::to_string(i) + "]";
        for (std::size_t j = 0; j < i; ++j) {
            check.expect(
                service.name != deck.services[j].name, {path + ".name"},
                "the service name '" + service.name + "' is taken by services[" + std::to_string(j) + "]");
        }
        if (service.model.layers > 0) check_model(service.model, path + ".model", check);
        check_layout(service, path, check);
        check_part(deck, service, path, check);
        check_requests(service, path, check);
        check_pool_use(deck, service, path, check);
        total += service.accelerators;
        check.expect(service.accelerators > 0, {path, "cluster.accelerators"},
                     "missing key 'accelerators' in " + path +
                         ". With several services, each states its part of the cluster");
    }
    check.expect(total <= deck.cluster.accelerators, {"services", "cluster.accelerators"},
                 "the services ask for " + num(total) + " accelerators; the cluster has " +
                     num(deck.cluster.accelerators));
}

}  // namespace mw::config
