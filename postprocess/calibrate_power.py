#!/usr/bin/python3
"""Fits where an accelerator's watts go, on measured serving power, and says how far the fit can be trusted.

    postprocess/calibrate_power.py --megaweave build/release/megaweave ../shared/validation/points.csv
    postprocess/calibrate_power.py … --write inputs/catalogue/accelerators.yaml    # puts the values there

Data: `steady_batch` rows of POINTS.csv with gpu_power_total (boards alone), throughput and median time between tokens. Work per
iteration comes from `megaweave work` (counts, no timing model); how often it is done from the measured time, so that a wrong timing
model cannot bend the energies. A measurement is a mixture of decode iterations, at the median inter-token time, and of prompts, in the
rest of the time. An engine that keeps its device waiting shows as a time far above the kernels' own (busy share).

    P = idle + A busy + e_F F + e_B B + e_W W + e_S S + R [block-scaled FP8 experts] + e_L L, smoothly limited at 0.97 TDP

A (active floor) and e_B (HBM byte) have the anchors of physics.md section 3 as priors; e_F follows from the matrix-product anchor;
e_W (weights through matrix units), e_S (a sampled logit), R, the kernels' latency per layer and the power while prompts are processed
are free. Six numbers per accelerator. Cross-validation: by model family and by model, each left out in turn.
Other accelerators take their own anchors, and the free terms of the fitted generation, in proportion to TDP where they are watts.
"""
import argparse
import csv
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import yaml
from scipy.optimize import least_squares

#: accelerator -> (launch-bound decode [W] or None, decode attention at 85 % of HBM [W], shares of peak that a large product
#: reaches by precision, fitted relative whose free terms it takes). Source: physics.md section 3; the rest in proportion to TDP.
ANCHORS = {
    "a100-80g": (None, 264, {"bf16": 0.66}, "h100"),
    "h100": (249, 465, {"fp8": 0.57, "bf16": 0.71}, "h100"),
    "h200": (None, 465, {"fp8": 0.57, "bf16": 0.71}, "h100"),
    "h800": (249, 465, {"fp8": 0.57, "bf16": 0.71}, "h100"),
    "b200": (371, 698, {"fp4": 0.48, "fp8": 0.48, "bf16": 0.65}, "b200"),
    "gb200": (314, 658, {"fp4": 0.44, "fp8": 0.40, "bf16": 0.62}, "b200"),
    "b300": (None, 768, {"fp4": 0.43, "fp8": 0.48, "bf16": 0.65}, "b200"),
    "gb300": (None, 768, {"fp4": 0.42, "fp8": 0.40, "bf16": 0.62}, "b200"),
    "mi300x": (None, 495, {"fp8": 0.45, "bf16": 0.55}, "h100"),
    "mi325x": (None, 660, {"fp8": 0.45, "bf16": 0.55}, "h100"),
    "mi355x": (None, 924, {"fp4": 0.42, "fp8": 0.42, "bf16": 0.55}, "b200"),
    "tpu-v5p": (None, 300, {"fp8": 0.70, "bf16": 0.70}, "h100"),
    "tpu7x": (None, 580, {"fp8": 0.60, "bf16": 0.70}, "b200"),
    "rubin": (None, 1100, {"fp4": 0.42, "fp8": 0.42, "bf16": 0.62}, "b200"),
}
GEMM_SHARE_OF_TDP = 0.99  # physics.md section 3
GEMM_CLOCK = 0.72  # of the highest, while the board holds TDP in a large product (estimate: Hopper 1.4 GHz)
KNEE, LEAST_VOLTAGE = 0.60, 0.67  # the clock law's defaults (hardware/power_params.hpp)
ATTENTION_HBM_SHARE, ATTENTION_FLOP_PER_BYTE = 0.85, 8.0
CEILING = 0.97  # of TDP: where measured boards level off
RACK = {"h100": "hgx-h100", "b200": "hgx-b200"}
#: mean prompt tokens by data set. The points file gives none: estimates from the data sets' public prompts. Prompts act on power
#: mostly through the time they take, which is measured.
PROMPT_TOKENS = {"lm-arena-chat": 300, "gpqa": 300, "sourcegraph-fim": 2400}
#: published FP8 checkpoints whose expert weights have a scale per 128 x 128 block; the others scale per channel or tensor
BLOCK_SCALED = ("qwen3-", "deepseek-")
KERNEL_SHARES = {"linear": 0.65, "attention": 0.60, "hbm": 0.90, "link": 0.60}  # of the ceilings, for the busy share

FREE = ["active_w", "weight_pj", "hbm_pj", "logit_nj", "rescale_w", "layer_us", "prompt_share"]
SPREAD = np.array([0.15, 0.8, 0.15, 1.0, 1.0, 0.7, 0.04])  # of the priors, logarithmic
PRIOR_WEIGHT = 0.06


def voltage(clock):
    return LEAST_VOLTAGE + (1 - LEAST_VOLTAGE) * max(0.0, clock - KNEE) / (1 - KNEE)


class Accelerator:
    """What the catalogue says of one accelerator, in SI units."""

    def __init__(self, name, entry):
        number = lambda text: float(str(text).split()[0])
        self.name = name
        self.peak = {p: number(v) * 1e12 for p, v in entry["peak"].items()}
        self.hbm = number(entry["hbm"]["bandwidth"]) * 1e12
        self.link = number(entry["scale_up"]) * 1e9
        self.tdp = number(entry["power"]["tdp"])
        self.idle = number(entry["power"]["resident_idle"])
        self.launch, self.attention_w, self.gemm, self.relative = ANCHORS[name]

    def active_anchor(self, fitted=None):
        if self.launch is not None:
            return self.launch - self.idle
        return fitted["active_w"] * self.tdp / fitted["tdp"]

    def per_flop(self, precision, active):
        """J/FLOP at full voltage: a large product must draw 0.99 TDP at the clock that the board then runs at."""
        while precision not in self.peak:
            precision = {"fp4": "fp8", "fp8": "bf16"}[precision]
        v2 = voltage(GEMM_CLOCK) ** 2
        return (GEMM_SHARE_OF_TDP * self.tdp - self.idle - GEMM_CLOCK * v2 * active) / (
            v2 * self.gemm[precision] * self.peak[precision])

    def hbm_anchor(self, active):
        """J/B: what decode attention leaves when its arithmetic and the floor are taken off."""
        bytes_per_s = ATTENTION_HBM_SHARE * self.hbm
        flops = ATTENTION_FLOP_PER_BYTE * bytes_per_s * self.per_flop("bf16", active)
        return (self.attention_w - self.idle - active - flops) / bytes_per_s


def read_experiments(path):
    """Rows of one experiment together: {metric: value} with the experiment's columns."""
    keys = ("hardware", "gpus", "model", "weights", "tp", "pp", "ep", "attention_dp", "input_len", "output_len", "concurrency")
    experiments = {}
    with open(path, newline="") as file:
        for row in csv.DictReader(file):
            if row["load"] == "steady_batch":
                found = experiments.setdefault(tuple(row[k] for k in keys), {**{k: row[k] for k in keys}, "id": row["id"]})
                found[row["metric"]] = float(row["value"])
    return [e for e in experiments.values() if "gpu_power_total" in e]


def batch_of(e):
    """The mean iteration: every sequence in decode, and the prompts that arrive meanwhile."""
    gpus, data = int(e["gpus"]), int(e["attention_dp"])
    sequences, output = max(1, round(float(e["concurrency"]))), float(e["output_len"])
    prompt = PROMPT_TOKENS[e["input_len"].split()[0]]
    context = round(sequences * (prompt + output / 2))
    prefill = round(float(e["concurrency"]) / output * prompt)
    tensor = gpus // (data * int(e["pp"]))
    return [e["id"], RACK[short_name(e)], e["model"], e["weights"], "bf16", tensor, e["pp"], e["ep"], data,
            sequences, context, prefill, round(prefill * (prompt + 1) / 2), sequences]


def short_name(e):
    return e["hardware"].split("-")[0]


def count_work(megaweave, experiments):
    """id -> the counts that the program gives for its mean iteration."""
    header = ("id,rack,model,weights,kv_cache,tensor,pipeline,expert,attention_data,decode_sequences,context_tokens,"
              "prefill_tokens,prefill_pairs,sampled_tokens")
    with tempfile.TemporaryDirectory() as folder:
        batches, counts = Path(folder) / "batches.csv", Path(folder) / "counts.csv"
        lines = [header] + [",".join(str(f) for f in batch_of(e)) for e in experiments]
        batches.write_text("\n".join(lines) + "\n")
        done = subprocess.run([megaweave, "work", batches, counts], capture_output=True, text=True)
        if done.returncode != 0:
            sys.exit(f"{megaweave} work failed: {done.stderr or done.stdout}")
        with open(counts, newline="") as file:
            return {r["id"]: {k: float(v) for k, v in r.items() if k != "id"} for r in csv.DictReader(file)}


class Sample:
    """One measurement as rates per accelerator during its decode iterations."""

    def __init__(self, e, work, accelerator):
        gpus, sequences = int(e["gpus"]), max(1, round(float(e["concurrency"])))
        mean_s = sequences / e["output_throughput_total"]
        self.seconds = min(e["itl_median"] * 1e-3, mean_s)
        self.prompt_time = float(np.clip(1 - self.seconds / mean_s, 0, 0.95))
        prefill = batch_of(e)[11]
        decode_share = sequences / (sequences + prefill)
        per_s = 1 / (gpus * self.seconds)
        self.model, self.precision = e["model"], e["weights"]
        self.family = family_of(e["model"])
        self.watts = e["gpu_power_total"] / gpus
        self.flops = (work["total_flops"] - work["total_attention_flops"]) * decode_share * per_s
        self.attention_flops = work["total_attention_flops"] * per_s
        self.bytes = work["total_hbm_bytes"] * per_s
        self.weight_bytes = work["total_weight_bytes"] * per_s
        self.link_bits = 8 * work["total_scale_up_bytes"] * per_s
        self.logits = sequences * work["vocabulary"] / self.seconds  # every rank of a tensor-parallel group samples
        self.layers = work["layers"]
        self.block_scaled = e["weights"] == "fp8" and e["model"].startswith(BLOCK_SCALED)
        a, k = accelerator, KERNEL_SHARES
        peak = a.peak.get(self.precision, a.peak.get("fp8"))
        self.kernel_s = (max(work["linear_flops"] / (k["linear"] * peak), work["linear_bytes"] / (k["hbm"] * a.hbm)) +
                         max(work["attention_flops"] / (k["attention"] * a.peak["bf16"]),
                             work["attention_bytes"] / (k["hbm"] * a.hbm)) +
                         work["scale_up_bytes"] / (k["link"] * a.link))


def family_of(model):
    if model.startswith("qwen3"):
        return "qwen3-moe" if "-a" in model else "qwen3-dense"
    return "-".join(model.split("-")[:2]) if model.startswith("llama") else model.split("-")[0]


def smooth_min(a, b, sharpness):
    return (a**-sharpness + b**-sharpness) ** (-1 / sharpness)


def predict(free, samples, a):
    active, weight, hbm, logit, rescale, layer, prompt = free
    per_flop = {p: a.per_flop(p, active) for p in ("fp4", "fp8", "bf16")}
    watts = []
    for s in samples:
        busy = smooth_min((s.kernel_s + layer * 1e-6 * s.layers) / s.seconds, 1.0, 8)
        decode = (a.idle + active * busy + per_flop[s.precision] * s.flops + per_flop["bf16"] * s.attention_flops +
                  hbm * 1e-12 * s.bytes + weight * 1e-12 * s.weight_bytes + logit * 1e-9 * s.logits +
                  rescale * s.block_scaled + 5.5e-12 * s.link_bits)
        watts.append((1 - s.prompt_time) * smooth_min(decode, CEILING * a.tdp, 14) + s.prompt_time * prompt * a.tdp)
    return np.array(watts)


def fit(samples, a):
    active = a.active_anchor()
    start = np.array([active, 40, a.hbm_anchor(active) * 1e12, 60, 0.15 * a.tdp, 100, 0.93])
    measured = np.array([s.watts for s in samples])

    def residuals(z):
        return np.concatenate([np.log(predict(np.exp(z), samples, a) / measured), (z - np.log(start)) / SPREAD * PRIOR_WEIGHT])

    return np.exp(least_squares(residuals, np.log(start), loss="soft_l1", f_scale=0.1).x)


def errors(free, samples, a):
    return predict(free, samples, a) / np.array([s.watts for s in samples]) - 1


def left_out(samples, a, key):
    """Signed errors of each group, predicted by a fit that did not see it."""
    out = {}
    for group in sorted({key(s) for s in samples}):
        rest = [s for s in samples if key(s) != group]
        out[group] = errors(fit(rest, a), [s for s in samples if key(s) == group], a)
    return out


def describe(name, e):
    return f"{name:<28}{len(e):5d}{100 * np.median(np.abs(e)):9.1f}{100 * np.quantile(np.abs(e), 0.9):9.1f}{100 * np.median(e):+9.1f}"


def power_block(a, fitted, own):
    """The catalogue's keys of one accelerator."""
    active = fitted["active_w"] if own else a.active_anchor(fitted)
    hbm = fitted["hbm_pj"] if own else max(31.2, a.hbm_anchor(active) * 1e12)
    per_flop = ", ".join(f"{p}: {a.per_flop(p, active) * 1e12:.3g} pJ/FLOP" for p in ("fp4", "fp8", "bf16") if p in a.peak)
    source = ("postprocess/calibrate_power.py on ML.ENERGY steady batches, with the anchors of physics.md section 3" if own else
              f"anchors in physics.md section 3 or in proportion to TDP; sampling, weights and rescaling as fitted on {a.relative}")
    return {"per_flop": "{" + per_flop + "}", "per_hbm_byte": f"{hbm:.3g} pJ/B", "active": f"{active:.3g} W",
            "per_weight_byte": f"{fitted['weight_pj']:.3g} pJ/B", "per_logit": f"{fitted['logit_nj']:.3g} nJ",
            "rescale": f"{fitted['rescale_w'] * a.tdp / fitted['tdp']:.3g} W", "source": f'"{source}"'}


def write_catalogue(path, blocks):
    """Sets the keys in each entry's `power:` block; the rest of the file stays as it is."""
    lines, out, entry, inside, pending = Path(path).read_text().splitlines(), [], None, False, {}

    def close():
        out.extend(f"    {k}: {v}" for k, v in pending.items())
        pending.clear()

    for line in lines:
        if inside and not line.startswith("    "):
            close()
            inside = False
        if line and not line[0].isspace() and line.rstrip().endswith(":"):
            entry = line.strip().rstrip(":")
        if inside and line.strip().split(":")[0] in pending:
            key = line.strip().split(":")[0]
            line = f"    {key}: {pending.pop(key)}"
        out.append(line)
        if line.rstrip() == "  power:" and entry in blocks:
            inside, pending = True, dict(blocks[entry])
    close()
    Path(path).write_text("\n".join(out) + "\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    here = Path(__file__).resolve().parent.parent
    parser.add_argument("points")
    parser.add_argument("--megaweave", default=here / "build/release/megaweave")
    parser.add_argument("--catalogue", default=here / "inputs/catalogue/accelerators.yaml")
    parser.add_argument("--write", metavar="FILE", help="catalogue file whose power blocks get the fitted values")
    options = parser.parse_args()

    catalogue = yaml.safe_load(Path(options.catalogue).read_text())
    experiments = read_experiments(options.points)
    work = count_work(options.megaweave, experiments)
    fitted, held = {}, []
    print(f"{'left out':<28}{'n':>5}{'median %':>9}{'p90 %':>9}{'bias %':>9}")
    for name in RACK:
        a = Accelerator(name, catalogue[name])
        samples = [Sample(e, work[e["id"]], a) for e in experiments if short_name(e) == name]
        if not samples:
            continue
        free = fit(samples, a)
        fitted[name] = {**dict(zip(FREE, free)), "tdp": a.tdp}
        print(describe(f"{name}, nothing (fit)", errors(free, samples, a)))
        by_family = left_out(samples, a, lambda s: s.family)
        for family, e in by_family.items():
            print(describe(f"{name}, {family}", e))
        for title, groups in (("families", by_family), ("models", left_out(samples, a, lambda s: s.model))):
            print(describe(f"{name}, all {title}", np.concatenate(list(groups.values()))))
        held += list(by_family.values())
    print(describe("all families", np.concatenate(held)))
    blocks = {}
    for name in ANCHORS:
        a = Accelerator(name, catalogue[name])
        if a.relative in fitted:
            blocks[name] = power_block(a, fitted[a.relative], name in fitted)
    for name in fitted:
        print(f"\n{name}: layer latency {fitted[name]['layer_us']:.0f} us, prompts at {fitted[name]['prompt_share']:.2f} of TDP")
        for key, value in blocks[name].items():
            print(f"    {key}: {value}")
    if options.write:
        write_catalogue(options.write, blocks)
        print(f"\nwritten: {options.write}")


if __name__ == "__main__":
    main()
