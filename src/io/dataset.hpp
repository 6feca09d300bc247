#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "handle.hpp"

namespace mw::io {

//! A file or group of it, with the ranks that have it open and its name for messages: "out/run.h5:/racks".
struct Place {
    parallel::Comm const* comm;
    hid_t id;
    std::string name;
};

//! How rows are cut over the ranks: this one holds [first, first + count) of them.
struct Cut {
    std::int64_t total{0};
    std::int64_t first{0};
    std::int64_t count{0};
};

//! All rows on the root.
[[nodiscard]] Cut root_only(parallel::Comm const& comm, std::int64_t total);

//! `unit` is "" where there is none: an index, a name.
struct Label {
    std::string unit;
    std::string description;
};

//! Attributes `unit` and `description`; of numbers also `units`, as the CF conventions call it ("1": none).
void put_label(hid_t object, Label const& label, std::string const& where);

//! Opens it if it is there.
[[nodiscard]] Handle create_group(Place const& parent, std::string const& name);

/*!
 * Fills a two-dimensional slab (or a one-dimensional one) of an open dataset, collectively; `count[0]` = 0 for nothing.
 * Throws core::WorldError where it fails: the callers agree afterwards.
 */
struct Slab {
    int dimensions{1};
    hsize_t start[2]{0, 0};
    hsize_t count[2]{0, 1};
};
void write_slab(hid_t dataset, hid_t type, Slab const& slab, void const* data, hid_t transfer,
                std::string const& where);
void read_slab(hid_t dataset, hid_t type, Slab const& slab, void* data, hid_t transfer,
               std::string const& where);

/*!
 * A dataset written once, [total x width] (one-dimensional if width is 0). Collective; a part larger than 2 GiB goes out in
 * pieces, since MPI counts with ints. Throws core::WorldError on every rank.
 */
void write_once_raw(Place const& place, std::string const& name, hid_t type, Cut cut, std::int64_t width,
                    void const* mine, Label const& label);

template <class T>
void write_once(Place const& place, std::string const& name, Cut cut, std::int64_t width,
                std::vector<T> const& mine, Label const& label) {
    write_once_raw(place, name, native(T{}), cut, width, mine.data(), label);
}

//! Names, one per row, stored with the length of the longest.
void write_names(Place const& place, std::string const& name, Cut cut, std::vector<std::string> const& mine,
                 std::string const& description);

//! Length of a one-dimensional dataset, or the first extent of a larger one.
[[nodiscard]] std::int64_t rows_of(hid_t dataset, std::string const& where);

}  // namespace mw::io
