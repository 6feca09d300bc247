#include "check.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <initializer_list>

#include "units.hpp"

namespace mw::config {

namespace {

std::string num(std::int64_t value) {
    return std::to_string(value);
}

//! Reports at the first path, unless one of the paths that the check rests on is itself in error.
class Checker {
  public:
    Checker(Tree const& root, Problems& problems) : root_{root}, problems_{problems} {}

    void expect(bool good, std::initializer_list<std::string> paths, std::string const& message) {
        if (good) return;
        if (std::any_of(paths.begin(), paths.end(),
                        [&](auto const& path) { return problems_.touches(path); }))
            return;
        found_.emplace_back(*paths.begin(), message);
    }
    //! Only now, so that one contradiction does not hide another about the same key.
    ~Checker() {
        for (auto const& [path, message] : found_) problems_.add(where_of(root_, path), path, message);
    }
    Checker(Checker const&) = delete;
    Checker& operator=(Checker const&) = delete;

  private:
    Tree const& root_;
    Problems& problems_;
    std::vector<std::pair<std::string, std::string>> found_;
};

void check_time(TimeParams const& time, Checker& check) {
    auto const whole_windows = [&](std::string const& path, core::TimeNs length_ns) {
        core::TimeNs const next_multiple_ns = (length_ns / time.window_ns + 1) * time.window_ns;
        check.expect(length_ns % time.window_ns == 0, {path, "time.window"},
                     path + " must be a multiple of time.window. With this window, write " +
                         format_quantity(1e-9 * static_cast<double>(next_multiple_ns), unit_named("ms")));
    };
    whole_windows("time.sample", time.sample_ns);
    whole_windows("time.duration", time.duration_ns);
    whole_windows("time.warmup", time.warmup_ns);
    check.expect(time.window_ns <= time.duration_ns, {"time.window", "time.duration"},
                 "time.window is longer than time.duration. The usual window is 1 ms");
    check.expect(time.sample_ns <= time.duration_ns, {"time.sample", "time.duration"},
                 "time.sample is longer than time.duration. Shorten it, so that there is a sample");
}

void check_network(fabric::ClosParams const& clos, Checker& check) {
    check.expect(
        clos.radix % 2 == 0, {"cluster.scale_out.radix"},
        "cluster.scale_out.radix must be even. Write " + num(clos.radix - 1) + " or " + num(clos.radix + 1));
    std::int64_t const capacity = clos_capacity(clos);
    check.expect(clos.endpoints <= capacity,
                 {"cluster.scale_out", "cluster.accelerators", "cluster.rack", "cluster.scale_out.tiers",
                  "cluster.scale_out.radix", "cluster.scale_out.oversubscription"},
                 num(clos.endpoints) + " accelerators do not fit a Clos of " + num(clos.tiers) +
                     " tiers of radix " + num(clos.radix) + ", which holds " + num(capacity) + ". Use " +
                     (clos.tiers < 3 ? "3 tiers or a larger radix" : "a larger radix"));
}

void check_rack(ClusterParams const& cluster, Checker& check) {
    auto const& rack = cluster.rack;
    std::int64_t const node = rack.node.accelerators;
    if (node == 0) return;  // not read
    check.expect(cluster.accelerators % node == 0, {"cluster.accelerators", "cluster.rack"},
                 "cluster.accelerators must be a multiple of " + num(node) + ", a node of " + rack.name +
                     ". Write " + num((cluster.accelerators / node + 1) * node));
    check.expect(rack.scale_up_domain % node == 0 && rack.accelerators() % rack.scale_up_domain == 0,
                 {"cluster.rack"},
                 "scale_up_domain of rack " + rack.name + " must be whole nodes, and the rack whole domains");
    auto const& accelerator = rack.accelerator;
    check.expect(accelerator.idle_w <= accelerator.tdp_w && accelerator.resident_idle_w <= accelerator.tdp_w,
                 {"cluster.rack"}, "accelerator " + accelerator.name + " draws more when idle than its tdp");
}

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
}

void check_layout(serving::ServiceParams const& service, std::string const& path, Checker& check) {
    auto const& model = service.model;
    auto const& parallelism = service.parallelism;
    std::string const layout = path + ".parallelism";
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

void check_part(Deck const& deck, serving::ServiceParams const& service, std::string const& path,
                Checker& check) {
    auto const& cluster = deck.cluster;
    std::int64_t const node = cluster.rack.node.accelerators;
    std::int64_t const instance = service.parallelism.accelerators();
    std::string const layout = path + ".parallelism";
    std::string const part = path + ".accelerators";
    if (node == 0 || cluster.accelerators == 0 || service.accelerators == 0) return;
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
        total += service.accelerators;
        check.expect(service.accelerators > 0, {path, "cluster.accelerators"},
                     "missing key 'accelerators' in " + path +
                         ". With several services, each states its part of the cluster");
    }
    check.expect(total <= deck.cluster.accelerators, {"services", "cluster.accelerators"},
                 "the services ask for " + num(total) + " accelerators; the cluster has " +
                     num(deck.cluster.accelerators));
}

void check_delivery(plant::DeliveryParams const& delivery, Checker& check) {
    auto const falls =
        std::adjacent_find(delivery.psu_load.begin(), delivery.psu_load.end(), std::greater_equal<>{});
    check.expect(falls == delivery.psu_load.end(), {"facility.delivery.psu_load"},
                 "facility.delivery.psu_load must rise from value to value");
}

}  // namespace

std::int64_t clos_capacity(fabric::ClosParams const& clos) {
    auto const radix = static_cast<double>(clos.radix);
    std::int64_t const down = std::clamp<std::int64_t>(
        std::llround(radix * clos.oversubscription / (1 + clos.oversubscription)), 1, clos.radix - 1);
    std::int64_t const per_leaf = down / clos.nics_per_node * clos.nics_per_node;
    return per_leaf * (clos.tiers == 2 ? clos.radix : clos.radix * (clos.radix / 2));
}

void check_clos(fabric::ClosParams const& clos, Tree const& root, Problems& problems) {
    Checker check{root, problems};
    check_network(clos, check);
    check.expect(
        clos.link_bytes_per_s > 0, {"cluster.scale_out", "cluster.rack"},
        "missing key 'link' in cluster.scale_out. Write for example 'link: 400 Gb/s', or name a rack");
}

void check_deck(Deck const& deck, Tree const& root, Problems& problems) {
    Checker check{root, problems};
    check_time(deck.time, check);
    check_rack(deck.cluster, check);
    if (deck.cluster.scale_out.nics_per_node > 0) check_network(deck.cluster.scale_out, check);
    check_services(deck, check);
    check_delivery(deck.facility.delivery, check);
}

std::vector<std::string> warnings_of(Deck const& deck) {
    std::vector<std::string> warnings;
    auto const estimate = [&](std::string const& what, hardware::Provenance const& provenance) {
        if (provenance.quality != hardware::Quality::estimate) return;
        warnings.push_back("the values of " + what + " are estimates" +
                           (provenance.note.empty() ? "" : ": " + provenance.note));
    };
    auto const& cluster = deck.cluster;
    estimate("rack " + cluster.rack.name, cluster.rack.provenance);
    estimate("accelerator " + cluster.rack.accelerator.name, cluster.rack.accelerator.provenance);
    estimate("engine efficiency on " + cluster.rack.accelerator.name,
             cluster.rack.accelerator.efficiency.provenance);
    if (cluster.optics.estimate)
        warnings.push_back("the power of optics " + cluster.optics.name + " is an estimate");
    if (static_cast<double>(cluster.scale_out.link_bytes_per_s) >
        cluster.rack.accelerator.scale_out_bytes_per_s) {
        warnings.emplace_back(
            "cluster.scale_out.link is faster than the accelerator's network adapter, which is the limit");
    }
    for (auto const& service : deck.services) {
        estimate("model " + service.model.name, service.model.provenance);
        if (cluster.rack.accelerator.peak_flops[hardware::index_of(service.weights)] <= 0) {
            warnings.push_back("service " + service.name + ": " + cluster.rack.accelerator.name +
                               " does not compute in the precision of the weights; they are stored so and "
                               "computed in the next wider one");
        }
        std::int64_t const instance = service.parallelism.accelerators();
        if (std::int64_t const spare = service.accelerators % instance; spare != 0) {
            warnings.push_back("service " + service.name + ": " + num(spare) +
                               " accelerators make no whole instance and stay idle");
        }
    }
    return warnings;
}

}  // namespace mw::config
