#pragma once

#include <string>
#include <vector>

namespace mw::config {

/*!
 * Where two texts of `Deck::physics_yaml` differ, in the order of the first: "time.duration was 10 s and is now 20 s". Empty if
 * nowhere, or where one of them cannot be read.
 */
[[nodiscard]] std::vector<std::string> differences(std::string const& then, std::string const& now);

}  // namespace mw::config
