#include <fmt/format.h>

#include <array>
#include <charconv>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "agree.hpp"
#include "commands.hpp"
#include "megaweave/config/entries.hpp"
#include "megaweave/core/check.hpp"
#include "megaweave/core/error.hpp"
#include "megaweave/core/text.hpp"
#include "megaweave/core/text_file.hpp"
#include "megaweave/llm/work.hpp"

namespace mw::app {

namespace {

constexpr std::array<char const*, 14> columns{"id",
                                              "rack",
                                              "model",
                                              "weights",
                                              "kv_cache",
                                              "tensor",
                                              "pipeline",
                                              "expert",
                                              "attention_data",
                                              "decode_sequences",
                                              "context_tokens",
                                              "prefill_tokens",
                                              "prefill_pairs",
                                              "sampled_tokens"};
constexpr char const* out_header =
    "id,accelerators,layers,vocabulary,total_flops,total_attention_flops,total_hbm_bytes,total_weight_bytes,"
    "total_scale_up_"
    "bytes,"
    "linear_flops,linear_bytes,attention_flops,attention_bytes,scale_up_bytes\n";

//! One line of the file; knows its place for messages.
class Row {
  public:
    Row(std::string place, std::string line) : place_{std::move(place)} {
        std::erase(line, '\r');
        for (std::string_view const field : core::split(line)) fields_.emplace_back(field);
        if (fields_.size() != columns.size())
            fail(fmt::format("has {} fields, not {}", fields_.size(), columns.size()));
    }

    [[nodiscard]] std::string const& text(char const* column) const {
        for (std::size_t i = 0; i < columns.size(); ++i)
            if (std::string_view{columns[i]} == column) return fields_[i];
        core::contract_violated(column, "no such column");
    }
    [[nodiscard]] std::int64_t integer(char const* column) const {
        std::string const& field = text(column);
        std::int64_t value = 0;
        auto const [end, error] = std::from_chars(field.data(), field.data() + field.size(), value);
        if (error != std::errc{} || end != field.data() + field.size() || value < 0)
            fail(fmt::format("'{}' in {} is no count", field, column));
        return value;
    }
    [[nodiscard]] hardware::Precision precision(char const* column) const {
        static std::map<std::string, hardware::Precision> const names{{"fp4", hardware::Precision::fp4},
                                                                      {"fp8", hardware::Precision::fp8},
                                                                      {"bf16", hardware::Precision::bf16}};
        auto const found = names.find(text(column));
        if (found == names.end())
            fail(fmt::format("'{}' in {} is none of fp4, fp8, bf16", text(column), column));
        return found->second;
    }
    [[noreturn]] void fail(std::string const& what) const { throw core::InputError(place_ + ": " + what); }

  private:
    std::string place_;
    std::vector<std::string> fields_;
};

std::string count(Row const& row, config::Entries const& entries) {
    hardware::RackParams const* rack = entries.rack(row.text("rack"));
    if (rack == nullptr) row.fail("unknown rack '" + row.text("rack") + "'");
    llm::ModelParams const* model = entries.model(row.text("model"));
    if (model == nullptr) row.fail("unknown model '" + row.text("model") + "'");
    llm::Parallelism const parallelism{row.integer("tensor"), row.integer("pipeline"), row.integer("expert"),
                                       row.integer("attention_data")};
    llm::Batch batch;
    batch.decode_sequences = row.integer("decode_sequences");
    batch.context_tokens = row.integer("context_tokens");
    batch.prefill_tokens = row.integer("prefill_tokens");
    batch.prefill_pairs = row.integer("prefill_pairs");
    batch.sampled_tokens = row.integer("sampled_tokens");
    llm::Work const work = llm::WorkCounter{*model, row.precision("weights"), row.precision("kv_cache"),
                                            parallelism, rack->scale_up_domain}(batch);
    return fmt::format("{},{},{},{},{:.9g},{:.9g},{:.9g},{:.9g},{:.9g},{:.9g},{:.9g},{:.9g},{:.9g},{:.9g}\n",
                       row.text("id"), parallelism.accelerators(), model->layers, model->vocabulary,
                       work.total_flops, work.total_attention_flops, work.total_hbm_bytes,
                       work.total_weight_bytes, work.total_scale_up_bytes, work.linear().flops,
                       work.linear().bytes, work.decode_attention.flops + work.prefill_attention.flops,
                       work.decode_attention.bytes + work.prefill_attention.bytes,
                       work.tensor.scale_up_bytes + work.expert.scale_up_bytes);
}

std::string count_all(Options const& options) {
    std::istringstream in{core::need_text_file(options.flows_in, core::table_limits)};
    std::string header;
    for (char const* column : columns) header += (header.empty() ? "" : ",") + std::string{column};
    std::string line;
    std::getline(in, line);
    if (!line.empty() && line.back() == '\r') line.pop_back();
    if (line != header) throw core::InputError(options.flows_in + ":1: the header must be " + header);
    config::Entries const entries{options.overrides};
    std::string out = out_header;
    for (std::size_t number = 2; std::getline(in, line); ++number)
        if (!line.empty()) out += count(Row{fmt::format("{}:{}", options.flows_in, number), line}, entries);
    return out;
}

}  // namespace

// What an iteration of each listed batch does, before any time or watt is put to it. Kernel columns are of the busiest accelerator,
// totals of the whole instance.
int work_command(Options const& options, parallel::Comm& comm) {
    std::string const counted = on_all_ranks(comm, [&] { return count_all(options); });
    if (!comm.root()) return exit_done;
    std::ofstream out{options.flows_out};
    out << counted;
    if (!out.flush()) throw core::WorldError(options.flows_out + ": cannot be written");
    fmt::print("output: {}\n", options.flows_out);
    return exit_done;
}

}  // namespace mw::app
