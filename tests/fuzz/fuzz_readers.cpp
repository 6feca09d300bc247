// Feeds changed texts to every reader, under sanitizers: fuzz_readers [SECONDS [SEED [READER]]], or fuzz_readers FILE READER for one
// text that failed. Also an entry for libFuzzer (tests/README.md).
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "mutate.hpp"
#include "readers.hpp"

namespace {

using namespace mw::fuzz;
namespace fs = std::filesystem;

constexpr unsigned hang_s = 60;

std::string text_of(fs::path const& path) {
    std::ifstream in{path, std::ios::binary};
    std::ostringstream text;
    text << in.rdbuf();
    return text.str();
}

std::vector<std::string> corpus_of(Reader const& reader) {
    std::vector<fs::path> files;
    for (std::string const& folder : reader.seeds)
        for (auto const& entry : fs::directory_iterator{fs::path{MW_SOURCE_DIR} / folder})
            if (entry.path().extension() == reader.extension) files.push_back(entry.path());
    std::sort(files.begin(), files.end());
    std::vector<std::string> texts;
    for (auto const& file : files) texts.push_back(text_of(file));
    return texts;
}

std::string failed_path(Reader const& reader) {
    return "fuzz_failed_" + reader.name + reader.extension;
}

//! Kept before it is read, so that a crash or a hang leaves it behind.
bool try_text(Reader const& reader, std::string const& text) {
    std::ofstream{failed_path(reader), std::ios::binary} << text;
    alarm(hang_s);
    bool const good = survives(reader, text);
    alarm(0);
    if (good) fs::remove(failed_path(reader));
    return good;
}

int run_all(double seconds, std::uint64_t seed, std::string const& only) {
    auto const start = std::chrono::steady_clock::now();
    std::vector<std::vector<std::string>> corpora;
    for (Reader const& reader : readers()) corpora.push_back(corpus_of(reader));
    std::vector<std::size_t> runs(readers().size(), 0);
    auto const attempt = [&](std::size_t r, std::string const& text) {
        ++runs[r];
        if (try_text(readers()[r], text)) return true;
        std::fprintf(stderr, "the text is in %s\n", failed_path(readers()[r]).c_str());
        return false;
    };
    auto const skipped = [&](std::size_t r) { return !only.empty() && readers()[r].name != only; };
    for (std::size_t r = 0; r < readers().size(); ++r) {
        if (skipped(r)) continue;
        if (corpora[r].empty())
            return std::fprintf(stderr, "%s has no corpus\n", readers()[r].name.c_str()), 1;
        for (std::string const& text : corpora[r])
            if (!attempt(r, text)) return 1;
    }
    auto const elapsed = [&] {
        return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    };
    Mutator mutate{seed};
    while (elapsed() < seconds)
        for (std::size_t r = 0; r < readers().size(); ++r)
            for (int i = 0; i < 8 && !skipped(r); ++i)
                if (!attempt(r, mutate(corpora[r]))) return 1;
    for (std::size_t r = 0; r < readers().size(); ++r)
        if (!skipped(r)) std::printf("%-15s %8zu texts\n", readers()[r].name.c_str(), runs[r]);
    return 0;
}

int run_one(std::string const& file, std::string const& name) {
    for (Reader const& reader : readers())
        if (reader.name == name) return survives(reader, text_of(file)) ? 0 : 1;
    return 2;
}

void set_catalogue() {
    setenv("MEGAWEAVE_CATALOGUE", MW_SOURCE_DIR "/tests/fuzz/catalogue", 1);
}

}  // namespace

#ifdef MW_LIBFUZZER
extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    set_catalogue();
    if (size == 0) return 0;
    Reader const& reader = readers()[data[0] % readers().size()];
    if (!survives(reader, std::string(reinterpret_cast<char const*>(data) + 1, size - 1))) std::abort();
    return 0;
}
#else
int main(int argc, char** argv) {
    set_catalogue();
    if (argc == 3 && fs::is_regular_file(argv[1])) return run_one(argv[1], argv[2]);
    double const seconds = argc > 1 ? std::atof(argv[1]) : 120;
    std::uint64_t const seed = argc > 2 ? std::strtoull(argv[2], nullptr, 10) : 1;
    return run_all(seconds, seed, argc > 3 ? argv[3] : "");
}
#endif
