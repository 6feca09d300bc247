#include "megaweave/validation/points.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <map>
#include <sstream>

#include "csv.hpp"
#include "megaweave/core/error.hpp"
#include "megaweave/core/text_file.hpp"

namespace mw::validation {

namespace {

constexpr std::size_t most_messages = 20;
constexpr std::array required = {"id",     "source",      "hardware", "gpus",  "model",     "weights",
                                 "engine", "tp",          "ep",       "mode",  "input_len", "output_len",
                                 "load",   "concurrency", "metric",   "value", "unit"};

template <class Value>
using Words = std::vector<std::pair<std::string, Value>>;

Words<hardware::Precision> const precisions{{"fp4", hardware::Precision::fp4},
                                            {"fp8", hardware::Precision::fp8},
                                            {"bf16", hardware::Precision::bf16}};
Words<Load> const loads{{"max", Load::max},
                        {"static", Load::static_batch},
                        {"closed", Load::closed},
                        {"steady_batch", Load::steady_batch}};
Words<bool> const modes{{"aggregated", false}, {"disaggregated", true}};

bool parse_number(std::string const& text, double& value) {
    auto const [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    return error == std::errc{} && end == text.data() + text.size() && std::isfinite(value);
}

class Reader {
  public:
    explicit Reader(std::string const& path) { file_.path = path; }

    PointsFile operator()(std::vector<Filter> const& filters) {
        std::istringstream in{core::need_text_file(file_.path, core::table_limits)};
        std::string line;
        while (next_line(in, line)) {
            if (file_.columns.empty())
                read_header(line, filters);
            else if (!line.empty())
                read_row(line, filters);
            if (messages_.size() >= most_messages) break;
        }
        if (file_.columns.empty()) messages_.push_back(file_.path + ":1:1: the file is empty");
        if (!messages_.empty()) throw core::InputError(messages_);
        return std::move(file_);
    }

  private:
    bool next_line(std::istream& in, std::string& line) {
        if (!std::getline(in, line)) return false;
        ++line_;
        if (!line.empty() && line.back() == '\r') line.pop_back();
        if (line_ == 1 && line.starts_with("\xef\xbb\xbf")) line.erase(0, 3);
        return true;
    }

    void fail(std::size_t field, std::string const& what) {
        messages_.push_back(fmt::format("{}:{}:{}: {}", file_.path, line_, field + 1, what));
    }

    void read_header(std::string const& line, std::vector<Filter> const& filters) {
        file_.columns = split_csv(line);
        for (char const* name : required)
            if (!column(name))
                fail(0, fmt::format("there is no column '{}'. A points file needs id, source, hardware, … as "
                                    "inputs/points_example.csv has them",
                                    name));
        for (Filter const& filter : filters) {
            if (column(filter.column)) continue;
            std::string const near = core::nearest(filter.column, file_.columns);
            fail(0, fmt::format("--filter: there is no column '{}'{}", filter.column,
                                near.empty() ? "" : ". Did you mean '" + near + "'?"));
        }
        if (!messages_.empty()) throw core::InputError(messages_);
    }

    [[nodiscard]] std::size_t const* column(std::string const& name) {
        auto const known = places_.find(name);
        if (known != places_.end()) return &known->second;
        auto const at = std::ranges::find(file_.columns, name);
        if (at == file_.columns.end()) return nullptr;
        return &places_.emplace(name, static_cast<std::size_t>(at - file_.columns.begin())).first->second;
    }

    [[nodiscard]] std::string text(std::string const& name) {
        auto const* const at = column(name);
        return at == nullptr ? std::string{} : cells_[*at];
    }

    //! 0 where the field is empty or the column absent.
    double number(std::string const& name, double least) {
        std::string const word = text(name);
        double value = 0;
        if (word.empty()) return 0;
        if (parse_number(word, value) && value >= least) return value;
        fail(*column(name), fmt::format("'{}' in column {} is no number of at least {}", word, name, least));
        return 0;
    }

    std::int64_t integer(std::string const& name) {
        double const value = number(name, 1);
        if (value > 1e9 || value != std::floor(value))
            fail(*column(name),
                 fmt::format("'{}' in column {} is no whole number below 1e9", text(name), name));
        return std::llround(std::min(value, 1e9));
    }

    template <class Value>
    Value word(std::string const& name, Words<Value> const& words) {
        std::string const said = text(name);
        std::string expected;
        for (auto const& [known, value] : words) {
            if (known == said) return value;
            expected += (expected.empty() ? "" : ", ") + known;
        }
        fail(*column(name),
             fmt::format("'{}' in column {} is unknown. Expected one of: {}", said, name, expected));
        return words.front().second;
    }

    Setup read_setup() {
        Setup setup;
        setup.source = text("source");
        setup.hardware = text("hardware");
        setup.model = text("model");
        setup.weights = word("weights", precisions);
        setup.engine = text("engine");
        setup.engine_version = text("engine_version");
        setup.gpus = integer("gpus");
        setup.tensor = integer("tp");
        setup.pipeline = integer("pp");
        setup.expert = integer("ep");
        setup.attention_data = integer("attention_dp");
        setup.disaggregated = word("mode", modes);
        setup.prefill = text("prefill");
        setup.decode = text("decode");
        if (!parse_number(text("input_len"), setup.input_tokens)) setup.input_dataset = text("input_len");
        setup.output_tokens = number("output_len", 1);
        setup.uniform_lengths = text("length_law") == "uniform_0.8_1.0";
        setup.load = word("load", loads);
        setup.concurrency = number("concurrency", 0);
        setup.speculative = text("speculative");
        return setup;
    }

    void read_row(std::string const& line, std::vector<Filter> const& filters) {
        cells_ = split_csv(line);
        if (cells_.size() != file_.columns.size())
            return fail(std::min(cells_.size(), file_.columns.size()),
                        fmt::format("{} fields, but the header has {}", cells_.size(), file_.columns.size()));
        for (Filter const& filter : filters)
            if (std::ranges::find(filter.values, text(filter.column)) == filter.values.end()) return;
        Point point;
        point.id = text("id");
        point.metric = text("metric");
        point.unit = text("unit");
        if (!parse_number(text("value"), point.value) || point.value <= 0)
            fail(*column("value"), fmt::format("'{}' in column value is no positive number", text("value")));
        point.experiment = experiment_of_row();
        file_.experiments[point.experiment].points.push_back(file_.points.size());
        point.cells = std::move(cells_);
        file_.points.push_back(std::move(point));
    }

    std::size_t experiment_of_row() {
        std::string key;
        for (std::size_t i = 0; i < cells_.size(); ++i) {
            std::string const& name = file_.columns[i];
            if (name != "id" && name != "metric" && name != "value" && name != "unit") key += cells_[i];
            key += '\x1f';
        }
        auto const [at, fresh] = experiments_.emplace(std::move(key), file_.experiments.size());
        if (fresh) file_.experiments.push_back({read_setup(), {}});
        return at->second;
    }

    PointsFile file_;
    std::size_t line_{0};
    std::vector<std::string> cells_;
    std::map<std::string, std::size_t> places_;       // of columns
    std::map<std::string, std::size_t> experiments_;  // by everything that is not measured
    std::vector<std::string> messages_;
};

}  // namespace

PointsFile read_points(std::string const& path, std::vector<Filter> const& filters) {
    return Reader{path}(filters);
}

}  // namespace mw::validation
