#include "file_sum.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <fstream>
#include <vector>

#include "agree.hpp"
#include "durable.hpp"
#include "megaweave/core/error.hpp"
#include "megaweave/core/hash.hpp"

namespace mw::io {

namespace {

constexpr std::int64_t piece_bytes = std::int64_t{4} << 20;

struct Trailer {
    std::array<char, 16> mark{'m', 'e', 'g', 'a', 'w', 'e', 'a', 'v',
                              'e', ' ', 's', 'u', 'm', ' ', '1', '\n'};
    std::int64_t bytes{0};  //!< before the trailer
    std::uint64_t sum{0};
    std::uint64_t check{0};  //!< of the trailer itself

    [[nodiscard]] std::uint64_t own_check() const {
        return core::mix(core::mix(static_cast<std::uint64_t>(bytes)) ^ sum);
    }
};
constexpr auto trailer_bytes = static_cast<std::int64_t>(sizeof(Trailer));

std::int64_t size_of(std::ifstream& in) {
    in.seekg(0, std::ios::end);
    return static_cast<std::int64_t>(in.tellg());
}

void read_at(std::ifstream& in, std::int64_t at, std::span<std::byte> into, std::string const& path) {
    in.seekg(at);
    in.read(reinterpret_cast<char*>(into.data()), static_cast<std::streamsize>(into.size()));  // NOLINT
    if (!in) throw core::WorldError("cannot read " + path + ": " + system_reason());
}

//! Pieces are dealt to the ranks in turn; their hashes add up to the same sum on any number of them.
std::uint64_t sum_of(parallel::Comm const& comm, std::string const& path, std::int64_t bytes) {
    std::uint64_t sum = 0;
    together(comm, [&] {
        std::ifstream in{path, std::ios::binary};
        std::vector<std::byte> piece;
        for (std::int64_t i = comm.rank(); i * piece_bytes < bytes; i += comm.size()) {
            piece.resize(static_cast<std::size_t>(std::min(piece_bytes, bytes - i * piece_bytes)));
            read_at(in, i * piece_bytes, piece, path);
            sum += hash_bytes(piece, static_cast<std::uint64_t>(i));
        }
    });
    comm.sum(std::span{&sum, 1});
    return sum;
}

}  // namespace

std::uint64_t hash_bytes(std::span<std::byte const> bytes, std::uint64_t seed) {
    std::uint64_t h = core::mix(seed ^ bytes.size());
    std::size_t at = 0;
    for (; at + 8 <= bytes.size(); at += 8) {
        std::uint64_t word = 0;
        std::memcpy(&word, bytes.data() + at, 8);
        h = core::mix(h ^ word);
    }
    std::uint64_t rest = 0;
    if (at < bytes.size()) std::memcpy(&rest, bytes.data() + at, bytes.size() - at);
    return core::mix(h ^ rest);
}

void seal(parallel::Comm const& comm, std::string const& path) {
    Trailer trailer;
    on_root(comm, [&] {
        std::ifstream in{path, std::ios::binary};
        trailer.bytes = size_of(in);
        if (!in) throw core::WorldError("cannot read " + path + ": " + system_reason());
    });
    trailer.bytes = comm.max(trailer.bytes);
    trailer.sum = sum_of(comm, path, trailer.bytes);
    trailer.check = trailer.own_check();
    on_root(comm, [&] {
        std::ofstream out{path, std::ios::binary | std::ios::app};
        out.write(reinterpret_cast<char const*>(&trailer), trailer_bytes);  // NOLINT
        out.close();
        if (!out) throw core::WorldError("cannot write " + path + ": " + system_reason());
    });
}

std::string damage_of(parallel::Comm const& comm, std::string const& path) {
    Trailer found;
    std::string wrong;
    if (comm.root()) {
        wrong = error_of([&] {
            std::ifstream in{path, std::ios::binary};
            if (!in) throw core::WorldError(system_reason());
            std::int64_t const size = size_of(in);
            std::array<std::byte, sizeof(Trailer)> bytes{};
            if (size < trailer_bytes) throw core::WorldError("it is too short");
            read_at(in, size - trailer_bytes, bytes, path);
            std::memcpy(&found, bytes.data(), sizeof found);
            bool const whole = found.mark == Trailer{}.mark && found.bytes == size - trailer_bytes &&
                               found.check == found.own_check();
            if (!whole) throw core::WorldError("its end is missing or changed, or an older version wrote it");
        });
    }
    std::int64_t const bytes = comm.max(wrong.empty() ? found.bytes : -1);
    std::uint64_t const sum = bytes < 0 ? 0 : sum_of(comm, path, bytes);
    if (comm.root() && wrong.empty() && sum != found.sum) wrong = "it does not match its checksum";
    std::vector<std::byte> text(wrong.size());
    std::memcpy(text.data(), wrong.data(), wrong.size());
    comm.broadcast(text);
    wrong.assign(text.size(), '\0');
    std::memcpy(wrong.data(), text.data(), text.size());
    return wrong;
}

}  // namespace mw::io
