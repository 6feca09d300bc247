#include "megaweave/core/text_file.hpp"

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <new>
#include <system_error>
#include <vector>

#include "megaweave/core/error.hpp"

namespace mw::core {

namespace {

constexpr std::size_t chunk_bytes = 1U << 20U;

std::string amount(std::uint64_t bytes) {
    constexpr std::uint64_t mega = 1'000'000;
    return std::to_string(bytes / mega) + " MB";
}

//! Follows the length of the current line across chunks.
class LineLength {
  public:
    explicit LineLength(std::uint64_t longest) : longest_{longest} {}

    //! False where a line is too long.
    bool add(char const* data, std::size_t size) {
        while (size > 0) {
            auto const* const end = static_cast<char const*>(std::memchr(data, '\n', size));
            std::size_t const part = end == nullptr ? size : static_cast<std::size_t>(end - data);
            length_ += part;
            if (length_ > longest_) return false;
            if (end == nullptr) return true;
            length_ = 0;
            ++number_;
            data += part + 1;
            size -= part + 1;
        }
        return true;
    }
    [[nodiscard]] std::string problem() const {
        return "line " + std::to_string(number_) + " is longer than " + amount(longest_) +
               ". Is it a file of this kind?";
    }

  private:
    std::uint64_t longest_;
    std::uint64_t length_{0};
    std::uint64_t number_{1};
};

//! "" if the text was read.
std::string read(std::ifstream& in, std::string const& path, TextLimits const& limits, std::string& text) {
    std::vector<char> chunk(chunk_bytes);
    LineLength line{limits.longest_line};
    while (in) {
        std::uint64_t const left = limits.most_bytes + 1 - text.size();
        in.read(chunk.data(), static_cast<std::streamsize>(std::min<std::uint64_t>(chunk_bytes, left)));
        auto const got = static_cast<std::size_t>(in.gcount());
        if (in.bad()) throw WorldError(path + ": reading failed");
        text.append(chunk.data(), got);
        if (text.size() > limits.most_bytes) return "is larger than " + amount(limits.most_bytes);
        if (!line.add(chunk.data(), got)) return line.problem();
    }
    return "";
}

}  // namespace

TextFile read_text_file(std::string const& path, TextLimits const& limits, std::size_t padding) {
    namespace fs = std::filesystem;
    std::error_code code;
    auto const status = fs::status(path, code);
    if (!fs::exists(status)) return {"", "no such file"};
    if (fs::is_directory(status)) return {"", "is a directory. Name a file in it"};
    std::ifstream in{path, std::ios::binary};
    if (!in) return {"", "cannot be opened. May you read it?"};
    TextFile file;
    try {
        if (fs::is_regular_file(status)) {
            auto const size = fs::file_size(path, code);
            if (!code && size > limits.most_bytes) return {"", "is larger than " + amount(limits.most_bytes)};
            if (!code) file.text.reserve(size + padding);
        }
        file.problem = read(in, path, limits, file.text);
        file.text.append(padding, '\0');
    } catch (std::bad_alloc const&) {
        throw WorldError(path + ": does not fit into this machine's memory");
    }
    if (!file.ok()) file.text.clear();
    return file;
}

std::string need_text_file(std::string const& path, TextLimits const& limits, std::size_t padding) {
    TextFile file = read_text_file(path, limits, padding);
    if (!file.ok()) throw InputError(path + ": " + file.problem);
    return std::move(file.text);
}

}  // namespace mw::core
