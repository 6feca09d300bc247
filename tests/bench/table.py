#!/usr/bin/python3
"""Prints what megaweave_bench measured as one table: table.py RESULTS.json [RESULTS.json]...

Of repeated cases the fastest counts: whatever else ran on the machine can only have slowed it down.
"""
import json
import sys

#: What Google Benchmark itself puts on every entry; other numbers are the benchmark's own counters.
KNOWN = {"family_index", "per_family_instance_index", "repetitions", "repetition_index", "threads", "iterations",
         "real_time", "cpu_time", "items_per_second", "bytes_per_second"}
#: What the items of a case are, by the beginning of its name.
ITEMS = {"core": "draws", "core/histogram": "adds", "core/rank_of": "look-ups", "lengths": "lengths", "arrivals": "arrivals",
         "iteration_model": "iterations", "batcher": "iterations", "max_min": "flows", "rack_window": "events",
         "mail": "messages", "fabric_window": "transfers", "hdf5_sample": "samples"}
NANOSECONDS = {"ns": 1, "us": 1e3, "ms": 1e6, "s": 1e9}


def si(value, unit):
    """1.23e9, "B/s" -> "1.23 GB/s"."""
    for factor, prefix in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= factor:
            return f"{value / factor:.3g} {prefix}{unit}"
    return f"{value:.3g} {unit}"


def duration(nanoseconds):
    for factor, name in ((1e9, "s"), (1e6, "ms"), (1e3, "us")):
        if nanoseconds >= factor:
            return f"{nanoseconds / factor:.3g} {name}"
    return f"{nanoseconds:.3g} ns"


def is_wall(entry):
    """Ranks wait for each other and for disks; what runs alone is better told by its processor's time."""
    return "/real_time" in entry["name"]


def nanoseconds(entry):
    return entry["real_time" if is_wall(entry) else "cpu_time"] * NANOSECONDS[entry["time_unit"]]


def fastest(entries):
    best = {}
    for entry in entries:
        if entry.get("run_type", "iteration") != "iteration":
            continue
        name = entry.get("run_name", entry["name"])
        if name not in best or entry.get("error_occurred") or nanoseconds(entry) < nanoseconds(best[name]):
            best[name] = entry
    return list(best.values())


def items_of(name):
    return ITEMS.get(max((key for key in ITEMS if name.startswith(key)), key=len, default=""), "items")


def row(entry):
    name = "/".join(part for part in entry.get("run_name", entry["name"]).split("/")
                    if part != "real_time" and not part.startswith(("iterations:", "repeats:")))
    if entry.get("error_occurred"):
        return [name, "failed", "", "", entry.get("error_message", "")]
    rates = []
    if "items_per_second" in entry:
        rates.append(si(entry["items_per_second"], items_of(name) + "/s"))
    if entry.get("bytes_per_second"):
        rates.append(si(entry["bytes_per_second"], "B/s"))
    counters = [f"{key} {value:.4g}" for key, value in entry.items()
                if key not in KNOWN and isinstance(value, (int, float)) and not isinstance(value, bool)]
    return [name, duration(nanoseconds(entry)), "wall" if is_wall(entry) else "CPU", ", ".join(rates), ", ".join(counters)]


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    results = []
    for path in sys.argv[1:]:
        with open(path, encoding="utf-8") as file:
            text = file.read()
        if text.strip():  # empty where a filter left nothing
            results.append(json.loads(text))
    entries = [entry for result in results for entry in fastest(result["benchmarks"])]
    if not entries:
        sys.exit("table.py: no benchmark matched")
    rows = [["benchmark", "time", "", "rate", "counters"]] + [row(entry) for entry in entries]
    widths = [max(len(cells[i]) for cells in rows) for i in range(5)]
    for number, cells in enumerate(rows):
        print("  ".join((cells[0].ljust(widths[0]), cells[1].rjust(widths[1]), cells[2].ljust(widths[2]),
                         cells[3].ljust(widths[3]), cells[4])).rstrip())
        if number == 0:
            print("  ".join("-" * width for width in widths))
    context = results[0]["context"]
    load = ", ".join(f"{value:.1f}" for value in context["load_avg"]) or "unknown"
    print(f"\n{context['num_cpus']} processors at {context['mhz_per_cpu']} MHz, load {load} at the start; "
          "per iteration; fastest of the repetitions")
    return 1 if any(entry.get("error_occurred") for entry in entries) else 0


if __name__ == "__main__":
    sys.exit(main())
