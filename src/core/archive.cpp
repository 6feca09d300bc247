#include "megaweave/core/archive.hpp"

namespace mw::core {

// Not inline: GCC 12 sees overflows here that cannot be.
void ByteWriter::raw(void const* data, std::size_t size) {
    auto const* const bytes = static_cast<std::byte const*>(data);
    out_.insert(out_.end(), bytes, bytes + size);
}

}  // namespace mw::core
