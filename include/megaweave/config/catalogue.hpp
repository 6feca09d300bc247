#pragma once

#include <string>
#include <vector>

namespace mw::config {

//! One line of `megaweave catalogue`: an entry with its source and how far to trust it.
struct CatalogueRow {
    std::string name;
    std::string summary;  //!< the values that matter most, with units
    std::string quality;  //!< measured | published | estimate
    std::string source;
};

//! Folder of the catalogue: $MEGAWEAVE_CATALOGUE, else beside the executable, else the source tree's.
[[nodiscard]] std::string catalogue_folder();
//! "accelerators", "models", "engines", "racks", "optics", "switches", "memories", "recipes".
[[nodiscard]] std::vector<std::string> catalogue_kinds();
//! Every entry of a kind. Throws core::InputError for an unknown kind.
[[nodiscard]] std::vector<CatalogueRow> catalogue_rows(std::string const& kind);
//! One entry written out as YAML, every default included; of models also the path of a Hugging Face config.json.
//! Throws core::InputError (with the nearest name) if unknown.
[[nodiscard]] std::string catalogue_entry(std::string const& kind, std::string const& name);

}  // namespace mw::config
