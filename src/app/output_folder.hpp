#pragma once

#include <string>

namespace mw::app {

/*!
 * Which files of an output folder are Megaweave's: recognised by what they contain, never by the name alone (checkpoints by their
 * numbered names). Nothing here deletes a file, and what others wrote is not touched.
 */

//! Files of an earlier run that a new one replaces.
enum class Replaced : unsigned char {
    everything,
    results  //!< all but checkpoints: a restart goes on from these
};

/*!
 * Throws unless a run can write here: core::WorldError if the path is a file, core::InputError if a file of somebody else has a name
 * that the run needs, or if another run writes here now. `goes_on_from`: a run.h5 that is read first, whatever it contains, "" for
 * none. Changes nothing.
 */
void require_usable(std::string const& folder, std::string const& goes_on_from);

//! Makes the folder with those above it. Throws core::WorldError.
void make_folder(std::string const& folder);

//! The folder holds the results of a run that came to its end.
[[nodiscard]] bool holds_finished(std::string const& folder);

/*!
 * Moves what earlier runs wrote into the next free folder previous-1, previous-2, …, and returns its path; "" if there was nothing.
 * `run_died`: a run was killed here, so that a run.h5 without contents is its. Throws core::WorldError.
 */
std::string set_aside(std::string const& folder, Replaced replaced, bool run_died);

}  // namespace mw::app
