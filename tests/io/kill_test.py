#!/usr/bin/env python3
"""A run that is killed at any moment leaves a file that opens at its last flush and a whole checkpoint, and can be gone on with.

    kill_test.py SYNTHETIC_RUN MPIEXEC
"""
import os
import random
import signal
import subprocess
import sys
import tempfile
import time

PROGRAM, MPIEXEC = sys.argv[1:3]
RANKS = 2
ENDLESS = 10**9
# racks, links, rows between checkpoints: plain small rows; compressed rows, flushed in the middle of a batch
SITES = [(24, 48, 7), (1500, 3000, 45)]
TRIES = 4


def command(ranks, *arguments):
    return [MPIEXEC, "--oversubscribe", "--bind-to", "none", "-n", str(ranks), PROGRAM, *map(str, arguments)]


def killed_run(folder, racks, links, every, seconds):
    """Runs until `seconds` after its first flush, kills every rank; returns the last rows and checkpoint that it reported."""
    log = os.path.join(folder, "log")
    with open(log, "w") as out:
        run = subprocess.Popen(command(RANKS, "write", folder, racks, links, ENDLESS, every), stdout=out, stderr=subprocess.STDOUT)
    deadline = time.time() + 60
    while "rows" not in open(log).read() and time.time() < deadline:
        time.sleep(0.002)
    time.sleep(seconds)
    pids = [int(line.split()[1]) for line in open(log) if line.startswith("pid ")]
    assert len(pids) == RANKS, open(log).read()
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
    run.wait(timeout=60)
    return last_values(open(log).read())


def last_values(text):
    values = {"rows": 0, "checkpoint": 0}
    for line in text.splitlines():
        word = line.split()
        if len(word) == 2 and word[0] in values and word[1].isdigit():
            values[word[0]] = int(word[1])
    return values


def checked(*arguments, ranks=1):
    done = subprocess.run(command(ranks, *arguments), capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, f"{arguments}: {done.stdout}{done.stderr}"
    return last_values(done.stdout)


def main():
    rng = random.Random(1)
    for racks, links, every in SITES:
        for attempt in range(TRIES):
            with tempfile.TemporaryDirectory() as folder:
                seconds = rng.uniform(0.0, 1.2)
                told = killed_run(folder, racks, links, every, seconds)
                found = checked("verify", folder, racks, links)
                print(f"{racks} racks, killed after {seconds:.3f} s: reported {told}, found {found}")
                assert found["rows"] >= told["rows"], "rows that were flushed are lost"
                assert found["checkpoint"] >= told["checkpoint"], "a complete checkpoint is lost"
                if found["checkpoint"] > 0:
                    goal = found["checkpoint"] + 3
                    checked("resume", folder, racks, links, goal, ranks=3 if attempt % 2 else 1)
                    assert checked("verify", folder, racks, links)["rows"] == goal, "going on gave other rows"


if __name__ == "__main__":
    main()
