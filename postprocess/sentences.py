"""A run in sentences, computed from its numbers."""

import numpy as np

import style
from key_figures import (
    facility_w,
    from_summary,
    joules_per_token,
    latency,
    output_rate,
    time_shares,
    tokens_per_mw,
)
from run_data import Missing, as_block


BOTTLENECKS = {
    "compute": "arithmetic",
    "hbm": "HBM bandwidth",
    "scale_up": "the scale-up network",
    "scale_out": "the scale-out network",
    "memory_pool": "the memory pool",
    "overhead": "fixed overhead",
}


def binding_words(shares, growing=False):
    """Which resource holds the accelerators up, in a sentence; `growing`: requests pile up meanwhile."""
    idle = shares.get("idle", 0.0)
    busy = {key: value for key, value in shares.items() if key != "idle"}
    if not busy:
        return "The accelerators are idle throughout."
    top = max(busy, key=busy.get)
    name = BOTTLENECKS[top]
    if idle > busy[top]:
        why = (
            "although requests pile up, so part of the site waits for another part"
            if growing
            else "so the offered load, not the hardware, limits the output"
        )
        return (
            f"The largest share of the accelerators' time is idle ({style.percent(idle)}), {why}. When they"
            f" work, they are held up most by {name} ({style.percent(busy[top])} of all time)."
        )
    return (
        f"What binds is {name}, with {style.percent(busy[top])} of the accelerators' time;"
        f" {style.percent(idle)} of it is idle."
    )


def in_flight_by_fifths(run):
    """Mean number of requests in flight in each fifth of the measured time."""
    flight = run.facility("requests_in_flight")[run.measured]
    if len(flight) < 10:
        raise Missing("too few samples have been measured")
    return [float(part.mean()) for part in np.array_split(flight, 5)]


def trend(run):
    """How requests in flight move: growing, settling (grew, but levels off), falling, steady, or "" if unknown.

    A rise counts above a tenth (3 % from the fourth fifth to the last) and above a Poisson count's noise.
    """
    try:
        first, *_, fourth, last = in_flight_by_fifths(run)
    except Missing:
        return ""
    noise = 3 * np.sqrt(max(first, 1.0))
    if last > 1.1 * first + noise:
        return "growing" if last > 1.03 * fourth + noise / 5 else "settling"
    return "falling" if last < 0.9 * first - noise else "steady"


TREND_WORDS = {
    "growing": "the number keeps growing, so the load exceeds the capacity or the warm-up is much too short.",
    "settling": "it has levelled off by the end, so a longer warm-up would give steadier figures.",
    "falling": "the load falls.",
    "steady": "the run is close to a steady state.",
}


def steadiness_words(run):
    try:
        fifths = in_flight_by_fifths(run)
    except Missing as missing:
        return f"Whether the run is steady cannot be told: {missing}."
    return (
        f"{style.digits(fifths[0])} requests are in flight in the first fifth of the measured time and"
        f" {style.digits(fifths[-1])} in the last: {TREND_WORDS[trend(run)]}"
    )


def verdict_words(run):
    """Whether the run served its load: the report's first sentences. Empty where the summary does not say."""
    verdict = str(run.summary.get("verdict") or "")
    if not verdict:
        return ""
    because = str(run.summary.get("verdict_because") or "")
    return f"Verdict: {verdict}. {because[:1].upper()}{because[1:]}."


def headline(run):
    """The run in words with numbers: a list of sentences."""
    rate, watts = output_rate(run), facility_w(run)
    if rate is None or watts is None:
        return ["There is not enough data yet for a headline."]
    count = run.accelerators()
    site = f"{count:,} accelerators generate" if count else "The site generates"
    sentences = [f"{site} {style.rate(rate)} while the facility draws {style.si(watts, 'W')}."]
    if rate > 0:
        sentences.append(
            f"That is {style.rate(tokens_per_mw(run))} per MW (boundary: whole facility, output tokens only),"
            f" or {style.si(joules_per_token(run), 'J')} per output token."
        )
    sentences += filter(None, (latency_words(run, "ttft"), latency_words(run, "tpot")))
    if objectives := objective_words(run):
        sentences.append(objectives)
    try:
        sentences.append(binding_words(time_shares(run), trend(run) == "growing"))
    except Missing:
        pass
    if run.summary.get("verdict"):
        return sentences
    if trend(run) == "growing":
        sentences.append("Caution: requests pile up, so the waiting times depend on how long the run lasts.")
    elif trend(run) == "settling":
        sentences.append("Caution: the warm-up ends before the load has settled; averages include the rise.")
    return sentences


def objective_words(run):
    """How many of the requests whose outcome is known kept their objectives; "" where there are none."""
    met = from_summary(run, "objectives", "met_fraction")
    if met is None or not (run.objectives("ttft") or run.objectives("tpot")):
        return ""
    decided = from_summary(run, "objectives", "decided")
    words = f"{style.percent(met)} of the requests keep all their objectives"
    if decided is None:
        return words + "."
    words = f"{style.percent(met)} of the {decided:,.0f} requests whose outcome is known keep all their objectives"
    undecided = from_summary(run, "objectives", "undecided") or 0
    bounds = as_block(as_block(run.summary, "objectives"), "met_fraction_bounds")
    if undecided > 0 and isinstance(bounds.get("low"), (int, float)) and isinstance(bounds.get("high"), (int, float)):
        words += (
            f"; that of {undecided:,.0f} more is open, so of all it is between {style.percent(bounds['low'])}"
            f" and {style.percent(bounds['high'])}"
        )
    return words + "."


def latency_words(run, name):
    """Median and p99 of "ttft" or "tpot" against its objective; "" where unknown."""
    p50, p99 = latency(run, name, "p50"), latency(run, name, "p99")
    if p50 is None or p99 is None or p99 <= 0:
        return unknown_latency_words(run, name)
    limits = run.objectives(name)
    words = "Users wait {} for the first token" if name == "ttft" else "Each further token takes {}"
    words = f"{words.format(style.seconds(p50))} (median; p99 {style.seconds(p99)}"
    if len(limits) == 1:
        words += (
            f"; objective {style.round_seconds(limits[0][1])},"
            f" {'kept' if p99 <= limits[0][1] else 'missed'} at p99"
        )
    return words + ")."


def unknown_latency_words(run, name):
    """Where too few requests have come so far to know a quantile: its lower bound; "" where that is unknown too."""
    bounds = as_block(as_block(run.summary, "latency"), f"{name}_s_at_least")
    known = [f"{quantile} over {style.seconds(bounds[quantile])}" for quantile in ("p50", "p99") if bounds.get(quantile)]
    if not known:
        return ""
    return f"Users wait for the first token longer than this run can tell ({', '.join(known)})."
