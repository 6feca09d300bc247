#include "options.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <sstream>

#include "megaweave/core/error.hpp"
#include "version.hpp"

namespace mw::app {

namespace {

constexpr int exit_input = 2;

config::Override split_override(std::string const& option, std::string const& text, std::string const& form,
                                std::string const& example) {
    auto const equals = text.find('=');
    if (equals == std::string::npos || equals == 0)
        throw CLI::ValidationError(
            option, "'" + text + "' is no " + form + ". Write for example " + option + " " + example);
    return {text.substr(0, equals), text.substr(equals + 1)};
}

double parse_time_limit(std::string const& text) {
    std::istringstream in{text};
    std::vector<double> parts;
    for (std::string part; std::getline(in, part, ':');) {
        if (part.empty() || part.find_first_not_of("0123456789") != std::string::npos || part.size() > 6)
            parts.clear();
        if (part.empty() || part.find_first_not_of("0123456789") != std::string::npos) break;
        parts.push_back(std::stod(part));
    }
    if (parts.size() != 3 || parts[1] >= 60 || parts[2] >= 60 || parts[0] + parts[1] + parts[2] == 0)
        throw CLI::ValidationError("--time-limit",
                                   "'" + text + "' is no HH:MM:SS. Write for example --time-limit 01:30:00");
    return parts[0] * 3600 + parts[1] * 60 + parts[2];
}

//! CLI11 would only say that a command is missing.
void require_known_command(CLI::App const& app, std::string const& word) {
    if (word.empty() || word.front() == '-') return;
    std::vector<std::string> names;
    for (CLI::App const* command : app.get_subcommands({})) names.push_back(command->get_name());
    if (std::ranges::find(names, word) != names.end()) return;
    std::string const near = core::nearest(word, names);
    throw CLI::ValidationError("unknown command '" + word + "'",
                               near.empty() ? "See megaweave --help" : "Did you mean '" + near + "'?");
}

void add_deck(CLI::App& command, Options& options, std::vector<std::string>& sets) {
    command
        .add_option("DECK", options.deck,
                    "YAML file that describes the site and its load; '-': standard input")
        ->required();
    command
        .add_option(
            "--set", sets,
            "override a value of the deck: PATH=VALUE, e.g. services[0].workload.arrivals.rate='700 /s'")
        ->allow_extra_args(false);
}

}  // namespace

ParsedOptions parse_options(int argc, char const* const* argv) {
    Options options;
    std::vector<std::string> sets;
    std::string time_limit;
    CLI::App app{"Megaweave emulates a megawatt-scale inference data centre: tokens, watts and what binds."};
    app.set_version_flag("--version", version_text());
    app.require_subcommand(1);

    CLI::App& run = *app.add_subcommand("run", "simulate a deck; under mpirun on all its ranks");
    add_deck(run, options, sets);
    run.add_option("--output", options.output,
                   "folder for the results (default: the deck's output.directory)");
    run.add_option("--threads", options.threads,
                   "threads of each rank (default: the processors it is bound to)")
        ->check(CLI::Range(1, 1024));
    run.add_option("--restart", options.restart, "go on from a checkpoint, or from the newest in a folder");
    run.add_option("--time-limit", time_limit, "HH:MM:SS of wall time, then checkpoint and exit 75");
    run.add_flag("--quiet", options.quiet, "no progress");

    CLI::App& check =
        *app.add_subcommand("check", "no simulation: every mistake of a deck at once, or what it amounts to");
    add_deck(check, options, sets);

    CLI::App& flows =
        *app.add_subcommand("flows", "the fabric alone: exact completion time of every listed flow");
    add_deck(flows, options, sets);
    flows.add_option("FLOWS", options.flows_in, "CSV: flow,src,dst,bytes,start_s")->required();
    flows.add_option("OUT", options.flows_out, "CSV to write: the same with finish_s")->required();
    flows
        .add_option("--threads", options.threads,
                    "threads of each rank (default: the processors it is bound to)")
        ->check(CLI::Range(1, 1024));

    CLI::App& validate = *app.add_subcommand(
        "validate", "published measurements against the emulator: every row predicted, the error per group");
    std::vector<std::string> filters;
    validate.add_option("POINTS", options.points, "CSV of measured points")->required();
    validate.add_option("--output", options.output,
                        "CSV to write: the rows with prediction, error and what binds");
    validate.add_flag(
        "--estimate", options.estimate,
        "jump from event to event instead of emulating: a hundred times faster, for calibration");
    validate.add_option("--filter", filters, "only rows with COLUMN=VALUE[,VALUE]; may be repeated")
        ->allow_extra_args(false);
    validate
        .add_option(
            "--set", sets,
            "override a value of the catalogue: PATH=VALUE, e.g. accelerators.h100.efficiency.hbm=0.9 "
            "or models[llama-3.1-70b].layers=40")
        ->allow_extra_args(false);
    validate
        .add_option("--threads", options.threads,
                    "threads of each rank (default: the processors it is bound to)")
        ->check(CLI::Range(1, 1024));

    CLI::App& work =
        *app.add_subcommand("work", "counts alone: FLOPs and bytes of one iteration of every listed batch");
    work.add_option("BATCHES", options.flows_in, "CSV of batches; the header is named when it is wrong")
        ->required();
    work.add_option("OUT", options.flows_out, "CSV to write")->required();

    CLI::App& catalogue = *app.add_subcommand(
        "catalogue", "what the program knows: accelerators, models, racks, optics, switches");
    catalogue.add_option("KIND", options.kind, "only this kind");
    catalogue.add_option("NAME", options.name, "one entry, written out");

    ParsedOptions parsed;
    try {
        require_known_command(app, argc > 1 ? argv[1] : "");
        app.parse(argc, argv);
        for (std::string const& text : sets)
            options.overrides.push_back(split_override("--set", text, "PATH=VALUE", "time.duration='10 s'"));
        for (std::string const& text : filters)
            options.filters.push_back(split_override("--filter", text, "COLUMN=VALUE", "load=max,static"));
        options.words.assign(argv, argv + argc);
        if (!time_limit.empty()) options.time_limit_s = parse_time_limit(time_limit);
        options.command = run.parsed()        ? Options::Command::run
                          : check.parsed()    ? Options::Command::check
                          : flows.parsed()    ? Options::Command::flows
                          : validate.parsed() ? Options::Command::validate
                          : work.parsed()     ? Options::Command::work
                                              : Options::Command::catalogue;
        parsed.options = options;
    } catch (CLI::ParseError const& error) {
        std::ostringstream out;
        int const code = app.exit(error, out, out);
        parsed.text = out.str();
        parsed.exit_code = code == 0 ? 0 : exit_input;
    }
    return parsed;
}

}  // namespace mw::app
