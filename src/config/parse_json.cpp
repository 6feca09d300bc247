#include "parse_json.hpp"

#include <array>
#include <charconv>
#include <cstdio>
#include <optional>
#include <string_view>
#include <unordered_set>

#include "tree_builder.hpp"

namespace mw::config {

namespace {

constexpr std::uint32_t replacement = 0xFFFD;

constexpr bool high_half(std::uint32_t code) {
    return code >= 0xD800 && code < 0xDC00;
}
constexpr bool low_half(std::uint32_t code) {
    return code >= 0xDC00 && code < 0xE000;
}
constexpr std::uint32_t joined(std::uint32_t high, std::uint32_t low) {
    return 0x10000U + ((high - 0xD800U) << 10U) + (low - 0xDC00U);
}

//! Of `\uXXXX` at the front of a text.
std::optional<std::uint32_t> unicode_escape(std::string_view text) {
    if (text.size() < 6 || !text.starts_with("\\u")) return std::nullopt;
    std::uint32_t code = 0;
    auto const [end, error] = std::from_chars(text.data() + 2, text.data() + 6, code, 16);
    if (error != std::errc{} || end != text.data() + 6) return std::nullopt;
    return code;
}

void append_utf8(std::string& text, std::uint32_t code) {
    auto const byte = [&](std::uint32_t value) { text += static_cast<char>(value); };
    auto const tail = [&](unsigned shift) { byte(0x80U | (code >> shift & 0x3FU)); };
    if (code < 0x80) return byte(code);
    if (code < 0x800) {
        byte(0xC0U | code >> 6U);
    } else if (code < 0x10000) {
        byte(0xE0U | code >> 12U);
        tail(6);
    } else {
        byte(0xF0U | code >> 18U);
        tail(12);
        tail(6);
    }
    tail(0);
}

class JsonReader {
  public:
    JsonReader(std::string_view text, std::uint32_t source, Problems& problems)
        : text_{text}, source_{source}, problems_{problems} {
        if (text_.starts_with("\xEF\xBB\xBF")) at_ = line_start_ = 3;
    }

    Tree operator()() {
        Tree tree = value(0);
        skip_blanks();
        if (at_ < text_.size()) fail("unexpected text after the end of the value");
        return tree;
    }

  private:
    struct Broken {};

    [[noreturn]] void fail(std::string const& what) const {
        problems_.add(here(), "", "not valid JSON: " + what);
        throw Broken{};
    }
    [[nodiscard]] Where here() const { return {source_, line_, static_cast<int>(at_ - line_start_) + 1}; }
    [[nodiscard]] char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }

    void skip_blanks() {
        for (; at_ < text_.size(); ++at_) {
            char const c = text_[at_];
            if (c == '\n') {
                ++line_;
                line_start_ = at_ + 1;
            } else if (c != ' ' && c != '\t' && c != '\r') {
                return;
            }
        }
    }

    void expect(char c) {
        skip_blanks();
        if (peek() != c || at_ == text_.size()) fail(std::string{"'"} + c + "' is missing before " + shown());
        ++at_;
    }

    [[nodiscard]] std::string shown() const {
        if (at_ >= text_.size()) return "the end of the file";
        return quote(std::string{text_.substr(at_, 1)});
    }

    Tree value(std::size_t depth) {
        skip_blanks();
        Tree tree;
        tree.where = here();
        if (depth > TreeBudget::most_levels)
            throw Unusable{tree.where, "values are nested too deeply (more than 32 levels)"};
        char const c = peek();
        if (c == '{') {
            object(tree, depth);
        } else if (c == '[') {
            array(tree, depth);
        } else if (c == '"') {
            tree.kind = Tree::Kind::scalar;
            tree.text = string();
        } else {
            word(tree);
        }
        budget_.spend({1, tree.text.size()}, tree.where);
        return tree;
    }

    void object(Tree& tree, std::size_t depth) {
        tree.kind = Tree::Kind::map;
        ++at_;
        skip_blanks();
        std::unordered_set<std::string> keys;
        for (bool more = peek() != '}'; more;) {
            skip_blanks();
            Where const where = here();
            if (peek() != '"') fail("a key in double quotes is missing before " + shown());
            std::string key = string();
            check_key_length(key, where);
            expect(':');
            Tree member = value(depth + 1);
            if (!keys.insert(key).second)
                problems_.add(where, "", "repeated key " + quote(key) + ". Keep one of them");
            else
                tree.members.push_back({std::move(key), where, std::move(member)});
            more = another();
        }
        expect('}');
    }

    void array(Tree& tree, std::size_t depth) {
        tree.kind = Tree::Kind::list;
        ++at_;
        skip_blanks();
        for (bool more = peek() != ']'; more;) {
            tree.items.push_back(value(depth + 1));
            more = another();
        }
        expect(']');
    }

    bool another() {
        skip_blanks();
        if (peek() != ',') return false;
        ++at_;
        return true;
    }

    //! A number, true, false or null; what it means is for the schema to say.
    void word(Tree& tree) {
        auto const end = std::min(text_.find_first_of(" \t\r\n,:]}[{\"", at_), text_.size());
        auto const word = text_.substr(at_, end - at_);
        bool const number = !word.empty() && (word[0] == '-' || (word[0] >= '0' && word[0] <= '9'));
        if (!number && word != "true" && word != "false" && word != "null" && word != "NaN" &&
            word != "Infinity")
            fail("a value is missing before " + shown());
        at_ = end;
        if (word == "null") return;
        tree.kind = Tree::Kind::scalar;
        tree.text = word;
    }

    std::string string() {
        std::string result;
        for (++at_;;) {
            auto const end = text_.find_first_of("\"\\\n", at_);
            if (end == std::string_view::npos || text_[end] == '\n') fail("a text's closing '\"' is missing");
            result += text_.substr(at_, end - at_);
            at_ = end;
            if (text_[at_++] == '"') return result;
            --at_;
            escape(result);
        }
    }

    void escape(std::string& result) {
        constexpr std::string_view letters = "\"\\/bfnrt";
        constexpr std::string_view meanings = "\"\\/\b\f\n\r\t";
        if (auto const code = unicode_escape(text_.substr(at_))) {
            at_ += 6;
            if (!high_half(*code)) return append_utf8(result, low_half(*code) ? replacement : *code);
            auto const next = unicode_escape(text_.substr(at_));
            bool const pair = next && low_half(*next);
            if (pair) at_ += 6;
            return append_utf8(result, pair ? joined(*code, *next) : replacement);
        }
        auto const letter = at_ + 1 < text_.size() ? letters.find(text_[at_ + 1]) : std::string_view::npos;
        if (letter == std::string_view::npos) fail("there is no such escape");
        result += meanings[letter];
        at_ += 2;
    }

    std::string_view text_;
    std::uint32_t source_;
    Problems& problems_;
    TreeBudget budget_;
    std::size_t at_{0};
    std::size_t line_start_{0};
    int line_{1};

    friend Tree mw::config::parse_json(std::string const&, std::uint32_t, Problems&);
};

}  // namespace

Tree parse_json(std::string const& text, std::uint32_t source, Problems& problems) {
    JsonReader read{text, source, problems};
    Tree empty;
    empty.where = {source, 1, 1};
    try {
        return read();
    } catch (Unusable const& error) {
        problems.add(error.where, "", error.why);
    } catch (JsonReader::Broken const&) {  // said
    }
    return empty;
}

std::string with_joined_surrogates(std::string const& text) {
    std::string result;
    std::string_view const all = text;
    std::size_t copied = 0;
    for (std::size_t at = all.find('\\'); at != std::string_view::npos; at = all.find('\\', at)) {
        auto const high = unicode_escape(all.substr(at));
        if (!high || !(high_half(*high) || low_half(*high))) {
            at += 2;  // past what the backslash escapes
            if (at >= all.size()) break;
            continue;
        }
        auto const low = unicode_escape(all.substr(at + 6));
        bool const pair = high_half(*high) && low && low_half(*low);
        std::array<char, 16> escape{};
        std::snprintf(escape.data(), escape.size(), "\\U%08X", pair ? joined(*high, *low) : replacement);
        result += all.substr(copied, at - copied);
        result += escape.data();
        copied = at += pair ? 12 : 6;
    }
    return result.empty() ? text : result += all.substr(copied);
}

}  // namespace mw::config
