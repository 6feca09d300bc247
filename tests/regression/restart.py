#!/usr/bin/env python3
"""A run that is stopped at any window, by a signal or the time limit, and goes on on another number of ranks and threads, ends with
the digest, the summary and the recorded data of a run that was never stopped.

    restart.py MEGAWEAVE MPIRUN [--stops 4] [--seed 1]
"""
import os
import random
import signal
import tempfile
import time

from harness import (BUSY, BUSY_DECK, DONE, STOPPED, Checks, Program, arguments, checkpoints, difference, reference, sets)

RANKS = [3, 1, 4, 2, 7]
THREADS = [1, 2]


def begin(program, folder, number, going_on, *more):
    ranks = RANKS[number % len(RANKS)]
    restart = ("--restart", folder) if going_on else ()
    job = program.start("run", BUSY_DECK, "--output", folder, "--threads", THREADS[number % len(THREADS)], "--quiet", *restart, *more,
                        *sets(BUSY), ranks=ranks)
    return job, ranks


def stopped(checks, result, folder, name):
    """Whether a session stopped in order; False if it came to its end (a signal may still have met it after that)."""
    if result.code == DONE or "digest: " in result.out:
        return False
    checks.expect(result.code == STOPPED, f"{name} ends with {STOPPED}", result)
    checks.expect("--restart" in result.out and checkpoints(folder), f"{name} says how to go on, and leaves a checkpoint", result)
    return True


def by_signal(checks, program, whole_s, plain, stops, rng):
    """One rank, any of them, is told; whenever it is."""
    folder, count = program.folder / "signals", 0
    for number in range(stops):
        job, ranks = begin(program, folder, number, count > 0)
        pids = job.await_watch(ranks)
        delay = rng.uniform(0, 0.5) * whole_s
        time.sleep(delay)
        if pids and job.running():
            os.kill(rng.choice(pids), rng.choice([signal.SIGUSR1, signal.SIGTERM, signal.SIGINT]))
        result = job.result()
        if not stopped(checks, result, folder, f"session {number} on {ranks} ranks, a signal after {delay:.2f} s,"):
            break
        count += 1
    else:
        job, _ = begin(program, folder, stops, True)
        result = job.result(120)
    print(f"signals: {count} stops", flush=True)
    checks.expect(count > 0, "a signal stopped a session before its end")
    same(checks, result, folder, plain, "stopped by signals")


def by_time_limit(checks, program, whole_s, plain):
    folder, count = program.folder / "limit", 0
    for number in range(2):
        job, ranks = begin(program, folder, number * 2, number > 0, "--time-limit", "00:00:01")
        result = job.result()
        if not stopped(checks, result, folder, f"session {number} on {ranks} ranks, limited to a second,"):
            break
        count += 1
    else:
        job, _ = begin(program, folder, 4, True)
        result = job.result(120)
    print(f"time limit: {count} stops", flush=True)
    checks.expect(count > 0 or whole_s < 4, "the time limit stopped a session before its end")
    same(checks, result, folder, plain, "stopped by the time limit")


def same(checks, result, folder, plain, name):
    if checks.expect("digest: " in result.out, f"the run {name} comes to its end", result):
        found = difference(plain, folder)
        checks.expect(not found, f"the run {name} equals the uninterrupted one", found)


def main():
    options = arguments(__doc__, stops=(4, "signals to send"), seed=(1, "of the moments"))
    checks, rng = Checks(), random.Random(options.seed)
    with tempfile.TemporaryDirectory(prefix="megaweave-restart-") as folder:
        program = Program(options.binary, options.mpirun, folder)
        plain = program.folder / "plain"
        whole_s = reference(checks, program, plain, BUSY)
        if whole_s is not None:
            by_signal(checks, program, whole_s, plain, options.stops, rng)
            by_time_limit(checks, program, whole_s, plain)
    checks.finish()


if __name__ == "__main__":
    main()
