#pragma once

#include <optional>
#include <string>
#include <vector>

#include "megaweave/config/deck.hpp"

namespace mw::app {

//! What the command line asks for.
struct Options {
    enum class Command : std::uint8_t { run, check, flows, validate, work, catalogue };

    Command command{Command::check};
    std::vector<std::string> words;  //!< the command line as typed
    std::string deck;                //!< its path; "-": standard input
    std::vector<config::Override> overrides;
    std::string output;
    int threads{0};          //!< 0: as many as the affinity mask has processors
    std::string restart;     //!< checkpoint, or a folder of them
    double time_limit_s{0};  //!< of wall time; 0: none
    bool quiet{false};
    std::string flows_in;
    std::string flows_out;
    std::string points;                     //!< validate
    bool estimate{false};                   //!< validate: jump from event to event
    std::vector<config::Override> filters;  //!< validate: column and its values
    std::string kind;                       //!< catalogue
    std::string name;                       //!< catalogue
};

//! Either options, or what to print and the exit code (--help, --version, mistakes).
struct ParsedOptions {
    std::optional<Options> options;
    std::string text;
    int exit_code{0};
};

[[nodiscard]] ParsedOptions parse_options(int argc, char const* const* argv);

}  // namespace mw::app
