#include <yaml-cpp/yaml.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "megaweave/core/error.hpp"
#include "tree.hpp"

namespace mw::config {

namespace {

// Aliases can make a short text huge; nothing real comes near these.
constexpr std::size_t max_nodes = 500'000;
constexpr int max_depth = 32;
constexpr std::uintmax_t max_file_bytes = 64U << 20U;

//! The text as a whole cannot be used.
struct Unusable {
    Where where;
    char const* why;
};

//! The YAML library's nodes to ours; repeated keys, which the library accepts silently, are found here.
class Converter {
  public:
    Converter(std::uint32_t source, Problems& problems) : source_{source}, problems_{problems} {}

    Tree operator()(YAML::Node const& node, Where fallback, std::string const& path, int depth) {
        Tree tree;
        tree.where = place(node, fallback);
        if (++nodes_ > max_nodes)
            throw Unusable{tree.where, "the text unfolds to too many values. Write aliases out"};
        if (depth > max_depth)
            throw Unusable{tree.where, "blocks are nested too deeply (more than 32 levels)"};
        if (node.IsScalar()) {
            tree.kind = Tree::Kind::scalar;
            tree.text = node.Scalar();
        } else if (node.IsSequence()) {
            tree.kind = Tree::Kind::list;
            std::size_t index = 0;
            for (auto const& item : node) {
                tree.items.push_back(
                    (*this)(item, tree.where, path + "[" + std::to_string(index++) + "]", depth + 1));
            }
        } else if (node.IsMap()) {
            tree.kind = Tree::Kind::map;
            for (auto const& pair : node) add_member(tree, pair.first, pair.second, path, depth);
        }
        return tree;
    }

  private:
    void add_member(Tree& tree, YAML::Node const& key, YAML::Node const& value, std::string const& path,
                    int depth) {
        Where const where = place(key, tree.where);
        if (!key.IsScalar()) {
            problems_.add(where, path, "a key must be a plain word" + (path.empty() ? "" : " in " + path));
            return;
        }
        std::string const below = join_path(path, key.Scalar());
        if (tree.find(key.Scalar()) != nullptr) {
            problems_.add(where, below,
                          "repeated key '" + key.Scalar() + "'" + (path.empty() ? "" : " in " + path) +
                              ". Keep one of them");
            return;
        }
        tree.members.push_back({key.Scalar(), where, (*this)(value, where, below, depth + 1)});
    }

    [[nodiscard]] Where place(YAML::Node const& node, Where fallback) const {
        YAML::Mark const mark = node.Mark();
        if (mark.is_null()) return fallback;
        return {source_, mark.line + 1, mark.column + 1};
    }

    std::uint32_t source_;
    Problems& problems_;
    std::size_t nodes_{0};
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

}  // namespace

Tree parse_text(std::string const& text, std::uint32_t source, Problems& problems) {
    Tree empty;
    empty.where = {source, 1, 1};
    if (reject_binary(text, source, problems)) return empty;
    try {
        auto const documents = YAML::LoadAll(text);
        if (documents.empty()) return empty;
        if (documents.size() > 1)
            problems.add(empty.where, "", "the file holds several documents ('---'). Keep one");
        return Converter{source, problems}(documents.front(), empty.where, "", 0);
    } catch (Unusable const& error) {
        problems.add(error.where, "", error.why);
    } catch (YAML::Exception const& error) {
        Where const where =
            error.mark.is_null() ? empty.where : Where{source, error.mark.line + 1, error.mark.column + 1};
        problems.add(where, "", "not valid YAML: " + lower_first(error.msg));
    }
    return empty;
}

Tree parse_file(std::string const& path, Problems& problems) {
    namespace fs = std::filesystem;
    std::error_code code;
    auto const fail = [&](std::string const& why) {
        problems.add({problems.add_source(path, false), 1, 1}, "", why);
        return Tree{};
    };
    auto const status = fs::status(path, code);
    if (!fs::exists(status)) return fail("no such file");
    if (fs::is_directory(status)) return fail("is a directory. Name a file in it");
    if (fs::is_regular_file(status) && fs::file_size(path, code) > max_file_bytes)
        return fail("too large for a deck");
    std::ifstream in{path, std::ios::binary};
    std::ostringstream text;
    text << in.rdbuf();
    if (!in) return fail("cannot be read");
    std::uint32_t const source = problems.add_source(path);
    return parse_text(text.str(), source, problems);
}

}  // namespace mw::config
