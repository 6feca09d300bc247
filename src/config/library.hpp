#pragma once

#include <deque>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "tree.hpp"

namespace mw::config {

/*!
 * The catalogue's entries as they stand in its files: found by kind and name (or alias), not yet checked.
 *
 * A shelf is one file of one kind; the deck's own `catalogue_entries` come first, then its `catalogue:` folder, then the
 * program's. An entry hides those of the same name behind it.
 */
class Library {
  public:
    explicit Library(Problems& problems) : problems_{problems} {}

    //! Adds every file of a catalogue folder, behind the shelves that are there.
    void add_folder(std::filesystem::path const& folder);
    //! Adds the deck's `catalogue_entries`.
    void add_entries(Tree const& kinds);

    struct Found {
        std::string name;           //!< the entry's own, also where it was asked for by an alias
        Tree const* tree{nullptr};  //!< nullptr: unknown
    };
    [[nodiscard]] Found find(std::string_view kind, std::string_view name) const;
    //! Names of a kind, in the order of the shelves.
    [[nodiscard]] std::vector<std::string> names(std::string_view kind) const;
    //! Names and aliases, for suggestions.
    [[nodiscard]] std::vector<std::string> all_words(std::string_view kind) const;

  private:
    struct Shelf {
        std::string kind;
        Tree entries;
    };
    Problems& problems_;
    std::deque<Shelf> shelves_;  // entries keep their addresses
};

}  // namespace mw::config
