#pragma once

#include <cstdint>
#include <random>
#include <string>
#include <vector>

namespace mw::fuzz {

//! Changes texts at random; the same seed gives the same texts on every machine.
class Mutator {
  public:
    explicit Mutator(std::uint64_t seed) : random_{seed} {}

    //! One of the corpus, changed in one to eight places.
    [[nodiscard]] std::string operator()(std::vector<std::string> const& corpus);

  private:
    [[nodiscard]] std::size_t below(std::size_t bound) { return bound == 0 ? 0 : random_() % bound; }
    void change(std::string& text, std::vector<std::string> const& corpus);
    void replace_number(std::string& text);
    void swap_lines(std::string& text);

    std::mt19937_64 random_;
};

}  // namespace mw::fuzz
