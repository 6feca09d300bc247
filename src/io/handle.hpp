#pragma once

#include <hdf5.h>

#include <cstdint>
#include <string>
#include <utility>

#include "megaweave/parallel/comm.hpp"

#ifndef H5_HAVE_PARALLEL
#error "Megaweave needs an HDF5 that was built with MPI"
#endif

namespace mw::io {

//! Owner of an HDF5 identifier of any kind.
class Handle {
  public:
    using Closer = herr_t (*)(hid_t);

    Handle() = default;
    //! Throws core::WorldError "what: HDF5's reason" if `id` says that the call which made it failed.
    Handle(hid_t id, Closer close, std::string const& what);
    ~Handle() { reset(); }
    Handle(Handle&& other) noexcept : id_{std::exchange(other.id_, H5I_INVALID_HID)}, close_{other.close_} {}
    Handle& operator=(Handle&& other) noexcept {
        std::swap(id_, other.id_);
        std::swap(close_, other.close_);
        return *this;
    }

    [[nodiscard]] hid_t get() const { return id_; }
    [[nodiscard]] bool open() const { return id_ >= 0; }
    void reset() noexcept {
        if (open()) close_(std::exchange(id_, H5I_INVALID_HID));
    }

  private:
    hid_t id_{H5I_INVALID_HID};
    Closer close_{nullptr};
};

//! Throws core::WorldError "what: HDF5's reason" if an HDF5 call failed.
void check(herr_t status, std::string const& what);

//! Opening a file: by one process without locks (they fail on some cluster file systems), or by all ranks together.
enum class Access : std::uint8_t { read, modify, replace };
[[nodiscard]] Handle open_serial(std::string const& path, Access access);
[[nodiscard]] Handle open_parallel(parallel::Comm const& comm, std::string const& path, Access access);

//! Property lists that more than one place needs.
[[nodiscard]] Handle collective_transfer();

//! A string of at most `size` bytes, padded with zeros, UTF-8.
[[nodiscard]] Handle string_type(std::size_t size);

[[nodiscard]] inline hid_t native(float) {
    return H5T_NATIVE_FLOAT;
}
[[nodiscard]] inline hid_t native(double) {
    return H5T_NATIVE_DOUBLE;
}
[[nodiscard]] inline hid_t native(std::int32_t) {
    return H5T_NATIVE_INT32;
}
[[nodiscard]] inline hid_t native(std::int64_t) {
    return H5T_NATIVE_INT64;
}
[[nodiscard]] inline hid_t native(std::uint64_t) {
    return H5T_NATIVE_UINT64;
}
[[nodiscard]] inline hid_t native(std::byte) {
    return H5T_NATIVE_UINT8;
}

//! Attributes of a file, group or dataset. Writing is collective where the file is parallel. `where` names the object in errors.
void put_attribute_raw(hid_t object, std::string const& name, hid_t type, void const* value,
                       std::string const& where);
void get_attribute_raw(hid_t object, std::string const& name, hid_t type, void* value,
                       std::string const& where);
//! `room` > the text's length reserves bytes for a later, longer value.
void put_text(hid_t object, std::string const& name, std::string const& text, std::string const& where,
              std::size_t room = 0);
[[nodiscard]] std::string get_text(hid_t object, std::string const& name, std::string const& where);

template <class T>
void put_number(hid_t object, std::string const& name, T value, std::string const& where) {
    put_attribute_raw(object, name, native(value), &value, where);
}
template <class T>
[[nodiscard]] T get_number(hid_t object, std::string const& name, std::string const& where) {
    T value{};
    get_attribute_raw(object, name, native(value), &value, where);
    return value;
}

}  // namespace mw::io
