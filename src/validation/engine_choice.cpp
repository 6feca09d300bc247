#include "engine_choice.hpp"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <regex>

#include "layout.hpp"

namespace mw::validation {

namespace {

std::string lower(std::string text) {
    std::ranges::transform(text, text.begin(), [](unsigned char c) { return std::tolower(c); });
    return text;
}

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

//! Engines' defaults for the share of memory, the order of prompts and decode, and admission.
void set_rules(Family family, serving::SchedulerParams& scheduler) {
    scheduler.chunked_prefill = true;
    switch (family) {
        case Family::tensorrt_llm:
            scheduler.memory_rule = llm::MemoryRule::of_free;
            scheduler.memory_share = 0.90;
            scheduler.admission = serving::Admission::reserve_output;
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

bool named(std::vector<std::string> const& names, std::string const& name) {
    return std::ranges::find(names, name) != names.end();
}

//! The recipe that such a measurement followed; nullptr: none that is known.
serving::RecipeParams const* recipe_of(Setup const& setup, config::Entries const& entries,
                                       serving::ServiceParams const& service) {
    auto const* const rack = entries.rack(setup.hardware);
    std::string const family = name_of(family_of(setup));
    std::string const version = version_of(setup);
    llm::Parallelism const& p = service.parallelism;
    auto const load = setup.load == Load::max ? serving::RecipeLoad::max : serving::RecipeLoad::closed;
    for (auto const& [name, recipe] : entries.recipes()) {
        bool const same_work = named(recipe.models, service.model.name) && recipe.weights == setup.weights &&
                               rack != nullptr && named(recipe.accelerators, rack->accelerator.name);
        bool const same_engine =
            recipe.engine == family && (recipe.versions.empty() || named(recipe.versions, version));
        bool const same_layout = (recipe.tensor == 0 || recipe.tensor == p.tensor) &&
                                 (!recipe.attention_data || p.attention_data > 1);
        if (recipe.load == load && same_work && same_engine && same_layout) return &recipe;
    }
    return nullptr;
}

void follow(serving::RecipeParams const& recipe, Setup const& setup, serving::ServiceParams& service) {
    serving::SchedulerParams& scheduler = service.scheduler;
    bool const busy =
        recipe.busy_concurrency > 0 && setup.concurrency >= static_cast<double>(recipe.busy_concurrency);
    scheduler.poll_iterations = busy ? recipe.busy_poll_iterations : recipe.poll_iterations;
    std::int64_t const tokens = std::max<std::int64_t>(
        recipe.batched_tokens,
        std::llround(static_cast<double>(recipe.batched_prompts) * setup.input_tokens));
    if (tokens > 0) scheduler.max_batched_tokens = attention_ranks(service.parallelism) * tokens;
    scheduler.memory_share = recipe.memory_share;
    service.kv_cache = recipe.kv_cache;
    if (recipe.spread_experts && service.model.routed_experts > 0)
        service.parallelism.expert = service.parallelism.accelerators() / service.parallelism.pipeline;
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
    if (auto const* const recipe = recipe_of(setup, entries, service)) follow(*recipe, setup, service);
}

}  // namespace mw::validation
