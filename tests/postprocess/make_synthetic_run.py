#!/usr/bin/python3
"""Writes a plausible run directory without running Megaweave, so that the reports can be tested alone.

    make_synthetic_run.py DIR [--racks 32] [--samples 400] [--load 1.0] [--killed]

Numbers are invented but hang together: the breakdown adds up to the facility's power, the time shares to one.
--killed leaves what a killed run leaves: no summary, no digest, no histograms, no requests, fewer rows.
"""

import argparse
from pathlib import Path

import h5py
import numpy as np
import yaml

PER_RACK, SAMPLE_S, WARM_UP_S = 32, 0.1, 10.0
SHARES = {
    "compute": 0.24,
    "hbm": 0.33,
    "scale_up": 0.08,
    "scale_out": 0.02,
    "memory_pool": 0.0,
    "overhead": 0.09,
}
COMPONENTS = {
    "accelerator_idle": 0.20,
    "accelerator_compute": 0.19,
    "accelerator_memory": 0.21,
    "host": 0.13,
    "nic": 0.02,
    "scale_up": 0.04,
    "scale_out_switch": 0.02,
    "optics": 0.025,
    "memory_pool": 0.0,
    "conversion": 0.06,
    "fans": 0.035,
    "cooling": 0.07,
}
DECK = """name: {name}
seed: 1
time: {{duration: 30 s, warmup: 10 s, window: 1 ms, sample: 100 ms}}
cluster: {{accelerators: {accelerators}, rack: hgx-h100}}
services:
  - name: chat
    model: llama-3.1-70b
    mode: disaggregated
    objectives: {{ttft: 2 s, tpot: 50 ms}}
facility: {{budget: {budget} kW, cooling: liquid}}
"""

REST_OF_SUMMARY = """
fabric: {bytes_transferred: 6.1e+13, kv_bytes_transferred: 5.9e+13, bytes_between_partitions: 4.2e+13,
         peak_link_utilisation: 0.61, mean_link_utilisation: 0.09, fairness: {shares_checked: 8123, violations: 0}}
requests: {arrived: 15310, completed: 11280, rejected: 0, preempted: 3, in_flight: 4030}
performance: {ranks: 2, threads: 2, wall_s: 9.5, simulated_s: 40.0, real_time_factor: 4.2, iterations: 310000,
              events: 1200000, windows: 40000, messages_per_window: 3.1, bytes_per_window: 912.0,
              solver_rounds_per_window: 2.4, peak_rss_mb: 310.0,
              time_in: {racks: 0.55, fabric: 0.2, exchange: 0.15, plant: 0.02, record: 0.08}}
"""


def put(group, name, data, unit, description, **options):
    dataset = group.create_dataset(name, data=data, **options)
    dataset.attrs["unit"] = np.bytes_(unit)
    dataset.attrs["description"] = np.bytes_(description)


def put_series(group, name, data, unit, description):
    data = np.asarray(data, np.float32)
    rows = min(32, len(data))
    put(
        group,
        name,
        data,
        unit,
        description,
        maxshape=(None, *data.shape[1:]),
        chunks=(rows, *data.shape[1:]),
        compression=1,
        shuffle=True,
    )


def floor(racks):
    """Halls of 16 rows at most; 32 racks in a row; returns hall, row and the centre of each footprint [m]."""
    index = np.arange(racks)
    row, place = index // 32 if racks > 64 else index // 8, index % 32 if racks > 64 else index % 8
    hall = row // 16
    x = 0.6 * place + 0.3 + 24.0 * (hall % 4)
    y = 3.0 * (row % 16) + 0.6 + 54.0 * (hall // 4)
    return hall, row % 16, np.stack([x, y, 0 * x], axis=1)


def make(directory, racks=32, samples=400, load=1.0, killed=False, name="synthetic", seed=1):
    """Writes run.h5 and summary.yaml into `directory`."""
    directory = Path(directory)
    directory.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(seed)
    accelerators = racks * PER_RACK
    time_s = (np.arange(samples) + 1) * SAMPLE_S - WARM_UP_S
    ramp = 1 - np.exp(-(time_s + WARM_UP_S) / 2.5)
    with h5py.File(directory / "run.h5", "w") as file:
        file.attrs["format_version"] = 1
        for key, value in {
            "program_version": "0.1.0",
            "digest": "" if killed else "5f0c3b1a99d27e46",
            "deck_name": name,
        }.items():
            file.attrs.create(key, np.bytes_(value.ljust(32, "\0")), dtype="S32")
        budget = 1.9 * accelerators
        file.create_dataset(
            "deck",
            data=DECK.format(name=name, accelerators=accelerators, budget=budget),
            dtype=h5py.string_dtype(),
        )
        put(file, "time_s", time_s, "s", "end of the sampled interval")
        facility = write_racks(file, random, racks, ramp * load, samples)
        write_links(file, random, racks, ramp * load, samples)
        write_facility(file, random, facility, ramp * load, samples, accelerators)
        write_tiers(file)
        if not killed:
            write_traffic(file, time_s > 0)
        summary = None if killed else write_histograms(file, random, load)
        if not killed:
            frequency_hz = np.arange(0.1, 20, 0.1)
            put(file, "power_spectrum/frequency_hz", frequency_hz, "Hz", "of a swing")
            put(file, "power_spectrum/amplitude_w", 4000 / (1 + frequency_hz) * random.uniform(0.5, 1, len(frequency_hz)), "W", "of the swing")
        means = (
            {key: float(data[...][time_s > 0].mean()) for key, data in file["facility"].items()}
            if not killed
            else {}
        )
    if not killed:
        write_summary(directory, name, means, summary, accelerators, load)


def write_racks(file, random, racks, level, samples):
    hall, row, position = floor(racks)
    group = file.create_group("racks")
    group.create_dataset(
        "name",
        data=np.array([f"H{h + 1}-R{r + 1:02d}-{i:04d}" for i, (h, r) in enumerate(zip(hall, row))], "S16"),
    )
    put(group, "hall", hall.astype(np.int32), "", "hall")
    put(group, "row", row.astype(np.int32), "", "row in its hall")
    put(group, "position_m", position, "m", "centre of the footprint")
    put(group, "size_m", np.tile([0.6, 1.2, 2.2], (racks, 1)), "m", "width, depth, height")
    put(group, "accelerators", np.full(racks, PER_RACK, np.int32), "", "accelerators in the rack")
    decode = (np.arange(racks) % 2).astype(float)
    wobble = 1 + 0.05 * random.standard_normal((samples, racks))
    busy = np.clip(level[:, None] * wobble * (0.95 + 0.1 * random.random(racks)), 0, 1.2)
    series = file.create_group("rack")
    put_series(
        series, "power_w", PER_RACK * (420 + (520 - 80 * decode) * busy), "W", "AC power at the rack's meter"
    )
    total = 0
    for key, share in SHARES.items():
        tilt = {"compute": 1.6 - 1.2 * decode, "hbm": 0.4 + 1.2 * decode}.get(key, 1.0)
        value = np.minimum(share * tilt * busy, 0.5)
        total = total + value
        put_series(series, f"{key}_share", value, "1", f"share of accelerator time bound by {key}")
    put_series(series, "idle_share", 1 - total, "1", "share of accelerator time without work")
    put_series(series, "output_tokens_per_s", decode * 300 * PER_RACK * busy, "1/s", "output tokens")
    put_series(
        series, "input_tokens_per_s", (1 - decode) * 1500 * PER_RACK * busy, "1/s", "prompt tokens processed"
    )
    put_series(series, "running_sequences", 150 * decode * busy, "1", "sequences in a batch")
    put_series(
        series,
        "waiting_requests",
        (1 - decode) * random.poisson(0.3, (samples, racks)),
        "1",
        "requests that wait",
    )
    put_series(series, "kv_used_share", 0.35 * busy, "1", "KV blocks in use")
    return np.asarray(series["power_w"]).sum(axis=1, dtype=float)


def write_links(file, random, racks, level, samples):
    count = racks * 8
    tier = np.repeat([0, 1, 2], [racks * 6, racks * 2 - racks // 4, racks // 4])
    group = file.create_group("links")
    labels = [f"{'node leaf pod'.split()[t]} {i} {'up' if i % 2 else 'down'}" for i, t in enumerate(tier)]
    group.create_dataset("name", data=np.array(labels, "S24"))
    put(group, "tier", tier.astype(np.int32), "", "0 node to leaf, 1 leaf to spine, 2 spine to core")
    put(group, "capacity_bytes_per_s", np.full(count, 4e11), "B/s", "capacity")
    base = np.array([0.11, 0.08, 0.05])[tier] * random.gamma(6, 1 / 6, count)
    put_series(
        group,
        "utilisation",
        np.clip(level[:, None] * base * random.gamma(4, 0.25, (samples, count)), 0, 1),
        "1",
        "bytes sent over bytes possible",
    )


def write_tiers(file):
    """Mean and highest utilisation of each tier; the sites' traffic: two classes."""
    use, tier = file["links/utilisation"][...], file["links/tier"][...]
    for index, name in enumerate(("host", "leaf", "pod")):
        for way in ("up", "down"):
            mine = use[:, tier == index]
            put_series(file["facility"], f"{name}_{way}_mean_utilisation", mine.mean(axis=1), "1", "mean of the tier")
            put_series(file["facility"], f"{name}_{way}_peak_utilisation", mine.max(axis=1), "1", "fullest of the tier")
    for name, share in (("kv", 0.7), ("expert", 0.3)):
        traffic = share * 4e11 * use[:, tier == 0].sum(axis=1) / 2
        put_series(file["facility"], f"{name}_traffic_bytes_per_s", traffic, "B/s", f"bytes of class {name}")


def write_traffic(file, measured):
    """What each link carried in the measured period, for two services."""
    use = file["links/utilisation"][...][measured]
    group = file.create_group("traffic")
    group.create_dataset("service", data=np.array(["chat", "agent"], "S8"))
    group.create_dataset("class", data=np.array(["kv", "expert"], "S8"))
    mean, peak = (use.mean(axis=0), use.max(axis=0)) if len(use) else (np.zeros(use.shape[1]), np.zeros(use.shape[1]))
    put(group, "mean_utilisation", mean.astype(np.float32), "1", "mean")
    put(group, "peak_utilisation", peak.astype(np.float32), "1", "highest sample")
    full = (use >= 0.9).mean(axis=0) if len(use) else np.zeros(use.shape[1])
    put(group, "full_share", full.astype(np.float32), "1", "share of time full")
    moved = mean * 4e11 * len(use) * SAMPLE_S
    put(group, "bytes", np.stack([0.7 * moved, 0.3 * moved], axis=1).astype(np.int64), "B", "by label")


def write_facility(file, random, rack_power, level, samples, accelerators):
    group = file.create_group("facility")
    noise = 1 + 0.03 * random.standard_normal(samples)
    it_power = rack_power * 1.06
    total = it_power / (1 - COMPONENTS["cooling"] - 0.03)
    put_series(group, "it_power_w", it_power, "W", "power of the IT equipment")
    busy = np.clip(level, 0.05, None)
    weights = {
        key: share * (busy if key in ("accelerator_compute", "accelerator_memory") else np.ones(samples))
        for key, share in COMPONENTS.items()
    }
    whole = sum(weights.values())
    parts = {key: np.float32(total * weight / whole) for key, weight in weights.items()}
    for key, value in parts.items():
        put_series(group, f"{key}_w", value, "W", key)
    put_series(
        group,
        "facility_power_w",
        sum(part.astype(float) for part in parts.values()),
        "W",
        "power at the site's meter",
    )
    put_series(group, "pue", total / it_power, "1", "facility over IT power")
    arrivals = random.poisson(0.5 * accelerators * SAMPLE_S, samples) / SAMPLE_S
    put_series(group, "output_tokens_per_s", 150 * accelerators * level * noise, "1/s", "output tokens")
    put_series(
        group,
        "input_tokens_per_s",
        1000 * accelerators * level * noise[::-1],
        "1/s",
        "prompt tokens processed",
    )
    put_series(group, "requests_in_flight", 4.0 * accelerators * level * noise, "1", "arrived and not done")
    put_series(group, "arrivals_per_s", arrivals, "1/s", "arrivals")
    put_series(group, "completions_per_s", arrivals * level * noise, "1/s", "completions")
    put_series(
        group,
        "ttft_mean_s",
        0.35 * noise,
        "s",
        "mean TTFT of the requests whose first token fell in the sample",
    )
    put_series(group, "tpot_mean_s", 0.024 * noise, "s", "mean TPOT of the requests completed in the sample")
    put_series(group, "fabric_bytes_per_s", 2e9 * accelerators * level, "B/s", "bytes moved by the fabric")


def write_histograms(file, random, load):
    laws = {
        "ttft": (0.30 * load, 0.55),
        "tpot": (0.024 * load, 0.18),
        "e2e": (8.0, 0.7),
        "queue_wait": (0.05, 1.0),
    }
    latency = {}
    for name, (median, sigma) in laws.items():
        values = median * np.exp(sigma * random.standard_normal(15000))
        edges = values.min() * 2 ** (np.arange(int(np.log2(values.max() / values.min()) * 128) + 3) / 128)
        group = file.create_group(f"histograms/{name}")
        group.attrs["unit"] = np.bytes_("s")
        put(group, "edges", edges, "s", "bucket edges")
        put(group, "counts", np.histogram(values, edges)[0], "1", "requests")
        latency[f"{name}_s"] = {
            "mean": float(values.mean()),
            **{f"p{q}": float(np.percentile(values, q)) for q in (50, 90, 99)},
        }
    return latency


def write_summary(directory, name, means, latency, accelerators, load):
    output, power = means["output_tokens_per_s"], means["facility_power_w"]
    shares = {key: share * load for key, share in SHARES.items()}
    summary = {
        "name": name,
        "digest": "5f0c3b1a99d27e46",
        "throughput": {
            "output_tokens_per_s": output,
            "input_tokens_per_s": means["input_tokens_per_s"],
            "requests_per_s": means["completions_per_s"],
            "output_tokens_per_s_per_accelerator": output / accelerators,
        },
        "power": {
            "facility_w": power,
            "it_w": means["it_power_w"],
            "pue": means["pue"],
            "breakdown_w": {key: means[f"{key}_w"] for key in COMPONENTS},
        },
        "efficiency": {
            "tokens_per_s_per_mw": output / power * 1e6,
            "joules_per_output_token": power / output,
        },
        "latency": {key: latency[key] for key in ("ttft_s", "tpot_s", "e2e_s")},
        "objectives": {"met_fraction": 0.987, "goodput_tokens_per_s": 0.98 * output},
        "time_share": {**shares, "idle": 1 - sum(shares.values())},
    }
    summary.update(yaml.safe_load(REST_OF_SUMMARY))
    (directory / "summary.yaml").write_text(yaml.safe_dump(summary, sort_keys=False))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("directory")
    parser.add_argument("--racks", type=int, default=32)
    parser.add_argument("--samples", type=int, default=400)
    parser.add_argument("--load", type=float, default=1.0)
    parser.add_argument("--killed", action="store_true")
    options = parser.parse_args()
    make(options.directory, options.racks, options.samples, options.load, options.killed)
