#include "progress.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <cmath>
#include <cstdio>
#include <cstdlib>

namespace mw::app {

namespace {

std::string duration_text(double seconds) {
    auto const s = std::lround(seconds);
    return s < 3600 ? fmt::format("{}:{:02}", s / 60, s % 60)
                    : fmt::format("{}:{:02}:{:02}", s / 3600, s / 60 % 60, s % 60);
}

}  // namespace

ProgressLine::ProgressLine(bool quiet)
    : quiet_{quiet},
      terminal_{isatty(STDERR_FILENO) == 1 || std::getenv("MW_TERMINAL") != nullptr},
      next_{start_ + std::chrono::milliseconds(terminal_ ? 200 : 3000)} {}

ProgressLine::~ProgressLine() {
    end();
}

void ProgressLine::end() {
    if (shown_ && terminal_) std::fputc('\n', stderr);
    shown_ = false;
}

void ProgressLine::show(engine::Progress const& progress) {
    if (quiet_) return;
    if (start_ns_ < 0) start_ns_ = progress.now_ns;
    auto const now = Clock::now();
    if (now < next_) return;
    next_ = now + std::chrono::milliseconds(terminal_ ? 200 : 5000);
    shown_ = true;
    double const wall_s = std::chrono::duration<double>(now - start_).count();
    double const speed = core::to_seconds(progress.now_ns - start_ns_) / wall_s;
    double const left_s = speed > 0 ? core::to_seconds(progress.end_ns - progress.now_ns) / speed : 0;
    std::string const line =
        fmt::format("{:.1f} of {:.1f} s simulated, {:.2f} x real time, {:.4g} tokens/s, {:.3f} MW, {} left",
                    core::to_seconds(progress.now_ns), core::to_seconds(progress.end_ns), speed,
                    progress.output_tokens_per_s, progress.facility_w * 1e-6, duration_text(left_s));
    if (terminal_)
        fmt::print(stderr, "\r{:<110}", line);
    else
        fmt::print(stderr, "{}\n", line);
    std::fflush(stderr);
}

}  // namespace mw::app
