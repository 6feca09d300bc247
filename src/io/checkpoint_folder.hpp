#pragma once

#include <cstdint>
#include <string>

namespace mw::io {

//! "checkpoint-000000012000.h5"
[[nodiscard]] std::string checkpoint_name(std::int64_t window);

//! Makes the folder and removes what killed writers left unfinished. Throws core::WorldError.
void prepare_checkpoint_folder(std::string const& directory);

//! Removes all checkpoints but the one just written and the one before it.
void keep_two_checkpoints(std::string const& directory, std::int64_t written);

}  // namespace mw::io
