#include "deck_source.hpp"

#include <filesystem>
#include <fstream>
#include <iostream>

#include "agree.hpp"
#include "megaweave/core/archive.hpp"
#include "megaweave/core/error.hpp"

namespace mw::app {

namespace {

namespace fs = std::filesystem;

constexpr std::size_t most_bytes = 4 << 20;

bool comes_by_pipe(std::string const& path) {
    if (path == "-" || path.starts_with("/dev/") || path.starts_with("/proc/")) return true;
    std::error_code code;
    auto const status = fs::status(path, code);
    return fs::exists(status) && !fs::is_regular_file(status) && !fs::is_directory(status);
}

std::string read_all(std::istream& in, std::string const& path) {
    std::string text(most_bytes + 1, '\0');
    in.read(text.data(), static_cast<std::streamsize>(text.size()));
    text.resize(static_cast<std::size_t>(in.gcount()));
    if (in.bad()) throw core::InputError(path + ": cannot be read");
    if (text.size() > most_bytes) throw core::InputError(path + ": too large for a deck (more than 4 MiB)");
    return text;
}

std::string read_piped(std::string const& path) {
    if (path == "-") return read_all(std::cin, "standard input");
    std::ifstream in{path, std::ios::binary};
    if (!in || fs::is_directory(path)) throw core::InputError(path + ": cannot be read");
    return read_all(in, path);
}

}  // namespace

std::optional<std::string> piped_deck(parallel::Comm const& comm, std::string const& path) {
    bool const piped = comm.max(comm.root() && comes_by_pipe(path) ? 1 : 0) == 1;
    if (!piped) return std::nullopt;
    std::string text = on_all_ranks(comm, [&] { return comm.root() ? read_piped(path) : std::string{}; });
    std::vector<std::byte> bytes;
    core::ByteWriter{bytes} & text;
    comm.broadcast(bytes);
    core::ByteReader{bytes} & text;
    return text;
}

}  // namespace mw::app
