#include "output_folder.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string_view>
#include <system_error>
#include <vector>

#include "folder_lock.hpp"
#include "megaweave/core/error.hpp"
#include "megaweave/io/checkpoint.hpp"

namespace mw::app {

namespace {

namespace fs = std::filesystem;

constexpr std::size_t block_bytes = 1 << 20;

//! A file of ours and what tells it from another of that name, within its first `within` bytes (none: anywhere).
struct Kind {
    std::string_view name;
    std::string_view mark;
    std::optional<std::size_t> within;
};
// run.h5 last: should moving be cut short, the next run finds it and moves the rest.
constexpr std::array<Kind, 4> kinds = {{{"run.xdmf", "run.h5:/mesh/", 4096},
                                        {"summary.yaml", "# Megaweave ", 64},
                                        {"report.html", "Megaweave report</title>", 4096},
                                        {"run.h5", "physics_hash", std::nullopt}}};
constexpr std::string_view figure_mark = "Megaweave report";

bool contains(fs::path const& path, std::string_view mark, std::optional<std::size_t> within) {
    std::ifstream in{path, std::ios::binary};
    std::string window;
    std::string block(std::min(block_bytes, within.value_or(block_bytes)), '\0');
    while (in.read(block.data(), static_cast<std::streamsize>(block.size())) || in.gcount() > 0) {
        window.append(block, 0, static_cast<std::size_t>(in.gcount()));
        if (window.find(mark) != std::string::npos) return true;
        if (within) return false;
        window.erase(0, window.size() - std::min(window.size(), mark.size()));
    }
    return false;
}

//! A run that is killed before its first flush leaves this: room on the disk, and nothing in it.
bool is_blank(fs::path const& path) {
    std::array<char, 8> start{};
    std::ifstream in{path, std::ios::binary};
    in.read(start.data(), start.size());
    return std::ranges::all_of(start, [](char c) { return c == '\0'; });
}

bool is_ours(fs::path const& path, Kind const& kind, bool run_died) {
    std::error_code code;
    if (!fs::is_regular_file(path, code)) return false;
    if (contains(path, kind.mark, kind.within)) return true;
    return run_died && kind.name == "run.h5" && is_blank(path);
}

bool is_there(fs::path const& path) {
    std::error_code code;
    return fs::exists(fs::symlink_status(path, code));
}

[[noreturn]] void fail(std::string const& what, std::error_code const& code) {
    throw core::WorldError(fmt::format("{}: {}", what, code.message()));
}

//! Files to move, relative to the folder.
std::vector<fs::path> own_files(fs::path const& folder, Replaced replaced, bool run_died) {
    std::vector<fs::path> files;
    std::error_code code;
    if (replaced == Replaced::everything)
        for (std::string const& path : io::checkpoints_in((folder / "checkpoints").string()))
            files.push_back(fs::path{"checkpoints"} / fs::path{path}.filename());
    for (auto const& entry : fs::directory_iterator{folder / "figures", code})
        if (entry.is_regular_file(code) && entry.path().extension() == ".png" &&
            contains(entry.path(), figure_mark, 1024))
            files.push_back(fs::path{"figures"} / entry.path().filename());
    for (Kind const& kind : kinds)
        if (is_ours(folder / kind.name, kind, run_died)) files.emplace_back(kind.name);
    return files;
}

//! previous-1, or one more than the highest there is.
fs::path make_next(fs::path const& folder) {
    constexpr std::string_view prefix = "previous-";
    int highest = 0;
    std::error_code code;
    for (auto const& entry : fs::directory_iterator{folder, code}) {
        std::string const name = entry.path().filename().string();
        std::string const digits = name.starts_with(prefix) ? name.substr(prefix.size()) : "";
        bool const number = !digits.empty() && digits.size() < 9 &&
                            digits.find_first_not_of("0123456789") == std::string::npos;
        if (number) highest = std::max(highest, std::stoi(digits));
    }
    fs::path const next = folder / fmt::format("{}{}", prefix, highest + 1);
    if (!fs::create_directory(next, code) && !code) code = std::make_error_code(std::errc::file_exists);
    if (code) fail(fmt::format("cannot make {} for earlier results", next.string()), code);
    return next;
}

//! Also to another file system, where a part of the folder is a link to one.
void move_file(fs::path const& from, fs::path const& to) {
    std::error_code code;
    fs::create_directories(to.parent_path(), code);
    if (!code) fs::rename(from, to, code);
    if (code == std::errc::cross_device_link) {
        fs::copy_file(from, to, code);
        if (!code) fs::remove(from, code);
    }
    if (code) fail(fmt::format("cannot move {} to {}", from.string(), to.string()), code);
}

}  // namespace

void require_usable(std::string const& folder, std::string const& goes_on_from) {
    std::error_code code;
    auto const status = fs::status(folder, code);
    if (!fs::exists(status)) return;
    if (!fs::is_directory(status))
        fail(fmt::format("cannot make the output folder '{}'", folder),
             std::make_error_code(std::errc::not_a_directory));
    FolderLock::probe(folder);
    bool const run_died = is_there(fs::path{folder} / ".megaweave.lock");
    std::vector<std::string> mistakes;
    auto const foreign = [&](fs::path const& path, char const* what) {
        mistakes.push_back(
            fmt::format("{} is {}, and the run would write one of that name: move it, or choose another "
                        "folder with --output",
                        path.string(), what));
    };
    for (Kind const& kind : kinds) {
        fs::path const path = fs::path{folder} / kind.name;
        bool const needed = kind.name != "report.html" &&  // the report's business
                            !fs::equivalent(path, goes_on_from, code);
        if (needed && is_there(path) && !is_ours(path, kind, run_died))
            foreign(path, "no file of Megaweave's");
    }
    fs::path const checkpoints = fs::path{folder} / "checkpoints";
    if (is_there(checkpoints) && !fs::is_directory(checkpoints, code)) foreign(checkpoints, "no folder");
    if (!mistakes.empty()) throw core::InputError(mistakes);
}

void make_folder(std::string const& folder) {
    std::error_code code;
    fs::create_directories(folder, code);
    if (code)
        throw core::WorldError(fmt::format(
            "cannot make the output folder '{}': {}. Choose another with --output", folder, code.message()));
}

bool holds_finished(std::string const& folder) {
    return is_ours(fs::path{folder} / kinds[1].name, kinds[1], false);
}

std::string set_aside(std::string const& folder, Replaced replaced, bool run_died) {
    std::vector<fs::path> const files = own_files(folder, replaced, run_died);
    if (files.empty()) return "";
    fs::path const next = make_next(folder);
    for (fs::path const& file : files) move_file(fs::path{folder} / file, next / file);
    return next.string();
}

}  // namespace mw::app
