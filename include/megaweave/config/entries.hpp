#pragma once

#include <map>
#include <string>
#include <vector>

#include "megaweave/config/deck.hpp"
#include "megaweave/serving/recipe.hpp"

namespace mw::config {

/*!
 * The catalogue as structs, for code that builds decks in memory. Read once; then only looked at, so threads may share it.
 *
 * Every entry is found by its name and its aliases.
 */
class Entries {
  public:
    /*!
     * Reads the program's catalogue with overrides such as `accelerators.h100.efficiency.hbm=0.9`; a name with a dot stands in
     * brackets: `models[llama-3.1-70b].layers=40`. Throws core::InputError with every mistake.
     */
    explicit Entries(std::vector<Override> const& overrides = {});

    //! nullptr if there is none of that name.
    [[nodiscard]] hardware::RackParams const* rack(std::string const& name) const;
    [[nodiscard]] llm::ModelParams const* model(std::string const& name) const;
    [[nodiscard]] llm::EngineParams const* engine(std::string const& name) const;
    [[nodiscard]] fabric::OpticsParams const* optics(std::string const& name) const;
    [[nodiscard]] fabric::SwitchParams const* network_switch(std::string const& name) const;
    //! By name.
    [[nodiscard]] std::map<std::string, serving::RecipeParams> const& recipes() const { return recipes_; }
    //! The first of each kind in the catalogue, for what does not matter.
    [[nodiscard]] fabric::OpticsParams const& any_optics() const { return optics_.begin()->second; }
    [[nodiscard]] fabric::SwitchParams const& any_switch() const { return switches_.begin()->second; }

  private:
    std::map<std::string, hardware::RackParams> racks_;
    std::map<std::string, llm::ModelParams> models_;
    std::map<std::string, llm::EngineParams> engines_;
    std::map<std::string, serving::RecipeParams> recipes_;
    std::map<std::string, fabric::OpticsParams> optics_;
    std::map<std::string, fabric::SwitchParams> switches_;
};

}  // namespace mw::config
