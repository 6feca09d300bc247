#include "durable.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <system_error>

#include "megaweave/core/error.hpp"

namespace mw::io {

namespace {

void sync_path(std::string const& path, int flags) {
    int const descriptor = ::open(path.c_str(), flags);
    if (descriptor < 0) throw core::WorldError("cannot open " + path + ": " + system_reason());
    int const failed = ::fsync(descriptor);
    std::string const why = failed != 0 ? system_reason() : "";
    ::close(descriptor);
    if (failed != 0) throw core::WorldError("cannot sync " + path + ": " + why);
}

}  // namespace

namespace {

[[noreturn]] void no_room(std::string const& path, std::int64_t bytes, std::string const& why) {
    throw core::WorldError("cannot write " + path + ": it needs " + std::to_string(bytes / 1'000'000 + 1) +
                           " MB more (" + why + "). Make room, or choose another directory with --output");
}

bool unsupported(int error) {
    return error == EOPNOTSUPP || error == ENOSYS || error == EINVAL;
}

}  // namespace

void reserve(std::string const& path, std::int64_t bytes) {
    int const descriptor = ::open(path.c_str(), O_WRONLY | O_CREAT, 0666);
    if (descriptor < 0) throw core::WorldError("cannot write " + path + ": " + system_reason());
    auto const size = ::lseek(descriptor, 0, SEEK_END);
    int const error = ::fallocate(descriptor, 0, size, bytes) == 0 ? 0 : errno;
    ::close(descriptor);
    if (error == 0) return;
    if (!unsupported(error)) no_room(path, bytes, std::generic_category().message(error));
    std::error_code unknown;
    auto const room = std::filesystem::space(std::filesystem::path{path}, unknown);
    if (!unknown && room.available < static_cast<std::uintmax_t>(bytes))
        no_room(path, bytes, "the disk is full");
}

std::string aside_of(std::string const& path) {
    std::filesystem::path const whole{path};
    return (whole.parent_path() / (".megaweave-" + whole.filename().string() + ".tmp")).string();
}

std::string system_reason() {
    return std::generic_category().message(errno);
}

void rename_durably(std::string const& aside, std::string const& path) {
    sync_path(aside, O_RDONLY);
    if (std::rename(aside.c_str(), path.c_str()) != 0)
        throw core::WorldError("cannot rename " + aside + " to " + path + ": " + system_reason());
    auto const folder = std::filesystem::path{path}.parent_path();
    sync_path(folder.empty() ? "." : folder.string(), O_RDONLY | O_DIRECTORY);
}

}  // namespace mw::io
