#include "folder_lock.hpp"

#include <fcntl.h>
#include <fmt/chrono.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <ctime>
#include <sstream>
#include <system_error>
#include <thread>

#include "megaweave/core/error.hpp"

namespace mw::app {

namespace {

std::string path_in(std::string const& folder) {
    return folder + "/.megaweave.lock";
}

std::string host() {
    std::array<char, 256> name{};
    gethostname(name.data(), name.size() - 1);
    return name.data();
}

std::string own_text() {
    return fmt::format("host {}\npid {}\nsince {:%Y-%m-%d %H:%M:%S}\n", host(), getpid(),
                       fmt::localtime(std::time(nullptr)));
}

std::string text_of(int descriptor) {
    std::array<char, 1024> text{};
    auto const size = pread(descriptor, text.data(), text.size(), 0);
    return {text.data(), static_cast<std::size_t>(size > 0 ? size : 0)};
}

struct Holder {
    std::string host;
    pid_t pid{0};
    std::string since;
};

Holder parse(std::string const& text) {
    Holder holder;
    std::istringstream in{text};
    for (std::string word; in >> word;) {
        if (word == "host") in >> holder.host;
        if (word == "pid") in >> holder.pid;
        if (word == "since") std::getline(in >> std::ws, holder.since);
    }
    return holder;
}

[[noreturn]] void refuse(std::string const& folder, std::string const& text) {
    Holder const holder = parse(text);
    std::string const who = holder.host.empty() ? ""
                                                : fmt::format(" (host {}, process {}, since {})", holder.host,
                                                              holder.pid, holder.since);
    throw core::InputError(fmt::format(
        "another run writes in '{}'{}: wait for its end, stop it, or choose another folder with --output",
        folder, who));
}

//! The file system has no locks: judge by what the file says.
bool seems_alive(std::string const& text) {
    Holder const holder = parse(text);
    if (holder.host.empty()) return false;
    if (holder.host != host()) return true;
    return holder.pid != getpid() && (kill(holder.pid, 0) == 0 || errno == EPERM);
}

//! Takes the lock of an open file, or tells that somebody has it. Another start may have it for a moment, to look.
bool lock(int descriptor) {
    for (int attempt = 0; attempt < 5; ++attempt) {
        if (flock(descriptor, LOCK_EX | LOCK_NB) == 0) return true;
        if (errno != EWOULDBLOCK) return !seems_alive(text_of(descriptor));
        std::this_thread::sleep_for(std::chrono::milliseconds{50});
    }
    return false;
}

bool same_file(int descriptor, std::string const& path) {
    struct stat opened {};
    struct stat named {};
    return fstat(descriptor, &opened) == 0 && stat(path.c_str(), &named) == 0 &&
           opened.st_ino == named.st_ino && opened.st_dev == named.st_dev;
}

}  // namespace

FolderLock::FolderLock(std::string const& folder) : folder_{folder}, path_{path_in(folder)} {
    while (!take()) {
    }
}

//! False if the file was removed by its owner between opening and locking.
bool FolderLock::take() {
    descriptor_ = open(path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    if (descriptor_ < 0)
        throw core::WorldError(
            fmt::format("cannot write in the output folder '{}': {}. Choose another with --output", folder_,
                        std::generic_category().message(errno)));
    std::string const text = text_of(descriptor_);
    bool const locked = lock(descriptor_);
    if (!locked || !same_file(descriptor_, path_)) {
        close(descriptor_);
        if (!locked) refuse(folder_, text);
        return false;
    }
    stale_ = !text.empty();
    std::string const own = own_text();
    bool const written = ftruncate(descriptor_, 0) == 0 &&
                         pwrite(descriptor_, own.data(), own.size(), 0) == static_cast<ssize_t>(own.size());
    if (written) return true;
    int const reason = errno;
    close(descriptor_);
    throw core::WorldError(
        fmt::format("cannot write {}: {}", path_, std::generic_category().message(reason)));
}

FolderLock::~FolderLock() {
    unlink(path_.c_str());
    close(descriptor_);
}

void FolderLock::probe(std::string const& folder) {
    int const descriptor = open(path_in(folder).c_str(), O_RDWR | O_CLOEXEC);
    if (descriptor < 0) return;
    std::string const text = text_of(descriptor);
    bool const free = lock(descriptor);
    close(descriptor);
    if (!free) refuse(folder, text);
}

}  // namespace mw::app
