#include "recorder.hpp"

#include <fmt/format.h>

#include <array>
#include <csignal>

#include "megaweave/fabric/traffic.hpp"
#include "megaweave/io/checkpoint.hpp"
#include "signals.hpp"
#include "summary_power.hpp"
#include "version.hpp"

namespace mw::app {

Recorder::Recorder(engine::World const& world, engine::Simulation const& simulation,
                   parallel::Comm const& comm, RunOutput const& output,
                   std::optional<Beginning> const& beginning, StopRules rules, bool quiet)
    : world_{world},
      partition_{simulation.partition()},
      comm_{comm},
      directory_{output.folder()},
      rules_{rules},
      file_{output.open(world, partition_, beginning)} {
    if (comm.root()) progress_.emplace(quiet);
}

namespace {

//! Why a run stops, as a wish: a signal may reach one rank before the others, and all must know.
struct Reason {
    int signal;  //!< 0: the time limit
    char const* text;
};
constexpr std::array<Reason, 7> reasons = {{{0, "the time limit"},
                                            {SIGTERM, "signal SIGTERM"},
                                            {SIGINT, "signal SIGINT"},
                                            {SIGUSR1, "signal SIGUSR1"},
                                            {SIGUSR2, "signal SIGUSR2"},
                                            {SIGHUP, "signal SIGHUP"},
                                            {SIGXCPU, "signal SIGXCPU"}}};

std::uint64_t stop_because(int signal) {
    std::uint64_t wish = engine::Wish::stop;
    for (std::size_t i = 0; i < reasons.size(); ++i)
        if (reasons[i].signal == signal) wish |= engine::Wish::first_reason << i;
    return wish;
}

}  // namespace

std::uint64_t Recorder::wishes() {
    if (int const signal = signals::seen(); signal != 0) return stop_because(signal);
    if (!comm_.root()) return 0;  // one clock for all
    auto const now = Clock::now();
    if (rules_.time_limit_s > 0 && now - rules_.start > std::chrono::duration<double>(rules_.time_limit_s))
        return stop_because(0);
    if (rules_.checkpoint_every_s > 0 &&
        now - last_checkpoint_ > std::chrono::duration<double>(rules_.checkpoint_every_s))
        return engine::Wish::checkpoint;
    return 0;
}

void Recorder::on_sample(core::Frame const& frame) {
    file_.append(frame);
}

void Recorder::on_window(engine::Progress const& progress) {
    if (progress_) progress_->show(progress);
}

void Recorder::on_checkpoint(engine::SavedState const& state, std::uint64_t agreed) {
    for (std::size_t i = 0; i < reasons.size(); ++i)
        if ((agreed & engine::Wish::first_reason << i) != 0) stop_reason_ = reasons[i].text;
    if (progress_ && (agreed & engine::Wish::stop) != 0) progress_->end();
    file_.flush();
    checkpoint_ns_ = state.time_ns;
    io::CheckpointMeta meta;
    meta.physics_hash = world_.deck().physics_hash;
    meta.window = state.windows;
    meta.time_ns = state.time_ns;
    io::Recorded const recorded = file_.recorded();
    meta.recorded_rows = recorded.rows;
    meta.recorded_hash = recorded.hash.value_or(0);
    meta.program_version = version;
    meta.build = build_text();
    meta.deck = world_.deck().physics_yaml;
    io::write_checkpoint(comm_, directory_ + "/checkpoints", meta, state.global,
                         partition_.first_rack(comm_.rank()), state.racks, world_.plan().racks());
    last_checkpoint_ = Clock::now();
}

namespace {

std::vector<io::RequestRow> request_rows(std::vector<engine::RequestRecord> const& records) {
    std::vector<io::RequestRow> rows;
    rows.reserve(records.size());
    for (engine::RequestRecord const& r : records) {
        io::RequestRow row;
        row.id = r.id;
        row.service = r.service;
        row.arrival_ns = r.arrival_ns;
        row.first_token_ns = r.first_token_ns;
        row.completed_ns = r.completed_ns;
        row.input_tokens = r.input_tokens;
        row.output_tokens = r.output_tokens;
        row.preemptions = r.preemptions;
        row.prefill_instance = r.prefill_instance;
        row.decode_instance = r.decode_instance;
        static_assert(io::ttft_part_names.size() == serving::ttft_parts);
        row.part_ns = r.part_ns;
        row.contention_ns = r.contention_ns;
        row.longest_gap_ns = r.longest_gap_ns;
        rows.push_back(row);
    }
    return rows;
}

std::vector<io::NamedHistogram> named_histograms(engine::Results const& results) {
    engine::ServiceResults all;
    for (engine::ServiceResults const& service : results.services) all.merge(service);
    constexpr double seconds = 1e-9;
    return {
        {"ttft", "s", "time to first token, of arrivals of the measured period that have one", seconds,
         all.ttft},
        {"ttft_open", "s", "age at the end of arrivals of the measured period without a first token", seconds,
         all.ttft_open},
        {"tpot", "s", "time per output token after the first, of requests completed in the measured period",
         seconds, all.tpot},
        {"itl", "s", "time between tokens of a sequence, of tokens given in the measured period", seconds,
         all.token_gaps},
        {"longest_gap", "s", "longest time between tokens of a request completed in the measured period",
         seconds, all.longest_gap},
        {"e2e", "s", "arrival to last token, of arrivals of the measured period that are complete", seconds,
         all.e2e},
        {"e2e_open", "s", "age at the end of arrivals of the measured period that are open", seconds,
         all.e2e_open},
        {"queue_wait", "s", "arrival to the first iteration, of arrivals of the measured period", seconds,
         all.queue_wait}};
}

}  // namespace

namespace {

//! Columns of labels that carried nothing anywhere are left out.
io::LinkTotals link_totals(engine::BundleColumns columns, engine::Results const& results,
                           config::Deck const& deck) {
    io::LinkTotals totals;
    totals.mean_utilisation = std::move(columns.mean);
    totals.peak_utilisation = std::move(columns.peak);
    totals.full_share = std::move(columns.full);
    std::vector<std::size_t> used;
    std::size_t const labels = results.fabric.entered.size();
    for (std::size_t label = 0; label < labels; ++label)
        if (results.fabric.entered[label] > 0) used.push_back(label);
    for (std::size_t const label : used) {
        totals.services.push_back(deck.services[label / fabric::traffic_classes].name);
        totals.classes.emplace_back(fabric::traffic_names[label % fabric::traffic_classes]);
    }
    for (std::size_t first = 0; first < columns.bytes.size(); first += labels)
        for (std::size_t const label : used) totals.bytes.push_back(columns.bytes[first + label]);
    return totals;
}

}  // namespace

void Recorder::finish(engine::Simulation const& simulation, engine::Results const& results) {
    progress_.reset();
    file_.write_requests(request_rows(simulation.requests()));
    file_.write_link_totals(link_totals(simulation.bundles(), results, world_.deck()));
    file_.write_histograms(named_histograms(results));
    io::PowerSpectrum spectrum;
    for (plant::SpectrumLine const& line : facility_spectrum(results)) {
        spectrum.frequency_hz.push_back(line.frequency_hz);
        spectrum.amplitude_w.push_back(line.amplitude_w);
    }
    file_.write_power_spectrum(spectrum);
    file_.finish(results.digest);
}

}  // namespace mw::app
