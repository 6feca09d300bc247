#pragma once

#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

#include <unistd.h>

namespace mw::test {

//! A small file in the system's temporary folder, gone with the object.
class TempFile {
  public:
    TempFile(std::string const& name, std::string_view text)
        : path_{std::filesystem::temp_directory_path() / ("mw_" + std::to_string(::getpid()) + "_" + name)} {
        std::ofstream{path_, std::ios::binary} << text;
    }
    TempFile(TempFile const&) = delete;
    TempFile& operator=(TempFile const&) = delete;
    ~TempFile() {
        std::error_code ignored;
        std::filesystem::remove(path_, ignored);
    }
    [[nodiscard]] std::string path() const { return path_.string(); }

  private:
    std::filesystem::path path_;
};

//! A file of the shared folder, or "" if it is absent.
inline std::string shared_trace(std::string const& name) {
    auto const path = std::filesystem::path{MW_SHARED_DIR} / "traces" / name;
    return std::filesystem::exists(path) ? path.string() : std::string{};
}

}  // namespace mw::test
