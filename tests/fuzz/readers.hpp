#pragma once

#include <string>
#include <vector>

namespace mw::fuzz {

//! A reader of files that users write.
struct Reader {
    std::string name;
    std::string extension;
    std::vector<std::string> seeds;         //!< files and folders below the source tree
    void (*read)(std::string const& path);  //!< throws InputError or WorldError for what is wrong
};

[[nodiscard]] std::vector<Reader> const& readers();

//! Hands a text to a reader. False, with a line on stderr, if anything but a proper refusal came of it.
[[nodiscard]] bool survives(Reader const& reader, std::string const& text);

}  // namespace mw::fuzz
