#pragma once

#include <string>
#include <vector>

namespace mw::llm {

struct TimingRow {
    double tokens{0};  //!< sequences of a decode row, chunk of a prefill row
    double context{0};
    double seconds{0};
    int line{0};
};

struct TimingRows {
    std::vector<TimingRow> decode;
    std::vector<TimingRow> prefill;
};

//! Rows of a timing table. Throws InputError with every mistake, WorldError if the file cannot be read.
[[nodiscard]] TimingRows read_timing_csv(std::string const& path);

}  // namespace mw::llm
