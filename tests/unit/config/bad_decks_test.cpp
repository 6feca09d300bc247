#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <regex>
#include <string>
#include <vector>

#include "megaweave/config/deck.hpp"
#include "megaweave/core/error.hpp"
#include "tree.hpp"

namespace {

namespace fs = std::filesystem;

fs::path const decks = fs::path{MW_SOURCE_DIR} / "tests/decks";

std::vector<fs::path> yaml_files(fs::path const& folder) {
    std::vector<fs::path> files;
    for (auto const& entry : fs::directory_iterator{folder}) {
        if (entry.path().extension() == ".yaml") files.push_back(entry.path());
    }
    std::sort(files.begin(), files.end());
    return files;
}

std::vector<std::string> expectations(fs::path const& file) {
    std::string const mark = "# expect: ";
    std::vector<std::string> expected;
    std::ifstream in{file};
    for (std::string line; std::getline(in, line) && line.starts_with(mark);)
        expected.push_back(line.substr(mark.size()));
    return expected;
}

std::vector<std::string> messages_of(fs::path const& file) {
    try {
        static_cast<void>(mw::config::read_deck(file.string()));
    } catch (mw::core::InputError const& error) {
        return error.messages();
    }
    return {};
}

}  // namespace

TEST_CASE("every bad deck gives exactly the errors it expects, in file order, each with its place") {
    auto const files = yaml_files(decks / "bad");
    CHECK(files.size() >= 45);
    std::regex const place{R"(^[^:]+\.yaml:[0-9]+:[0-9]+: .+)"};
    for (auto const& file : files) {
        auto const expected = expectations(file);
        auto const messages = messages_of(file);
        std::string all;
        for (auto const& message : messages) all += "\n  " + message;
        INFO(file.filename().string(), all);
        CHECK(!expected.empty());
        CHECK(messages.size() == expected.size());
        for (std::size_t i = 0; i < std::min(messages.size(), expected.size()); ++i) {
            CAPTURE(expected[i]);
            CHECK(messages[i].find(expected[i]) != std::string::npos);
            CHECK(std::regex_match(messages[i], place));
        }
    }
}

TEST_CASE("an error names file, line and column, the path, and what was meant") {
    auto const file = (decks / "bad/unknown_key_near.yaml").string();
    CHECK(messages_of(file) ==
          std::vector{file + ":3:37: unknown key 'durration' in time. Did you mean 'duration'?"});
}

TEST_CASE("what is no file is said in one line") {
    CHECK(messages_of(decks / "bad/nothing.yaml").at(0).ends_with("nothing.yaml: no such file"));
    CHECK(messages_of(decks / "bad").at(0).ends_with("is a directory. Name a file in it"));
}

TEST_CASE("aliases that unfold without end are refused") {
    std::string text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
    for (int i = 1; i < 9; ++i) {
        std::string const last = "*a" + std::to_string(i - 1);
        text += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [" + last;
        for (int j = 0; j < 9; ++j) text += ", " + last;
        text += "]\n";
    }
    mw::config::Problems problems;
    auto const source = problems.add_source("bomb.yaml");
    CHECK(mw::config::parse_text(text, source, problems).kind == mw::config::Tree::Kind::null);
    CHECK_THROWS_WITH_AS(problems.raise(), doctest::Contains("unfolds to too many values"),
                         mw::core::InputError);
}
