#include "full_instance.hpp"

#include <algorithm>
#include <cmath>
#include <memory>
#include <utility>
#include <vector>

#include "board_control.hpp"
#include "megaweave/core/integer.hpp"

namespace mw::engine {

namespace {

constexpr std::int64_t most_iterations = 60'000;

//! Plays the site for one instance: hands it requests, frees what it hands over, grants its pool's even part.
class Bench final : public serving::InstanceListener {
  public:
    Bench(World const& world, core::ServiceId id, Role role)
        : world_{&world},
          service_{&world.service(id)},
          role_{role},
          params_{instance_params(*service_, role)},
          boards_{make_boards()},
          instance_{params_, boards_ ? boards_->timing() : service_->timing(role == Role::prefill)} {}

    void give(serving::Request request) {
        if (role_ == Role::decode) {
            request.generated = 1;
            act([&](serving::Instance& i) { i.attach(request, 0, now_ns_, *this); });
        } else {
            act([&](serving::Instance& i) { i.submit(request, now_ns_, *this); });
        }
        settle();
    }

    //! Up to the end of the iteration that runs.
    void step() {
        if (instance_.reading()) end_read();
        core::TimeNs const from_ns = now_ns_;
        now_ns_ = instance_.next_event_ns();
        running_s_ += core::to_seconds(now_ns_ - from_ns) * static_cast<double>(instance_.running());
        act([&](serving::Instance& i) { i.advance(*this); });
        settle();
    }

    [[nodiscard]] serving::Instance const& instance() const { return instance_; }
    [[nodiscard]] double now_s() const { return core::to_seconds(now_ns_); }
    [[nodiscard]] double running_s() const { return running_s_; }
    [[nodiscard]] std::int64_t done() const { return done_; }
    [[nodiscard]] std::int64_t rejected() const { return rejected_; }
    [[nodiscard]] double first_token_s() const { return core::to_seconds(first_token_ns_); }

    void on_first_token(serving::Request const&, core::TimeNs now_ns) override { first_token_ns_ = now_ns; }
    void on_token_gaps(core::TimeNs, std::int64_t, core::TimeNs) override {}
    void on_completed(serving::Request const&, core::TimeNs) override { ++done_; }
    void on_rejected(serving::Request const&, core::TimeNs) override { ++rejected_; }
    void on_prefilled(serving::Request const&, serving::Slot held, core::TimeNs now_ns) override {
        first_token_ns_ = now_ns;
        ++done_;
        held_.push_back(held);
    }
    void on_fetch(serving::Request const&, serving::Slot, serving::Slot reserved, core::TimeNs) override {
        fetched_.push_back(reserved);
    }

  private:
    static serving::InstanceParams instance_params(ServiceModel const& service, Role role) {
        serving::InstanceParams params = service.instance(role == Role::prefill);
        params.load_bytes = 0;  // its weights are there
        return params;
    }

    [[nodiscard]] std::unique_ptr<BoardControl> make_boards() const {
        hardware::BoardControlParams const& boards = world_->deck().cluster.boards;
        if (!boards.any()) return nullptr;
        bool const prefill = role_ == Role::prefill;
        return std::make_unique<BoardControl>(
            *service_, prefill, boards, world_->deck().cluster.rack.accelerator,
            service_->params().parallelism_of(prefill).accelerators(), std::nullopt);
    }

    //! As Rack::on_instance: the boards' controller sees what was drawn.
    template <class Action>
    void act(Action&& action) {
        if (boards_) boards_->observe(now_ns_);
        action(instance_);
        if (boards_)
            boards_->set_power(instance_.busy()
                                   ? service_->power(instance_.iteration(), role_ == Role::prefill)
                                   : hardware::DynamicPower{});
    }

    //! Does at once what the rest of the site would do.
    void settle() {
        while (!held_.empty() || !fetched_.empty()) {
            std::vector<serving::Slot> const held = std::exchange(held_, {});
            std::vector<serving::Slot> const fetched = std::exchange(fetched_, {});
            for (serving::Slot const slot : held)
                act([&](serving::Instance& i) { i.release(slot, now_ns_, *this); });
            for (serving::Slot const slot : fetched)
                act([&](serving::Instance& i) { i.kv_arrived(slot, {}, now_ns_, *this); });
        }
    }

    void end_read() {
        hardware::MemoryPoolParams const& pool = world_->deck().cluster.memory_pool;
        llm::IterationCost const& cost = instance_.iteration();
        std::int64_t const members =
            pool.on_network() ? world_->plan().accelerators() : pool.accelerators(world_->plan().rack_type());
        auto const own = service_->params().parallelism_of(role_ == Role::prefill).accelerators();
        double const part_per_s =
            static_cast<double>(pool.bytes_per_s) * static_cast<double>(own) / static_cast<double>(members);
        double const seconds = std::max(cost.pool_bytes / part_per_s,
                                        cost.pool_link_bytes / static_cast<double>(pool.link_bytes_per_s));
        instance_.pool_read_ends(instance_.iteration_start_ns() + core::from_seconds(seconds));
    }

    World const* world_;
    ServiceModel const* service_;
    Role role_;
    serving::InstanceParams params_;
    std::unique_ptr<BoardControl> boards_;
    serving::Instance instance_;
    core::TimeNs now_ns_{0};
    core::TimeNs first_token_ns_{0};
    double running_s_{0};
    std::int64_t done_{0};
    std::int64_t rejected_{0};
    std::vector<serving::Slot> held_;
    std::vector<serving::Slot> fetched_;
};

//! Requests handed to an instance, and what they are on average.
struct Given {
    std::uint64_t all{0};  //!< those that a decode instance never sees included
    std::int64_t seen{0};
    double tokens{0};  //!< that its pace is counted in, of those that it took
};

//! Where the measurement begins or ends.
struct Mark {
    double at_s{0};
    double tokens{0};
    double running_s{0};
};

}  // namespace

serving::Request EvenRequests::operator()(std::uint64_t index) const {
    // The plastic number's powers spread points over a square as the golden ratio does over a line.
    constexpr double first = 0.7548776662466927;
    constexpr double second = 0.5698402909980532;
    auto const at = [index](double step) {
        double const x = 0.5 + static_cast<double>(index) * step;
        return std::clamp(x - std::floor(x), 1e-9, 1.0 - 1e-9);
    };
    workload::TraceRequest row;
    if (workload::Trace const* const trace = service_->trace()) {
        auto const rows = static_cast<double>(trace->requests().size());
        row = trace->requests()[static_cast<std::size_t>(at(first) * rows)];
    }
    workload::LengthLaw const& input = service_->input();
    workload::LengthLaw const& output = service_->output();
    serving::Request request;
    request.id = index;
    request.input_tokens =
        input.from_trace() ? row.input_tokens : static_cast<std::int32_t>(input.quantile(at(first)));
    request.output_tokens =
        output.from_trace() ? row.output_tokens : static_cast<std::int32_t>(output.quantile(at(second)));
    request.prefix_tokens = static_cast<std::int32_t>(
        std::llround(service_->params().workload.prefix_hit * static_cast<double>(request.input_tokens)));
    return request;
}

namespace {

//! Keeps an instance full and measures it between two marks.
class Filler {
  public:
    Filler(World const& world, core::ServiceId id, Role role)
        : bench_{world, id, role}, requests_{world.service(id)}, role_{role} {
        longest_ = world.service(id).instance(role != Role::unified).longest_request();
        depth_ = world.service(id).instance(role == Role::prefill).scheduler.max_sequences;
        // Enough to fill an iteration, and not all of a site's backlog.
        depth_ = std::clamp<std::int64_t>(depth_, 1, 4096);
    }

    FullPace operator()() {
        refill();
        if (!bench_.instance().busy()) return {};
        std::int64_t most_running = 1;
        while (goes_on(2 * most_running, most_iterations / 3)) {
            step();
            most_running = std::max(most_running, bench_.instance().running());
        }
        Mark const begin = mark();
        std::int64_t const end = bench_.done() + std::max<std::int64_t>(4 * most_running, 256);
        while (goes_on(end, most_iterations)) step();
        Mark const now = mark();
        double const seconds = now.at_s - begin.at_s;
        if (seconds <= 0) return {};
        double const taken = static_cast<double>(given_.seen - bench_.rejected());
        double const per_s = (now.tokens - begin.tokens) / seconds / (given_.tokens / taken);
        return {per_s * static_cast<double>(given_.all) / taken, (now.running_s - begin.running_s) / seconds};
    }

  private:
    [[nodiscard]] bool goes_on(std::int64_t done, std::int64_t iterations) const {
        return bench_.instance().busy() && bench_.done() < done && iterations_ < iterations;
    }

    void step() {
        bench_.step();
        ++iterations_;
        refill();
    }

    void refill() {
        constexpr std::uint64_t most_in_vain = 100'000;
        std::uint64_t in_vain = 0;
        while (bench_.instance().waiting() < depth_ && in_vain++ < most_in_vain) {
            serving::Request const request = requests_(given_.all++);
            if (role_ == Role::decode && request.output_tokens == 1) continue;
            if (is_too_long(request)) continue;
            std::int64_t const rejected = bench_.rejected();
            ++given_.seen;
            bench_.give(request);
            if (bench_.rejected() > rejected) continue;
            in_vain = 0;
            // A decode instance makes all tokens but the first.
            given_.tokens += role_ == Role::prefill  ? request.input_tokens
                             : role_ == Role::decode ? request.output_tokens - 1
                                                     : request.output_tokens;
        }
    }

    //! A decode instance is never asked for what its prefill instances reject.
    [[nodiscard]] bool is_too_long(serving::Request const& request) const {
        return role_ == Role::decode && std::int64_t{request.input_tokens} + request.output_tokens > longest_;
    }

    [[nodiscard]] Mark mark() const {
        serving::InstanceCounts const& counts = bench_.instance().counts();
        return {bench_.now_s(),
                static_cast<double>(role_ == Role::prefill ? counts.input_tokens : counts.output_tokens),
                bench_.running_s()};
    }

    Bench bench_;
    EvenRequests requests_;
    Role role_;
    std::int64_t depth_;
    std::int64_t longest_;
    std::int64_t iterations_{0};
    Given given_;
};

}  // namespace

FullPace pace_of_full_instance(World const& world, core::ServiceId id, Role role) {
    return Filler{world, id, role}();
}

double lone_prompt_s(World const& world, core::ServiceId id, std::int64_t input_tokens) {
    bool const unified = world.service(id).params().mode == serving::Mode::unified;
    Bench bench{world, id, unified ? Role::unified : Role::prefill};
    serving::Request request;
    request.input_tokens = static_cast<std::int32_t>(input_tokens);
    request.output_tokens = 1;
    request.prefix_tokens = static_cast<std::int32_t>(
        std::llround(world.service(id).params().workload.prefix_hit * static_cast<double>(input_tokens)));
    bench.give(request);
    for (std::int64_t i = 0; i < most_iterations && bench.instance().busy(); ++i) bench.step();
    return bench.done() > 0 ? bench.first_token_s() : bench.now_s();
}

}  // namespace mw::engine
