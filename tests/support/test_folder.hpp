#pragma once

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <string>
#include <vector>

#include "megaweave/parallel/comm.hpp"

namespace mw::test {

//! An empty folder that all ranks share, gone at the end of the test.
class Folder {
  public:
    Folder(parallel::Comm const& comm, std::string const& name) : comm_{comm} {
        auto const id = std::to_string(comm.max(comm.root() ? getpid() : 0));
        path_ = (std::filesystem::temp_directory_path() / ("megaweave-test-" + id + "-" + name)).string();
        if (comm.root()) {
            std::filesystem::remove_all(path_);
            std::filesystem::create_directories(path_);
        }
        comm.barrier();
    }
    ~Folder() {
        comm_.barrier();
        std::error_code ignored;
        if (comm_.root()) std::filesystem::remove_all(path_, ignored);
    }
    Folder(Folder const&) = delete;
    Folder& operator=(Folder const&) = delete;

    [[nodiscard]] std::string const& path() const { return path_; }

  private:
    parallel::Comm const& comm_;
    std::string path_;
};

//! No file of this process may grow beyond `bytes`: writing fails as on a full disk.
class FileSizeLimit {
  public:
    explicit FileSizeLimit(rlim_t bytes) : handler_{std::signal(SIGXFSZ, SIG_IGN)} {
        getrlimit(RLIMIT_FSIZE, &before_);
        rlimit limited = before_;
        limited.rlim_cur = bytes;
        setrlimit(RLIMIT_FSIZE, &limited);
    }
    ~FileSizeLimit() {
        setrlimit(RLIMIT_FSIZE, &before_);
        std::signal(SIGXFSZ, handler_);
    }
    FileSizeLimit(FileSizeLimit const&) = delete;
    FileSizeLimit& operator=(FileSizeLimit const&) = delete;

  private:
    void (*handler_)(int);
    rlimit before_{};
};

inline std::vector<std::string> names_in(std::string const& folder) {
    std::vector<std::string> names;
    for (auto const& entry : std::filesystem::directory_iterator{folder})
        names.push_back(entry.path().filename().string());
    std::sort(names.begin(), names.end());
    return names;
}

//! The message of the `Error` that `act` throws; "" if it throws none.
template <class Error, class Act>
std::string message_of(Act&& act) {
    try {
        act();
    } catch (Error const& error) {
        return error.what();
    }
    return {};
}

inline bool contains(std::string const& text, std::string const& part) {
    return text.find(part) != std::string::npos;
}

}  // namespace mw::test
