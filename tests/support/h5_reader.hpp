#pragma once

#include <hdf5.h>

#include <stdexcept>
#include <string>
#include <vector>

/*!
 * Reads HDF5 files for tests, by one process and by plain calls: a second opinion on what `io` wrote.
 */
namespace mw::test {

class H5Reader {
  public:
    explicit H5Reader(std::string const& path) {
        hid_t const access = H5Pcreate(H5P_FILE_ACCESS);
        H5Pset_file_locking(access, false, true);
        file_ = H5Fopen(path.c_str(), H5F_ACC_RDONLY, access);
        H5Pclose(access);
        if (file_ < 0) throw std::runtime_error("cannot open " + path);
    }
    ~H5Reader() { H5Fclose(file_); }
    H5Reader(H5Reader const&) = delete;
    H5Reader& operator=(H5Reader const&) = delete;

    [[nodiscard]] bool has(std::string const& name) const {
        return H5Lexists(file_, name.c_str(), H5P_DEFAULT) > 0;
    }

    [[nodiscard]] std::vector<hsize_t> extent(std::string const& dataset) const {
        hid_t const id = open(dataset);
        hid_t const space = H5Dget_space(id);
        std::vector<hsize_t> sizes(static_cast<std::size_t>(H5Sget_simple_extent_ndims(space)));
        H5Sget_simple_extent_dims(space, sizes.data(), nullptr);
        H5Sclose(space);
        H5Dclose(id);
        return sizes;
    }

    //! All values of a dataset of numbers, as doubles.
    [[nodiscard]] std::vector<double> numbers(std::string const& dataset) const {
        std::size_t count = 1;
        for (auto const n : extent(dataset)) count *= n;
        std::vector<double> values(count);
        hid_t const id = open(dataset);
        herr_t const status = H5Dread(id, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data());
        H5Dclose(id);
        if (status < 0) throw std::runtime_error("cannot read " + dataset);
        return values;
    }

    //! Fixed-length texts, zeros cut off.
    [[nodiscard]] std::vector<std::string> texts(std::string const& dataset) const {
        std::size_t count = 1;
        for (auto const n : extent(dataset)) count *= n;
        hid_t const id = open(dataset);
        hid_t const type = H5Dget_type(id);
        std::size_t const size = H5Tget_size(type);
        std::string packed(size * count, '\0');
        H5Dread(id, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, packed.data());
        H5Tclose(type);
        H5Dclose(id);
        std::vector<std::string> out;
        for (std::size_t i = 0; i < count; ++i) out.emplace_back(packed.substr(i * size, size).c_str());
        return out;
    }

    [[nodiscard]] std::string text_attribute(std::string const& object, std::string const& name) const {
        hid_t const id = H5Aopen_by_name(file_, object.c_str(), name.c_str(), H5P_DEFAULT, H5P_DEFAULT);
        if (id < 0) throw std::runtime_error(object + " has no attribute " + name);
        hid_t const type = H5Aget_type(id);
        std::string value(H5Tget_size(type), '\0');
        H5Aread(id, type, value.data());
        H5Tclose(type);
        H5Aclose(id);
        return value.c_str();
    }

    [[nodiscard]] double number_attribute(std::string const& object, std::string const& name) const {
        hid_t const id = H5Aopen_by_name(file_, object.c_str(), name.c_str(), H5P_DEFAULT, H5P_DEFAULT);
        if (id < 0) throw std::runtime_error(object + " has no attribute " + name);
        double value = 0;
        H5Aread(id, H5T_NATIVE_DOUBLE, &value);
        H5Aclose(id);
        return value;
    }

  private:
    [[nodiscard]] hid_t open(std::string const& dataset) const {
        hid_t const id = H5Dopen2(file_, dataset.c_str(), H5P_DEFAULT);
        if (id < 0) throw std::runtime_error("there is no " + dataset);
        return id;
    }

    hid_t file_;
};

}  // namespace mw::test
