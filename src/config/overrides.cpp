#include "overrides.hpp"

#include <string>
#include <utility>

namespace mw::config {

namespace {

constexpr std::pair<std::string_view, std::string_view> words_for_blocks[] = {
    {"rack", "base"},   {"model", "base"},       {"engine", "base"}, {"optics", "base"},
    {"switch", "base"}, {"accelerator", "base"}, {"memory", "base"}, {"cooling", "kind"}};

//! `rack: hgx-h100` as `rack: {base: hgx-h100}`.
bool make_block(Tree& node, std::string_view key) {
    for (auto const& [word, inner] : words_for_blocks) {
        if (word != key) continue;
        Tree block;
        block.kind = Tree::Kind::map;
        block.where = node.where;
        block.members.push_back({std::string{inner}, node.where, node});
        node = std::move(block);
        return true;
    }
    return false;
}

class Setter {
  public:
    Setter(Override const& change, Problems& problems)
        : change_{change},
          problems_{problems},
          where_{problems.add_source("--set " + change.path + "=" + change.value, false), 1, 1} {}

    void operator()(Tree& root) {
        auto const steps = split_path(change_.path);
        if (steps.empty()) return fail("is not a path. Write for example --set cluster.accelerators=512");
        std::size_t const before = problems_.count();
        Tree value = parse_text(change_.value, where_.source, problems_);
        if (problems_.count() != before) return;
        if (value.kind == Tree::Kind::null)
            return fail("has no value. Write for example --set " + change_.path + "=1");
        Tree* node = &root;
        std::string key;
        for (auto const& step : steps) {
            node = step.bracketed ? enter_item(*node, step.text) : enter_key(*node, step.text, key);
            if (node == nullptr) return;
            key = step.text;
        }
        *node = std::move(value);
    }

  private:
    void fail(std::string const& why) {
        problems_.add(where_, change_.path, "'" + change_.path + "' " + why);
    }

    Tree* enter_item(Tree& node, std::string const& step) {
        // A key that holds a dot, as names in the catalogue do, is written in brackets.
        Tree* const item = node.kind == Tree::Kind::list  ? list_item(node, step)
                           : node.kind == Tree::Kind::map ? node.find(step)
                                                          : nullptr;
        if (item == nullptr) {
            fail("has no entry [" + step + "]: " +
                 (node.kind == Tree::Kind::list ? "the list has " + std::to_string(node.items.size())
                                                : "it is no list"));
        }
        return item;
    }

    //! `above` is the key that holds `node`.
    Tree* enter_key(Tree& node, std::string const& step, std::string const& above) {
        if (node.kind == Tree::Kind::null) {
            node.kind = Tree::Kind::map;
            node.where = where_;
        }
        bool const usable =
            node.kind == Tree::Kind::map || (node.kind == Tree::Kind::scalar && make_block(node, above));
        if (!usable) {
            fail("does not exist: '" + above + "' is " +
                 (node.kind == Tree::Kind::list ? "a list. Add [0]" : "a single value"));
            return nullptr;
        }
        if (Tree* const found = node.find(step)) return found;
        Tree absent;
        absent.where = where_;
        node.members.push_back({step, where_, absent});
        return &node.members.back().value;
    }

    Override const& change_;
    Problems& problems_;
    Where where_;
};

}  // namespace

void apply_overrides(Tree& deck, std::vector<Override> const& overrides, Problems& problems) {
    for (auto const& change : overrides) Setter{change, problems}(deck);
}

}  // namespace mw::config
