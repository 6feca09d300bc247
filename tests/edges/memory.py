#!/usr/bin/python3
"""memory.py PROGRAM SOURCE: what `check` says a run needs in memory, against the peak of the run, and decks that need too much."""
import os
import re
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

PROGRAM, SOURCE = sys.argv[1], Path(sys.argv[2])
DECK = str(SOURCE / "tests/decks/good/minimal.yaml")
LARGE = str(SOURCE / "inputs/clusters/h100_100k.yaml")
BURST = "services[0].workload.arrivals={process: burst, requests: %d}"


def command(verb, deck, changes):
    return [PROGRAM, verb, deck, *(word for change in changes for word in ("--set", change))]


def predicted_gb(deck, changes):
    out = subprocess.run(command("check", deck, changes), capture_output=True, text=True, check=True).stdout
    return float(re.search(r"memory of a run\s+about (\S+) GB", out).group(1))


def peak_gb(deck, changes, folder):
    """Of a child alone: RUSAGE_CHILDREN keeps the largest, so each run has a process of its own."""
    reader, writer = os.pipe()
    if os.fork() == 0:
        run = [*command("run", deck, changes), "--quiet", "--threads", "1", "--output", folder]
        done = subprocess.run(run, stdout=subprocess.DEVNULL, check=False)
        peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
        os.write(writer, f"{done.returncode} {peak}".encode())
        os._exit(0)
    os.wait()
    code, peak = os.read(reader, 100).decode().split()
    assert code == "0", f"exit {code}"
    return float(peak) * 1024e-9


def refusal(deck, changes, verb="check"):
    done = subprocess.run(command(verb, deck, changes), capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 2, (changes, done.returncode, done.stderr)
    assert re.match(r"[^\n]*: a run needs about \S+ GB of memory, of them", done.stderr), done.stderr
    return done.stderr


def main():
    with tempfile.TemporaryDirectory() as folder:
        idle = peak_gb(DECK, [], folder + "/idle")
        print(f"the program itself: {idle:.3f} GB")
        for name, deck, changes in (
                ("a burst of a million", DECK, [BURST % 1_000_000, "time.duration=100 ms"]),
                ("a closed loop of a million", DECK,
                 ["services[0].workload.arrivals={process: closed, concurrency: 1000000}", "time.duration=100 ms"]),
                ("32,768 accelerators", LARGE,
                 ["cluster.accelerators=32768", "time.duration=500 ms", "time.warmup=0 s"])):
            said, took = predicted_gb(deck, changes), peak_gb(deck, changes, folder + "/run") - idle
            print(f"{name}: {said:.2f} GB predicted, {took:.2f} GB taken")
            assert said / 2 < took < said * 2, name
    # requests_1e9, sample_of_years and their kind: refused, with the key to change.
    assert ".requests" in refusal(DECK, [BURST % 10**9])
    assert ".requests" in refusal(DECK, [BURST % 10**9], "run")
    assert ".concurrency" in refusal(DECK, ["services[0].workload.arrivals={process: closed, concurrency: 1000000000}"])
    assert ".rate" in refusal(DECK, ["services[0].workload.arrivals.rate=1e9 /s", "time.duration=100 s"])
    assert "time.duration" in refusal(DECK, ["time.duration=26280 h"])
    years = [f"time.{key}=99999999 s" for key in ("duration", "window", "sample")]
    done = subprocess.run(command("check", DECK, years), capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 2 and "time.sample must be" in done.stderr, done.stderr
    # 100,000 accelerators are not refused where 8 GiB are all there is.
    subprocess.run(command("check", LARGE, []), stdout=subprocess.DEVNULL, check=True,
                   preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (8 << 30, 8 << 30)))


main()
