#pragma once

#include "dataset.hpp"
#include "megaweave/io/run_file.hpp"

namespace mw::io {

//! The parts of run.h5 that do not change: /racks, /links, /instances and the boxes and lines of /mesh. All collective.
void write_racks(Place const& file, RunShape const& shape);
void write_links(Place const& file, RunShape const& shape);
void write_instances(Place const& file, RunShape const& shape);
void write_mesh(Place const& file, RunShape const& shape);

[[nodiscard]] Cut rack_cut(RunShape const& shape);
[[nodiscard]] Cut link_cut(RunShape const& shape);

//! A text of any length as one value, e.g. the deck.
void write_text(Place const& place, std::string const& name, std::string const& text,
                std::string const& description);

//! One that `write_text` wrote. Throws core::WorldError.
[[nodiscard]] std::string read_text(hid_t file, std::string const& name);

void write_link_columns(Place const& file, Cut cut, LinkTotals const& totals);
void write_request_columns(Place const& file, std::vector<RequestRow> const& mine, core::TimeNs warmup_ns);
void write_histogram(Place const& group, NamedHistogram const& histogram);
void write_spectrum(Place const& file, PowerSpectrum const& spectrum);

}  // namespace mw::io
