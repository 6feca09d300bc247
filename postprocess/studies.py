#!/usr/bin/python3
"""Runs the studies of inputs/studies/ and draws one figure each.

usage: studies.py [cap] [clock] [climate] [optics] [pool] [--megaweave PROGRAM] [--output FOLDER] [--threads N]

Each study runs one deck many times with `megaweave run --set`, reads the summaries and writes FOLDER/NAME.png and NAME.csv.
"""
import argparse
import csv
import pathlib
import subprocess
import sys
import tempfile

import yaml
from style import COMPONENTS, INK, LINES, TIME_SHARES, plt

ROOT = pathlib.Path(__file__).resolve().parent.parent
STUDIES = ROOT / "inputs" / "studies"
CAPS_W = [250, 300, 350, 400, 450, 500, 550, 600, 650, 700]
CLOCKS_MHZ = [500, 700, 900, 1100, 1200, 1300, 1500, 1700, 1850, 1980]
WET_BULBS_C = [-5, 0, 5, 10, 15, 20, 25, 30]
COOLING = {"air": "kind: air", "liquid, 32 °C": "kind: liquid, supply: 32 degC", "liquid, 45 °C": "kind: liquid, supply: 45 degC"}
POOLS_TB = [3.5, 7, 14, 28, 56, 112]  # a rack
OPTICS = {"dsp-pluggable": "DSP pluggable", "lpo": "LPO", "cpo": "CPO", "wdm": "WDM"}


def run(options, deck, settings):
    """The summary of one run."""
    with tempfile.TemporaryDirectory() as folder:
        command = [options.megaweave, "run", str(STUDIES / deck), "--quiet", "--threads", str(options.threads), "--output", folder]
        for path, value in settings.items():
            command += ["--set", f"{path}={value}"]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode != 0:
            sys.exit(f"studies.py: {' '.join(command)} ended with {done.returncode}\n{done.stdout}{done.stderr}")
        print(f"  {deck} {settings}", flush=True)
        return yaml.safe_load(pathlib.Path(folder, "summary.yaml").read_text())


def numbers(summary, boards):
    """What the figures need of one run."""
    power = summary["power"]
    return {"output_tokens_per_s": summary["throughput"]["output_tokens_per_s"],
            "facility_mw": power["facility_w"] * 1e-6, "board_w": power["boundaries_w"]["board"] / boards, "pue": power["pue"],
            "tokens_per_s_per_mw": summary["efficiency"]["tokens_per_s_per_mw"], "tpot_ms": 1e3 * summary["latency"]["tpot_s"]["p50"],
            "ttft_s": summary["latency"]["ttft_s"]["p50"], **{f"{key}_w": value for key, value in power["breakdown_w"].items()}}


def save(options, figure, name, rows):
    folder = pathlib.Path(options.output)
    folder.mkdir(parents=True, exist_ok=True)
    figure.savefig(folder / f"{name}.png", dpi=150, bbox_inches="tight")
    plt.close(figure)
    with open(folder / f"{name}.csv", "w", newline="") as file:
        writer = csv.DictWriter(file, rows[0].keys())
        writer.writeheader()
        writer.writerows(rows)
    print(f"{folder / name}.png, .csv")


def tidy(axes, x, y, title):
    axes.set(xlabel=x, ylabel=y)
    axes.set_title(title, loc="left", fontsize=10, color=INK)
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(alpha=0.3)


def board_limits(options, name, key, values, unit, label):
    """Relative to the free boards: speed, facility power and their ratio. `unit`: as the deck wants it, none for a clock."""
    free = numbers(run(options, "board_limits.yaml", {}), 64)
    rows = []
    for value in values:
        setting = {"cluster.boards": f"{{{key}: {value}{unit}}}"}
        rows.append({name: value, **numbers(run(options, "board_limits.yaml", setting), 64)})
    best = max(rows, key=lambda row: row["tokens_per_s_per_mw"])
    gain = best["tokens_per_s_per_mw"] / free["tokens_per_s_per_mw"] - 1
    speed = best["output_tokens_per_s"] / free["output_tokens_per_s"]
    figure, (left, right) = plt.subplots(1, 2, figsize=(10, 3.8))
    for column, text, colour in (("output_tokens_per_s", "tokens/s", LINES[0]), ("facility_mw", "facility power", LINES[1]),
                                 ("tokens_per_s_per_mw", "tokens per joule", LINES[2])):
        left.plot([row[name] for row in rows], [100 * row[column] / free[column] for row in rows], "o-", color=colour, label=text)
    left.axhline(100, color=INK, lw=0.8, ls=":")
    left.legend(frameon=False)
    tidy(left, label, "% of boards left free", f"Best, {best[name]}{unit or ' MHz'}: {100 * gain:+.0f} % tokens/J, {100 * speed:.0f} % speed")
    right.plot([1e3 * row["facility_mw"] for row in rows], [1e-3 * row["output_tokens_per_s"] for row in rows], "o-", color=LINES[0])
    right.plot(1e3 * free["facility_mw"], 1e-3 * free["output_tokens_per_s"], "*", ms=13, color=LINES[1], label="boards left free")
    for row in rows[:-2:2]:
        right.annotate(f"{row[name]}{unit or ' MHz'}", (1e3 * row["facility_mw"], 1e-3 * row["output_tokens_per_s"]), fontsize=8,
                       xytext=(6, -10), textcoords="offset points")
    right.margins(x=0.15, y=0.1)
    right.legend(frameon=False, loc="upper left")
    tidy(right, "facility power, kW", "thousand output tokens/s", "Tokens against power")
    save(options, figure, name, rows)


def climate(options):
    rows = []
    figure, (left, right) = plt.subplots(1, 2, figsize=(10, 3.8))
    for (text, block), colour in zip(COOLING.items(), LINES):
        mine = []
        for wet_bulb in WET_BULBS_C:
            setting = {"facility.cooling": f"{{{block}, wet_bulb: {wet_bulb} degC}}"}
            mine.append({"cooling": text, "wet_bulb_c": wet_bulb, **numbers(run(options, "climate.yaml", setting), 256)})
        line = "o--" if "45" in text else "o-"  # warm liquid lies on the other until that needs a chiller
        left.plot(WET_BULBS_C, [row["pue"] for row in mine], line, color=colour, label=text)
        right.plot(WET_BULBS_C, [1e-3 * row["tokens_per_s_per_mw"] for row in mine], line, color=colour, label=text)
        rows += mine
    left.legend(frameon=False)
    tidy(left, "wet bulb, °C", "PUE", "What cooling and conversion add to IT power")
    tidy(right, "wet bulb, °C", "thousand tokens/s per MW", "Tokens per facility megawatt")
    save(options, figure, "climate", rows)


def optics(options):
    accelerators = 100000
    rows = [{"optics": text, **numbers(run(options, "optics_100k.yaml", {"cluster.scale_out.optics": name}), accelerators)}
            for name, text in OPTICS.items()]
    figure, (left, right) = plt.subplots(1, 2, figsize=(10, 3.8))
    bottom = [0.0] * len(rows)
    for part in ("nic", "scale_out_switch", "optics"):
        heights = [row[f"{part}_w"] / accelerators for row in rows]
        left.bar([row["optics"] for row in rows], heights, bottom=bottom, label=COMPONENTS[part][0], color=COMPONENTS[part][1])
        bottom = [a + b for a, b in zip(bottom, heights)]
    for i, total in enumerate(bottom):
        left.text(i, total + 2, f"{total:.0f} W", ha="center", fontsize=9)
    left.set_ylim(0, 1.15 * max(bottom))
    left.legend(frameon=False, fontsize=9, loc="upper right")
    tidy(left, "", "W per accelerator", "Power of the scale-out network")
    base = rows[0]["tokens_per_s_per_mw"]
    gains = [100 * (row["tokens_per_s_per_mw"] / base - 1) for row in rows]
    right.bar([row["optics"] for row in rows], gains, color=LINES[0])
    for i, row in enumerate(rows):
        right.text(i, gains[i] + 0.1, f"{row['facility_mw']:.1f} MW", ha="center", fontsize=9)
    right.set_ylim(0, 1.15 * max(gains))
    tidy(right, "", f"% more than with {rows[0]['optics']}", "Tokens per facility megawatt (and the site's power)")
    save(options, figure, "optics", rows)


def pool_setting(bandwidth_tb, memory="ddr5", optics="wdm"):
    return f"{{capacity: 32 TB, bandwidth: {bandwidth_tb} TB/s, memory: {memory}, optics: {optics}}}"


def pool_row(options, text, bandwidth_tb, settings):
    """One run of the memory pool's study; times as shares of the accelerators' time."""
    summary = run(options, "memory_pool.yaml", settings)
    return {"service": text, "bandwidth_tb_per_s": bandwidth_tb, **numbers(summary, 64),
            "kv_in_pool": summary.get("memory_pool", {}).get("share_of_kv_blocks", 0.0), **summary["time_share"]}


def pool(options):
    """What memory behind a fabric buys agents: without it every prompt is processed whole, for HBM has no room for old contexts."""
    cached = {"services[0].workload.prefix_hit": 0.97, "services[0].scheduler.prefix_cache": "pool"}
    uses = {"prefixes": {**cached, "services[0].scheduler.preemption": "swap"}, "prefixes and running contexts": cached}
    none = pool_row(options, "no pool", 0, {})
    lines = {text: [pool_row(options, text, rate, {"cluster.memory_pool": pool_setting(rate), **use}) for rate in POOLS_TB] for text, use in uses.items()}
    chosen = 14
    made = [pool_row(options, f"{memory}, {OPTICS[optics]}", chosen,
                     {"cluster.memory_pool": pool_setting(chosen, memory, optics), **uses["prefixes and running contexts"]})
            for memory in ("ddr5", "lpddr5x", "hbm3e") for optics in ("dsp-pluggable", "cpo", "wdm")]

    figure, (left, middle, right) = plt.subplots(1, 3, figsize=(15, 4.2), layout="constrained")
    left.axhline(1e-3 * none["tokens_per_s_per_mw"], color=INK, ls="--", lw=1.2)
    left.text(POOLS_TB[-1], 1.06e-3 * none["tokens_per_s_per_mw"], "no pool: prompts are processed again", ha="right", va="bottom", fontsize=9)
    for (text, rows), colour in zip(lines.items(), LINES):
        left.plot(POOLS_TB, [1e-3 * row["tokens_per_s_per_mw"] for row in rows], "o-", color=colour, label=f"pool holds {text}")
    left.set(xscale="log", yscale="log", xticks=POOLS_TB, xticklabels=[f"{rate:g}\n{rate / 32:.2g}" for rate in POOLS_TB])
    left.minorticks_off()
    ticks = [value for value in (5, 10, 20, 50, 100, 200, 500) if 0.6 < value / (1e-3 * none["tokens_per_s_per_mw"]) < 40]
    left.set(yticks=ticks, yticklabels=[f"{value:g}" for value in ticks])
    left.legend(frameon=False, fontsize=9)
    tidy(left, "pool's bandwidth, TB/s a rack (below: an accelerator; its HBM has 3.35)", "thousand tokens/s per MW", "Tokens per facility megawatt")

    bars = [none, *lines["prefixes and running contexts"]]
    bottom = [0.0] * len(bars)
    for key in ("compute", "hbm", "memory_pool", "scale_up", "overhead", "idle"):
        heights = [100 * row[key] for row in bars]
        middle.bar(range(len(bars)), heights, bottom=bottom, label=TIME_SHARES[key][0], color=TIME_SHARES[key][1])
        bottom = [a + b for a, b in zip(bottom, heights)]
    middle.set(xticks=range(len(bars)), xticklabels=["none", *(f"{rate:g}" for rate in POOLS_TB)], ylim=(0, 100))
    middle.legend(frameon=False, fontsize=8, ncols=3, loc="upper center", bbox_to_anchor=(0.5, -0.16))
    tidy(middle, "pool's bandwidth, TB/s a rack", "% of accelerators' time", "What binds, where the pool holds both")

    names = ["DSP pluggable", "CPO", "WDM"]
    memories = ["ddr5", "lpddr5x", "hbm3e"]
    for m, memory in enumerate(memories):
        mine = made[3 * m:3 * m + 3]
        places = [m + 0.27 * (i - 1) for i in range(3)]
        for i, row in enumerate(mine):
            right.bar(places[i], 1e-3 * row["memory_pool_w"], width=0.25, color=LINES[i], label=names[i] if m == 0 else None)
            right.text(places[i], 1e-3 * row["memory_pool_w"] + 0.1, f"{1e-3 * row['tokens_per_s_per_mw']:.0f}k", ha="center", fontsize=8)
    right.set(xticks=range(3), xticklabels=["DDR5", "LPDDR5X", "HBM3E"], ylim=(0, 1.3e-3 * max(row["memory_pool_w"] for row in made)))
    right.legend(frameon=False, fontsize=9, title="links", alignment="left")
    tidy(right, "pool's memory", "kW, two pools of 32 TB", f"Power of the pools at {chosen} TB/s (above: tokens/s per MW)")
    save(options, figure, "memory_pool", [none, *(row for rows in lines.values() for row in rows), *made])


STUDY = {"cap": lambda o: board_limits(o, "cap", "power_cap", CAPS_W, " W", "power cap of a board, W"),
         "clock": lambda o: board_limits(o, "clock", "clock_mhz", CLOCKS_MHZ, "", "clock lock, MHz"),
         "climate": climate, "optics": optics, "pool": pool}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("studies", nargs="*", help=", ".join(STUDY) + "; all of them without a name")
    parser.add_argument("--megaweave", default=str(ROOT / "build/release/megaweave"), help="the program")
    parser.add_argument("--output", default="out/studies", help="folder for figures and tables")
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    unknown = [name for name in options.studies if name not in STUDY]
    if unknown:
        parser.error(f"unknown study {unknown[0]}: there are {', '.join(STUDY)}")
    for name in options.studies or STUDY:
        STUDY[name](options)


if __name__ == "__main__":
    main()
