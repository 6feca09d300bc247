#include "mutate.hpp"

#include <algorithm>
#include <array>

namespace mw::fuzz {

namespace {

constexpr std::size_t longest = 200'000;

//! What readers treat in ways of their own.
constexpr std::array tokens{",",
                            ":",
                            ": ",
                            "- ",
                            "{",
                            "}",
                            "[",
                            "]",
                            "&a ",
                            "*a",
                            "<<: ",
                            "<<: *a",
                            "---\n",
                            "...\n",
                            "\"",
                            "'",
                            "|\n",
                            ">\n",
                            "!!x ",
                            "%",
                            "#",
                            "\\",
                            "\n",
                            "\r\n",
                            "\t",
                            "  ",
                            "? ",
                            "null",
                            "~",
                            "true",
                            "base: ",
                            "all",
                            "none",
                            "inf",
                            "nan",
                            "-",
                            "1e308",
                            "1e-308",
                            "-0",
                            "0x10",
                            "010",
                            "1_000",
                            "2147483647",
                            "2147483648",
                            "9223372036854775807",
                            "9223372036854775808",
                            "18446744073709551615",
                            "1e9",
                            "1e18",
                            "\\ud83d\\ude00",
                            "\\ud83d",
                            "\\u0000",
                            "\xEF\xBB\xBF",
                            "\xF0\x9F\x98\x80",
                            "\xC0\x80",
                            " GB",
                            " s",
                            " /s",
                            " W/kW",
                            "{}",
                            "[]",
                            "\"\"",
                            "{a: 1},"};

}  // namespace

std::string Mutator::operator()(std::vector<std::string> const& corpus) {
    std::string text = corpus[below(corpus.size())];
    for (std::size_t changes = 1 + below(8); changes > 0; --changes) change(text, corpus);
    if (text.size() > longest) text.resize(longest);
    return text;
}

void Mutator::change(std::string& text, std::vector<std::string> const& corpus) {
    std::size_t const at = below(text.size() + 1);
    std::size_t const size = std::min(below(40), text.size() - at);
    switch (below(9)) {
        case 0:
            if (at < text.size()) text[at] = static_cast<char>(random_());
            break;
        case 1:
        case 2:
            text.insert(at, tokens[below(tokens.size())]);
            break;
        case 3:
            text.erase(at, size);
            break;
        case 4: {  // a part many times over
            std::string part = text.substr(at, size);
            std::size_t const times = below(10) == 0 ? 2000 : 1 + below(5);
            std::string all;
            for (std::size_t i = 0; i < times && all.size() < longest; ++i) all += part;
            text.insert(at, all);
            break;
        }
        case 5: {  // the end of another text
            std::string const& other = corpus[below(corpus.size())];
            text = text.substr(0, at) + other.substr(below(other.size() + 1));
            break;
        }
        case 6:
        case 7:
            replace_number(text);
            break;
        case 8:
            swap_lines(text);
            break;
    }
}

void Mutator::replace_number(std::string& text) {
    auto const digit = [](char c) { return c >= '0' && c <= '9'; };
    auto const first =
        std::find_if(text.begin() + static_cast<std::ptrdiff_t>(below(text.size() + 1)), text.end(), digit);
    auto const last = std::find_if_not(first, text.end(), digit);
    static constexpr std::array values{
        "0", "1", "-1", "0.5", "1e-300", "1e300", "2147483648", "9223372036854775808", "1e9", "3"};
    text.replace(first, last, values[below(values.size())]);
}

void Mutator::swap_lines(std::string& text) {
    auto const line = [&](std::size_t from) {
        std::size_t const start = from == 0 ? 0 : text.rfind('\n', from - 1) + 1;
        std::size_t const end = std::min(text.find('\n', from), text.size());
        return std::pair{start, end - start};
    };
    auto const [a, a_size] = line(below(text.size()));
    auto const [b, b_size] = line(below(text.size()));
    if (a + a_size >= b) return;
    std::string const first = text.substr(a, a_size);
    std::string const second = text.substr(b, b_size);
    text.replace(b, b_size, first);
    text.replace(a, a_size, second);
}

}  // namespace mw::fuzz
