#!/usr/bin/python3
"""DeepSeek's production day (inputs/studies/deepseek_day.yaml): its load is carried, at its users' speed, to 20 %.

    tests/validation/deepseek_day.py MEGAWEAVE
"""
import subprocess
import sys
import tempfile
from pathlib import Path

import yaml

DECK = Path(__file__).resolve().parents[2] / "inputs/studies/deepseek_day.yaml"
PREFILL_NODES, DECODE_NODES = 40, 54
#: Published (open-infra-index, day 6): tokens/s a node, and a user's speed in the middle of 20 to 22 tokens/s.
PUBLISHED = {"input tokens/s a prefill node": 73_700, "output tokens/s a decode node": 14_800, "output tokens/s a user": 21}
TOLERANCE = 0.20


def main():
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([sys.argv[1], "run", DECK, "--output", folder, "--quiet"], check=True, stdout=subprocess.DEVNULL)
        summary = yaml.safe_load((Path(folder) / "summary.yaml").read_text(encoding="utf-8"))
    found = {"input tokens/s a prefill node": summary["throughput"]["input_tokens_per_s"] / PREFILL_NODES,
             "output tokens/s a decode node": summary["throughput"]["output_tokens_per_s"] / DECODE_NODES,
             "output tokens/s a user": 1 / summary["latency"]["tpot_s"]["mean"]}
    failed = 0
    for what, published in PUBLISHED.items():
        error = found[what] / published - 1
        failed += abs(error) > TOLERANCE
        print(f"{what:<32}{found[what]:>10.4g}   published {published:>8.4g}   {100 * error:+.1f} %")
    return failed


if __name__ == "__main__":
    sys.exit(main())
