#!/usr/bin/python3
"""Prints the JSON output of megaweave_bench (Google Benchmark) as one table: table.py RESULTS.json"""
import json
import sys


def si(value, unit):
    """1.23e9, "B/s" -> "1.23 GB/s"."""
    for factor, prefix in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= factor:
            return f"{value / factor:.3g} {prefix}{unit}"
    return f"{value:.3g} {unit}"


def duration(value, unit):
    nanoseconds = value * {"ns": 1, "us": 1e3, "ms": 1e6, "s": 1e9}[unit]
    for factor, name in ((1e9, "s"), (1e6, "ms"), (1e3, "us")):
        if nanoseconds >= factor:
            return f"{nanoseconds / factor:.3g} {name}"
    return f"{nanoseconds:.3g} ns"


#: What Google Benchmark itself puts on every entry; other numbers are the benchmark's own counters.
KNOWN = {"family_index", "per_family_instance_index", "repetitions", "repetition_index", "threads", "iterations",
         "real_time", "cpu_time", "items_per_second", "bytes_per_second", "aggregate_unit"}


def row(entry):
    rates = []
    if "items_per_second" in entry:
        rates.append(si(entry["items_per_second"], "items/s"))
    if "bytes_per_second" in entry:
        rates.append(si(entry["bytes_per_second"], "B/s"))
    # A counter's unit is the end of its name: "events_per_s", "rounds_per_solve".
    rates += [f"{name} {value:.4g}" for name, value in entry.items()
              if name not in KNOWN and isinstance(value, (int, float)) and not isinstance(value, bool)]
    if entry.get("error_occurred"):
        return [entry["name"], "failed", "", entry.get("error_message", "")]
    time = duration(entry["real_time"], entry["time_unit"])
    cpu = duration(entry["cpu_time"], entry["time_unit"])
    return [entry["name"], time, cpu, ", ".join(rates + ([entry["label"]] if entry.get("label") else []))]


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    with open(sys.argv[1], encoding="utf-8") as file:
        results = json.load(file)
    rows = [["benchmark", "time per iteration", "CPU time", "rate and counters"]] + [row(b) for b in results["benchmarks"]]
    widths = [max(len(cells[i]) for cells in rows) for i in range(4)]
    for number, cells in enumerate(rows):
        print("  ".join((cells[0].ljust(widths[0]), cells[1].rjust(widths[1]), cells[2].rjust(widths[2]), cells[3])).rstrip())
        if number == 0:
            print("  ".join("-" * width for width in widths))
    context = results["context"]
    print(f"\n{context['num_cpus']} processors at {context['mhz_per_cpu']} MHz; load at the start {context['load_avg']}")
    return 1 if any(b.get("error_occurred") for b in results["benchmarks"]) else 0


if __name__ == "__main__":
    sys.exit(main())
