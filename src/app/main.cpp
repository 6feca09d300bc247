#include <fmt/format.h>

#include <chrono>
#include <cstdio>
#include <new>
#include <string_view>
#include <thread>

#include "commands.hpp"
#include "megaweave/core/error.hpp"
#include "megaweave/parallel/comm.hpp"
#include "megaweave/parallel/session.hpp"
#include "options.hpp"
#include "signals.hpp"

namespace {

using namespace mw;

constexpr int exit_bug = 70;

int dispatch(app::Options const& options, parallel::Comm& comm) {
    switch (options.command) {
        case app::Options::Command::run:
            return app::run_command(options, comm);
        case app::Options::Command::check:
            return app::check_command(options, comm);
        case app::Options::Command::flows:
            return app::flows_command(options, comm);
        case app::Options::Command::validate:
            return app::validate_command(options, comm);
        case app::Options::Command::work:
            return app::work_command(options, comm);
        case app::Options::Command::catalogue:
            return app::catalogue_command(options, comm);
    }
    return exit_bug;
}

//! One rank's failure would leave the others waiting: end them all. Where all fail alike, the root's message is enough: the others
//! give it a second to end the run.
[[noreturn]] void fail(parallel::Comm const& comm, char const* what, int code) {
    if (!comm.root()) std::this_thread::sleep_for(std::chrono::seconds{1});
    fmt::print(stderr, "megaweave: rank {}: {}\n", comm.rank(), what);
    std::fflush(stderr);
    parallel::Session::abort(code);
}

}  // namespace

int main(int argc, char** argv) {
    bool const watched = argc > 1 && std::string_view{argv[1]} == "run";
    if (watched) app::signals::watch();
    parallel::Session const session{argc, argv};
    if (watched) app::signals::watch();  // MPI may have installed its own handlers
    parallel::Comm comm;
    if (watched && !app::signals::prepare()) {
        if (comm.size() > 1)
            parallel::Session::abort(app::exit_stopped);  // it may have reached one rank alone
        return app::exit_stopped;
    }
    app::ParsedOptions const parsed = app::parse_options(argc, argv);
    if (!parsed.options) {
        if (comm.root()) fmt::print(parsed.exit_code == 0 ? stdout : stderr, "{}", parsed.text);
        return parsed.exit_code;
    }
    try {
        return dispatch(*parsed.options, comm);
    } catch (core::TooLarge const& error) {  // in the middle of a run, perhaps on this rank alone
        fail(comm, error.what(), app::exit_input);
    } catch (core::InputError const& error) {
        for (auto const& message : error.messages()) fmt::print(stderr, "{}\n", message);
        return app::exit_input;
    } catch (core::ContractError const& error) {
        fail(comm, error.what(), exit_bug);
    } catch (std::bad_alloc const&) {
        fail(comm, "out of memory: use more ranks on more machines, or a smaller site", app::exit_world);
    } catch (std::exception const& error) {
        fail(comm, error.what(), app::exit_world);
    }
}
