#pragma once

#include <string>
#include <vector>

namespace mw::llm {

struct TimingRow {
    double tokens{0};  //!< sequences of a decode row, chunk of a prefill row
    double context{0};
    double seconds{0};
    // Parts of it, where the table has them:
    double decode_attention_s{0};
    double prefill_attention_s{0};
    double collectives_s{0};
    int line{0};

    //! All that depends on the number of tokens alone.
    [[nodiscard]] double linear_s() const {
        return seconds - decode_attention_s - prefill_attention_s - collectives_s;
    }
};

struct TimingRows {
    std::vector<TimingRow> decode;
    std::vector<TimingRow> prefill;
    bool split{false};  //!< rows have the parts of their time
};

//! Rows of a timing table. Throws InputError with every mistake, WorldError if the file cannot be read.
[[nodiscard]] TimingRows read_timing_csv(std::string const& path);

}  // namespace mw::llm
