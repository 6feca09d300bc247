#pragma once

#include <string>
#include <vector>

namespace mw::app {

/*!
 * The command that continues a stopped run, as one line for a shell: the words of this one, with --restart FOLDER. `ranks`: those of
 * mpirun, whose own options are not known here. Started by `mw run`, it is that command.
 */
[[nodiscard]] std::string command_to_go_on(std::vector<std::string> const& words, std::string const& folder,
                                           int ranks);

}  // namespace mw::app
