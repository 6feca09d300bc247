#!/usr/bin/env python3
"""All ranks die without warning (kill -9) at random moments. The newest checkpoint is always whole, a restart from it on another
number of ranks works, and the end is that of a run nobody killed.

    kill.py MEGAWEAVE MPIRUN [--rounds 4] [--seed 1]
"""
import random
import tempfile
import time

from harness import BUSY, BUSY_DECK, DONE, Checks, Program, arguments, checkpoints, difference, reference, sets

VALUES = {**BUSY, "output.checkpoint_every": "0.2 s"}
RANKS = [2, 3, 1, 4]


def start(program, folder, number):
    ranks = RANKS[number % len(RANKS)]
    restart = ("--restart", folder) if checkpoints(folder) else ()
    job = program.start("run", BUSY_DECK, "--output", folder, "--threads", 1, "--quiet", *restart, *sets(VALUES), ranks=ranks)
    return job, ranks, bool(restart)


def killed(checks, job, ranks, delay):
    """The result of a session whose ranks were killed; or of one that was faster."""
    pids = job.await_watch(ranks)
    time.sleep(delay)
    alive = job.running() and job.ranks()
    job.kill_ranks(pids)
    result = job.result()
    if alive:
        checks.expect(result.code is not None, f"mpirun ends when its {ranks} ranks are killed", result)
    return result


def finished(checks, result, folder, plain):
    if checks.expect(result.code == DONE, "the run comes to its end", result):
        found = difference(plain, folder)
        checks.expect(not found, "the run that was killed equals the one that was not", found)


def main():
    options = arguments(__doc__, rounds=(4, "times to kill"), seed=(1, "of the moments"))
    checks, rng = Checks(), random.Random(options.seed)
    gone_on, run = 0, 0
    with tempfile.TemporaryDirectory(prefix="megaweave-kill-") as temporary:
        program = Program(options.binary, options.mpirun, temporary)
        plain = program.folder / "plain"
        whole_s = reference(checks, program, plain, VALUES)
        folder = program.folder / "run0"
        for number in range(options.rounds if whole_s else 0):
            job, ranks, restarted = start(program, folder, number)
            gone_on += restarted
            delay = rng.uniform(0.1, 0.7) * whole_s
            result = killed(checks, job, ranks, delay)
            left = [path.name for path in checkpoints(folder)]
            print(f"{ranks} ranks{', restarted' if restarted else ''}, killed after {delay:.2f} s: exit code {result.code}, {left}", flush=True)
            checks.expect(len(left) <= 3, "no more checkpoints pile up than two and one that replaces them", left)
            if result.code == DONE:  # it was faster: another
                finished(checks, result, folder, plain)
                run += 1
                folder = program.folder / f"run{run}"
        if whole_s:
            job, _, restarted = start(program, folder, options.rounds)
            gone_on += restarted
            finished(checks, job.result(180), folder, plain)
            checks.expect(gone_on > 0, "a run went on from a checkpoint")
    checks.finish()


if __name__ == "__main__":
    main()
