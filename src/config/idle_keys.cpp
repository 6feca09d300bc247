// Keys that a deck states and that cannot act in the modes it chose: accepted, so that --set can switch modes, but said.
#include <initializer_list>

#include "check.hpp"

namespace mw::config {

namespace {

class Notes {
  public:
    Notes(Tree const& root, std::vector<std::string>& notes) : root_{root}, notes_{notes} {}

    //! `keys` below `block`, without effect for the reason.
    void idle(bool without_effect, std::string const& block, std::initializer_list<std::string_view> keys,
              std::string const& why) {
        if (!without_effect) return;
        for (std::string_view const key : keys)
            if (std::string const path = join_path(block, key); at_path(root_, path) != nullptr)
                notes_.push_back(path + " has no effect: " + why);
    }

  private:
    Tree const& root_;
    std::vector<std::string>& notes_;
};

bool slides(llm::ModelParams const& model) {
    return model.sliding_layers > 0;
}

void note_scheduler(serving::ServiceParams const& service, std::string const& path, Notes& notes) {
    serving::SchedulerParams const& scheduler = service.scheduler;
    std::string const block = path + ".scheduler";
    bool const split = service.mode == serving::Mode::disaggregated;
    bool const reserves = scheduler.admission == serving::Admission::reserve_output;
    notes.idle(
        split, block, {"poll_iterations"},
        "with mode: disaggregated, prefill instances look at every iteration, and decode instances take "
        "caches as they come");
    notes.idle(split && reserves, block, {"policy", "chunked_prefill"},
               "prompts run on prefill instances alone, and nothing is processed again under admission: "
               "reserve_output");
    notes.idle(!split && !scheduler.chunked_prefill, block, {"policy"},
               "with chunked_prefill: false prompts run whole and alone");
    notes.idle(reserves, block, {"preemption", "watermark"},
               "admission: reserve_output keeps room for the whole output and never preempts");
    notes.idle(service.workload.prefix_hit <= 0, block, {"prefix_cache"}, "workload.prefix_hit is 0");
    bool const forced = scheduler.kv_blocks > 0 && service.model.linear_layers == 0;
    notes.idle(forced, block, {"memory_share", "memory_rule", "memory_reserve", "logit_copies"},
               "kv_blocks states the capacity");
    notes.idle(!slides(service.model), block, {"frees_windows"}, "the model has no sliding windows");
}

void note_service(Deck const& deck, std::size_t index, Notes& notes) {
    serving::ServiceParams const& service = deck.services[index];
    std::string const path = "services[" + std::to_string(index) + "]";
    note_scheduler(service, path, notes);
    notes.idle(service.mode == serving::Mode::unified, path, {"prefill_share"},
               "mode: unified has no prefill instances");
    notes.idle(service.unequal_pools(), path, {"prefill_share", "parallelism", "cell_instances"},
               "pools says how many instances there are, of which layout, behind one router");
    notes.idle(!service.timing_table.empty(), path, {"engine.kernel", "engine.host", "engine.factors"},
               "timing.table states the iteration times");
}

void note_cooling(plant::FacilityParams const& facility, Notes& notes) {
    std::string const block = "facility.cooling";
    bool const constant = facility.cooling.constant_pue > 0;
    notes.idle(
        constant, block,
        {"supply", "air_supply", "air_approach", "wet_bulb", "approach", "pump_pressure", "cdu_pressure",
         "pump_efficiency", "loop_rise", "tower_fan_share", "chiller_cop", "crah_fan_share"},
        "pue is a constant in place of the plant");
    bool const air = facility.cooling.kind == plant::CoolingKind::air;
    notes.idle(air && !constant, block, {"supply", "cdu_pressure"},
               "kind: air has no liquid loop to the racks");
    notes.idle(!facility.weather.file.empty() && !constant, block, {"wet_bulb"},
               "weather.file states the wet bulb");
}

void note_facility(plant::FacilityParams const& facility, Notes& notes) {
    note_cooling(facility, notes);
    std::string const delivery = "facility.delivery";
    notes.idle(facility.delivery.ups == plant::UpsMode::none, delivery,
               {"ups_efficiency", "ups_redundancy", "battery"}, "ups: none");
    notes.idle(facility.delivery.ups != plant::UpsMode::none && !facility.grid.on(), delivery, {"battery"},
               "batteries give power in a facility.grid event alone, and there is none");
    notes.idle(!facility.thermal.on, "facility.thermal", {"loop", "hall", "response", "spare", "failure"},
               "thermal.on is false");
    notes.idle(!facility.control.on(), "facility.control",
               {"period", "margin", "row_budget", "rack_budget", "event"}, "control.policy is none");
    notes.idle(facility.grid.on() && facility.grid.generators_w <= 0, "facility.grid", {"generators_start"},
               "there are no generators");
}

void note_cluster(Deck const& deck, Notes& notes) {
    ClusterParams const& cluster = deck.cluster;
    bool const capped = cluster.boards.power_cap_w > 0 || deck.facility.control.on();
    notes.idle(!capped, "cluster.boards", {"cap_average", "cap_lag"},
               "neither cluster.boards.power_cap nor facility.control caps the boards");
    notes.idle(cluster.transport.kind == fabric::TransportParams::Kind::ideal, "cluster.scale_out.transport",
               {"payload", "header", "spraying_loss", "queueing"}, "kind: ideal has no packets");
    fabric::FailureParams const& failures = cluster.scale_out.failures;
    notes.idle(failures.switch_rate <= 0 && failures.link_rate <= 0, "cluster.scale_out.failures", {"seed"},
               "no share of switches or links is broken at random");
}

}  // namespace

void note_idle_keys(Deck const& deck, Tree const& root, std::vector<std::string>& notes) {
    Notes list{root, notes};
    note_cluster(deck, list);
    for (std::size_t s = 0; s < deck.services.size(); ++s) note_service(deck, s, list);
    note_facility(deck.facility, list);
}

}  // namespace mw::config
