#include "agree.hpp"

#include <cstddef>
#include <cstring>
#include <vector>

#include "megaweave/core/error.hpp"

namespace mw::io {

void agree(parallel::Comm const& comm, std::string const& error) {
    if (comm.max(error.empty() ? 0 : 1) == 0) return;
    std::vector<std::byte> bytes(error.size());
    std::memcpy(bytes.data(), error.data(), error.size());
    std::vector<std::byte> first;
    for (auto& part : comm.gather(bytes))
        if (first.empty()) first = std::move(part);
    comm.broadcast(first);
    std::string message(first.size(), '\0');
    std::memcpy(message.data(), first.data(), first.size());
    throw core::WorldError(message);
}

}  // namespace mw::io
