#!/usr/bin/python3
"""The emulator against published measurements: a stratified quarter of the shared points, with the errors that the README states.

    tests/validation/accuracy.py MEGAWEAVE [POINTS.csv]

Skips (77) where the measurements are not there. The bounds are those of the whole file, a quarter wider for the smaller sample.
"""
import csv
import subprocess
import sys
import tempfile
import zlib
from pathlib import Path

import numpy as np

TREE = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TREE / "postprocess"))
import validation_data  # noqa: E402: from the tree

POINTS = TREE.parent / "shared/validation/points.csv"
SKIPPED = 77
MARGIN = 1.25
#: (load, dense or MoE, metric) -> median and p90 of |error| in %, the README's rounded up; groups of which the sample has a few dozen rows.
BOUNDS = {
    ("max", "dense", "throughput"): (5, 12),
    ("max", "MoE", "throughput"): (9, 26),
    ("closed", "dense", "tpot"): (6, 19),
    ("closed", "MoE", "tpot"): (5, 22),
    ("closed", "MoE", "throughput"): (4, 14),
    ("closed", "dense", "ttft"): (13, 54),
    ("closed", "MoE", "ttft"): (14, 65),
    ("steady_batch", "MoE", "power"): (8, 29),
}


def sample(points, target):
    """Every fourth experiment of each source, load, accelerator and kind of model, by a hash of its setup."""
    with open(points, newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    setup = lambda row: "|".join(value for name, value in row.items() if name not in ("id", "metric", "value", "unit"))
    sorts, strata = validation_data.mixtures(), {}
    for row in rows:
        stratum = (row["source"], row["load"], row["hardware"], sorts.get(row["model"]))
        strata.setdefault(stratum, {})[setup(row)] = zlib.crc32(setup(row).encode())
    chosen = set()
    for experiments in strata.values():
        chosen.update(sorted(experiments, key=experiments.get)[::4])
    with open(target, "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, rows[0].keys(), lineterminator="\n")
        writer.writeheader()
        writer.writerows(row for row in rows if setup(row) in chosen)


def errors_by_group(predictions):
    groups = {}
    for row in validation_data.Validation(predictions).rows:
        if not row.cells["metric"].endswith("p99"):
            groups.setdefault((row.load, row.sort, row.kind), []).append(abs(row.error))
    return groups


def main():
    program = sys.argv[1]
    points = Path(sys.argv[2]) if len(sys.argv) > 2 else POINTS
    if not points.exists():
        print(f"skipped: {points} is not there")
        return SKIPPED
    with tempfile.TemporaryDirectory() as folder:
        picked, predicted = Path(folder) / "sample.csv", Path(folder) / "predicted.csv"
        sample(points, picked)
        subprocess.run([program, "validate", picked, "--output", predicted], check=True, stdout=subprocess.DEVNULL)
        groups = errors_by_group(predicted)
    failed = 0
    print(f"{'group':<26}{'rows':>6}{'median':>9}{'p90':>9}   at most")
    for key, (median, p90) in BOUNDS.items():
        found = 100 * np.array(groups.get(key, [np.inf]))
        good = np.median(found) <= MARGIN * median and np.quantile(found, 0.9) <= MARGIN * p90
        failed += not good
        print(f"{' '.join(key):<26}{len(found):>6}{np.median(found):>7.1f} %{np.quantile(found, 0.9):>7.1f} %"
              f"   {MARGIN * median:.0f} / {MARGIN * p90:.0f} %{'' if good else '   TOO LARGE'}")
    return failed


if __name__ == "__main__":
    sys.exit(main())
