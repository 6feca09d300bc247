#include "going_on.hpp"

#include <cstdlib>
#include <string_view>

namespace mw::app {

namespace {

std::string quoted_for_shell(std::string const& word) {
    constexpr std::string_view plain =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./=:,+@%";
    if (!word.empty() && word.find_first_not_of(plain) == std::string::npos) return word;
    std::string out = "'";
    for (char const c : word) out += c == '\'' ? std::string{"'\\''"} : std::string{c};
    return out + "'";
}

std::string launcher(int ranks) {
    if (std::getenv("OMPI_COMM_WORLD_SIZE") != nullptr) return "mpirun -n " + std::to_string(ranks) + " ";
    return ranks > 1 ? "srun " : "";
}

//! `mw run` chooses ranks, threads and launcher itself; it passes its own name, and how many words of ours are its addition.
std::string program_words(std::vector<std::string> const& words, int ranks) {
    if (char const* const mw = std::getenv("MW_RUN")) return std::string{mw} + " run";
    return launcher(ranks) + quoted_for_shell(words.front()) + " run";
}

}  // namespace

std::string command_to_go_on(std::vector<std::string> const& words, std::string const& folder, int ranks) {
    std::string command = program_words(words, ranks);
    std::size_t count = words.size();
    if (std::getenv("MW_RUN") != nullptr && std::getenv("MW_ADDED_THREADS") != nullptr) count -= 2;
    bool piped = false;
    for (std::size_t i = 2; i < count; ++i) {
        if (words[i] == "--restart") {
            ++i;
            continue;
        }
        if (words[i].starts_with("--restart=")) continue;
        piped = piped || words[i] == "-" || words[i] == "/dev/stdin";
        command += " " + quoted_for_shell(words[i]);
    }
    return command + " --restart " + quoted_for_shell(folder) + (piped ? " < DECK" : "");
}

}  // namespace mw::app
