#!/usr/bin/env python3
"""Random small decks, each checked, run on two layouts, stopped and gone on with, and held against the laws of laws.py.

    random_decks.py MEGAWEAVE MPIRUN [--decks 20] [--first 1] [--keep FOLDER]

A deck is a function of its seed. A failure prints the seed and where the deck is: it is kept.
"""
import os
import random
import shutil
import signal
import tempfile
import time
from pathlib import Path

try:
    import yaml
    from laws import broken
except ImportError:
    print("skipped: needs PyYAML, NumPy and h5py")
    raise SystemExit(77) from None

from harness import DONE, STOPPED, Checks, Program, arguments, difference, summary, value

RACKS = {"hgx-h100": (8, 80), "hgx-h200": (8, 141), "hgx-b200": (8, 180), "gb200-nvl72": (4, 186), "mi300x": (8, 192)}  # node, GB
# name, GB in FP8, a power of 2 that divides its heads, experts
MODELS = [("llama-3.1-8b", 8, 8, 0), ("mistral-7b", 7, 8, 0), ("llama-3.2-3b", 3, 8, 0), ("qwen3-30b-a3b", 31, 4, 128),
          ("llama-3.1-70b", 70, 8, 0), ("mixtral-8x7b", 47, 8, 8), ("gpt-oss-20b", 21, 8, 32)]


def lengths(rng, most):
    law = rng.choice(["fixed", "uniform", "lognormal", "exponential"])
    if law == "fixed":
        return {"distribution": law, "tokens": rng.randint(1, most)}
    if law == "uniform":
        low = rng.randint(1, most)
        return {"distribution": law, "min": low, "max": rng.randint(low, most)}
    mean = rng.randint(1, most)
    bound = {"max": rng.choice([mean, 2 * mean, 8 * mean])}
    if law == "lognormal":
        return {"distribution": law, "median": mean, "sigma": round(rng.uniform(0.1, 1.2), 2), **bound}
    return {"distribution": law, "mean": mean, **bound}


def arrivals(rng, instances):
    rate = f"{round(instances * rng.choice([0.2, 2, 10, 40]), 3)} /s"
    return rng.choice([{"process": "poisson", "rate": rate}, {"process": "gamma", "rate": rate, "cv": rng.choice([0.3, 1.5, 4])},
                       {"process": "closed", "concurrency": rng.randint(1, 60 * instances)},
                       {"process": "closed", "concurrency": rng.randint(1, 20), "requests": rng.randint(1, 300)},
                       {"process": "burst", "requests": rng.randint(1, 400)}])


def network(rng):
    common = {"link": rng.choice(["10 Gb/s", "100 Gb/s", "400 Gb/s"]), "optics": rng.choice(["dsp-pluggable", "lpo", "cpo", "wdm", "aec"])}
    if rng.random() < 0.2:
        common["transport"] = {"kind": "sprayed"}
    if rng.random() < 0.2:
        common["cable_latency"] = "layout"
    kind = rng.choice(["clos", "clos", "rail", "dragonfly", "torus", "hyperx"])
    own = {"clos": {"tiers": rng.choice([2, 3]), "radix": 64, "oversubscription": rng.choice([1, 2]), "routing": rng.choice(["adaptive", "ecmp"])},
           "rail": {"tiers": 3, "radix": 64},
           "dragonfly": {"global_links": 8, "routers": 8, "nics_per_router": 8, "routing": rng.choice(["adaptive", "valiant", "ugal"])},
           "torus": {"dimensions": rng.choice([2, 3]), "nics_per_switch": 8, "width": rng.choice([1, 2]), "routing": rng.choice(["adaptive", "valiant"])},
           "hyperx": {"dimensions": 2, "nics_per_switch": 8, "routing": rng.choice(["adaptive", "valiant"])}}[kind]
    return {"topology": kind, **own, **common}


def service(rng, number, part, node, memory_gb, pool):
    model, size_gb, most_tensor, experts = rng.choice(MODELS)
    tensor = next(t for t in (1, 2, 4, 8) if size_gb / t < 0.6 * memory_gb)
    tensor = min(rng.choice([tensor, 2 * tensor]), most_tensor, node)
    layout = {"tensor": tensor}
    if experts and rng.random() < 0.5:
        layout["expert"] = tensor
    if rng.random() < 0.15:
        layout["pipeline"] = 2 if 2 * tensor <= node else 1
    size = tensor * layout.get("pipeline", 1)
    instances = part // size
    sequences = rng.choice([4, 16, 64, 256])
    scheduler = {"max_sequences": sequences, "max_batched_tokens": rng.choice([512, 2048, 8192]),
                 "policy": rng.choice(["mixed", "prefill_first"]), "chunked_prefill": rng.random() < 0.8,
                 "admission": rng.choice(["watermark", "reserve_output"]), "block_tokens": rng.choice([16, 64])}
    if rng.random() < 0.3:
        scheduler["kv_blocks"] = rng.choice([400, 2000, 10000])
    one = {"name": f"s{number}", "model": model, "accelerators": part, "parallelism": layout, "scheduler": scheduler,
           "router": rng.choice(["least_loaded", "round_robin"]), "cell_instances": rng.choice([1 if instances < 2 else 2, 8, 128]),
           "workload": {"arrivals": arrivals(rng, instances), "input": lengths(rng, rng.choice([100, 1000, 4000])),
                        "output": lengths(rng, rng.choice([5, 50, 300])), "prefix_hit": rng.choice([0, 0, 0.3, 0.9])}}
    if rng.random() < 0.5 and instances >= 2:
        one |= {"mode": "disaggregated", "prefill_share": rng.choice([0.25, 0.5, 0.7])}
    if rng.random() < 0.5:
        one["objectives"] = {"ttft": rng.choice(["50 ms", "1 s"]), "tpot": rng.choice(["5 ms", "50 ms"])}
    if rng.random() < 0.15:
        one["speculative"] = {"draft_tokens": rng.choice([1, 3]), "acceptance": 0.7}
    if pool and rng.random() < 0.5:
        scheduler["preemption"] = rng.choice(["recompute", "swap"])
    if pool and rng.random() < 0.3:
        scheduler["prefix_cache"] = "pool"
    return one


def facility(rng, accelerators):
    kw = accelerators * 1.0  # about what a loaded site draws
    block = {"cooling": {"kind": rng.choice(["liquid", "air"]), "wet_bulb": f"{rng.choice([0, 15, 28])} degC"}}
    if rng.random() < 0.15:
        block["cooling"]["pue"] = 1.3
    delivery = {"ups": rng.choice(["eco", "none", "double_conversion"])}
    if rng.random() < 0.4:
        delivery["rack_storage"] = {"capacity": f"{rng.choice([0.005, 0.1, 2])} kWh", "discharge": f"{rng.choice([5, 40])} kW",
                                    "smoothing": f"{rng.choice([1, 10])} s", "round_trip": rng.choice([0.7, 0.9, 1])}
    delivery["battery"] = {"autonomy": f"{rng.choice([0.05, 1, 300])} s"}
    block["delivery"] = delivery
    if rng.random() < 0.3:
        block["grid"] = {"event": {"start": f"{rng.choice([0, 200])} ms", "duration": f"{rng.choice([300, 2000])} ms", "available": rng.choice([0, 0.1, 0.5])},
                         "restart": f"{rng.choice([100, 400])} ms"}
        if rng.random() < 0.5:
            block["grid"] |= {"generators": f"{kw * rng.choice([0.2, 2])} kW", "generators_start": "300 ms"}
    if rng.random() < 0.3:
        block["thermal"] = {"on": True, "loop": "2 s", "hall": "5 s"}
        if rng.random() < 0.5:
            block["thermal"]["failure"] = {"start": "100 ms", "duration": "500 ms"}
    if rng.random() < 0.5:
        block["budget"] = f"{kw * rng.choice([0.3, 0.6, 0.9, 3])} kW"
    if rng.random() < 0.35:
        event = {"start": f"{rng.choice([0, 250])} ms", "duration": "400 ms", "budget": f"{kw * 0.5} kW"}
        control = {"policy": rng.choice(["proportional", "priority", "decode_first", "shed"]), "period": "200 ms"}
        control |= rng.choice([{"event": event}, {"row_budget": f"{kw * 0.4} kW"}, {"rack_budget": "20 kW"}])
        block["control"] = control
    return block


def make_deck(seed):
    rng = random.Random(seed)
    rack = rng.choice(list(RACKS))
    node, memory_gb = RACKS[rack]
    accelerators = node * rng.randint(64 // node, 256 // node)
    pool = rng.random() < 0.2
    cluster = {"accelerators": accelerators, "rack": rack, "scale_out": network(rng)}
    if pool:
        cluster["memory_pool"] = {"capacity": "4 TB", "bandwidth": "2 TB/s", "per": rng.choice(["rack", "node"]), "prefetch": rng.choice([0, 1])}
    if rng.random() < 0.2:
        cluster["boards"] = rng.choice([{"power_cap": "450 W"}, {"clock_mhz": 1200}])
    first = node * rng.randint(2, max(2, accelerators // node // 2))
    parts = [first, accelerators - first] if rng.random() < 0.4 else [accelerators]
    return {"name": f"random_{seed}", "seed": rng.randrange(2**63),
            "time": {"duration": f"{rng.choice([400, 800, 1200])} ms", "warmup": f"{rng.choice([0, 0, 200])} ms",
                     "window": rng.choice(["1 ms", "2 ms"]), "sample": rng.choice(["50 ms", "100 ms", "40 ms"])},
            "cluster": cluster, "services": [service(rng, i, part, node, memory_gb, pool) for i, part in enumerate(parts)],
            "facility": facility(rng, accelerators), "output": {"request_sample": rng.choice([1, 1, 0.1])}}


def stop_and_go_on(checks, program, deck, plain, rng, name):
    """Whether it stopped before its end; a run that was stopped ends like the one that was not."""
    folder = plain.with_name("stopped")
    job = program.start("run", deck, "--output", folder, "--threads", 1, "--quiet", ranks=1)
    pids = job.await_watch(1)
    time.sleep(rng.uniform(0, 0.7) * value(summary(plain)[1], "wall_s"))
    try:
        if pids and job.running():
            os.kill(pids[0], signal.SIGUSR1)
    except ProcessLookupError:  # it has just ended
        pass
    result = job.result(180)
    stopped = result.code == STOPPED
    if stopped:
        result = program.run("run", deck, "--output", folder, "--threads", 1, "--quiet", "--restart", folder, ranks=2, seconds=180)
    if checks.expect(result.code == DONE, f"{name} goes on after a stop", result):
        found = difference(plain, folder)
        checks.expect(not found, f"{name}, {'stopped and gone on with' if stopped else 'run again'}, gives the same", found)
    return stopped


def try_deck(checks, program, seed, keep):
    """Whether its run could be stopped."""
    base = program.folder / str(seed)
    base.mkdir()
    deck = base / "deck.yaml"
    deck.write_text(yaml.safe_dump(make_deck(seed), sort_keys=False))
    name, failed, stopped = f"seed {seed} ({deck})", checks.failed, False
    result = program.run("check", deck, ranks=0)
    if checks.expect(result.code == DONE, f"{name} passes check", result):
        plain = base / "plain"
        result = program.run("run", deck, "--output", plain, "--threads", 2, "--quiet", ranks=1, seconds=180)
        if checks.expect(result.code == DONE, f"{name} runs", result):
            for text in broken(plain):
                checks.expect(False, f"{name}: {text}")
            ranks = 2 + seed % 2
            result = program.run("run", deck, "--output", base / "spread", "--threads", 1, "--quiet", ranks=ranks, seconds=180)
            if checks.expect(result.code == DONE, f"{name} runs on {ranks} ranks", result):
                found = difference(plain, base / "spread")
                checks.expect(not found, f"{name} gives the same on {ranks} ranks", found)
            stopped = stop_and_go_on(checks, program, deck, plain, random.Random(seed), name)
    if checks.failed > failed:
        kept = keep / f"random_{seed}"
        shutil.rmtree(kept, ignore_errors=True)
        shutil.copytree(base, kept)
        print(f"seed {seed}: kept in {kept}", flush=True)
    shutil.rmtree(base)
    return stopped


def main():
    options = arguments(__doc__, decks=(20, "decks to try"), first=(1, "seed of the first"),
                        keep=(str(Path(tempfile.gettempdir()) / "megaweave-random-decks"), "folder for decks that failed"))
    checks = Checks()
    with tempfile.TemporaryDirectory(prefix="megaweave-random-") as folder:
        program = Program(options.binary, options.mpirun, folder)
        start, stops = time.monotonic(), 0
        for seed in range(options.first, options.first + options.decks):
            stops += try_deck(checks, program, seed, Path(options.keep))
        print(f"{options.decks} decks, {stops} stopped and gone on with, {time.monotonic() - start:.0f} s", flush=True)
        checks.expect(stops > options.decks // 4, "some runs could be stopped")
    checks.finish()


if __name__ == "__main__":
    main()
