#!/usr/bin/python3
"""What the window costs: runs a deck with several windows and prints one table (Markdown).

usage: convergence.py DECK [--megaweave PROGRAM] [--windows "0.25 ms,0.5 ms,1 ms,2 ms"] [megaweave run options...]
"""
import argparse
import pathlib
import subprocess
import sys
import tempfile

import yaml

ROOT = pathlib.Path(__file__).resolve().parent.parent


def run(program, deck, window, options):
    """The summary of one run."""
    with tempfile.TemporaryDirectory() as folder:
        command = [program, "run", deck, "--quiet", "--output", folder, "--set", f"time.window={window}", *options]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode != 0:
            sys.exit(f"convergence.py: {' '.join(command)} ended with {done.returncode}\n{done.stderr}")
        return yaml.safe_load(pathlib.Path(folder, "summary.yaml").read_text())


def row(window, summary, finest):
    """One line of the table; differences are against the finest window."""
    ttft, tpot = summary["latency"]["ttft_s"], summary["latency"]["tpot_s"]
    tokens = summary["throughput"]["output_tokens_per_s"]
    shift_ms = 1e3 * (ttft["mean"] - finest["latency"]["ttft_s"]["mean"])
    shift = 100 * (tokens / finest["throughput"]["output_tokens_per_s"] - 1)
    tpot_shift = 100 * (tpot["mean"] / finest["latency"]["tpot_s"]["mean"] - 1)
    return (f"| {window} | {1e3 * ttft['mean']:.2f} ({shift_ms:+.2f}) | {1e3 * ttft['p50']:.2f} | {1e3 * ttft['p99']:.1f} "
            f"| {1e3 * tpot['mean']:.3f} ({tpot_shift:+.3f} %) | {1e3 * tpot['p99']:.3f} | {tokens:,.0f} ({shift:+.3f} %) |")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("deck")
    parser.add_argument("--megaweave", default=str(ROOT / "build/release/megaweave"))
    parser.add_argument("--windows", default="0.25 ms,0.5 ms,1 ms,2 ms")
    arguments, options = parser.parse_known_args()
    print("| window | TTFT mean [ms] | p50 | p99 | TPOT mean [ms] | p99 | output tokens/s |")
    print("|---|---|---|---|---|---|---|")
    finest = None
    for window in arguments.windows.split(","):
        summary = run(arguments.megaweave, arguments.deck, window.strip(), options)
        finest = finest or summary
        print(row(window.strip(), summary, finest), flush=True)


if __name__ == "__main__":
    main()
