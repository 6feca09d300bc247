#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <regex>
#include <sstream>
#include <string>
#include <vector>

#include "megaweave/config/catalogue.hpp"
#include "megaweave/config/deck.hpp"
#include "megaweave/core/error.hpp"

using mw::config::catalogue_entry;
using mw::config::read_deck;

namespace {

namespace fs = std::filesystem;

fs::path const folder = fs::path{MW_SOURCE_DIR} / "tests/decks/models";
std::string const minimal = std::string{MW_SOURCE_DIR} + "/tests/decks/good/minimal.yaml";

//! An entry's lines without what says where it comes from; `parts`: without how checkpoints hold parts of it.
std::vector<std::string> facts(std::string const& entry, bool parts) {
    std::vector<std::string> lines;
    std::istringstream in{catalogue_entry("models", entry)};
    std::string line;
    std::getline(in, line);  // its name
    bool skipping = false;
    while (std::getline(in, line)) {
        auto const begins = [&](char const* key) { return line.starts_with(std::string{"  "} + key + ":"); };
        if (line.starts_with("    ")) {
            if (skipping) continue;
        } else {
            skipping =
                begins("name") || begins("released") || begins("source") || begins("quality") ||
                begins("note") ||
                (!parts && (begins("attention_weights") || begins("expert_weights") || begins("fp8_block")));
        }
        if (!skipping) lines.push_back(line);
    }
    return lines;
}

std::vector<std::string> messages_of(std::string const& model) {
    try {
        static_cast<void>(read_deck(minimal, {{"services[0].model", model}}));
    } catch (mw::core::InputError const& error) {
        return error.messages();
    }
    return {};
}

}  // namespace

TEST_CASE("a config.json gives the catalogue's entry of the same model, key by key") {
    std::size_t read = 0;
    for (auto const& file : fs::directory_iterator{folder}) {
        if (file.path().extension() != ".json") continue;
        auto const name = file.path().stem().string();
        CAPTURE(name);
        // Only what a published file says of its own quantization can be compared.
        bool const quantized = name == "gpt-oss-20b";
        CHECK(facts(file.path().string(), quantized) == facts(name, quantized));
        ++read;
    }
    CHECK(read == 16);
}

TEST_CASE("a config.json says whether FP8 weights share scales in blocks") {
    auto const entry = [](char const* file) { return catalogue_entry("models", (folder / file).string()); };
    CHECK(entry("deepseek-v3.json").find("fp8_block: 128") != std::string::npos);
    CHECK(entry("qwen3-32b.json").find("fp8_block: 0") != std::string::npos);
}

TEST_CASE("a deck names a config.json relative to itself") {
    auto const deck = read_deck(minimal, {{"services[0].model", "../models/llama-3.1-70b.json"}});
    auto const& model = deck.services[0].model;
    CHECK(model.name == "llama-3.1-70b");
    CHECK(model.layers == 80);
    CHECK(model.head_dim == 128);
    CHECK(model.provenance.source.ends_with("tests/decks/models/llama-3.1-70b.json"));
    CHECK(model.provenance.note == "head_dim is hidden_size / num_attention_heads, as in the model's code");
    // Written out whole, so that a restart does not need the file.
    CHECK(deck.effective_yaml.find("layers: 80") != std::string::npos);
    // The file does not say when the model appeared.
    auto const named = read_deck(
        minimal, {{"services[0].model", "llama-3.1-70b"}, {"services[0].model.released", "unknown"}});
    CHECK(deck.physics_hash == named.physics_hash);
}

TEST_CASE("a file called config.json gives its folder's name to the model") {
    auto const copy = fs::temp_directory_path() / "megaweave_model_json_test" / "my-model";
    fs::create_directories(copy);
    fs::copy_file(folder / "qwen3-32b.json", copy / "config.json", fs::copy_options::overwrite_existing);
    CHECK(catalogue_entry("models", (copy / "config.json").string()).starts_with("my-model:\n"));
    fs::remove_all(copy.parent_path());
}

TEST_CASE("what a class's default decides is said in the note") {
    auto const entry = catalogue_entry("models", (folder / "gemma-3-27b.json").string());
    CHECK(entry.find("tied_embeddings: true") != std::string::npos);
    CHECK(entry.find("tie_word_embeddings is absent: true by the class's default") != std::string::npos);
}

TEST_CASE("a config.json that cannot be used is refused at the place of the mistake") {
    std::vector<std::pair<std::string, std::string>> const expected{
        {"unknown_architecture",
         R"(:2:17: the architecture 'llamma' is not known. Did you mean 'llama'\? Known are llama, mistral, .*)"},
        {"no_architecture", R"(:1:1: missing key 'model_type', .*)"},
        {"missing_keys", R"(:1:1: missing key 'num_key_value_heads', which a model of type 'llama' needs)"},
        {"not_a_number", R"(:4:18: .*must be a whole number)"},
        {"strange_layer", R"(:13:40: layers of type 'mamba' are not modelled. Known are full_attention, .*)"},
        {"layer_types_too_few", R"(:13:18: layer_types does not have num_hidden_layers entries)"},
        {"dense_layers_in_between", R"(:13:26: mlp_only_layers other than the first ones are not modelled)"},
        {"not_an_object", R"(:1:1: a model's config.json must be an object of keys)"},
        {"cut_short", R"(:[0-9]+:[0-9]+: not valid JSON: .*)"}};
    std::size_t files = 0;
    for (auto const& entry : fs::directory_iterator{folder / "bad"}) files += entry.is_regular_file() ? 1 : 0;
    CHECK(files == expected.size());
    for (auto const& [name, pattern] : expected) {
        CAPTURE(name);
        auto const messages = messages_of("../models/bad/" + name + ".json");
        REQUIRE(!messages.empty());
        CAPTURE(messages.front());
        CHECK(std::regex_match(messages.front(), std::regex{".*/" + name + R"(\.json)" + pattern}));
    }
    // Every missing key, not only the first.
    CHECK(messages_of("../models/bad/missing_keys.json").size() == 2);
    auto const absent = messages_of("../models/none.json");
    REQUIRE(absent.size() == 1);
    CHECK(absent.front().find("'../models/none.json' in services[0].model is not a file") !=
          std::string::npos);
}
