"""The numbers of a run: from summary.yaml where it is there, else from the recorded series."""

import dataclasses

import style
from run_data import Missing


@dataclasses.dataclass
class KeyFigure:
    label: str
    value: float
    text: str  # with its unit, as people write it
    note: str = ""
    group: str = "output"  # output, latency, requests or network


def from_summary(run, *path):
    """A number of summary.yaml, or None."""
    node = run.summary
    for key in path:
        node = node.get(key) if isinstance(node, dict) else None
    return float(node) if isinstance(node, (int, float)) and not isinstance(node, bool) else None


def first_of(*sources):
    """The first source that has a value: numbers, None, or callables that may raise Missing."""
    for source in sources:
        try:
            value = source() if callable(source) else source
        except Missing:
            continue
        if value is not None:
            return value
    return None


def output_rate(run):
    return first_of(
        from_summary(run, "throughput", "output_tokens_per_s"),
        lambda: run.facility_mean("output_tokens_per_s"),
    )


def facility_w(run):
    return first_of(from_summary(run, "power", "facility_w"), lambda: run.facility_mean("facility_power_w"))


def ratio(above, below, scale=1.0):
    return above / below * scale if above is not None and below else None


def tokens_per_mw(run):
    return first_of(
        from_summary(run, "efficiency", "tokens_per_s_per_mw"), ratio(output_rate(run), facility_w(run), 1e6)
    )


def joules_per_token(run):
    return first_of(
        from_summary(run, "efficiency", "joules_per_output_token"), ratio(facility_w(run), output_rate(run))
    )


def latency(run, name, statistic):
    """`name` is ttft, tpot or e2e; `statistic` mean, p50, p90 or p99."""

    def recorded():
        histogram = run.histogram(name)
        return histogram.mean() if statistic == "mean" else histogram.quantile(float(statistic[1:]) / 100)

    if isinstance(run.summary.get("latency"), dict):  # null there means that it is not known
        return from_summary(run, "latency", f"{name}_s", statistic)
    return first_of(recorded)


def breakdown_w(run):
    """Component -> mean watts, in the order of style.COMPONENTS."""
    found = {}
    for key in style.COMPONENTS:
        value = first_of(
            from_summary(run, "power", "breakdown_w", key), lambda key=key: run.facility_mean(f"{key}_w")
        )
        if value is not None:
            found[key] = value
    if not found or sum(found.values()) <= 0:
        raise Missing("there is no breakdown of the facility's power")
    return found


def time_shares(run):
    """What bound the accelerators -> share of their time, over the measured samples."""
    shares = {}
    for key in style.TIME_SHARES:
        value = first_of(from_summary(run, "time_share", key), lambda key=key: recorded_share(run, key))
        if value is not None:
            shares[key] = value
    if not shares or sum(shares.values()) <= 0:
        raise Missing("there are no shares of the accelerators' time")
    return {key: value for key, value in shares.items() if value > 0}


def recorded_share(run, key):
    weights = run.table("racks/accelerators").astype(float)
    return float(run.column_means(f"rack/{key}_share")[0] @ weights / weights.sum())


LATENCIES = (("ttft", "TTFT"), ("tpot", "TPOT"), ("e2e", "End to end"))


def latency_table(run):
    """Rows of text: name, mean, p50, p90, p99, objectives."""
    rows = []
    for name, label in LATENCIES:
        values = [latency(run, name, statistic) for statistic in ("mean", "p50", "p90", "p99")]
        if any(value is not None for value in values):
            limits = dict.fromkeys(style.round_seconds(limit) for _, limit in run.objectives(name))
            rows.append(
                (
                    label,
                    *("–" if value is None else style.seconds(value) for value in values),
                    ", ".join(limits) or "–",
                )
            )
    return rows


def known(*path, series=None):
    """A source of a number: summary.yaml at `path`, else the mean of /facility/<series>."""

    def source(run):
        return first_of(from_summary(run, *path), lambda: run.facility_mean(series) if series else None)

    return source


def per_accelerator(run):
    stated = from_summary(run, "throughput", "output_tokens_per_s_per_accelerator")
    return first_of(stated, ratio(output_rate(run), run.accelerators()))


def watts(value):
    return style.si(value, "W")


def count(value):
    return f"{value:,.0f}"


# group, label, source, how it is written, note
ROWS = (
    ("output", "Output tokens", output_rate, style.rate, ""),
    (
        "output",
        "Input tokens",
        known("throughput", "input_tokens_per_s", series="input_tokens_per_s"),
        style.rate,
        "",
    ),
    ("output", "Output tokens per accelerator", per_accelerator, style.rate, ""),
    (
        "output",
        "Goodput",
        known("objectives", "goodput_tokens_per_s"),
        style.rate,
        "output tokens of requests within all objectives",
    ),
    ("output", "Facility power", facility_w, watts, "everything behind the site's meter"),
    ("output", "IT power", known("power", "it_w", series="it_power_w"), watts, "racks and network"),
    (
        "output",
        "PUE",
        known("power", "pue", series="pue"),
        lambda v: f"{v:.3f}",
        "facility over IT power, without what stores gave or took",
    ),
    (
        "output",
        "Efficiency",
        tokens_per_mw,
        lambda v: style.rate(v, "tokens/s per MW"),
        "facility power, output tokens",
    ),
    ("output", "Energy per output token", joules_per_token, lambda v: style.si(v, "J"), "facility power"),
    (
        "requests",
        "Requests per second",
        known("throughput", "requests_per_s", series="completions_per_s"),
        lambda v: style.rate(v, "/s"),
        "",
    ),
    ("requests", "Requests within objectives", known("objectives", "met_fraction"), style.percent, ""),
    ("requests", "Their outcome is known", known("objectives", "decided"), count, ""),
    ("requests", "Their outcome is open", known("objectives", "undecided"), count, ""),
    ("requests", "Requests arrived", known("requests", "arrived"), count, ""),
    ("requests", "Requests completed", known("requests", "completed"), count, ""),
    ("requests", "Requests rejected", known("requests", "rejected"), count, ""),
    ("requests", "Requests preempted", known("requests", "preempted"), count, ""),
    ("requests", "Requests in flight at the end", known("requests", "in_flight"), count, ""),
    (
        "network",
        "Bytes over the network",
        known("fabric", "bytes_transferred"),
        lambda v: style.si(v, "B"),
        "",
    ),
    (
        "network",
        "KV cache among them",
        known("fabric", "kv_bytes_transferred"),
        lambda v: style.si(v, "B"),
        "",
    ),
    ("network", "Link utilisation, mean", known("fabric", "mean_link_utilisation"), style.percent, ""),
    ("network", "Link utilisation, peak", known("fabric", "peak_link_utilisation"), style.percent, ""),
    ("network", "Shares of links checked for fairness", known("fabric", "fairness", "shares_checked"), count, ""),
    ("network", "Unfair shares among them", known("fabric", "fairness", "violations"), count, ""),
)


def table(run):
    """Every key figure but the latencies that this run has, in the order of the report."""
    values = [(row[2](run), row) for row in ROWS]
    return [
        KeyFigure(label, value, write(value), note, group)
        for value, (group, label, _, write, note) in values
        if value is not None
    ]


def flat_table(run):
    """table() with the latencies, for comparing runs."""
    waits = []
    for name, label in LATENCIES:
        for statistic in ("p50", "p90", "p99"):
            value = latency(run, name, statistic)
            if value is not None:
                waits.append(KeyFigure(f"{label} {statistic}", value, style.seconds(value), "", "latency"))
    rows = table(run)
    split = next((index for index, row in enumerate(rows) if row.group != "output"), len(rows))
    return rows[:split] + waits + rows[split:]


PART_NAMES = {
    "router": "from the router to the instance",
    "prefill_queue": "queue for the prompt",
    "prefill": "prompt",
    "transfer": "transfer of the KV cache",
    "decode_queue": "wait for a place on the decode instance",
    "first_iteration": "first iteration on the decode instance",
    "delivery": "delivery to the client",
}


def ttft_parts(run):
    """Rows (part, mean, p50, p90, p99) of the parts that took any time."""
    rows = []
    for part, label in PART_NAMES.items():
        values = [from_summary(run, "latency", "parts_s", part, name) for name in ("mean", "p50", "p90", "p99")]
        if None not in values and values[0] > 0:
            rows.append((label, *map(style.seconds, values)))
    return rows
