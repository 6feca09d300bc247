#!/usr/bin/python3
"""Largest relative error of `megaweave flows` in every reference case, for several numbers of ranks.

    flows_errors.py [--program build/release/megaweave] [--reference ../shared/reference] [--ranks 1,2,3,4] [--packet]

A case is a folder with links.csv, routes.csv, flows.csv and expected.csv (flow,finish_s). Ends with 1 if an error exceeds 1e-6, or if
the output files of different numbers of ranks differ in a byte; with 77 if there are no cases. --packet compares with packet-level
runs instead: mean and p99 completion time, ideal and sprayed transport.
"""
import argparse
import csv
import os
import pathlib
import subprocess
import sys
import tempfile

import numpy

ROOT = pathlib.Path(__file__).resolve().parents[2]


def run_flows(program, case, ranks, folder, transport="ideal"):
    deck = folder / "deck.yaml"
    deck.write_text(f"name: {case.name}\nseed: 1\ncluster:\n  scale_out:\n    topology: explicit\n    links: {case}/links.csv\n"
                    f"    routes: {case}/routes.csv\n    transport: {{kind: {transport}}}\n")
    out = folder / f"out_{ranks}.csv"
    command = [str(program), "flows", str(deck), str(case / "flows.csv"), str(out)]
    if ranks > 1:
        command = ["mpirun", "-n", str(ranks), "--oversubscribe", "--bind-to", "none"] + command
    environment = dict(os.environ, OMPI_ALLOW_RUN_AS_ROOT="1", OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1")
    subprocess.run(command, check=True, capture_output=True, env=environment)
    return out


def column(path, name):
    with open(path, newline="") as file:
        return {row["flow"]: float(row[name]) for row in csv.DictReader(file)}


def durations(case, path):
    start, finish = column(case / "flows.csv", "start_s"), column(path, "finish_s")
    return numpy.array([finish[flow] - start[flow] for flow in start])


def maxmin(program, case, ranks, folder):
    outputs = [run_flows(program, case, n, folder) for n in ranks]
    ours, theirs = column(outputs[0], "finish_s"), column(case / "expected.csv", "finish_s")
    worst = max(abs(ours[flow] / theirs[flow] - 1) for flow in theirs)
    same = all(out.read_bytes() == outputs[0].read_bytes() for out in outputs)
    print(f"{case.name:28} {len(theirs):5} flows  largest error {worst:.1e}  "
          f"{'the same bytes' if same else 'DIFFERENT BYTES'} on {','.join(map(str, ranks))} ranks")
    return same and len(ours) == len(theirs) and worst <= 1e-6


def packet(program, case, folder):
    theirs = durations(case, case / "expected.csv")
    text = f"{case.name:28} {len(theirs):5} flows"
    for transport in ("ideal", "sprayed"):
        ours = durations(case, run_flows(program, case, 1, folder, transport))
        mean = ours.mean() / theirs.mean() - 1
        p99 = numpy.percentile(ours, 99) / numpy.percentile(theirs, 99) - 1
        text += f"  {transport}: mean {100 * mean:+.1f} %, p99 {100 * p99:+.1f} %"
    print(text)
    return True


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", type=pathlib.Path, default=ROOT / "build/release/megaweave")
    parser.add_argument("--reference", type=pathlib.Path, default=ROOT / "../shared/reference")
    parser.add_argument("--ranks", default="1,2,3,4", type=lambda text: [int(n) for n in text.split(",")])
    parser.add_argument("--packet", action="store_true")
    options = parser.parse_args()
    options.program = options.program.resolve()
    kind = options.reference.resolve() / ("packet" if options.packet else "maxmin")
    cases = sorted(path.parent for path in kind.glob("*/expected.csv"))
    if not cases:
        print(f"skipped: no cases in {kind}")
        return 77
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        good = [packet(options.program, case, folder) if options.packet
                else maxmin(options.program, case, options.ranks, folder) for case in cases]
    return 0 if all(good) else 1


if __name__ == "__main__":
    sys.exit(main())
