#include <fmt/format.h>

#include "agree.hpp"
#include "commands.hpp"
#include "megaweave/core/error.hpp"
#include "megaweave/parallel/team.hpp"
#include "megaweave/validation/report.hpp"
#include "megaweave/validation/validate.hpp"

namespace mw::app {

namespace {

//! `COLUMN=VALUE[,VALUE]`.
validation::Filter parse_filter(config::Override const& text) {
    validation::Filter filter{text.path, {}};
    for (std::size_t begin = 0; begin <= text.value.size();) {
        std::size_t const end = std::min(text.value.find(',', begin), text.value.size());
        filter.values.push_back(text.value.substr(begin, end - begin));
        begin = end + 1;
    }
    return filter;
}

}  // namespace

int validate_command(Options const& options, parallel::Comm& comm) {
    struct Input {
        validation::PointsFile file;
        config::Entries entries;
    };
    Input const input = on_all_ranks(comm, [&] {
        std::vector<validation::Filter> filters;
        for (config::Override const& filter : options.filters) filters.push_back(parse_filter(filter));
        return Input{validation::read_points(options.points, filters), config::Entries{options.overrides}};
    });
    parallel::Team team{options.threads};
    auto const predictions =
        validation::predict(input.file, input.entries, comm, team,
                            options.estimate ? validation::Method::estimate : validation::Method::emulate);
    if (!comm.root()) return exit_done;
    auto const rows = validation::compare(input.file, predictions);
    fmt::print("{}", validation::report(input.file, predictions, rows));
    if (!options.output.empty()) {
        validation::write_predictions(options.output, input.file, predictions, rows);
        fmt::print("\noutput: {}\n", options.output);
    }
    return exit_done;
}

}  // namespace mw::app
