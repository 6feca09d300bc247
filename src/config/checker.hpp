#pragma once

#include <algorithm>
#include <initializer_list>
#include <string>
#include <utility>
#include <vector>

#include "megaweave/config/deck.hpp"
#include "tree.hpp"

namespace mw::config {

inline std::string num(std::int64_t value) {
    return std::to_string(value);
}

//! Reports at the first path, unless one of the paths that the check rests on is itself in error.
class Checker {
  public:
    Checker(Tree const& root, Problems& problems) : root_{root}, problems_{problems} {}

    void expect(bool good, std::initializer_list<std::string> paths, std::string const& message) {
        if (good) return;
        if (std::any_of(paths.begin(), paths.end(),
                        [&](auto const& path) { return problems_.touches(path); }))
            return;
        found_.emplace_back(*paths.begin(), message);
    }
    //! Only now, so that one contradiction does not hide another about the same key.
    ~Checker() {
        for (auto const& [path, message] : found_) problems_.add(where_of(root_, path), path, message);
    }
    Checker(Checker const&) = delete;
    Checker& operator=(Checker const&) = delete;

  private:
    Tree const& root_;
    Problems& problems_;
    std::vector<std::pair<std::string, std::string>> found_;
};

void check_cluster(ClusterParams const& cluster, Checker& check);
//! All that keeps the network from being built; a Clos' commonest mistake in the words of the deck.
void check_network(fabric::NetworkParams const& network, Checker& check);
void check_services(Deck const& deck, Checker& check);

}  // namespace mw::config
