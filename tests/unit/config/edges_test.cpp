// Texts at the edges of what YAML and JSON allow. The names in brackets are cases of the issue that asked for them.
#include <doctest/doctest.h>

#include <unistd.h>

#include <array>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "megaweave/config/catalogue.hpp"
#include "megaweave/config/deck.hpp"
#include "megaweave/core/error.hpp"
#include "parse_json.hpp"
#include "tree.hpp"

using namespace mw;

namespace {

std::string const good = std::string{MW_SOURCE_DIR} + "/tests/decks/good/";

//! A folder that is gone at the end of the test.
class Scratch {
  public:
    Scratch()
        : folder_{std::filesystem::temp_directory_path() / ("megaweave-edges-" + std::to_string(getpid()))} {
        std::filesystem::create_directories(folder_);
    }
    ~Scratch() {
        std::error_code ignored;
        std::filesystem::remove_all(folder_, ignored);
    }
    Scratch(Scratch const&) = delete;
    Scratch& operator=(Scratch const&) = delete;
    [[nodiscard]] std::string path(std::string const& name) const { return (folder_ / name).string(); }

  private:
    std::filesystem::path folder_;
};

std::vector<std::string> messages_of(auto&& action) {
    try {
        action();
    } catch (core::InputError const& error) {
        return error.messages();
    }
    return {};
}

struct Parsed {
    config::Tree tree;
    std::vector<std::string> messages;
};

Parsed parse(std::string const& text, bool json = false) {
    config::Problems problems;
    auto const source = problems.add_source("text");
    Parsed parsed;
    parsed.tree =
        json ? config::parse_json(text, source, problems) : config::parse_text(text, source, problems);
    parsed.messages = messages_of([&] { problems.raise(); });
    return parsed;
}

std::string at(Parsed const& parsed, std::string const& path) {
    config::Tree const* const node = config::at_path(parsed.tree, path);
    return node == nullptr ? "absent" : node->text;
}

//! Of this process's own work, whatever else the machine does.
double seconds_of(auto&& action) {
    std::clock_t const start = std::clock();
    action();
    return static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
}

}  // namespace

TEST_CASE("a text is one document: what follows it is refused at its place [stray_comma]") {
    CHECK(
        parse("{a: 1},").messages ==
        std::vector<std::string>{"text:1:7: unexpected text after the end of the block: ','. Leave it out"});
    CHECK(parse("[1, 2],\n").messages.at(0).starts_with("text:1:7: unexpected"));
    CHECK(parse("\"x\",").messages.size() == 1);
    CHECK(parse("{a: 1}\n{b: 2}\n").messages.at(0).starts_with("text:2:1: unexpected"));
    CHECK(
        parse("a: 1\n---\nb: 2\n").messages.at(0).starts_with("text:2:1: the text holds several documents"));
    CHECK(parse("a: 1\n...\n").messages.empty());
    CHECK(parse("---\na: 1\n").messages.empty());
    CHECK(parse("{\"a\": 1},", true).messages ==
          std::vector<std::string>{"text:1:9: not valid JSON: unexpected text after the end of the value"});
}

TEST_CASE("a stray comma in --set is refused as quickly as one in a deck [stray_comma]") {
    for (auto const& [path, value] : {std::pair{"cluster.scale_out.sides", "[1,2],"},
                                      std::pair{"name", "\"x\","}, std::pair{"cluster", "{a: 1},"}}) {
        auto const messages = messages_of([&, p = std::string{path}, v = std::string{value}] {
            (void)config::read_deck(good + "minimal.yaml", {{p, v}});
        });
        REQUIRE(!messages.empty());
        CHECK(messages[0].find("unexpected text") != std::string::npos);
    }
}

TEST_CASE("merge keys: a block's own keys win, then those of the maps that are named earlier") {
    auto const merged = parse(
        "one: &one {a: 1, b: 1, c: 1}\n"
        "two: &two {b: 2, c: 2, d: 2}\n"
        "list: {c: 3, <<: [*one, *two]}\n"
        "alone: {<<: *two, e: 3}\n"
        "nested: {<<: {<<: *one, b: 4}}\n"
        "word: {\"<<\": x}\n");
    CHECK(merged.messages.empty());
    CHECK(at(merged, "list.a") == "1");
    CHECK(at(merged, "list.b") == "1");
    CHECK(at(merged, "list.c") == "3");
    CHECK(at(merged, "list.d") == "2");
    CHECK(at(merged, "alone.b") == "2");
    CHECK(at(merged, "alone.e") == "3");
    CHECK(at(merged, "nested.b") == "4");
    CHECK(at(merged, "nested.a") == "1");
    CHECK(at(merged, "list.<<") == "absent");
    CHECK(at(merged, "word.<<") == "x");
}

TEST_CASE("what cannot be merged is refused at its place, and repeated keys stay mistakes") {
    CHECK(parse("a: {<<: 3}").messages.at(0).starts_with("text:1:9: '<<' in a merges a block of keys"));
    CHECK(parse("a: &a {x: 1}\nb: {<<: [*a, 3]}").messages.size() == 1);
    CHECK(parse("a: &a {x: 1}\nb: {<<: *a, <<: *a}")
              .messages.at(0)
              .starts_with("text:2:13: repeated key '<<' in b"));
    CHECK(parse("a: {x: 1, x: 2}").messages.at(0).starts_with("text:1:11: repeated key 'x' in a"));
    CHECK(parse("a: &a {<<: *a}").messages.at(0).find("stands in") != std::string::npos);
}

TEST_CASE("a deck may share blocks between services by merge keys") {
    Scratch const folder;
    std::ofstream{folder.path("merged.yaml")} << R"(
name: merged
time: {duration: 1 s}
cluster: {accelerators: 64, rack: hgx-h100}
services:
  - &chat
    name: chat
    model: llama-3.1-8b
    accelerators: 32
    workload: &load {arrivals: {process: poisson, rate: 10 /s}, input: {distribution: fixed, tokens: 100}, output: {distribution: fixed, tokens: 10}}
  - <<: *chat
    name: again
    workload: {<<: *load, prefix_hit: 0.5}
)";
    auto const deck = config::read_deck(folder.path("merged.yaml"));
    CHECK(deck.services.at(1).model.name == "llama-3.1-8b");
    CHECK(deck.services.at(1).workload.prefix_hit == 0.5);
    CHECK(deck.services.at(0).workload.prefix_hit == 0);
    CHECK(deck.services.at(1).workload.arrivals.rate_per_s == 10);
}

TEST_CASE("a hundred thousand unknown keys take a moment and twenty messages [many_keys]") {
    Scratch const folder;
    {
        std::ofstream out{folder.path("many.yaml")};
        for (int i = 0; i < 100'000; ++i) out << "key" << i << ": 1\n";
    }
    std::vector<std::string> messages;
    double const taken = seconds_of(
        [&] { messages = messages_of([&] { (void)config::read_deck(folder.path("many.yaml")); }); });
    CHECK(messages.size() == 21);
    CHECK(messages.back().starts_with("and "));
    CHECK(messages.back().ends_with(" more mistakes"));
    CHECK(taken < 10);  // of processor time, with sanitizers
}

TEST_CASE("a deck is at most 4 MB, whatever the path names [dev_zero]") {
    for (auto const* const device : {"/dev/zero", "/dev/urandom"}) {
        auto const messages = messages_of([&] { (void)config::read_deck(device); });
        CHECK(messages == std::vector<std::string>{std::string{device} + ": is larger than 4 MB"});
    }
    Scratch const folder;
    {
        std::ofstream{folder.path("large.yaml")} << "name: " << std::string(4'000'000, 'x');
        std::ofstream{folder.path("key.yaml")} << std::string(3'000'000, 'k') << ": 1\n";
        std::ofstream{folder.path("scalar.yaml")} << "name: base\nseed: " << std::string(3'000'000, 'x')
                                                  << '\n';
    }
    CHECK(messages_of([&] { (void)config::read_deck(folder.path("large.yaml")); })
              .at(0)
              .ends_with("is larger than 4 MB"));
    for (auto const* const name : {"key.yaml", "scalar.yaml"}) {
        auto const messages = messages_of([&] { (void)config::read_deck(folder.path(name)); });
        REQUIRE(!messages.empty());
        for (auto const& message : messages) CHECK(message.size() < 2200);
    }
}

TEST_CASE("nesting, long keys and aliases without end are refused in words") {
    CHECK(parse(std::string(1000, '[')).messages.at(0).find("nested too deeply") != std::string::npos);
    CHECK(parse(std::string(1000, '['), true).messages.at(0).find("nested too deeply") != std::string::npos);
    CHECK(parse("{\"" + std::string(2000, 'k') + "\": 1}", true).messages.at(0).find("1024") !=
          std::string::npos);
    std::string text = "a: &a " + std::string(1'000'000, 'x') + "\nb: [";
    for (int i = 0; i < 100; ++i) text += "*a, ";
    CHECK(parse(text + "]").messages.at(0).find("too many values") != std::string::npos);
}

TEST_CASE("JSON's escapes beyond the basic plane are read, in .json files and in YAML [json_surrogate]") {
    std::string const text =
        R"({"a": "\ud83d\ude00 \u00e9 \/ \ud83d", "b": [NaN, -Infinity, 1e5, null, true]})";
    auto const json = parse(text, true);
    CHECK(json.messages.empty());
    CHECK(at(json, "a") == "\xF0\x9F\x98\x80 \xC3\xA9 / \xEF\xBF\xBD");
    CHECK(at(json, "b[1]") == "-Infinity");
    CHECK(config::at_path(json.tree, "b[3]")->kind == config::Tree::Kind::null);
    auto const yaml = parse(R"(a: "\ud83d\ude00 \\ud83d")");
    CHECK(yaml.messages.empty());
    CHECK(at(yaml, "a") == "\xF0\x9F\x98\x80 \\ud83d");
}

TEST_CASE("what is no JSON is called so, at its place") {
    for (auto const& [text, message] :
         {std::pair{"{\"a\": 1,}", "text:1:9: not valid JSON: a key in double quotes is missing before '}'"},
          std::pair{"{\"a\" 1}", "text:1:6: not valid JSON: ':' is missing before '1'"},
          std::pair{"{\"a\": \"x", "text:1:8: not valid JSON: a text's closing '\"' is missing"},
          std::pair{"{\"a\":\n  yes}", "text:2:3: not valid JSON: a value is missing before 'y'"},
          std::pair{"{\"a\": \"\\q\"}", "text:1:8: not valid JSON: there is no such escape"},
          std::pair{"", "text:1:1: not valid JSON: a value is missing before the end of the file"},
          std::pair{"{\"a\": 1, \"a\": 2}", "text:1:10: repeated key 'a'. Keep one of them"}}) {
        CAPTURE(text);
        auto const messages = parse(text, true).messages;
        REQUIRE(!messages.empty());
        CHECK(messages[0] == message);
    }
}

TEST_CASE("every default that the documentation states may be written out, and changes nothing") {
    auto const bare = config::read_deck(good + "bare.yaml");
    auto const stated = config::read_deck(good + "defaults.yaml");
    CHECK(stated.effective_yaml == bare.effective_yaml);
    CHECK(stated.physics_hash == bare.physics_hash);
}

TEST_CASE("a stated key that cannot act is a note [poll_ignored_by_decode]") {
    auto const notes = [](std::vector<config::Override> const& changes) {
        std::string all;
        for (auto const& warning : config::read_deck(good + "minimal.yaml", changes).warnings)
            all += warning + "\n";
        return all;
    };
    CHECK(notes({}).find("has no effect") == std::string::npos);
    for (auto const& [path, value, mode] : std::vector<std::array<std::string, 3>>{
             {"services[0].scheduler.poll_iterations", "64", "services[0].mode=disaggregated"},
             {"services[0].prefill_share", "0.3", "services[0].mode=unified"},
             {"services[0].scheduler.watermark", "0.05", "services[0].scheduler.admission=reserve_output"},
             {"services[0].scheduler.memory_share", "0.5", "services[0].scheduler.kv_blocks=1000"},
             {"facility.cooling.wet_bulb", "20 degC", "facility.cooling.pue=1.2"},
             {"facility.control.period", "1 s", "facility.control.policy=none"},
             {"facility.delivery.battery", "{autonomy: 1 min}", "facility.delivery.ups=none"},
             {"cluster.boards.cap_lag", "100 ms", "cluster.boards.power_cap=TDP"},
             {"cluster.scale_out.transport.payload", "2048 B", "cluster.scale_out.transport.kind=ideal"}}) {
        CAPTURE(path);
        auto const equals = mode.find('=');
        std::vector<config::Override> const changes{{mode.substr(0, equals), mode.substr(equals + 1)},
                                                    {path, value}};
        CHECK(notes(changes).find(path + " has no effect") != std::string::npos);
    }
}

TEST_CASE("physical bounds are said with the value [overflow_of_energy, sample_of_years, trace_scale_tiny]") {
    for (auto const& [path, value, said] : std::vector<std::array<std::string, 3>>{
             {"facility.other_power", "1e300 W/kW", "at most 10000 W/kW"},
             {"facility.cooling", "{kind: air, chiller_cop: 1e-9}", "at least 0.5 and at most 50"},
             {"facility.cooling", "{kind: liquid, pump_efficiency: 1e-300}", "at least 0.1 and at most 1"},
             {"facility.cooling", "{kind: liquid, loop_rise: 1e-300 K}", "at least 0.5 K"},
             {"facility.cooling", "{kind: liquid, pump_pressure: 1e300 Pa}", "at most 10 MPa"},
             {"facility.delivery.ups_efficiency", "1e-300", "at least 0.5"},
             {"facility.delivery.rack_storage", "{capacity: 1e10 kWh, discharge: 1 kW}", "at most"},
             {"facility.delivery.psu_efficiency", "[1e-300, 1e-300, 1e-300, 1e-300, 1e-300]", "at least 0.5"},
             {"time.sample", "99999999 s", "at most 1 h"},
             {"time.window", "99999999 s", "at most 1 s"},
             {"services[0].workload.arrivals", "{process: trace, file: trace.csv, scale: 1e-12}",
              "at least"}}) {
        CAPTURE(path);
        auto const messages = messages_of([&, p = path, v = value] {
            (void)config::read_deck(good + "minimal.yaml", {{p, v}});
        });
        REQUIRE(!messages.empty());
        CHECK(messages[0].find(said) != std::string::npos);
    }
}
