#pragma once

#include <array>
#include <cstddef>
#include <cstring>
#include <deque>
#include <string>
#include <type_traits>
#include <vector>

#include "megaweave/core/error.hpp"

namespace mw::core {

/*!
 * State to bytes and back, for messages between ranks and checkpoints.
 *
 * A class takes part with `template <class Ar> void archive(Ar& ar) { ar & a_ & b_; }`, used for both directions. Trivially
 * copyable types and vectors, deques, arrays and strings of them work by themselves. Bytes are this machine's.
 */
class ByteWriter {
  public:
    static constexpr bool reading = false;
    explicit ByteWriter(std::vector<std::byte>& out) : out_{out} {}

    template <class T>
    ByteWriter& operator&(T& value);
    void raw(void const* data, std::size_t size);

  private:
    std::vector<std::byte>& out_;
};

class ByteReader {
  public:
    static constexpr bool reading = true;
    ByteReader(std::byte const* data, std::size_t size) : at_{data}, left_{size} {}
    explicit ByteReader(std::vector<std::byte> const& in) : ByteReader{in.data(), in.size()} {}

    template <class T>
    ByteReader& operator&(T& value);
    void raw(void* data, std::size_t size) {
        if (size > left_)
            throw WorldError("a saved state ends too early: the file is damaged or from another version");
        if (size != 0) std::memcpy(data, at_, size);
        at_ += size;
        left_ -= size;
    }
    [[nodiscard]] std::size_t left() const { return left_; }

  private:
    std::byte const* at_;
    std::size_t left_;
};

namespace detail {

template <class T, class Ar>
concept Archivable = requires(T& value, Ar& ar) {
    value.archive(ar);
};

template <class T>
struct IsSequence : std::false_type {};
template <class T>
struct IsSequence<std::vector<T>> : std::true_type {};
template <class T>
struct IsSequence<std::deque<T>> : std::true_type {};
template <>
struct IsSequence<std::string> : std::true_type {};

template <class T>
struct IsArray : std::false_type {};
template <class T, std::size_t size>
struct IsArray<std::array<T, size>> : std::true_type {};

template <class Ar, class T>
void archive_sequence(Ar& ar, T& sequence) {
    using Value = typename T::value_type;
    std::uint64_t size = sequence.size();
    ar& size;
    if constexpr (Ar::reading) {
        if (size > ar.left())
            throw WorldError("a saved state is damaged: a list is longer than the rest of the file");
        sequence.resize(size);
    }
    if constexpr (std::is_trivially_copyable_v<Value> && !Archivable<Value, Ar> &&
                  requires { sequence.data(); }) {
        ar.raw(sequence.data(), size * sizeof(Value));
    } else {
        for (auto& value : sequence) ar& value;
    }
}

template <class Ar, class T>
void archive_one(Ar& ar, T& value) {
    if constexpr (Archivable<T, Ar>) {
        value.archive(ar);
    } else if constexpr (IsSequence<T>::value) {
        archive_sequence(ar, value);
    } else if constexpr (IsArray<T>::value && !std::is_trivially_copyable_v<T>) {
        for (auto& one : value) ar& one;
    } else {
        static_assert(std::is_trivially_copyable_v<T>, "give this type an archive() member");
        ar.raw(&value, sizeof(T));
    }
}

}  // namespace detail

template <class T>
ByteWriter& ByteWriter::operator&(T& value) {
    detail::archive_one(*this, value);
    return *this;
}

template <class T>
ByteReader& ByteReader::operator&(T& value) {
    detail::archive_one(*this, value);
    return *this;
}

}  // namespace mw::core
