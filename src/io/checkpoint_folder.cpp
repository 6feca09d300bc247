#include "checkpoint_folder.hpp"

#include <algorithm>
#include <filesystem>
#include <string_view>
#include <system_error>
#include <vector>

#include "megaweave/core/error.hpp"
#include "megaweave/io/checkpoint.hpp"

namespace mw::io {

namespace {

namespace fs = std::filesystem;

constexpr std::string_view prefix = "checkpoint-";
constexpr std::string_view suffix = ".h5";
constexpr std::size_t least_digits = 12;
constexpr std::size_t most_digits = 18;  // of an int64

//! Windows of the complete checkpoints in a folder, ascending.
std::vector<std::int64_t> windows_in(std::string const& directory) {
    std::vector<std::int64_t> windows;
    std::error_code error;
    for (auto const& entry : fs::directory_iterator{directory, error}) {
        std::string const name = entry.path().filename().string();
        if (!name.starts_with(prefix) || !name.ends_with(suffix)) continue;
        std::string const digits = name.substr(prefix.size(), name.size() - prefix.size() - suffix.size());
        bool const number = digits.size() >= least_digits && digits.size() <= most_digits &&
                            digits.find_first_not_of("0123456789") == std::string::npos;
        if (number && entry.is_regular_file(error)) windows.push_back(std::stoll(digits));
    }
    std::sort(windows.begin(), windows.end());
    return windows;
}

}  // namespace

std::string checkpoint_name(std::int64_t window) {
    std::string const digits = std::to_string(window);
    std::size_t const zeros = least_digits - std::min(digits.size(), least_digits);
    return std::string{prefix}.append(zeros, '0').append(digits).append(suffix);
}

void prepare_checkpoint_folder(std::string const& directory) {
    std::error_code error;
    fs::create_directories(directory, error);
    if (error) throw core::WorldError("cannot make the folder " + directory + ": " + error.message());
    for (auto const& entry : fs::directory_iterator{directory, error}) {
        std::string const name = entry.path().filename().string();
        bool const ours = name.starts_with(".megaweave-checkpoint-") && name.ends_with(".h5.tmp");
        if (!error && ours) fs::remove(entry.path(), error);
    }
    if (error)
        throw core::WorldError("cannot clear unfinished checkpoints from " + directory + ": " +
                               error.message());
}

void keep_two_checkpoints(std::string const& directory, std::int64_t written) {
    auto const windows = windows_in(directory);
    auto const here = std::lower_bound(windows.begin(), windows.end(), written);
    std::int64_t const predecessor = here == windows.begin() ? written : *(here - 1);
    std::error_code ignored;  // a checkpoint too many harms nothing
    for (std::int64_t const window : windows)
        if (window != written && window != predecessor)
            fs::remove(fs::path{directory} / checkpoint_name(window), ignored);
}

std::vector<std::string> checkpoints_in(std::string const& directory) {
    std::vector<std::string> paths;
    for (std::int64_t const window : windows_in(directory))
        paths.push_back((fs::path{directory} / checkpoint_name(window)).string());
    return paths;
}

std::string newest_checkpoint(std::string const& directory) {
    auto const windows = windows_in(directory);
    return windows.empty() ? "" : (fs::path{directory} / checkpoint_name(windows.back())).string();
}

}  // namespace mw::io
