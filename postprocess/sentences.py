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
from run_data import Missing


def binding_words(shares, growing=False):
    """Which resource holds the accelerators up, in a sentence; `growing`: requests pile up meanwhile."""
    idle = shares.get("idle", 0.0)
    busy = {key: value for key, value in shares.items() if key != "idle"}
    if not busy:
        return "The accelerators are idle throughout."
    top = max(busy, key=busy.get)
    name = style.TIME_SHARES[top][0]
    name = name if name.startswith("HBM") else name.lower()
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


def growth_of_queue(run):
    """(requests in flight in the first fifth, in the last fifth) of the measured time."""
    flight = run.facility("requests_in_flight")[run.measured]
    fifth = len(flight) // 5
    if fifth < 2:
        raise Missing("too few samples have been measured")
    return float(flight[:fifth].mean()), float(flight[-fifth:].mean())


def is_growing(run):
    """True where the queue grows by more than a tenth, and by more than a Poisson count's noise."""
    try:
        early, late = growth_of_queue(run)
    except Missing:
        return False
    return late > 1.1 * early + 3 * np.sqrt(max(early, 1.0))


def steadiness_words(run):
    try:
        early, late = growth_of_queue(run)
    except Missing as missing:
        return f"Whether the run is steady cannot be told: {missing}."
    words = (
        f"{style.digits(early)} requests are in flight in the first fifth of the measured time and"
        f" {style.digits(late)} in the last: "
    )
    if is_growing(run):
        return (
            words
            + "the number still grows, so either the load exceeds the capacity or the warm-up is too short."
        )
    return words + "the run is close to a steady state." if late > 0.8 * early else words + "the load falls."


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
    met = from_summary(run, "objectives", "met_fraction")
    if met is not None and (run.objectives("ttft") or run.objectives("tpot")):
        sentences.append(f"{style.percent(met)} of the requests keep all their objectives.")
    try:
        sentences.append(binding_words(time_shares(run), is_growing(run)))
    except Missing:
        pass
    if is_growing(run):
        sentences.append(
            "Caution: requests pile up during the measured time, so the waiting times depend on how long the"
            " run lasts."
        )
    return sentences


def latency_words(run, name):
    """Median and p99 of "ttft" or "tpot" against its objective; "" where unknown."""
    p50, p99 = latency(run, name, "p50"), latency(run, name, "p99")
    if p50 is None or p99 is None or p99 <= 0:
        return ""
    limits = run.objectives(name)
    words = "Users wait {} for the first token" if name == "ttft" else "Each further token takes {}"
    words = f"{words.format(style.seconds(p50))} (median; p99 {style.seconds(p99)}"
    if len(limits) == 1:
        words += (
            f"; objective {style.round_seconds(limits[0][1])},"
            f" {'kept' if p99 <= limits[0][1] else 'missed'} at p99"
        )
    return words + ")."
