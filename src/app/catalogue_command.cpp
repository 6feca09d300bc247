#include <fmt/format.h>

#include <algorithm>

#include "commands.hpp"
#include "megaweave/config/catalogue.hpp"

namespace mw::app {

namespace {

void print_kind(std::string const& kind) {
    auto const rows = config::catalogue_rows(kind);
    std::size_t name_width = 4;
    for (auto const& row : rows) name_width = std::max(name_width, row.name.size());
    fmt::print("{}\n", kind);
    for (auto const& row : rows) {
        fmt::print("  {:<{}}  {}\n", row.name, name_width, row.summary);
        fmt::print("  {:<{}}  {}: {}\n", "", name_width, row.quality, row.source);
    }
}

}  // namespace

int catalogue_command(Options const& options, parallel::Comm& comm) {
    if (!comm.root()) return exit_done;
    if (!options.name.empty()) {
        fmt::print("{}\n", config::catalogue_entry(options.kind, options.name));
    } else if (!options.kind.empty()) {
        print_kind(options.kind);
    } else {
        for (std::string const& kind : config::catalogue_kinds()) print_kind(kind);
    }
    return exit_done;
}

}  // namespace mw::app
