#pragma once

#include <compare>
#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace mw::config {

//! A place in one of the texts that were read; line and column count from 1.
struct Where {
    std::uint32_t source{0};
    int line{1};
    int column{1};
    friend auto operator<=>(Where const&, Where const&) = default;
};

/*!
 * A YAML document as plain data, every node with its place.
 *
 * Unlike the YAML library's nodes it can be merged from several texts (deck, --set, catalogue) without losing the places.
 */
struct Tree {
    enum class Kind : std::uint8_t { null, scalar, list, map };
    struct Member;

    Kind kind{Kind::null};
    std::string text;  //!< of a scalar
    Where where;
    std::vector<Tree> items;      //!< of a list
    std::vector<Member> members;  //!< of a map, in file order

    [[nodiscard]] Tree const* find(std::string_view key) const;
    [[nodiscard]] Tree* find(std::string_view key);
};

struct Tree::Member {
    std::string key;
    Where where;
    Tree value;
};

//! Every mistake found so far, so that the user sees all of them at once, in the order of the file.
class Problems {
  public:
    //! A file (`name:line:column` in messages) or a command-line option (its own text).
    std::uint32_t add_source(std::string name, bool has_lines = true);
    void add(Where where, std::string_view path, std::string message);
    //! So many are kept; more are only counted, and need no words.
    [[nodiscard]] bool full() const { return found_.size() >= most_kept; }
    //! A mistake was found at this path or below it; what depends on it need not be checked.
    [[nodiscard]] bool touches(std::string_view path) const;
    void mark(std::string_view path) { paths_.emplace(path); }
    //! `file:line:column`, or the option.
    [[nodiscard]] std::string place(Where where) const;
    [[nodiscard]] std::size_t count() const { return found_.size() + unkept_; }
    //! Throws core::InputError if anything was found: the first 20 messages in the order of the files, and how many more there are.
    void raise() const;

  private:
    struct Source {
        std::string name;
        bool has_lines;
    };
    struct Problem {
        Where where;
        std::string message;
    };
    static constexpr std::size_t most_kept = 1000;
    static constexpr std::size_t most_shown = 20;

    std::vector<Source> sources_;
    std::vector<Problem> found_;
    std::size_t unkept_{0};
    std::set<std::string, std::less<>> paths_;
};

//! A YAML file as a tree; a null tree if it could not be read (the problem is then on the list).
[[nodiscard]] Tree parse_file(std::string const& path, Problems& problems);
//! A YAML text as a tree. `source` is what messages call it.
[[nodiscard]] Tree parse_text(std::string const& text, std::uint32_t source, Problems& problems);

//! One step of `a.b[0].c`: a key, or an index (or a service's name) in brackets.
struct PathStep {
    std::string text;
    bool bracketed{false};
};
//! Empty if the path is malformed.
[[nodiscard]] std::vector<PathStep> split_path(std::string_view path);
//! The item of a list that a bracketed step means, by number or by its `name`; nullptr if there is none.
[[nodiscard]] Tree* list_item(Tree& list, std::string const& step);
//! The node at a path, or nullptr.
[[nodiscard]] Tree const* at_path(Tree const& root, std::string_view path);
//! The place of the node at a path, or of the deepest block above it that exists.
[[nodiscard]] Where where_of(Tree const& root, std::string_view path);

[[nodiscard]] std::string join_path(std::string_view parent, std::string_view key);
//! `'word'`, as messages show what the user wrote; of a long text the beginning.
[[nodiscard]] std::string quote(std::string const& text);
//! "Did you mean 'x'?", or all that was expected.
[[nodiscard]] std::string suggestion(std::string const& word, std::vector<std::string> const& candidates);
//! `a, b, c`.
[[nodiscard]] std::string join(std::vector<std::string> const& words);

}  // namespace mw::config
