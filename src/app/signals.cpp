#include "signals.hpp"

#include <array>
#include <csignal>

namespace mw::app {

namespace {

constexpr std::array<int, 3> watched = {SIGTERM, SIGINT, SIGUSR1};
// The one piece of global state: a handler can reach nothing else.
volatile std::sig_atomic_t last_signal = 0;  // NOLINT(cppcoreguidelines-avoid-non-const-global-variables)

void take_note(int signal) {
    last_signal = signal;
}

}  // namespace

struct SignalWatch::Previous {
    std::array<struct sigaction, watched.size()> actions{};
};

SignalWatch::SignalWatch() : previous_{std::make_unique<Previous>()} {
    last_signal = 0;
    struct sigaction action {};
    action.sa_handler = take_note;
    sigemptyset(&action.sa_mask);
    action.sa_flags = SA_RESTART;
    for (std::size_t i = 0; i < watched.size(); ++i) sigaction(watched[i], &action, &previous_->actions[i]);
}

SignalWatch::~SignalWatch() {
    for (std::size_t i = 0; i < watched.size(); ++i) sigaction(watched[i], &previous_->actions[i], nullptr);
}

int SignalWatch::seen() const {
    return last_signal;
}

}  // namespace mw::app
