#include "signals.hpp"

#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <ctime>
#include <string_view>

namespace mw::app::signals {

namespace {

constexpr std::array<int, 6> watched = {SIGTERM, SIGINT, SIGUSR1, SIGHUP, SIGUSR2, SIGXCPU};
constexpr int exit_stopped = 75;
constexpr int preparing = 1;  // 0: MPI starts
constexpr int writing = 2;
constexpr long once_ns =
    1'000'000'000;  // what comes within this is one request: mpirun may pass one on twice

// The only global state: a handler can reach nothing else.
volatile std::sig_atomic_t phase = 0;         // NOLINT(cppcoreguidelines-avoid-non-const-global-variables)
volatile std::sig_atomic_t first_signal = 0;  // NOLINT(cppcoreguidelines-avoid-non-const-global-variables)
long volatile asked_ns = 0;                   // NOLINT(cppcoreguidelines-avoid-non-const-global-variables)

long now_ns() {
    timespec now{};
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1'000'000'000 + now.tv_nsec;
}

//! Only what a handler may call.
[[noreturn]] void end(int code, std::string_view why) {
    [[maybe_unused]] auto const written = write(STDERR_FILENO, why.data(), why.size());
    _exit(code);
}

constexpr std::string_view early =
    "megaweave: stopped by a signal before the run began; nothing was written\n";

void take_note(int signal) {
    int const saved = errno;
    if (phase == preparing) end(exit_stopped, early);
    if (signal == SIGTERM || signal == SIGINT || signal == SIGHUP) {
        long const now = now_ns();
        if (asked_ns != 0 && now - asked_ns > once_ns)
            end(phase == writing ? 128 + signal : exit_stopped,
                "\nmegaweave: ended by a second signal; earlier checkpoints are whole\n");
        if (asked_ns == 0) asked_ns = now;
    }
    if (first_signal == 0) first_signal = signal;
    errno = saved;
}

//! nohup and its like ask that a lost terminal be ignored.
bool ignored(int signal) {
    struct sigaction old {};
    return sigaction(signal, nullptr, &old) == 0 && old.sa_handler == SIG_IGN;
}

//! Runs before the constructors of all libraries, which take most of a short start.
void watch_early(int count, char** words, char**) {
    if (count > 1 && std::strcmp(words[1], "run") == 0) watch();
}

}  // namespace

void watch() {
    struct sigaction action {};
    action.sa_handler = take_note;
    sigemptyset(&action.sa_mask);
    action.sa_flags = SA_RESTART;
    for (int const signal : watched)
        if (signal != SIGHUP || !ignored(signal)) sigaction(signal, &action, nullptr);
}

bool prepare() {
    phase = preparing;
    if (first_signal == 0) return true;
    [[maybe_unused]] auto const written = write(STDERR_FILENO, early.data(), early.size());
    return false;
}

void defer() {
    phase = writing;
}

int seen() {
    return first_signal;
}

}  // namespace mw::app::signals

extern "C" {
// The loader calls what this section lists, in programs only; the attribute keeps it in the program.
__attribute__((section(".preinit_array"),
               used)) void (*mw_watch_early)(int, char**, char**) = mw::app::signals::watch_early;
}
