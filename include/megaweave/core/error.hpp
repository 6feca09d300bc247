#pragma once

#include <stdexcept>
#include <string>
#include <vector>

namespace mw::core {

//! The user's input is wrong: one message per mistake, all found at once, each saying where, what and how to mend it. Exit 2.
class InputError : public std::runtime_error {
  public:
    explicit InputError(std::vector<std::string> messages);
    explicit InputError(std::string message) : InputError(std::vector<std::string>{std::move(message)}) {}
    [[nodiscard]] std::vector<std::string> const& messages() const { return messages_; }

  private:
    std::vector<std::string> messages_;
};

/*!
 * A combination of the input's values makes a quantity too large for the integers that sums use. Only the run can find it, and perhaps on
 * one rank alone: exit 2 through MPI_Abort.
 */
class TooLarge : public InputError {
  public:
    using InputError::InputError;
};

//! The world is wrong (disk full, file vanished, memory): exit 3, the last good output left intact.
class WorldError : public std::runtime_error {
  public:
    using std::runtime_error::runtime_error;
};

//! Our bug: a broken contract. Exit 70 through MPI_Abort.
class ContractError : public std::logic_error {
  public:
    using std::logic_error::logic_error;
};

/*!
 * The candidate nearest to `word` by edit distance, or "" if none is within `max_distance` (default: a third of its length, at
 * least 2). For "Did you mean …?".
 */
[[nodiscard]] std::string nearest(std::string const& word, std::vector<std::string> const& candidates);

}  // namespace mw::core
