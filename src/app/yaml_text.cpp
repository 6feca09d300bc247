#include "yaml_text.hpp"

#include <algorithm>
#include <cctype>
#include <string_view>

namespace mw::app {

namespace {

bool ends_word(char c) {
    return std::isspace(static_cast<unsigned char>(c)) != 0 || c == ',' || c == '}' || c == ']' || c == '{' ||
           c == '[';
}

std::string plain(std::string_view word) {
    if (word == "nan" || word == "-nan" || word == "inf" || word == "-inf") return "null";
    std::size_t const exponent = word.find('e');
    bool const number = exponent != std::string_view::npos && exponent > 0 &&
                        word.find_first_not_of("0123456789-+.e") == std::string_view::npos;
    std::string text{word};
    if (number && word.find('.') == std::string_view::npos) text.insert(exponent, ".0");
    return text;
}

//! End of the text in double quotes that begins at `at`.
std::size_t end_of_quotes(std::string const& yaml, std::size_t at) {
    for (++at; at < yaml.size() && yaml[at] != '"'; ++at)
        if (yaml[at] == '\\') ++at;
    return std::min(at + 1, yaml.size());
}

}  // namespace

std::string plain_numbers(std::string const& yaml) {
    std::string out;
    out.reserve(yaml.size() + yaml.size() / 16);
    for (std::size_t at = 0; at < yaml.size();) {
        std::size_t end = at + 1;
        if (yaml[at] == '"') {
            end = end_of_quotes(yaml, at);
        } else if (yaml[at] == '#' &&
                   (at == 0 || std::isspace(static_cast<unsigned char>(yaml[at - 1])) != 0)) {
            end = std::min(yaml.find('\n', at), yaml.size());
        } else if (!ends_word(yaml[at])) {
            while (end < yaml.size() && !ends_word(yaml[end])) ++end;
            out += plain(std::string_view{yaml}.substr(at, end - at));
            at = end;
            continue;
        }
        out.append(yaml, at, end - at);
        at = end;
    }
    return out;
}

}  // namespace mw::app
