#pragma once

#include "fields.hpp"
#include "megaweave/config/deck.hpp"
#include "megaweave/serving/recipe.hpp"

/*!
 * The deck format: one function per block, each naming its keys once with unit, range and place in the struct.
 * `Fields` decides whether they are read or written.
 */
namespace mw::config {

//! The words for hardware::Precision, in its order.
inline Choices const precision_choices{{"fp4", "fp8", "bf16"}, {}};

// Catalogue entries (schema_{catalogue,accelerator,model,engine,recipe}.cpp)
void describe(Fields& fields, hardware::AcceleratorParams& accelerator);
void describe(Fields& fields, hardware::RackParams& rack);
void describe(Fields& fields, llm::ModelParams& model);
void describe(Fields& fields, llm::EngineParams& engine);
void describe_network(Fields& fields, fabric::NetworkParams& network);
void describe(Fields& fields, fabric::OpticsParams& optics);
void describe(Fields& fields, fabric::SwitchParams& network_switch);
void describe(Fields& fields, hardware::PoolMemoryParams& memory);
void describe(Fields& fields, serving::RecipeParams& recipe);

//! An entry of a kind into nowhere: only to find what is wrong with it.
void describe_discarded(Fields& fields, std::string_view kind);

// A service (schema_service.cpp)
void describe(Fields& fields, serving::ServiceParams& service);

// The deck (schema_deck.cpp)
void describe(Fields& fields, Deck& deck);
void describe(Fields& fields, FlowsDeck& deck);

}  // namespace mw::config
