#!/usr/bin/python3
"""Fits where an accelerator's watts go, on measured serving power, and says how far the fit can be trusted.

    postprocess/calibrate_power.py --megaweave build/release/megaweave ../shared/validation/points.csv
    postprocess/calibrate_power.py … --write inputs/catalogue/accelerators.yaml    # puts the values there
    postprocess/calibrate.py --power …                                             # the same

Data: `steady_batch` rows of POINTS.csv with gpu_power_total (boards alone), throughput and median time between tokens. Work per
iteration comes from `megaweave work` (counts, no timing model); how often it is done from the measured time, so that a wrong timing
model cannot bend the energies. A measurement is a mixture of decode iterations, at the median inter-token time, and of prompts, in the
rest of the time.

    P = idle + A + e_F F + e_B B + e_W W + e_C C + e_S S + R [block-scaled FP8 experts] + e_L L, smoothly limited at 0.97 TDP

A (active floor: clocks run, whether kernels do or wait for the host) and e_B (HBM byte) are held near the anchors of physics.md section 3;
e_F follows from the matrix-product anchor; e_W (weights through matrix units), e_S (a sampled logit), R and the power while prompts are
processed are free. e_C (a weight read in a precision that is not native, such as FP4 on an H100: general cores widen it) starts from what an
instruction costs. Seven numbers per accelerator. Cross-validation: by model family and by model, each left out in turn.
The form is the one with the lowest mean error, families left out, of eight that keep both anchors: e_W per byte or per number; with or
without e_S; with or without R. (A floor in proportion to kernels' time was worse.) Since scores chose it, the last line chooses it anew
without each family before predicting that family.
Other accelerators take their own anchors, and the free terms of the fitted generation, in proportion to TDP where they are watts.
"""
import argparse
import itertools
from pathlib import Path

import numpy as np
import yaml
from power_samples import RACK, Sample, block_scaled_models, count_work, read_experiments, short_name
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
#: pJ a weight: 30 pJ for an instruction in one lane, as its makers say of recent dies (an FP16 multiply-add is 1.5 pJ of arithmetic and 20 times as
#: much of fetch, decode and operands), and some four instructions for three 4-bit weights. An estimate: the fit moves it.
CONVERSION_PJ = 40
NUMBERS_PER_BYTE = {"bf16": 0.5, "fp8": 1.0, "fp4": 2.0}

FREE = ["active_w", "weight_pj", "hbm_pj", "logit_nj", "rescale_w", "prompt_share", "conversion_pj"]
SPREAD = np.array([0.06, 0.8, 0.06, 1.0, 1.0, 0.04, 0.5])  # of the priors, logarithmic
PRIOR_WEIGHT = 0.06
#: (weights cost per number instead of per byte, sampling costs, rescaling costs)
FORMS = list(itertools.product((False, True), repeat=3))
FORM = (False, True, True)


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


def smooth_min(a, b, sharpness):
    return (a**-sharpness + b**-sharpness) ** (-1 / sharpness)


def predict(free, samples, a, form=FORM):
    active, weight, hbm, logit, rescale, prompt, conversion = free
    per_number, sampling, rescaling = form
    per_flop = {p: a.per_flop(p, active) for p in ("fp4", "fp8", "bf16")}
    of = lambda name: np.array([getattr(s, name) for s in samples], float)
    numbers = of("weight_bytes") * [NUMBERS_PER_BYTE[s.precision] for s in samples]
    weights, converted = numbers if per_number else of("weight_bytes"), numbers * [s.precision not in a.peak for s in samples]
    decode = (a.idle + active + np.array([per_flop[s.precision] for s in samples]) * of("flops") +
              per_flop["bf16"] * of("attention_flops") + hbm * 1e-12 * of("bytes") + weight * 1e-12 * weights + conversion * 1e-12 * converted +
              sampling * logit * 1e-9 * of("logits") + rescaling * rescale * of("block_scaled") + 5.5e-12 * of("link_bits"))
    share = of("prompt_time")
    return (1 - share) * smooth_min(decode, CEILING * a.tdp, 14) + share * prompt * a.tdp


def fit(samples, a, form=FORM):
    active = a.active_anchor()
    start = np.array([active, 40, a.hbm_anchor(active) * 1e12, 60, 0.15 * a.tdp, 0.93, CONVERSION_PJ])
    measured = np.array([s.watts for s in samples])

    def residuals(z):
        return np.concatenate([np.log(predict(np.exp(z), samples, a, form) / measured), (z - np.log(start)) / SPREAD * PRIOR_WEIGHT])

    return np.exp(least_squares(residuals, np.log(start), loss="soft_l1", f_scale=0.1).x)


def errors(free, samples, a, form=FORM):
    return predict(free, samples, a, form) / np.array([s.watts for s in samples]) - 1


def left_out(samples, a, key, form=FORM):
    """Signed errors of each group, predicted by a fit that did not see it."""
    out = {}
    for group in sorted({key(s) for s in samples}):
        rest = [s for s in samples if key(s) != group]
        out[group] = errors(fit(rest, a, form), [s for s in samples if key(s) == group], a, form)
    return out


def form_chosen_anew(data):
    """Errors on each family after form and fit were chosen without it. `data`: (samples, accelerator) of each accelerator."""
    family, held = (lambda s: s.family), []
    for name in sorted({s.family for samples, _ in data for s in samples}):
        rest = [([s for s in samples if s.family != name], a) for samples, a in data]

        def score(form):
            return np.mean(np.concatenate([np.abs(np.log1p(e)) for samples, a in rest for e in left_out(samples, a, family, form).values()]))

        form = min(FORMS, key=score)
        for (samples, a), (seen, _) in zip(data, rest):
            unseen = [s for s in samples if s.family == name]
            if unseen:
                held.append(errors(fit(seen, a, form), unseen, a, form))
    return np.concatenate(held)


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
            "per_weight_byte": f"{fitted['weight_pj']:.3g} pJ/B", "per_conversion": f"{fitted['conversion_pj']:.3g} pJ", "per_logit": f"{fitted['logit_nj']:.3g} nJ",
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


def report(name, samples, a, free):
    """Prints the errors of one accelerator's fit, in sample and left out; returns those of the families."""
    print(describe(f"{name}, nothing (fit)", errors(free, samples, a)))
    by_family = left_out(samples, a, lambda s: s.family)
    for family, e in by_family.items():
        print(describe(f"{name}, {family}", e))
    for title, groups in (("families", by_family), ("models", left_out(samples, a, lambda s: s.model))):
        print(describe(f"{name}, all {title}", np.concatenate(list(groups.values()))))
    return list(by_family.values())


def run(points, megaweave, catalogue_file, write=None):
    """Fits, prints errors and values, and writes them into the file `write`."""
    catalogue = yaml.safe_load(Path(catalogue_file).read_text())
    experiments = read_experiments(points)
    work = count_work(megaweave, experiments)
    block_scaled = block_scaled_models()
    fitted, held, data = {}, [], []
    print(f"{'left out':<28}{'n':>5}{'median %':>9}{'p90 %':>9}{'bias %':>9}")
    for name in RACK:
        a = Accelerator(name, catalogue[name])
        samples = [Sample(e, work[e["id"]], block_scaled) for e in experiments if short_name(e) == name]
        if samples:
            free = fit(samples, a)
            fitted[name] = {**dict(zip(FREE, free)), "tdp": a.tdp}
            held += report(name, samples, a, free)
            data.append((samples, a))
    print(describe("all families", np.concatenate(held)))
    print(describe("the same, form chosen anew", form_chosen_anew(data)))
    accelerators = [Accelerator(name, catalogue[name]) for name in ANCHORS]
    blocks = {a.name: power_block(a, fitted[a.relative], a.name in fitted) for a in accelerators if a.relative in fitted}
    for name in fitted:
        print(f"\n{name}: prompts at {fitted[name]['prompt_share']:.2f} of TDP")
        for key, value in blocks[name].items():
            print(f"    {key}: {value}")
    if write:
        write_catalogue(write, blocks)
        print(f"\nwritten: {write}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    here = Path(__file__).resolve().parent.parent
    parser.add_argument("points")
    parser.add_argument("--megaweave", default=here / "build/release/megaweave")
    parser.add_argument("--catalogue", default=here / "inputs/catalogue/accelerators.yaml")
    parser.add_argument("--write", metavar="FILE", help="catalogue file whose power blocks get the fitted values")
    options = parser.parse_args()
    run(options.points, options.megaweave, options.catalogue, options.write)


if __name__ == "__main__":
    main()
