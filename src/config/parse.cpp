#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <sstream>
#include <string_view>

#include "megaweave/core/text_file.hpp"
#include "parse_json.hpp"
#include "tree_builder.hpp"

namespace mw::config {

namespace {

//! Throws at the first event: a deck is one document.
class NothingMore final : public YAML::EventHandler {
  public:
    struct Found {
        YAML::Mark mark;
    };
    void OnDocumentStart(YAML::Mark const& mark) override { throw Found{mark}; }
    void OnDocumentEnd() override {}
    void OnNull(YAML::Mark const& mark, YAML::anchor_t) override { throw Found{mark}; }
    void OnAlias(YAML::Mark const& mark, YAML::anchor_t) override { throw Found{mark}; }
    void OnScalar(YAML::Mark const& mark, std::string const&, YAML::anchor_t, std::string const&) override {
        throw Found{mark};
    }
    void OnSequenceStart(YAML::Mark const& mark, std::string const&, YAML::anchor_t,
                         YAML::EmitterStyle::value) override {
        throw Found{mark};
    }
    void OnSequenceEnd() override {}
    void OnMapStart(YAML::Mark const& mark, std::string const&, YAML::anchor_t,
                    YAML::EmitterStyle::value) override {
        throw Found{mark};
    }
    void OnMapEnd() override {}
};

//! Control characters mean that this is not a text file.
bool reject_binary(std::string const& text, std::uint32_t source, Problems& problems) {
    Where where{source, 1, 1};
    for (char const c : text) {
        bool const printable = static_cast<unsigned char>(c) >= 0x20 || c == '\n' || c == '\r' || c == '\t';
        if (!printable) {
            problems.add(where, "", "not a text file. A deck is a YAML text");
            return true;
        }
        if (c == '\n') {
            ++where.line;
            where.column = 1;
        } else {
            ++where.column;
        }
    }
    return false;
}

std::string lower_first(std::string text) {
    if (!text.empty() && text[0] >= 'A' && text[0] <= 'Z') text[0] = static_cast<char>(text[0] - 'A' + 'a');
    return text;
}

std::string after_document(std::string const& text, YAML::Mark const& mark) {
    auto const at = static_cast<std::size_t>(mark.pos);
    std::string_view const rest = std::string_view{text}.substr(std::min(at, text.size()));
    if (rest.starts_with("---") || rest.starts_with("%"))
        return "the text holds several documents ('---'). Keep one";
    return "unexpected text after the end of the block: " +
           quote(std::string{rest.substr(0, rest.find_first_of("\r\n"))}) + ". Leave it out";
}

}  // namespace

Tree parse_text(std::string const& text, std::uint32_t source, Problems& problems) {
    Tree empty;
    empty.where = {source, 1, 1};
    if (reject_binary(text, source, problems)) return empty;
    auto const place = [&](YAML::Mark const& mark) {
        return mark.is_null() ? empty.where : Where{source, mark.line + 1, mark.column + 1};
    };
    try {
        std::istringstream stream{with_joined_surrogates(text)};
        YAML::Parser parser{stream};
        TreeBuilder builder{source, problems};
        if (!parser.HandleNextDocument(builder)) return empty;
        // Not the library's LoadAll: it makes documents without end from a comma after a flow value.
        NothingMore nothing_more;
        parser.HandleNextDocument(nothing_more);
        return builder.take();
    } catch (NothingMore::Found const& found) {
        problems.add(place(found.mark), "", after_document(text, found.mark));
    } catch (Unusable const& error) {
        problems.add(error.where, "", error.why);
    } catch (YAML::Exception const& error) {
        problems.add(place(error.mark), "", "not valid YAML: " + lower_first(error.msg));
    }
    return empty;
}

Tree parse_file(std::string const& path, Problems& problems) {
    core::TextFile const file = core::read_text_file(path, core::deck_limits);
    if (!file.ok()) {
        problems.add({problems.add_source(path, false), 1, 1}, "", file.problem);
        return {};
    }
    std::uint32_t const source = problems.add_source(path);
    return path.ends_with(".json") ? parse_json(file.text, source, problems)
                                   : parse_text(file.text, source, problems);
}

}  // namespace mw::config
