#include "engine_choice.hpp"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <regex>

#include "layout.hpp"
#include "tuned_limits.hpp"

namespace mw::validation {

namespace {

std::string lower(std::string text) {
    std::ranges::transform(text, text.begin(), [](unsigned char c) { return std::tolower(c); });
    return text;
}

//! Of an accelerator beside weights, activations and cache under PyTorch: context, kernels' code, workspaces, graphs.
//! Source: github.com/ai-dynamo/aiconfigurator, systems/h100_sxm.yaml (other_mem), whose capacities its tests hold to TensorRT-LLM's.
constexpr double pytorch_reserve_bytes = 3'758'096'384;

enum class Family : std::uint8_t { tensorrt_llm, sglang, vllm, atom };
constexpr char const* family_names[] = {"tensorrt-llm", "sglang", "vllm", "atom"};

std::string name_of(Family family) {
    return family_names[static_cast<std::size_t>(family)];
}

//! Under its own name and those of what wraps it.
Family family_of(Setup const& setup) {
    std::string const engine = lower(setup.engine);
    auto const named = [&](char const* word) { return engine.find(word) != std::string::npos; };
    if (named("sglang")) return Family::sglang;
    if (named("tensorrt") || named("trt")) return Family::tensorrt_llm;
    return named("atom") ? Family::atom : Family::vllm;
}

//! "1.2.0rc6.post3" of "trtllm 1.2.0rc6.post3"; "" if there is none.
std::string version_in(std::string const& text) {
    static std::regex const version{R"([0-9]+\.[0-9]+(\.[0-9]+)?(rc[0-9]+)?(\.post[0-9]+)?)"};
    std::smatch found;
    return std::regex_search(text, found, version) ? found.str() : "";
}

//! That a row states; without one its source, which kept to one.
std::string version_of(Setup const& setup) {
    std::string version = version_in(lower(setup.engine_version));
    if (version.empty()) version = version_in(lower(setup.engine));
    if (version.empty() && lower(setup.engine_version).find("nightly") != std::string::npos)
        version = "nightly";
    return version.empty() ? lower(setup.source) : version;
}

//! Releases of TensorRT-LLM before 0.19 compiled engines for its own runtime; then its benchmarks ran PyTorch. Some rows state the version of
//! Dynamo around it, which runs PyTorch and has not come to 0.9.
bool compiled(Setup const& setup) {
    static std::regex const before{R"(0\.(9|1[0-8])(\.[0-9]+)?)"};
    return family_of(setup) == Family::tensorrt_llm && std::regex_match(version_of(setup), before);
}

//! Engines' defaults for the share of memory, the order of prompts and decode, and admission.
void set_rules(Family family, serving::SchedulerParams& scheduler) {
    scheduler.chunked_prefill = true;
    switch (family) {
        case Family::tensorrt_llm:
            scheduler.memory_rule = llm::MemoryRule::of_free;
            scheduler.memory_share = 0.90;
            scheduler.admission = serving::Admission::reserve_output;
            scheduler.frees_windows = false;  // unless max_attention_window is set, which no recipe here does
            break;
        case Family::sglang:
            scheduler.memory_rule = llm::MemoryRule::weights_and_cache;
            scheduler.memory_share = 0.88;
            scheduler.policy = serving::SchedulerPolicy::prefill_first;
            break;
        case Family::vllm:
        case Family::atom:
            scheduler.memory_rule = llm::MemoryRule::of_total;
            scheduler.memory_share = 0.90;
            break;
    }
}

std::int64_t attention_ranks(llm::Parallelism const& p) {
    return p.accelerators() / (p.pipeline * p.tensor);
}

//! One draft, right in 85 to 90 % of cases (DeepSeek-V3 technical report, section 5.4.3).
serving::SpeculativeParams speculation(Setup const& setup) {
    serving::SpeculativeParams speculative;
    if (setup.speculative.empty() || setup.speculative == "none") return speculative;
    if (setup.speculative != "mtp")
        throw CannotRun("speculative decoding of kind '" + setup.speculative + "'");
    speculative.draft_tokens = 1;
    speculative.acceptance = 0.875;
    return speculative;
}

//! The generation itself, else its family, else what no engine in particular reaches.
llm::EngineParams const& catalogue_engine(Setup const& setup, config::Entries const& entries) {
    for (std::string const& name : {engine_key(setup), name_of(family_of(setup)), std::string{"generic"}})
        if (auto const* const engine = entries.engine(name)) return *engine;
    throw CannotRun("the catalogue has no engine 'generic' to stand in for " + setup.engine);
}

template <class Value>
bool allows(std::vector<Value> const& listed, Value const& value) {
    return listed.empty() || std::ranges::find(listed, value) != listed.end();
}

//! The recipe that such a measurement followed; nullptr: none that is known.
serving::RecipeParams const* recipe_of(Setup const& setup, config::Entries const& entries,
                                       hardware::AcceleratorParams const& accelerator,
                                       serving::ServiceParams const& service) {
    std::string const family = name_of(family_of(setup));
    std::string const version = version_of(setup);
    llm::Parallelism const& p = service.parallelism;
    auto const load = setup.load == Load::max ? serving::RecipeLoad::max : serving::RecipeLoad::closed;
    for (auto const& [name, recipe] : entries.recipes()) {
        bool const same_work = allows(recipe.models, service.model.name) &&
                               allows(recipe.weights, setup.weights) &&
                               (!recipe.mixtures || service.model.routed_experts > 0) &&
                               allows(recipe.accelerators, accelerator.name);
        bool const same_engine = recipe.engine == family && allows(recipe.versions, version);
        bool const same_layout = (recipe.tensor == 0 || recipe.tensor == p.tensor) &&
                                 (!recipe.attention_data || p.attention_data > 1);
        if (recipe.load == load && same_work && same_engine && same_layout) return &recipe;
    }
    return nullptr;
}

void spread(serving::RecipeParams const& recipe, llm::Parallelism& p) {
    std::int64_t const stage = p.accelerators() / p.pipeline;
    if (recipe.spread_attention) {
        p.tensor = 1;
        p.attention_data = stage;
    }
    if (recipe.spread_attention || recipe.spread_experts) p.expert = stage;
}

//! Of each scheduler: what the recipe states, else what the benchmark chose, else the engine's own.
Limits limits_of(serving::RecipeParams const& recipe, Setup const& setup,
                 hardware::AcceleratorParams const& accelerator, serving::ServiceParams const& service,
                 Limits limits) {
    if (recipe.tuned_limits) {
        std::int64_t const pipeline = service.parallelism.pipeline;
        limits = tuned_limits(service.model, {service.weights, service.kv_cache},
                              service.parallelism.accelerators() / pipeline, pipeline, accelerator,
                              setup.input_tokens, setup.output_tokens);
    }
    if (recipe.max_sequences > 0) limits.sequences = recipe.max_sequences;
    std::int64_t const stated = std::max<std::int64_t>(
        recipe.batched_tokens,
        std::llround(static_cast<double>(recipe.batched_prompts) * setup.input_tokens));
    if (stated > 0) limits.tokens = stated;
    std::int64_t const whole = std::llround(setup.input_tokens) + limits.sequences;
    if (recipe.whole_prompts) limits.tokens = std::max(limits.tokens, whole);
    return limits;
}

void follow(serving::RecipeParams const& recipe, Setup const& setup,
            hardware::AcceleratorParams const& accelerator, serving::ServiceParams& service) {
    serving::SchedulerParams& scheduler = service.scheduler;
    bool const busy =
        recipe.busy_concurrency > 0 && setup.concurrency >= static_cast<double>(recipe.busy_concurrency);
    scheduler.poll_iterations = busy ? recipe.busy_poll_iterations : recipe.poll_iterations;
    scheduler.memory_share = recipe.memory_share;
    service.kv_cache = recipe.kv_cache.value_or(service.kv_cache);
    Limits const defaults{scheduler.max_sequences / attention_ranks(service.parallelism),
                          scheduler.max_batched_tokens / attention_ranks(service.parallelism)};
    if (service.model.routed_experts > 0) spread(recipe, service.parallelism);
    Limits const limits = limits_of(recipe, setup, accelerator, service, defaults);
    scheduler.max_sequences = attention_ranks(service.parallelism) * limits.sequences;
    scheduler.max_batched_tokens = attention_ranks(service.parallelism) * limits.tokens;
    if (recipe.speculative.draft_tokens > 0 && service.speculative.draft_tokens == 0)
        service.speculative = recipe.speculative;
}

}  // namespace

std::string engine_key(Setup const& setup) {
    std::string const family = name_of(family_of(setup));
    std::string const version = version_of(setup);
    return version.empty() ? family : family + "-" + version;
}

EngineUsed engine_used(Setup const& setup, llm::EngineParams const& entry, std::string const& accelerator) {
    EngineUsed used{name_of(family_of(setup)), engine_key(setup), entry.name};
    if (entry.name == used.wanted) {
        bool const there = std::ranges::find(entry.measured_on, accelerator) != entry.measured_on.end();
        used.stand_in = there ? StandIn::none : StandIn::accelerator;
    } else {
        used.stand_in = entry.name == used.family ? StandIn::family : StandIn::generic;
    }
    return used;
}

void choose_engine(Setup const& setup, config::Entries const& entries, serving::ServiceParams& service) {
    Family const family = family_of(setup);
    service.engine = catalogue_engine(setup, entries);
    serving::SchedulerParams& scheduler = service.scheduler;
    set_rules(family, scheduler);
    if (family == Family::tensorrt_llm && !compiled(setup)) {
        scheduler.logit_copies = 0;  // the cache is sized by a run that samples few sequences
        scheduler.memory_reserve_bytes = pytorch_reserve_bytes;
    }
    scheduler.max_sequences = attention_ranks(service.parallelism_of(false)) *
                              (family == Family::tensorrt_llm && setup.load == Load::max ? 2048 : 1024);
    // Such a batch ran, so the engine's limit was no lower.
    if (setup.load == Load::static_batch || setup.load == Load::steady_batch)
        scheduler.max_sequences =
            std::max<std::int64_t>(scheduler.max_sequences, std::llround(setup.concurrency));
    scheduler.max_batched_tokens =
        attention_ranks(service.parallelism_of(true)) * (family == Family::sglang ? 16384 : 8192);
    // Checkpoints quantised for TensorRT-LLM carry FP8 scales for the cache, and the recipes of published benchmarks set FP8 with weights
    // narrower than BF16; ML.ENERGY serves with vLLM's default, the model's BF16.
    bool const defaults = lower(setup.source).starts_with("mlenergy");
    service.kv_cache = !defaults && service.weights != hardware::Precision::bf16 ? hardware::Precision::fp8
                                                                                 : hardware::Precision::bf16;
    service.speculative = speculation(setup);
    if ((setup.load != Load::closed && setup.load != Load::max) || setup.disaggregated) return;
    auto const* const rack = entries.rack(setup.hardware);
    if (rack == nullptr) return;
    if (auto const* const recipe = recipe_of(setup, entries, rack->accelerator, service))
        follow(*recipe, setup, rack->accelerator, service);
}

}  // namespace mw::validation
