#include "tree_builder.hpp"

#include <yaml-cpp/mark.h>

namespace mw::config {

void TreeBudget::spend(Size const& size, Where where) {
    spent_.nodes += size.nodes;
    spent_.bytes += size.bytes;
    if (spent_.nodes > most_nodes || spent_.bytes > most_bytes)
        throw Unusable{where, "the text unfolds to too many values. Write aliases out"};
}

void check_key_length(std::string const& key, Where where) {
    constexpr std::size_t most = 1024;
    if (key.size() > most) throw Unusable{where, "a key is longer than 1024 characters"};
}

TreeBudget::Size size_of(Tree const& tree) {
    TreeBudget::Size size{1, tree.text.size()};
    auto const add = [&](Tree const& below) {
        auto const part = size_of(below);
        size.nodes += part.nodes;
        size.bytes += part.bytes;
    };
    for (auto const& item : tree.items) add(item);
    for (auto const& member : tree.members) {
        size.bytes += member.key.size();
        add(member.value);
    }
    return size;
}

Where TreeBuilder::place(YAML::Mark const& mark) const {
    if (mark.is_null()) return open_.empty() ? Where{source_, 1, 1} : open_.back().tree.where;
    return {source_, mark.line + 1, mark.column + 1};
}

std::string TreeBuilder::path() const {
    std::string path;
    for (auto const& block : open_) {
        if (block.tree.kind == Tree::Kind::list)
            path += "[" + std::to_string(block.tree.items.size()) + "]";
        else if (block.key)
            path = join_path(path, block.key->text);
    }
    return path;
}

std::string TreeBuilder::in_block() const {
    std::string const above = path();
    return above.empty() ? "" : " in " + above;
}

void TreeBuilder::OnNull(YAML::Mark const& mark, YAML::anchor_t anchor) {
    Tree node;
    node.where = place(mark);
    budget_.spend({1, 0}, node.where);
    put(std::move(node), anchor);
}

void TreeBuilder::OnScalar(YAML::Mark const& mark, std::string const& tag, YAML::anchor_t anchor,
                           std::string const& value) {
    Tree node;
    node.kind = Tree::Kind::scalar;
    node.where = place(mark);
    node.text = value;
    budget_.spend({1, value.size()}, node.where);
    bool const merges = value == "<<" && (tag == "?" || tag == "tag:yaml.org,2002:merge");
    put(std::move(node), anchor, merges);
}

void TreeBuilder::OnAlias(YAML::Mark const& mark, YAML::anchor_t anchor) {
    auto const known = anchors_.find(anchor);
    if (known == anchors_.end())
        throw Unusable{place(mark), "an alias refers to a block that it stands in. Write its values out"};
    budget_.spend(size_of(known->second), place(mark));
    put(known->second, YAML::NullAnchor);
}

void TreeBuilder::OnSequenceStart(YAML::Mark const& mark, std::string const&, YAML::anchor_t anchor,
                                  YAML::EmitterStyle::value) {
    open(Tree::Kind::list, mark, anchor);
}

void TreeBuilder::OnMapStart(YAML::Mark const& mark, std::string const&, YAML::anchor_t anchor,
                             YAML::EmitterStyle::value) {
    open(Tree::Kind::map, mark, anchor);
}

void TreeBuilder::open(Tree::Kind kind, YAML::Mark const& mark, YAML::anchor_t anchor) {
    Open block{{}, anchor};
    block.tree.kind = kind;
    block.tree.where = place(mark);
    budget_.spend({1, 0}, block.tree.where);
    if (open_.size() > TreeBudget::most_levels)
        throw Unusable{block.tree.where, "blocks are nested too deeply (more than 32 levels)"};
    open_.push_back(std::move(block));
}

void TreeBuilder::close() {
    Open block = std::move(open_.back());
    open_.pop_back();
    for (Tree& from : block.merged)
        for (auto& member : from.members)
            if (block.keys.insert(member.key).second) block.tree.members.push_back(std::move(member));
    put(std::move(block.tree), block.anchor);
}

void TreeBuilder::put(Tree node, YAML::anchor_t anchor, bool merges) {
    if (anchor != YAML::NullAnchor) anchors_.insert_or_assign(anchor, node);
    if (open_.empty()) {
        root_ = std::move(node);
        return;
    }
    Open& block = open_.back();
    if (block.tree.kind == Tree::Kind::list) {
        block.tree.items.push_back(std::move(node));
    } else if (!block.key) {
        put_key(block, node, merges);
    } else {
        put_value(block, std::move(node));
    }
}

void TreeBuilder::put_key(Open& map, Tree const& node, bool merges) {
    check_key_length(node.text, node.where);
    KeyUse use = merges ? KeyUse::merge : KeyUse::member;
    if (node.kind != Tree::Kind::scalar) {
        problems_.add(node.where, path(), "a key must be a plain word" + in_block());
        use = KeyUse::dropped;
    } else if (!map.keys.insert(node.text).second) {
        problems_.add(node.where, join_path(path(), node.text),
                      "repeated key " + quote(node.text) + in_block() + ". Keep one of them");
        use = KeyUse::dropped;
    }
    map.key = Key{node.text, node.where, use};
}

void TreeBuilder::put_value(Open& map, Tree node) {
    Key key = std::move(*map.key);
    map.key.reset();
    if (key.use == KeyUse::member) {
        map.tree.members.push_back({std::move(key.text), key.where, std::move(node)});
    } else if (key.use == KeyUse::merge) {
        add_merged(map, std::move(node));
    }
}

void TreeBuilder::add_merged(Open& map, Tree value) {
    bool good = value.kind == Tree::Kind::map;
    if (value.kind == Tree::Kind::list) {
        good = true;
        for (auto const& item : value.items) good = good && item.kind == Tree::Kind::map;
    }
    if (!good) {
        problems_.add(value.where, join_path(path(), "<<"),
                      "'<<'" + in_block() + " merges a block of keys or a list of them, such as '<<: *name'");
    } else if (value.kind == Tree::Kind::map) {
        map.merged.push_back(std::move(value));
    } else {
        for (auto& item : value.items) map.merged.push_back(std::move(item));
    }
}

}  // namespace mw::config
