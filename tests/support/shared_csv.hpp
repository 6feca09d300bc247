#pragma once

#include <string>
#include <vector>

namespace test {

//! Fields of a line of the shared tables; quotes may hold commas.
inline std::vector<std::string> split_csv(std::string const& line) {
    std::vector<std::string> fields(1);
    bool quoted = false;
    for (char const c : line) {
        if (c == '"') {
            quoted = !quoted;
        } else if (c == ',' && !quoted) {
            fields.emplace_back();
        } else if (c != '\r') {
            fields.back() += c;
        }
    }
    return fields;
}

}  // namespace test
