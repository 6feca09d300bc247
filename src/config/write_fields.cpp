#include "write_fields.hpp"

#include <filesystem>
#include <fstream>
#include <sstream>

#include "megaweave/core/hash.hpp"
#include "units.hpp"

namespace mw::config {

namespace {

//! A YAML double-quoted text.
std::string quoted(std::string const& text) {
    std::string out = "\"";
    for (char const c : text) {
        if (c == '"' || c == '\\') out += '\\';
        if (c == '\n') {
            out += "\\n";
        } else {
            out += c;
        }
    }
    return out += '"';
}

//! Plain where YAML cannot take it for anything but a word.
std::string scalar(std::string const& text) {
    constexpr std::string_view plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./";
    bool const word = !text.empty() && text.find_first_not_of(plain) == std::string::npos &&
                      text.find_first_of("abcdefghijklmnopqrstuvwxyz") == 0 && text != "null" &&
                      text != "true" && text != "false";
    return word ? text : quoted(text);
}

//! Size and hash of a file: "1234 B, 0123456789abcdef".
std::string contents_of(std::string const& path) {
    std::ifstream in{path, std::ios::binary};
    std::string block(1 << 20, '\0');
    std::uint64_t hash = 0;
    std::int64_t bytes = 0;
    while (in.read(block.data(), static_cast<std::streamsize>(block.size())) || in.gcount() > 0) {
        bytes += in.gcount();
        std::string const part = block.substr(0, static_cast<std::size_t>(in.gcount()));
        hash = core::mix(hash ^ core::hash_text(part));
    }
    std::ostringstream text;
    text << bytes << " B, " << std::hex << hash;
    return text.str();
}

}  // namespace

void WriteFields::line(std::string_view key, std::string const& value) {
    std::string lead = indent_;
    if (item_start_) lead.replace(lead.size() - 2, 2, "- ");
    item_start_ = false;
    out_ += lead;
    out_ += key;
    out_ += ':';
    if (!value.empty()) out_ += ' ' + value;
    out_ += '\n';
}

void WriteFields::text(std::string_view key, std::string& value, Rule) {
    if (!value.empty()) line(key, scalar(value));
}

void WriteFields::file(std::string_view key, std::string& path) {
    if (!physics_only()) return line(key, scalar(path));
    line(key, scalar(std::filesystem::path{path}.filename().string() + ", " + contents_of(path)));
}

void WriteFields::flag(std::string_view key, bool& value) {
    line(key, value ? "true" : "false");
}
void WriteFields::number(std::string_view key, double& value, Rule) {
    line(key, format_number(value));
}
void WriteFields::integer(std::string_view key, std::int64_t& value, Rule) {
    line(key, std::to_string(value));
}
void WriteFields::seed(std::string_view key, std::uint64_t& value) {
    line(key, std::to_string(value));
}

void WriteFields::quantity(std::string_view key, double& value, std::string_view unit, Rule) {
    line(key, format_quantity(value, unit_named(unit)));
}

void WriteFields::time(std::string_view key, core::TimeNs& value_ns, std::string_view unit, Rule) {
    line(key, format_quantity(core::to_seconds(value_ns), unit_named(unit)));
}

void WriteFields::numbers(std::string_view key, std::span<double> values, Rule) {
    std::string text;
    for (double const value : values) text += (text.empty() ? "[" : ", ") + format_number(value);
    line(key, text.empty() ? "[]" : text + "]");
}

void WriteFields::integers(std::string_view key, std::vector<std::int64_t>& values, Rule) {
    std::string text;
    for (std::int64_t const value : values) text += (text.empty() ? "[" : ", ") + std::to_string(value);
    line(key, text.empty() ? "[]" : text + "]");
}

void WriteFields::words(std::string_view key, std::vector<std::string>& values) {
    std::string text;
    for (std::string const& value : values) text += (text.empty() ? "[" : ", ") + scalar(value);
    line(key, text.empty() ? "[]" : text + "]");
}

void WriteFields::block(std::string_view key, Body const& body, Rule) {
    line(key, "");
    indent_ += "  ";
    body(*this);
    indent_.resize(indent_.size() - 2);
}

void WriteFields::list(std::string_view key, std::size_t size,
                       std::function<void(Fields&, std::size_t)> const& item) {
    line(key, "");
    indent_ += "    ";
    for (std::size_t i = 0; i < size; ++i) {
        item_start_ = true;
        item(*this, i);
    }
    indent_.resize(indent_.size() - 4);
}

void WriteFields::pick(std::string_view key, std::size_t& index, Choices const& choices, Rule) {
    line(key, choices.names[index]);
}

}  // namespace mw::config
