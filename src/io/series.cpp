#include "series.hpp"

#include <algorithm>
#include <cstring>

#include "megaweave/core/check.hpp"
#include "megaweave/core/error.hpp"
#include "megaweave/core/hash.hpp"

namespace mw::io {

namespace {

constexpr std::int64_t compress_from_bytes = 4096;
constexpr std::int64_t plain_chunk_bytes = 16384;
constexpr std::int64_t widest_chunk = 65536;  // columns
constexpr unsigned deflate_level = 1;

std::int64_t bytes_of(Series::Element element) {
    return element == Series::Element::float32 ? 4 : 8;
}

}  // namespace

ChunkShape chunk_shape(std::int64_t width, std::int64_t element_bytes) {
    std::int64_t const row_bytes = width * element_bytes;
    if (row_bytes >= compress_from_bytes) return {1, std::min(width, widest_chunk), true};
    return {std::clamp<std::int64_t>(plain_chunk_bytes / row_bytes, 1, 1024), width, false};
}

Series::Series(Place const& place, std::string const& name, Element element, Cut columns, bool scalar)
    : name_{name},
      where_{place.name + "/" + name},
      key_{core::hash_text(where_.substr(where_.rfind(':') + 1))},
      type_{element == Element::float32 ? H5T_NATIVE_FLOAT : H5T_NATIVE_DOUBLE},
      columns_{columns},
      scalar_{scalar} {}

Series Series::create(Place const& place, std::string const& name, Element element, Cut columns, bool scalar,
                      Label const& label) {
    Series series{place, name, element, columns, scalar};
    std::string const& where = series.where_;
    int const dimensions = scalar ? 1 : 2;
    ChunkShape const shape = chunk_shape(columns.total, bytes_of(element));
    hsize_t const chunk[2] = {static_cast<hsize_t>(shape.rows), static_cast<hsize_t>(shape.columns)};
    hsize_t const extent[2] = {0, static_cast<hsize_t>(columns.total)};
    hsize_t const most[2] = {H5S_UNLIMITED, extent[1]};

    Handle const properties{H5Pcreate(H5P_DATASET_CREATE), H5Pclose, where};
    check(H5Pset_chunk(properties.get(), dimensions, chunk), where);
    check(H5Pset_fill_time(properties.get(), H5D_FILL_TIME_NEVER), where);
    if (shape.compressed) {
        check(H5Pset_shuffle(properties.get()), where);
        check(H5Pset_deflate(properties.get(), deflate_level), where);
    }
    Handle const space{H5Screate_simple(dimensions, extent, most), H5Sclose, where};
    series.dataset_ = {H5Dcreate2(place.id, name.c_str(), series.type_, space.get(), H5P_DEFAULT,
                                  properties.get(), H5P_DEFAULT),
                       H5Dclose, "cannot create " + where};
    put_label(series.dataset_.get(), label, where);
    return series;
}

Series Series::open(Place const& place, std::string const& name, Element element, Cut columns, bool scalar) {
    Series series{place, name, element, columns, scalar};
    std::string const& where = series.where_;
    series.dataset_ = {
        H5Dopen2(place.id, name.c_str(), H5P_DEFAULT), H5Dclose,
        "cannot go on with " + where + " (another version of Megaweave may have written the file)"};
    Handle const space{H5Dget_space(series.dataset_.get()), H5Sclose, where};
    hsize_t extent[2] = {0, 1};
    bool const fits = H5Sget_simple_extent_ndims(space.get()) == (scalar ? 1 : 2) &&
                      H5Sget_simple_extent_dims(space.get(), extent, nullptr) >= 0 &&
                      extent[1] == static_cast<hsize_t>(columns.total);
    if (!fits) throw core::WorldError("cannot go on with " + where + ": it has another width than this run");
    return series;
}

std::uint64_t hash_row(std::uint64_t series, std::int64_t row, std::int64_t first_column,
                       std::span<std::byte const> values, std::size_t value_bytes) {
    std::uint64_t const key = core::mix(series ^ static_cast<std::uint64_t>(row));
    std::uint64_t sum = 0;
    auto column = static_cast<std::uint64_t>(first_column);
    for (std::size_t at = 0; at < values.size(); at += value_bytes, ++column) {
        std::uint64_t bits = 0;
        std::memcpy(&bits, values.data() + at, value_bytes);
        sum += core::mix(key + column * 0x9e3779b97f4a7c15ULL + bits * 0xd1b54a32d192ed03ULL);
    }
    return sum;
}

std::uint64_t Series::hash(std::int64_t row, std::span<std::byte const> values) const {
    return hash_row(key_, row, columns_.first, values, H5Tget_size(type_));
}

void Series::hold(std::span<std::byte const> row) {
    MW_EXPECT(static_cast<std::int64_t>(row.size()) ==
                  columns_.count * static_cast<std::int64_t>(H5Tget_size(type_)),
              "a column has one value per rack or link of this partition in every sample");
    held_.insert(held_.end(), row.begin(), row.end());
}

void Series::write(std::int64_t before, std::int64_t held, hid_t transfer) {
    hsize_t const extent[2] = {static_cast<hsize_t>(before + held), static_cast<hsize_t>(columns_.total)};
    check(H5Dset_extent(dataset_.get(), extent), "cannot extend " + where_);
    bool const none = columns_.count == 0;
    Slab const slab{scalar_ ? 1 : 2,
                    {static_cast<hsize_t>(before), static_cast<hsize_t>(columns_.first)},
                    {none ? 0 : static_cast<hsize_t>(held),
                     static_cast<hsize_t>(std::max<std::int64_t>(columns_.count, 1))}};
    write_slab(dataset_.get(), type_, slab, held_.data(), transfer, where_);
    held_.clear();
}

}  // namespace mw::io
