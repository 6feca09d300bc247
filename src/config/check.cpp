#include "check.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <initializer_list>

#include "megaweave/site/plan.hpp"
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

//! Returns whether the accelerators fit.
bool check_clos_size(fabric::NetworkParams const& clos, Checker& check) {
    check.expect(
        clos.radix % 2 == 0, {"cluster.scale_out.radix"},
        "cluster.scale_out.radix must be even. Write " + num(clos.radix - 1) + " or " + num(clos.radix + 1));
    std::int64_t const capacity = clos_capacity(clos);
    check.expect(clos.endpoints <= capacity,
                 {"cluster.scale_out", "cluster.accelerators", "cluster.rack", "cluster.scale_out.tiers",
                  "cluster.scale_out.radix", "cluster.scale_out.oversubscription"},
                 num(clos.endpoints) + " accelerators do not fit a Clos of " + num(clos.tiers) +
                     " tiers of radix " + num(clos.radix) + ", which holds " + num(capacity) + ". Use " +
                     (clos.tiers < 4 ? "more tiers or a larger radix" : "a larger radix"));
    return clos.endpoints <= capacity && clos.radix % 2 == 0;
}

//! All that keeps the network from being built; a Clos' commonest mistake in the words of the deck.
void check_network(fabric::NetworkParams const& network, Checker& check) {
    if (network.nics_per_node < 1) return;  // not read
    bool const one_clos = network.kind == fabric::Kind::clos && network.planes == 1;
    bool const fits = !one_clos || check_clos_size(network, check);
    bool const sound = network.endpoints > 0 && network.endpoints % network.nics_per_node == 0;
    if (!fits || !sound || network.link_bytes_per_s < 1) return;  // said elsewhere
    for (std::string const& mistake : site::network_mistakes(network))
        check.expect(false, {"cluster.scale_out"}, mistake);
}

void check_rack(ClusterParams const& cluster, Checker& check) {
    auto const& rack = cluster.rack;
    std::int64_t const node = rack.node.accelerators;
    if (node == 0) return;  // not read
    check.expect(cluster.accelerators % node == 0, {"cluster.accelerators", "cluster.rack"},
                 "cluster.accelerators must be a multiple of " + num(node) + ", a node of " + rack.name +
                     ". Write " + num((cluster.accelerators / node + 1) * node));
    std::int64_t const domain = rack.scale_up_domain;
    check.expect(
        domain % node == 0 && (rack.accelerators() % domain == 0 || domain % rack.accelerators() == 0),
        {"cluster.rack"},
        "scale_up_domain of rack " + rack.name +
            " must be whole nodes, and the rack whole domains or the domain whole racks");
    auto const& accelerator = rack.accelerator;
    check.expect(cluster.boards.power_cap_w == 0 || cluster.boards.power_cap_w > accelerator.resident_idle_w,
                 {"cluster.boards.power_cap", "cluster.rack"},
                 "no power cap can lie below the " + num(std::llround(accelerator.resident_idle_w)) +
                     " W that an idle " + accelerator.name + " draws");
    check.expect(accelerator.hbm_usable_bytes < 1.1 * accelerator.hbm_bytes, {"cluster.rack"},
                 "accelerator " + accelerator.name + " has more usable memory than its capacity");
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

//! The plant is stepped, and the meters are read, at samples.
void check_control(Deck const& deck, Checker& check) {
    plant::ControlParams const& control = deck.facility.control;
    bool const budget = deck.facility.budget_w > 0 || control.row_budget_w > 0 || control.rack_budget_w > 0 ||
                        control.event_ns > 0;
    check.expect(
        !control.on() || budget, {"facility.control.policy", "facility.budget"},
        "facility.control has a policy, but no budget to keep: write facility.budget, or row_budget or "
        "rack_budget in facility.control");
    check.expect(!control.on() || control.period_ns % deck.time.sample_ns == 0,
                 {"facility.control.period", "time.sample"},
                 "facility.control.period must be a multiple of time.sample, at whose ends meters are read");
    check.expect(!deck.facility.thermal.on || deck.time.sample_ns <= core::ns_per_s,
                 {"facility.thermal", "time.sample"},
                 "facility.thermal needs a time.sample of at most 1 s: temperatures are stepped at samples");
}

void check_delivery(plant::DeliveryParams const& delivery, Checker& check) {
    auto const falls =
        std::adjacent_find(delivery.psu_load.begin(), delivery.psu_load.end(), std::greater_equal<>{});
    check.expect(falls == delivery.psu_load.end(), {"facility.delivery.psu_load"},
                 "facility.delivery.psu_load must rise from value to value");
}

}  // namespace

std::int64_t clos_capacity(fabric::NetworkParams const& clos) {
    auto const radix = static_cast<double>(clos.radix);
    std::int64_t const down = std::clamp<std::int64_t>(
        std::llround(radix * clos.oversubscription / (1 + clos.oversubscription)), 1, clos.radix - 1);
    std::int64_t const per_leaf = down / clos.nics_per_node * clos.nics_per_node;
    std::int64_t const half = clos.radix / 2;
    return per_leaf * clos.radix * (clos.tiers >= 3 ? half : 1) * (clos.tiers == 4 ? half : 1);
}

void check_clos(fabric::NetworkParams const& clos, Tree const& root, Problems& problems) {
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
    check_control(deck, check);
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
        estimate("engine " + service.engine.name, service.engine.provenance);
        if (!service.engine.measured_on.empty() && service.timing_table.empty() &&
            std::ranges::find(service.engine.measured_on, cluster.rack.accelerator.name) ==
                service.engine.measured_on.end())
            warnings.push_back("engine " + service.engine.name + " was not measured on " +
                               cluster.rack.accelerator.name +
                               ": its speed there is the accelerator's efficiencies over all engines times "
                               "the engine's factors");
        if (cluster.rack.accelerator.peak_flops[hardware::index_of(service.weights)] <= 0) {
            warnings.push_back("service " + service.name + ": " + cluster.rack.accelerator.name +
                               " does not compute in the precision of the weights; they are stored so and "
                               "computed in the next wider one");
        }
        std::int64_t const instance =
            service.unequal_pools() ? service.prefill_pool.accelerators() + service.decode_pool.accelerators()
                                    : service.parallelism.accelerators();
        if (std::int64_t const spare = service.accelerators % instance; spare != 0) {
            warnings.push_back("service " + service.name + ": " + num(spare) +
                               " accelerators make no whole instance and stay idle");
        }
    }
    return warnings;
}

}  // namespace mw::config
