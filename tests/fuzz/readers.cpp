#include "readers.hpp"

#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "megaweave/config/catalogue.hpp"
#include "megaweave/config/deck.hpp"
#include "megaweave/core/error.hpp"
#include "megaweave/fabric/explicit.hpp"
#include "megaweave/plant/weather.hpp"
#include "megaweave/workload/lengths.hpp"
#include "megaweave/workload/trace.hpp"
#include "timing_csv.hpp"
#include "tree.hpp"

namespace mw::fuzz {

namespace {

std::string const source = MW_SOURCE_DIR;

std::string text_of(std::string const& path) {
    std::ifstream in{path, std::ios::binary};
    std::ostringstream text;
    text << in.rdbuf();
    return text.str();
}

void read_deck(std::string const& path) {
    static_cast<void>(config::read_deck(path));
}

void read_flows_deck(std::string const& path) {
    static_cast<void>(config::read_flows_deck(path));
}

//! The text is an option's: `PATH=VALUE`.
void read_override(std::string const& path) {
    std::string const text = text_of(path);
    auto const equals = text.find('=');
    if (equals == std::string::npos) return;
    static_cast<void>(config::read_deck(source + "/tests/decks/good/minimal.yaml",
                                        {{text.substr(0, equals), text.substr(equals + 1)}}));
}

//! The text alone, without a schema.
void parse(std::string const& path) {
    config::Problems problems;
    static_cast<void>(config::parse_file(path, problems));
    problems.raise();
}

void read_model(std::string const& path) {
    static_cast<void>(config::catalogue_entry("models", path));
}

template <workload::TraceFormat format>
void read_trace(std::string const& path) {
    workload::Trace const trace{path, format};
    static_cast<void>(trace.mean_rate_per_s());
}

void read_quantiles(std::string const& path) {
    workload::LengthLaw const law{{.law = workload::Law::quantiles, .file = path}};
    for (double const p : {1e-9, 0.5, 1 - 1e-9}) static_cast<void>(law.quantile(p));
}

void read_timing(std::string const& path) {
    static_cast<void>(llm::read_timing_csv(path));
}

void read_flows(std::string const& path) {
    static_cast<void>(fabric::read_flows(path));
}

void read_links(std::string const& path) {
    static_cast<void>(fabric::read_network(path, path));
}

void read_weather(std::string const& path) {
    auto const weather = plant::Weather::from_file(path);
    for (core::TimeNs const time_ns : {core::TimeNs{0}, core::TimeNs{1} << 50})
        static_cast<void>(weather.at(time_ns));
}

}  // namespace

std::vector<Reader> const& readers() {
    using workload::TraceFormat;
    static std::vector<Reader> const all{
        {"deck", ".yaml", {"tests/decks/good", "tests/decks/bad", "tests/fuzz/corpus"}, read_deck},
        {"flows_deck", ".yaml", {"tests/decks/good"}, read_flows_deck},
        {"override", ".set", {"tests/fuzz/corpus"}, read_override},
        {"yaml", ".yaml", {"tests/decks/good", "tests/fuzz/corpus"}, parse},
        {"json", ".json", {"tests/decks/models", "tests/fuzz/corpus"}, parse},
        {"model", ".json", {"tests/decks/models", "tests/decks/models/bad", "tests/fuzz/corpus"}, read_model},
        {"csv_trace", ".csv", {"tests/decks/good", "tests/decks/bad_traces"}, read_trace<TraceFormat::csv>},
        {"azure_trace",
         ".csv",
         {"tests/decks/bad_traces", "tests/fuzz/corpus"},
         read_trace<TraceFormat::azure>},
        {"mooncake_trace",
         ".jsonl",
         {"tests/decks/bad_traces", "tests/fuzz/corpus"},
         read_trace<TraceFormat::mooncake>},
        {"quantiles", ".csv", {"tests/decks/good", "tests/decks/bad_traces"}, read_quantiles},
        {"timing", ".csv", {"tests/decks/good", "tests/decks/physics"}, read_timing},
        {"flows", ".csv", {"tests/decks/good", "tests/fuzz/corpus"}, read_flows},
        {"links", ".csv", {"tests/decks/good"}, read_links},
        {"weather", ".csv", {"tests/decks/good"}, read_weather}};
    return all;
}

bool survives(Reader const& reader, std::string const& text) {
    static std::string const folder = std::filesystem::is_directory("/dev/shm") ? "/dev/shm" : "/tmp";
    std::string const path = folder + "/megaweave_fuzz_" + std::to_string(getpid()) + reader.extension;
    std::ofstream{path, std::ios::binary} << text;
    auto const start = std::chrono::steady_clock::now();
    std::string what;
    try {
        reader.read(path);
    } catch (core::InputError const& error) {
        if (error.messages().size() > 21) what = "more than 20 messages";
    } catch (core::WorldError const&) {
    } catch (std::exception const& error) {
        what = error.what();
    }
    std::error_code code;
    std::filesystem::remove(path, code);
    constexpr double most_s = 20;  // with sanitizers, beside other work
    std::chrono::duration<double> const taken = std::chrono::steady_clock::now() - start;
    if (what.empty() && taken.count() > most_s) what = "took " + std::to_string(taken.count()) + " s";
    if (!what.empty()) std::fprintf(stderr, "%s: %s\n", reader.name.c_str(), what.c_str());
    return what.empty();
}

}  // namespace mw::fuzz
