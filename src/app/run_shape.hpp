#pragma once

#include "megaweave/engine/world.hpp"
#include "megaweave/io/run_file.hpp"
#include "megaweave/parallel/comm.hpp"
#include "megaweave/site/partition.hpp"

namespace mw::app {

//! Description of the site in run.h5: racks and links of this rank, instances on the root. Collective.
[[nodiscard]] io::RunShape run_shape(engine::World const& world, site::Partition const& partition,
                                     parallel::Comm const& comm);

}  // namespace mw::app
