#include "estimate.hpp"

#include <cmath>

#include "megaweave/core/random.hpp"
#include "megaweave/serving/client_view.hpp"
#include "replica.hpp"

namespace mw::validation {

namespace {

// Of a steady batch: it fills, is measured, and drains.
constexpr std::int64_t lives_in_all = lives_left_out + lives_measured + 1;

//! The mean life of a request is as long as `concurrency` of them take to end.
SteadyState steady_state(Setup const& setup, Replica const& replica) {
    std::int64_t const life = std::llround(setup.concurrency);
    return replica.between(static_cast<std::size_t>(lives_left_out * life),
                           static_cast<std::size_t>((lives_left_out + lives_measured) * life));
}

std::vector<Item> draw_items(engine::World const& world, Setup const& setup, std::int64_t requests) {
    engine::ServiceModel const& service = world.service(core::ServiceId::of(0));
    std::int64_t const count = requests > 0 ? requests : lives_in_all * std::llround(setup.concurrency);
    std::vector<Item> items;
    for (std::int64_t i = 0; i < count; ++i) {
        auto const n = static_cast<std::uint64_t>(i);
        items.push_back({service.input()(world.random(), core::Draw::input_length, 0, n),
                         service.output()(world.random(), core::Draw::output_length, 0, n)});
    }
    return items;
}

//! As their clients see them.
std::vector<FinishedRequest> finished(serving::ServiceParams const& service, std::vector<Item> const& items) {
    std::vector<FinishedRequest> requests;
    for (Item const& item : items)
        requests.push_back(
            {item.input, item.output,
             serving::as_client_sees(service.engine, {item.arrival_ns, item.first_ns, item.done_ns},
                                     item.input, item.output)});
    return requests;
}

}  // namespace

Prediction estimate(Setup const& setup, Trial const& trial) {
    engine::World const world{trial.deck};
    serving::ServiceParams const& service = trial.deck.services.front();
    if (service.mode != serving::Mode::unified || service.speculative.draft_tokens > 0)
        throw CannotRun("the estimate covers unified services without speculation");
    Replica replica{world, setup, draw_items(world, setup, trial.requests)};
    Prediction prediction;
    prediction.mixture = service.model.routed_experts > 0;
    prediction.binding = "estimate";
    std::vector<Item> const& items = replica.run();
    prediction.mean_batch = replica.mean_batch();
    prediction.metrics = setup.load == Load::steady_batch
                             ? steady_metrics(steady_state(setup, replica), trial.arrangement)
                             : finite_metrics(finished(service, items), trial.arrangement);
    return prediction;
}

}  // namespace mw::validation
