#!/usr/bin/env python3
"""Fifty damaged checkpoints and run files: a restart from each is refused, naming the file, or ends with the result of the undamaged run.
Never a crash, a hang or another digest. (cases edges/checkpoint_noise, edges/run_h5_message)

    damaged.py MEGAWEAVE MPIRUN [--tries 50] [--seed 1]
"""
import os
import random
import shutil
import signal
import tempfile
import time

from harness import DONE, INPUT, STOPPED, TREE, WORLD, Checks, Program, arguments, checkpoints, difference, sets

DECK = TREE / "tests/decks/good/minimal.yaml"
VALUES = {"time.duration": "60 s", "time.window": "0.1 ms", "output.checkpoint_every": "0.1 s"}


def flip_bits(data, rng):
    changed = bytearray(data)
    for _ in range(rng.choice((1, 1, 20))):
        changed[rng.randrange(len(changed))] ^= 1 << rng.randrange(8)
    return bytes(changed)


def flip_early(data, rng):
    """Where HDF5 keeps what describes the rest."""
    return flip_bits(data[:4096], rng) + data[4096:]


def cut_off(data, rng):
    return data[: rng.choice((0, 8, len(data) // 2, len(data) - 1, rng.randrange(len(data))))]


def zero_block(data, rng):
    start = rng.randrange(len(data))
    size = rng.choice((16, 512, 4096))
    return data[:start] + bytes(len(data[start:start + size])) + data[start + size:]


def noise_block(data, rng):
    start = rng.randrange(len(data))
    return data[:start] + rng.randbytes(len(data[start:start + 64])) + data[start + 64:]


def append(data, rng):
    return data + rng.randbytes(100)


DAMAGES = (flip_bits, flip_early, cut_off, zero_block, noise_block, append)


def restart(program, folder, source):
    return program.run("run", DECK, "--output", folder, "--threads", 1, "--quiet", "--restart", source, *sets(VALUES), ranks=0, seconds=60)


def stopped(checks, program, folder):
    """A run stopped with two checkpoints."""
    job = program.start("run", DECK, "--output", folder, "--threads", 1, "--quiet", *sets(VALUES), ranks=0)
    deadline = time.monotonic() + 60
    while job.running() and len(checkpoints(folder)) < 2 and time.monotonic() < deadline:
        time.sleep(0.01)
    os.kill(job.process.pid, signal.SIGUSR1)
    result = job.result()
    return checks.expect(result.code == STOPPED and len(checkpoints(folder)) == 2, "a run stops with two checkpoints", result)


def try_one(checks, program, number, rng, good, plain):
    folder = program.folder / f"try_{number}"
    shutil.copytree(good, folder)
    damage = DAMAGES[number % len(DAMAGES)]
    victim = checkpoints(folder)[-1] if number % 2 else folder / "run.h5"
    whole = victim.read_bytes()
    changed = damage(whole, rng)
    if changed == whole:  # zeros where there were zeros
        changed = flip_bits(whole, rng)
    victim.write_bytes(changed)
    by_folder = rng.random() < 0.5
    result = restart(program, folder, folder if by_folder else checkpoints(folder)[-1])
    name = f"{number}: {damage.__name__} of {victim.name}, --restart {'FOLDER' if by_folder else 'FILE'}"
    if result.code == DONE:
        checks.expect(not difference(plain, folder), f"{name}: the end is that of the whole run", difference(plain, folder))
    else:
        checks.expect(result.code in (INPUT, WORLD) and str(victim) in result.err and "--restart" in result.err,
                      f"{name}: refused, with the file's name and what to do", result)
    if by_folder and number % 2:
        checks.expect(result.code == DONE and "is damaged" in result.err, f"{name}: it goes on from the one before, and says so", result)
    shutil.rmtree(folder)
    return result.code


def main():
    options = arguments(__doc__, tries=(50, "files to damage"), seed=(1, "of the damage"))
    checks, rng = Checks(), random.Random(options.seed)
    with tempfile.TemporaryDirectory(prefix="megaweave-damaged-") as folder:
        program = Program(options.binary, options.mpirun, folder)
        plain, good = program.folder / "plain", program.folder / "good"
        whole = program.run("run", DECK, "--output", plain, "--threads", 1, "--quiet", *sets(VALUES), ranks=0)
        if checks.expect(whole.code == DONE, "the uninterrupted run ends", whole) and stopped(checks, program, good):
            codes = [try_one(checks, program, number, rng, good, plain) for number in range(options.tries)]
            print({code: codes.count(code) for code in sorted(set(codes), key=str)}, flush=True)
    checks.finish()


if __name__ == "__main__":
    main()
