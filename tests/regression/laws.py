"""Laws of a run's results that hold whatever the deck: each is a function of a Run that returns what breaks it, as text; [] if nothing does.

A new law is a function in LAWS. Tolerances are those of printing (summary.yaml has 6 to 10 digits) and of float32 (run.h5).
"""
import math
from pathlib import Path

import h5py
import numpy as np
import yaml

PRINTED = 6e-6  # relative; the shortest figures have 6 digits
SINGLE = 1e-6   # relative, of sums of float32 series
# Columns of run.h5 that are NaN where there is nothing to tell.
MAY_BE_NAN = {"ttft_mean_s", "tpot_mean_s", "pue", "budget_w", "board_target_w"}


class Run:
    """What a finished run left in its folder."""

    def __init__(self, folder):
        self.folder = Path(folder)
        self.text = (self.folder / "summary.yaml").read_text()
        self.summary = yaml.safe_load(self.text)
        with h5py.File(self.folder / "run.h5", "r") as file:
            self.deck = yaml.safe_load(file["deck"][()])
            end_s = file["time_s"][:].astype(float)
            self.measured = end_s > 1e-9  # time counts from the end of the warm-up
            start_s = np.concatenate([[0.0], end_s[:-1]])  # a first sample is measured only without a warm-up
            self.sample_s = (end_s - start_s)[self.measured]
            self.facility = self._group(file, "facility")
            self.rack = self._group(file, "rack")
            self.links = self._group(file, "links")
            self.requests = self._group(file, "requests")
        self.duration_s = float(self.sample_s.sum())

    @staticmethod
    def _group(file, name):
        return {key: data[()] for key, data in file[name].items() if isinstance(data, h5py.Dataset)} if name in file else {}

    def series(self, name):
        """Of the facility, measured samples only."""
        return self.facility[name].astype(float).reshape(len(self.measured), -1)[self.measured, 0]

    @property
    def power(self):
        return self.summary["power"]


def near(a, b, relative, absolute=0.0):
    return abs(a - b) <= max(relative * max(abs(a), abs(b)), absolute)


def walk(tree, path=""):
    """(path, key, value) of every leaf."""
    items = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    for key, value in items:
        here = f"{path}.{key}" if path else str(key)
        if isinstance(value, (dict, list)):
            yield from walk(value, here)
        else:
            yield here, str(key), value


def results_of(run):
    return {key: value for key, value in run.summary.items() if key != "performance"}


def numbers_are_finite(run):
    """A summary has numbers or null; no series is infinite, and only those that may have nothing to tell are NaN."""
    found = [f"{path} is {value}" for path, _, value in walk(run.summary)
             if isinstance(value, float) and not math.isfinite(value)]
    found += [f"{path} is the text {value!r}" for path, _, value in walk(run.summary)
              if isinstance(value, str) and value.lower().lstrip("+-.") in ("nan", "inf", "infinity")]
    for kind in ("facility", "rack", "links"):
        for name, data in getattr(run, kind).items():
            if not np.issubdtype(data.dtype, np.floating):
                continue
            if np.isinf(data).any():
                found.append(f"/{kind}/{name} has infinite values")
            if np.isnan(data).any() and not (kind == "facility" and name in MAY_BE_NAN):
                found.append(f"/{kind}/{name} has NaN")
    return found


def arrivals_are_accounted_for(run):
    r = run.summary["requests"]
    total = r["completed"] + r["rejected"] + r["in_flight"]
    found = [] if r["arrived"] == total else [f"arrived {r['arrived']}, but completed + rejected + in_flight = {total}"]
    return found + [f"requests.{key} is negative: {value}" for key, value in r.items() if isinstance(value, int) and value < 0]


def breakdown_adds_up(run):
    parts = run.power["breakdown_w"]
    total, facility_w = sum(parts.values()), run.power["facility_w"]
    used_w = facility_w - parts.get("storage", 0.0)
    found = [] if near(total, facility_w, 1e-7, 1e-7 * used_w) else [f"parts add up to {total} W, facility_w is {facility_w}"]
    return found + [f"breakdown_w.{key} is negative: {value}" for key, value in parts.items() if value < 0 and key != "storage"]


def boundaries_are_nested(run):
    """board <= chassis_ac <= it <= facility, without what stores took or gave; PUE is the last over IT and at least 1."""
    bounds = run.power["boundaries_w"]
    order = [bounds[key] for key in ("board", "chassis_ac", "it", "facility")]
    found = [] if all(a <= b * (1 + 1e-7) for a, b in zip(order, order[1:])) else [f"boundaries_w are not nested: {bounds}"]
    stored_w = run.power["breakdown_w"].get("storage", 0.0)
    if not near(run.power["facility_w"] - stored_w, bounds["facility"], 1e-7):
        found.append(f"facility_w {run.power['facility_w']} less storage {stored_w} is not boundaries_w.facility {bounds['facility']}")
    if not near(run.power["it_w"], bounds["it"], 1e-7):
        found.append(f"it_w {run.power['it_w']} is not boundaries_w.it {bounds['it']}")
    pue = run.power["pue"]
    if bounds["it"] == 0:
        return found + ([] if pue is None else [f"pue is {pue} of a site that was dark"])
    if not (pue >= 1 and near(pue, bounds["facility"] / bounds["it"], PRINTED)):
        found.append(f"pue is {pue}; boundaries_w give {bounds['facility'] / bounds['it']}")
    return found


def efficiency_follows_power(run):
    """Tokens per joule at each boundary, and per MW at the facility's meter."""
    tokens_per_s, found = run.summary["throughput"]["output_tokens_per_s"], []
    for key, watts in run.power["boundaries_w"].items():
        told = run.summary["efficiency"]["output_tokens_per_joule"][key]
        if watts > 0 and told is not None and not near(told, tokens_per_s / watts, 1e-5):
            found.append(f"output_tokens_per_joule.{key} is {told}, not {tokens_per_s / watts}")
    told, facility_w = run.summary["efficiency"]["tokens_per_s_per_mw"], run.power["facility_w"]
    if facility_w > 0 and told is not None and not near(told, tokens_per_s / facility_w * 1e6, 1e-5):
        found.append(f"tokens_per_s_per_mw is {told}, not {tokens_per_s / facility_w * 1e6}")
    return found


def stores_keep_their_energy(run):
    """end - start = breakdown's storage x duration: storage is what reached the stores, losses of charging count as conversion."""
    stores = run.power.get("stores")
    if not stores or stores["start_j"] is None:
        return []
    taken_j, stored_j = stores["end_j"] - stores["start_j"], run.power["breakdown_w"]["storage"] * run.duration_s
    charge_j = max(stores["start_j"], stores["end_j"])
    found = [] if near(taken_j, stored_j, 1e-6, 1e-9 * charge_j + 1e-5) else [f"stores took {taken_j} J, storage x duration is {stored_j} J"]
    if stores["start_j"] < 0 or stores["end_j"] < 0:
        found.append(f"stores in debt: {stores}")
    series_j = float((run.series("storage_w") * run.sample_s).sum())
    if not near(series_j, taken_j, 1e-4, 1e-6 * charge_j + 1):
        found.append(f"the samples of storage_w add up to {series_j} J, stores took {taken_j} J")
    return found


def emptied_stores_are_told(run):
    stores = run.power.get("stores")
    if not stores or stores["start_j"] is None:
        return []
    given_j = stores["start_j"] - stores["end_j"]
    notable = given_j > 1.01e-4 * run.power["boundaries_w"]["facility"] * run.duration_s
    told = any("emptier than they began" in text for text in run.summary.get("warnings") or [])
    return [f"stores gave {given_j} J, and no warning says so"] if notable and not told else []


def energy_is_the_integral_of_power(run):
    joules, mean_w = float((run.series("facility_power_w") * run.sample_s).sum()), run.power["facility_w"]
    scale_j = run.power["boundaries_w"]["facility"] * run.duration_s
    if near(joules, mean_w * run.duration_s, SINGLE, SINGLE * scale_j):
        return []
    return [f"samples add up to {joules} J, facility_w x duration is {mean_w * run.duration_s} J"]


def parts_of_each_sample_add_up(run):
    names = [f"{key}_w" for key in run.power["breakdown_w"]]
    total, facility_w = sum(run.series(name) for name in names), run.series("facility_power_w")
    scale_w = sum(np.abs(run.series(name)) for name in names)
    wrong = np.abs(total - facility_w) > 1e-5 * np.maximum(scale_w, 1e-3)
    return [f"parts of {wrong.sum()} samples do not add up to facility_power_w"] if wrong.any() else []


def budgets_are_watched(run):
    """`above` is what the samples say: facility_power_w against budget_w."""
    if "budget_w" not in run.facility:
        return []
    power_w, budget_w = run.series("facility_power_w"), run.series("budget_w")
    above = run.power["budget"]["above"]

    def share(margin):
        with np.errstate(invalid="ignore"):
            return float(run.sample_s[power_w > budget_w * margin].sum()) / run.duration_s

    found = []
    if not share(1 + 1e-6) - 1e-5 <= above["share_of_time"] <= share(1 - 1e-6) + 1e-5:
        found.append(f"above.share_of_time is {above['share_of_time']}, the samples say {share(1)}")
    told = any("more than the budget" in text for text in run.summary.get("warnings") or [])
    if above["share_of_time"] > 0:
        worst_w = float(power_w[power_w > budget_w * (1 - 1e-6)].max())
        if not near(above["worst_w"], worst_w, 1e-5):
            found.append(f"above.worst_w is {above['worst_w']}, the worst sample {worst_w}")
        if not told:
            found.append("the budget was passed, and no warning says so")
    elif above["worst_w"] is not None:
        found.append(f"above.worst_w is {above['worst_w']}, but no sample was above")
    return found


def time_shares_add_up(run):
    total = sum(run.summary["time_share"].values())
    return [] if abs(total - 1) <= 1e-6 else [f"time_share adds up to {total}"]


def shares_are_shares(run):
    found = []
    for path, key, value in walk(results_of(run)):
        share = key.endswith(("_share", "share_of_time", "fraction", "_utilisation")) or path.startswith("time_share.")
        if share and isinstance(value, (int, float)) and not -1e-9 <= value <= 1 + 1e-6:
            found.append(f"{path} is {value}")
    for kind in ("facility", "rack", "links"):
        for name, data in getattr(run, kind).items():
            if name.endswith(("_share", "utilisation")) and data.size and not (np.nanmin(data) >= -1e-6 and np.nanmax(data) <= 1 + 1e-5):
                found.append(f"/{kind}/{name} reaches from {np.nanmin(data)} to {np.nanmax(data)}")
    return found


def percentiles_are_ordered(run):
    found = []

    def look(tree, path):
        if not isinstance(tree, dict):
            return
        values = [tree[key] for key in ("p50", "p90", "p99") if tree.get(key) is not None]
        if any(a > b for a, b in zip(values, values[1:])):
            found.append(f"{path}: {tree}")
        for key, value in tree.items():
            look(value, f"{path}.{key}")

    look({"latency": run.summary["latency"]}, "")
    for service in run.summary["services"]:
        look(service, service["name"])
    return found


def recorded_requests_make_sense(run):
    q, found = run.requests, []
    if not q or not len(q["id"]):
        return []
    if len(set(q["id"].tolist())) != len(q["id"]):
        found.append("a request is listed twice")
    if (q["first_token_s"] < q["arrival_s"]).any() or (q["completed_s"] < q["first_token_s"]).any():
        found.append("a request has its first token before it arrives, or its last before its first")
    if (q["completed_s"] < 0).any() or (q["completed_s"] > run.duration_s + 1e-6).any():
        found.append("a request completed outside the measured period")
    if (q["output_tokens"] < 1).any() or (q["input_tokens"] < 0).any():
        found.append("a request without tokens")
    completed = sum(service["completed"] for service in run.summary["services"])
    if run.deck["output"].get("request_sample") == 1 and len(q["id"]) != completed:
        found.append(f"{len(q['id'])} requests are listed, {completed} completed")
    return found


def unmodelled_is_absent(run):
    """A column of run.h5 stands for something that the deck models."""
    facility, found = run.deck.get("facility") or {}, []
    plant = facility.get("thermal") or {}
    thermal, grid = plant.get("on", plant.get(True, False)), facility.get("grid") not in (None, "none")  # a YAML 1.1 reader takes `on` for true
    for kind, name, modelled in (("rack", "hottest_die_c", thermal), ("rack", "die_temperature_c", thermal),
                                 ("facility", "hall_temperature_c", thermal), ("facility", "dark_share", grid),
                                 ("facility", "budget_w", "budget" in run.power and run.power["budget"]["above"] is not None)):
        if (name in getattr(run, kind)) != bool(modelled):
            found.append(f"/{kind}/{name} is {'there' if not modelled else 'missing'}")
    return found


TTFT_PARTS = ("router", "prefill_queue", "prefill", "transfer", "decode_queue", "first_iteration", "delivery")


def parts_of_ttft_add_up(run):
    """To the nanosecond for each request, and their means to the mean."""
    q, found = run.requests, []
    if q and len(q["id"]):
        parts = [q[f"ttft_{part}_s"] for part in TTFT_PARTS]
        off = abs(sum(parts) - (q["first_token_s"] - q["arrival_s"])).max()
        if off > 1e-9:
            found.append(f"parts of a request's time to first token miss it by {off} s")
        if min(part.min() for part in parts) < 0:
            found.append("a part of a time to first token is negative")
        if (q["ttft_contention_s"] > q["ttft_transfer_s"] + 1e-12).any() or (q["ttft_contention_s"] < 0).any():
            found.append("contention costs more than the transfer takes, or less than nothing")
        if (q["longest_gap_s"] > q["completed_s"] - q["first_token_s"] + 1e-9)[q["output_tokens"] > 1].any():
            found.append("a request's longest gap is longer than its decode")
    latency = run.summary["latency"]
    mean = latency["given_ttft_s"]["mean"]
    if mean is not None:
        total = sum(latency["parts_s"][part]["mean"] for part in TTFT_PARTS)
        if not near(total, mean, 1e-5, 1e-9):
            found.append(f"mean parts add up to {total} s, the mean time to first token is {mean} s")
    return found


def outcomes_are_accounted_for(run):
    """Decided and undecided are all arrivals, of the site and of each service; nobody met more than completed."""
    found = []
    services = run.summary["services"]
    for service in services:
        if service["decided"] + service["undecided"] != service["arrived"]:
            found.append(f"{service['name']}: decided and undecided are not the arrivals: {service}")
        # Of nothing decided there is no share.
        if (service["met_fraction"] is None) != (service["met"] is None or service["decided"] == 0):
            found.append(f"{service['name']}: a share without a number, or a number without a share")
        if service["met_fraction"] is not None:
            if not near(service["met_fraction"], service["met"] / service["decided"], PRINTED):
                found.append(f"{service['name']}: met_fraction {service['met_fraction']}")
            bounds = service["met_fraction_bounds"]
            if not bounds["low"] - PRINTED <= service["met_fraction"] * service["decided"] / service["arrived"] <= bounds["high"]:
                found.append(f"{service['name']}: bounds {bounds}")
        if service["met"] is not None and service["met"] + service["rejected"] + service["late"] > service["decided"]:
            found.append(f"{service['name']}: more met than completed: {service}")
    if sum(service["arrived"] for service in services) != run.summary["requests"]["arrived"]:
        found.append("the services' arrivals are not the site's")
    return found


def no_data_is_null(run):
    """Never 0, and never a number that nothing stands behind."""
    found, summary = [], run.summary
    if summary["throughput"]["output_tokens_per_s"] == 0 and summary["efficiency"]["joules_per_output_token"] is not None:
        found.append("energy for tokens that were not")
    for service in summary["services"]:
        if service["completed"] == 0 and service["tpot_s"]["p50"] is not None:
            found.append(f"{service['name']}: a TPOT of no completions")
    if summary["latency"]["completed_requests"]["count"] == 0 and summary["latency"]["completed_requests"]["e2e_s"]["mean"] is not None:
        found.append("latencies of no completions")
    return found


def verdict_agrees_with_the_flow(run):
    """A service that completes far less than arrives, for longer than requests live, is not steady; one that keeps up is not overloaded."""
    found, summary = [], run.summary
    for service in summary["services"]:
        arrivals = next(s for s in run.deck["services"] if s["name"] == service["name"])["workload"]["arrivals"]
        if arrivals["process"] not in ("poisson", "gamma") or service["arrived"] < 200:
            continue
        done = (service["completed"] + service["rejected"]) / service["arrived"]
        lives = run.duration_s / service["e2e_s"]["p90"] if service["e2e_s"]["p90"] else 0
        if done < 0.7 and service["verdict"] == "steady" and (lives > 5 or service["ttft_s"]["p50"] is None):
            found.append(f"{service['name']}: {done:.3f} of the arrivals ended, and it is called steady")
        if done > 0.99 and service["rejected"] == 0 and service["verdict"] == "overloaded":
            found.append(f"{service['name']}: {done:.3f} of the arrivals ended, and it is called overloaded")
    order = ("steady", "filling", "overloaded")
    worst = max((service["verdict"] for service in summary["services"]), key=order.index)
    if not summary["verdict"].startswith(worst):
        found.append(f"the site is {summary['verdict']}, its worst service {worst}")
    return found


LAWS = [parts_of_ttft_add_up, outcomes_are_accounted_for, no_data_is_null, verdict_agrees_with_the_flow, numbers_are_finite, arrivals_are_accounted_for, breakdown_adds_up, boundaries_are_nested, efficiency_follows_power,
        stores_keep_their_energy, emptied_stores_are_told, energy_is_the_integral_of_power, parts_of_each_sample_add_up,
        budgets_are_watched, time_shares_add_up, shares_are_shares, percentiles_are_ordered, recorded_requests_make_sense,
        unmodelled_is_absent]


def broken(folder):
    """["law: what breaks it"] of the run in a folder."""
    run = Run(folder)
    return [f"{law.__name__}: {text}" for law in LAWS for text in law(run)]
