#include "megaweave/config/differences.hpp"

#include <doctest/doctest.h>

#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "megaweave/config/deck.hpp"
#include "megaweave/core/error.hpp"

namespace {

using mw::config::differences;
using mw::config::Override;
using mw::config::read_deck;

std::string const quickstart = std::string{MW_SOURCE_DIR} + "/inputs/quickstart.yaml";

}  // namespace

TEST_CASE("differences name the keys in which two decks differ, then and now") {
    auto const text = [](std::vector<Override> const& overrides) {
        return read_deck(quickstart, overrides).physics_yaml;
    };
    auto const plain = text({});
    CHECK(differences(plain, plain).empty());
    CHECK(differences(plain, text({{"seed", "2"}, {"services[0].workload.arrivals.rate", "501 /s"}})) ==
          std::vector<std::string>{"seed was 1 and is now 2",
                                   "services[0].workload.arrivals.rate was 500 /s and is now 501 /s"});
    CHECK(differences("a: 1\n", "a: 1\nb: [2]\n") ==
          std::vector<std::string>{"b[0] was absent and is now 2"});
    CHECK(differences("a: 1\nb: [2]\n", "a: 1\n") ==
          std::vector<std::string>{"b[0] was 2 and is now absent"});
}

TEST_CASE(
    "a deck that came through a pipe reads as its file does, and names files from the working directory") {
    std::ifstream in{quickstart};
    std::string const text{std::istreambuf_iterator<char>{in}, {}};
    CHECK(read_deck("-", {}, text).physics_hash == read_deck(quickstart).physics_hash);
    CHECK_THROWS_WITH_AS(static_cast<void>(read_deck("-", {}, std::string{})), "-:1:1: the deck is empty",
                         mw::core::InputError);
}
