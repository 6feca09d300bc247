"""The parameters that calibration fits, how they are shared, and what is believed of them before a measurement is seen."""
import numpy as np

#: Exponent of Zipf's law of the experts' popularity, not fitted: with it the busiest of 32 and of 72 expert groups of DeepSeek-V3 has 1.5 and 2.2
#: times its share; balancing the load was published to be worth 1.49 (prefill, 32) and 2.54 (decode, 72), SGLang, large-scale expert parallelism.
EXPERT_SKEW = 0.4
#: In which an engine's lag on a new model falls by e. Not fitted: with 2 to 6 months families left out come out equally well.
MATURING_MONTHS = 3.0
#: Seconds of a step of NCCL's ring over NVLink, not fitted: NVIDIA/nccl, src/graph/tuning.cc (ring, simple protocol).
RING_STEP = 3.4e-6
#: Accelerators whose cores are alike.
ARCHITECTURE = {"a100-80g": "ampere", "h100": "hopper", "h200": "hopper", "b200": "blackwell", "b300": "blackwell", "gb200": "blackwell",
                "mi300x": "cdna3", "mi325x": "cdna3", "mi355x": "cdna4"}
#: Where the fit begins: generic engine, large kernels on any accelerator. Source: physics.md section 1 and first fits.
START = {
    "flops": 0.62, "expert_flops": 0.64, "attention_flops": 0.60, "hbm": 0.88, "kv_hbm": 0.85, "link": 0.50,
    "half_rows": 35.0, "half_expert_rows": 20.0, "half_columns": 100.0, "half_expert_columns": 600.0,
    "roofline_blend": 0.25, "activation_passes": 1.0, "expert_skew": EXPERT_SKEW, "kernel": 3.4e-6, "collective": 7e-6, "ring_step": RING_STEP,
    "maturing_kernels": 0.25, "maturing_products": 1.0,
    "launches_attention": 5.0, "launches_latent": 9.0, "launches_linear": 9.0, "launches_index": 3.0, "launches_dense": 3.0,
    "launches_experts": 7.0, "launches_fp4_experts": 5.0, "launches_shared": 2.0, "launches_norm": 2.0, "launches_quantise": 1.0, "launch_time": 1.0, "host_time": 1.0,
    "iteration": 1.3e-3, "sequence": 8e-6, "request": 0.9e-3, "token": 1e-7,
    "host_exposed": 0.3, "launch": 30e-6,
    "response": 0.011, "response_per_token": 1.8e-6,
}
#: Standard deviation of the logarithm, by parameter and by who has a value of its own. `all`: one for everything.
SPREAD = {
    "flops": {"architecture": 0.2, "accelerator": 0.1, "generation": 0.1},
    "expert_flops": {"all": 0.2, "architecture": 0.15, "accelerator": 0.1, "generation": 0.12},
    "attention_flops": {"all": 0.3, "accelerator": 0.15},
    "hbm": {"all": 0.1, "accelerator": 0.1},
    "kv_hbm": {"all": 0.15, "accelerator": 0.15},
    "link": {"all": 0.5, "accelerator": 0.3},
    "half_rows": {"all": 1.0}, "half_expert_rows": {"all": 0.5}, "half_columns": {"all": 0.5},
    "half_expert_columns": {"all": 0.5}, "roofline_blend": {"all": 0.7}, "activation_passes": {"all": 0.3},
    "launches_attention": {"all": 0.6}, "launches_latent": {"all": 0.6}, "launches_linear": {"all": 0.6}, "launches_index": {"all": 0.6},
    "launches_dense": {"all": 0.6}, "launches_experts": {"all": 0.6}, "launches_fp4_experts": {"all": 0.6}, "launches_shared": {"all": 0.6}, "launches_norm": {"all": 0.6}, "launches_quantise": {"all": 0.6},
    "maturing_kernels": {"all": 1.0}, "maturing_products": {"all": 1.0},
    "launch_time": {"architecture": 0.3, "accelerator": 0.3}, "host_time": {"accelerator": 0.4},
    "kernel": {"all": 0.7, "family": 0.1, "generation": 0.1},
    "collective": {"all": 0.6, "family": 0.3},
    "iteration": {"all": 1.0, "family": 0.7, "generation": 0.7},
    "sequence": {"all": 1.0, "family": 0.5},
    "request": {"all": 1.0, "family": 0.5},
    "token": {"all": 1.0},
    "host_exposed": {"family": 1.0, "generation": 0.7},
    "launch": {"all": 1.0, "family": 0.7, "generation": 0.3},
    "response": {"all": 1.0, "family": 0.7, "generation": 0.7},
    "response_per_token": {"all": 1.0},
}
PRECISIONS = ("fp4", "fp8", "bf16")
BY_PRECISION = ("flops", "expert_flops")
LAUNCHES = tuple(name for name in SPREAD if name.startswith("launches_"))
TIMES = ("launch_time", "host_time")  # of an accelerator, over the engine's
ON_ACCELERATOR = ("flops", "expert_flops", "attention_flops", "hbm", "kv_hbm", "link")
CLIENT = ("response", "response_per_token")
SHARES = ("host_exposed",)  # at most 1
PRIOR_WEIGHT = 3.0  # of the prior against one measurement's pull


class Parameters:
    """A vector of log deviations and what each entry means: (parameter, level, name)."""

    def __init__(self, points, accelerator_of, generation_of, family_of):
        self.keys, spreads = [], []
        accelerators = sorted({accelerator_of(row) for row in points.rows})
        names = {"all": [""], "accelerator": accelerators, "architecture": sorted({ARCHITECTURE[a] for a in accelerators}),
                 "generation": sorted({generation_of(r) for r in points.rows}), "family": sorted({family_of(r) for r in points.rows})}
        for parameter, levels in SPREAD.items():
            for level, spread in levels.items():
                owners = names[level]
                if level in ("architecture", "accelerator") and parameter in BY_PRECISION:
                    owners = [f"{a} {p}" for a in owners for p in PRECISIONS]
                self.keys += [(parameter, level, owner) for owner in owners]
                spreads += [spread] * len(owners)
        self.spread = np.array(spreads)
        self.place = {key: i for i, key in enumerate(self.keys)}

    def effect(self, theta, parameter, level, name):
        """Factor of one level; 1 where nothing was fitted."""
        at = self.place.get((parameter, level, name))
        return 1.0 if at is None else float(np.exp(theta[at]))

    def on_accelerator(self, theta, parameter, accelerator, precision=""):
        """Share of a ceiling that large kernels reach, whoever wrote them."""
        value = START[parameter] * self.effect(theta, parameter, "all", "")
        for level, owner in (("architecture", ARCHITECTURE.get(accelerator, "")), ("accelerator", accelerator)):
            value *= self.effect(theta, parameter, level, f"{owner} {precision}".strip())
        return value if parameter in TIMES else min(value, 1.0)

    def of_engine(self, theta, parameter, family="", generation=""):
        """Value of an engine's parameter; for shares of ceilings its factor on the accelerator's."""
        value = self.effect(theta, parameter, "family", family) * self.effect(theta, parameter, "generation", generation)
        if parameter in ON_ACCELERATOR:
            return value
        value *= START[parameter] * self.effect(theta, parameter, "all", "")
        return min(value, 1.0) if parameter in SHARES else value


def as_client_sees(parameters, theta, points, values, family_of, generation_of):
    """Adds response times to estimates made without them, in the rows' units; of TTFT [ms]."""
    seen = values.copy()
    for i, row in enumerate(points.rows):
        if not row["metric"].startswith("ttft"):
            continue
        family, generation = family_of(row), generation_of(row)
        prompt = float(row["input_len"]) if row["input_len"].replace(".", "").isdigit() else 300.0
        seen[i] += 1e3 * (parameters.of_engine(theta, "response", family, generation)
                          + parameters.of_engine(theta, "response_per_token", family, generation) * prompt)
    return seen
