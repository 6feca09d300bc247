#pragma once

#include <exception>
#include <string>

#include "megaweave/parallel/comm.hpp"

namespace mw::io {

//! Collective. If any rank passes a message, every rank throws core::WorldError with that of the lowest such rank.
void agree(parallel::Comm const& comm, std::string const& error);

//! What `body` throws, as a message; "" if it does not.
template <class Body>
[[nodiscard]] std::string error_of(Body&& body) {
    try {
        body();
    } catch (std::exception const& error) {
        return error.what();
    }
    return {};
}

//! Collective. Runs `body` on the root; if that fails there, every rank throws.
template <class Body>
void on_root(parallel::Comm const& comm, Body&& body) {
    agree(comm, comm.root() ? error_of(body) : std::string{});
}

//! Collective. Runs `body` everywhere; if it fails anywhere, every rank throws. At most its last act may be collective itself.
template <class Body>
void together(parallel::Comm const& comm, Body&& body) {
    agree(comm, error_of(body));
}

}  // namespace mw::io
