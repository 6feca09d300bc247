#pragma once

#include <yaml-cpp/eventhandler.h>

#include <map>
#include <optional>
#include <string>
#include <unordered_set>
#include <vector>

#include "tree.hpp"

namespace mw::config {

//! The text as a whole cannot be used.
struct Unusable {
    Where where;
    char const* why;
};

//! Counts what a text unfolds to; aliases can make a short text huge, and nothing real comes near these bounds.
class TreeBudget {
  public:
    struct Size {
        std::size_t nodes{0};
        std::size_t bytes{0};
    };
    static constexpr std::size_t most_nodes = 500'000;
    static constexpr std::size_t most_bytes = 64'000'000;
    static constexpr std::size_t most_levels = 32;

    //! Throws Unusable above the bounds.
    void spend(Size const& size, Where where);

  private:
    Size spent_;
};

//! Throws Unusable: keys stand in paths and messages.
void check_key_length(std::string const& key, Where where);

[[nodiscard]] TreeBudget::Size size_of(Tree const& tree);

/*!
 * A tree from the events of the YAML library's parser.
 *
 * Found here, because the library accepts them silently: repeated keys, keys that are no words, aliases of a block inside
 * itself. Merge keys (`<<`, YAML 1.1) are resolved: a block's own keys win, then those of the maps that are named earlier.
 */
class TreeBuilder final : public YAML::EventHandler {
  public:
    TreeBuilder(std::uint32_t source, Problems& problems) : source_{source}, problems_{problems} {}

    //! Content of the document; a null tree if it has none.
    [[nodiscard]] Tree take() { return std::move(root_); }

    void OnDocumentStart(YAML::Mark const&) override {}
    void OnDocumentEnd() override {}
    void OnNull(YAML::Mark const& mark, YAML::anchor_t anchor) override;
    void OnAlias(YAML::Mark const& mark, YAML::anchor_t anchor) override;
    void OnScalar(YAML::Mark const& mark, std::string const& tag, YAML::anchor_t anchor,
                  std::string const& value) override;
    void OnSequenceStart(YAML::Mark const& mark, std::string const& tag, YAML::anchor_t anchor,
                         YAML::EmitterStyle::value style) override;
    void OnSequenceEnd() override { close(); }
    void OnMapStart(YAML::Mark const& mark, std::string const& tag, YAML::anchor_t anchor,
                    YAML::EmitterStyle::value style) override;
    void OnMapEnd() override { close(); }

  private:
    enum class KeyUse : std::uint8_t { member, merge, dropped };
    struct Key {
        std::string text;
        Where where;
        KeyUse use;
    };
    //! A list or map that is not complete yet.
    struct Open {
        Tree tree;
        YAML::anchor_t anchor;
        std::unordered_set<std::string> keys{};
        std::optional<Key> key{};  // whose value comes next
        std::vector<Tree> merged{};
    };

    [[nodiscard]] Where place(YAML::Mark const& mark) const;
    [[nodiscard]] std::string path() const;
    void open(Tree::Kind kind, YAML::Mark const& mark, YAML::anchor_t anchor);
    void close();
    //! A complete node takes its place in the innermost open block. `merges`: it is a plain `<<`.
    void put(Tree node, YAML::anchor_t anchor, bool merges = false);
    void put_key(Open& map, Tree const& node, bool merges);
    void put_value(Open& map, Tree node);
    void add_merged(Open& map, Tree value);
    //! " in services[0]" for messages; "" at the top.
    [[nodiscard]] std::string in_block() const;

    std::uint32_t source_;
    Problems& problems_;
    TreeBudget budget_;
    std::vector<Open> open_;
    std::map<YAML::anchor_t, Tree> anchors_;
    Tree root_;
};

}  // namespace mw::config
