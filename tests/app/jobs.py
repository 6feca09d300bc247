#!/usr/bin/env python3
"""Files and jobs: what a run leaves in its folder and what it leaves alone, signals at any moment, decks that come through a pipe,
and how a stopped run goes on. Each part names the case of ../shared/cases that it mends.

    jobs.py MEGAWEAVE MPIRUN
"""
import os
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "regression"))
from harness import (DONE, INPUT, STOPPED, TREE, WORLD, arguments, checkpoints, digest, environment, run_parts, sets)

DECK = TREE / "tests/decks/good/minimal.yaml"
ENDLESS = {"time.duration": "200000 s", "time.window": "1 ms"}
REFUSED = (INPUT, WORLD)


def files_in(folder):
    """{path: contents} of everything in a folder."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(Path(folder).rglob("*")) if path.is_file()}


def wait_for(condition, seconds=30):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.01)
    return False


def started(job, folder):
    """Until a run is under way, and writes."""
    return wait_for(lambda: not job.running() or job.locked() and (folder / "run.h5").exists())


def begin(program, folder, *more, ranks=0, values=ENDLESS):
    job = program.start("run", DECK, "--output", folder, "--threads", 1, "--quiet", *sets(values), *more, ranks=ranks)
    started(job, folder)
    return job


def tell(job, number):
    """A signal to every rank, as a batch system sends it."""
    for pid in job.ranks() or [job.process.pid]:
        os.kill(pid, number)


def stopped_run(program, folder, *more, ranks=0, values=ENDLESS):
    job = begin(program, folder, *more, ranks=ranks, values=values)
    time.sleep(0.2)
    tell(job, signal.SIGUSR1)
    return job.result()


def earlier_results_deleted(checks, program):
    """runs/earlier_results_deleted: a finished result outlives an interrupted one, and so does whatever others wrote."""
    folder = program.folder / "a"
    first = program.run("run", DECK, "--output", folder, "--quiet", ranks=0)
    a = digest(folder)
    checks.expect(first.code == DONE and "earlier results" not in first.out, "the first run moves nothing", first)
    (folder / "previous").mkdir()
    mine = {"previous/notes.txt": "a", "checkpoints/notes.txt": "b", "run.h5.tmp": "c", "summary.yaml.tmp": "d", "figures/mine.png": "e",
            "checkpoints/checkpoint-mine.h5.tmp": "f", "notes.md": "g", "previous-x/run.h5": "h"}
    for name, text in mine.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text)
    second = stopped_run(program, folder)
    checks.expect(second.code == STOPPED and f"earlier results: {folder}/previous-1\n" in second.out, "it says where they are", second)
    checks.expect(digest(folder / "previous-1") == a, "an interrupted run keeps the finished result")
    third = program.run("run", DECK, "--output", folder, "--quiet", "--set", "seed=3", ranks=2)
    checks.expect(third.code == DONE and f"earlier results: {folder}/previous-2\n" in third.out, "the next number is taken", third)
    checks.expect(len(checkpoints(folder / "previous-2")) == 1 and (folder / "previous-2/run.h5").exists(),
                  "the interrupted run is kept too", sorted(files_in(folder)))
    checks.expect(digest(folder / "previous-1") == a and digest(folder) != a, "and still the first")
    kept = {name: (folder / name).read_text() for name in mine if (folder / name).exists()}
    checks.expect(kept == mine, "what others wrote is where it was", kept)

    before = files_in(folder)
    wrong = program.run("run", DECK, "--output", folder, "--set", "seed=x", ranks=0)
    checks.expect(wrong.code == INPUT and files_in(folder) == before, "a refused deck moves nothing", wrong)


def files_of_others(checks, program):
    """A file of somebody else under a name that a run needs is neither moved nor replaced: the run says so and does not begin."""
    for name in ("run.h5", "summary.yaml", "run.xdmf", "checkpoints"):
        folder = program.folder / f"foreign_{name}"
        folder.mkdir()
        (folder / name).write_text("mine\n" * 100)
        result = program.run("run", DECK, "--output", folder, "--quiet", ranks=0)
        checks.expect(result.code == INPUT and f"{folder}/{name} is no" in result.err, f"a foreign {name} is named", result)
        checks.expect(files_in(folder) == {name: b"mine\n" * 100}, f"and stays ({name})", files_in(folder).keys())
    killed = program.folder / "killed_early"
    killed.mkdir()
    (killed / ".megaweave.lock").write_text("host gone\npid 1\n")
    (killed / "run.h5").write_bytes(bytes(4096))
    result = program.run("run", DECK, "--output", killed, "--quiet", ranks=0)
    checks.expect(result.code == DONE and (killed / "previous-1/run.h5").exists(), "what a killed run left is moved", result)


def two_runs_one_folder(checks, program):
    """runs/two_runs_one_folder, edges/two_runs_one_folder: a second writer is refused while the first lives, and only then."""
    folder = program.folder / "both"
    job = begin(program, folder, ranks=2)
    for ranks in (0, 2):
        second = program.run("run", DECK, "--output", folder, "--quiet", "--set", "seed=2", ranks=ranks)
        checks.expect(second.code in REFUSED and "another run writes in" in second.err and "process" in second.err,
                      f"the second is refused, {ranks} ranks", second)
    checks.expect(job.running() and (folder / "run.h5").exists() and not list(folder.glob("previous*")), "the first goes on")
    tell(job, signal.SIGTERM)
    first = job.result()
    checks.expect(first.code == STOPPED and not (folder / ".megaweave.lock").exists(), "a stopped run leaves no lock", first)

    again = begin(program, folder, "--restart", folder)
    second = program.run("run", DECK, "--output", folder, "--quiet", "--restart", folder, *sets(ENDLESS), ranks=2)
    checks.expect(second.code in REFUSED and "another run writes in" in second.err, "and so is a second restart", second)
    job_pids = again.ranks() or [again.process.pid]
    again.kill_ranks(job_pids)
    again.result()
    checks.expect((folder / ".megaweave.lock").exists(), "a killed run leaves its lock")
    third = stopped_run(program, folder, "--restart", folder, ranks=2)
    checks.expect(third.code == STOPPED, "which blocks nobody", third)


def signal_while_starting(checks, program):
    """runs/signal_while_starting: whenever a signal comes the run ends with 75, and a folder is as it was or holds a checkpoint."""
    numbers = (signal.SIGUSR1, signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR2, signal.SIGXCPU)
    for ranks in (0, 2):
        for i, delay in enumerate((0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 1.0) if ranks == 0 else (0.02, 0.1, 0.3, 1.0)):
            folder = program.folder / f"early_{ranks}_{i}"
            number = numbers[i % len(numbers)]
            job = program.start("run", DECK, "--output", folder, "--threads", 1, "--quiet", *sets(ENDLESS), ranks=ranks)
            wait_for(lambda job=job: job.watching(ranks) or not job.running())  # the loader comes before our first instruction
            time.sleep(delay)
            tell(job, number)
            result = job.result(30)
            name = f"{number.name} after {delay} s, {ranks} ranks"
            checks.expect(result.code == STOPPED, f"{name}: exit {STOPPED}", result)
            checks.expect(not folder.exists() or len(checkpoints(folder)) == 1, f"{name}: no torn folder", sorted(files_in(folder)))


def signal_in_setup(checks, program):
    """edges/sigterm_in_setup: reading and building are ended as soon as they are asked; commands that write nothing end by the signal."""
    for command, ranks, expected in (("run", 0, STOPPED), ("run", 2, STOPPED), ("check", 0, -signal.SIGTERM)):
        pipe = program.folder / f"deck_{command}_{ranks}"
        os.mkfifo(pipe)
        job = program.start(command, pipe, ranks=ranks)
        hold = os.open(pipe, os.O_WRONLY)  # returns once the program reads; nothing is ever written
        tell(job, signal.SIGTERM)
        start = time.monotonic()
        result = job.result(20)
        os.close(hold)
        checks.expect(result.code == expected and time.monotonic() - start < 10, f"{command} ends in its set-up, {ranks} ranks", result)


def hup(checks, program):
    """edges/hup: a lost terminal and what batch systems send stop a run after a checkpoint."""
    for number in (signal.SIGHUP, signal.SIGUSR2, signal.SIGXCPU, signal.SIGINT):
        folder = program.folder / number.name
        job = begin(program, folder)
        time.sleep(0.2)
        tell(job, number)
        result = job.result()
        checks.expect(result.code == STOPPED and f"stopped by signal {number.name}" in result.out and len(checkpoints(folder)) == 1,
                      f"{number.name}: {STOPPED} and a checkpoint", result)


def deck_by_pipe(checks, program):
    """A deck on standard input, or through a pipe, runs as the file does, on any number of ranks."""
    program.run("run", DECK, "--output", program.folder / "file", "--quiet", ranks=0)
    want = digest(program.folder / "file")
    mpirun = [program.mpirun, "--oversubscribe", "--bind-to", "none", "--mca", "mpi_yield_when_idle", "1", "-n"]
    for name, words, deck in (("alone", [], "-"), ("two_ranks", [*mpirun, "2"], "-"), ("three_ranks", [*mpirun, "3"], "/dev/stdin")):
        folder = program.folder / name
        with open(DECK) as text:
            done = subprocess.run([*words, program.binary, "run", deck, "--quiet", "--threads", "1", "--output", folder], stdin=text,
                                  capture_output=True, text=True, cwd=program.folder, env=environment(), timeout=60, check=False)
        checks.expect(done.returncode == DONE and digest(folder) == want, f"{deck}, {name}", done)
    pipe = subprocess.run(["bash", "-c", f"{program.binary} run <(cat {DECK}) --quiet --output process"], cwd=program.folder,
                          capture_output=True, text=True, env=environment(), timeout=60, check=False)
    checks.expect(pipe.returncode == DONE and digest(program.folder / "process") == want, "a process substitution", pipe)
    bad = subprocess.run([*mpirun, "2", program.binary, "check", "-"], input="name: x\nsede: 1\n", capture_output=True, text=True,
                         env=environment(), timeout=60, check=False)
    checks.expect(bad.returncode == INPUT and "-:2:1: unknown key 'sede'" in bad.stderr, "a mistake in it has its line", bad)
    endless = program.run("check", "/dev/zero", ranks=2)
    checks.expect(endless.code == INPUT and "/dev/zero" in endless.err, "edges/dev_zero: it ends", endless)


def going_on(checks, program):
    """A stop prints the whole command that continues it; going on in another folder leaves the first as it is."""
    values = {"time.duration": "60 s", "services[0].workload.arrivals.rate": "30 /s", "time.window": "0.1 ms"}
    plain = program.folder / "plain"
    program.run("run", DECK, "--output", plain, "--quiet", *sets(values), ranks=2)
    folder = program.folder / "it's here"
    stopped = stopped_run(program, folder, ranks=0, values=values)
    if not checks.expect(stopped.code == STOPPED, "the run stops", stopped):
        return
    line = stopped.out.split("go on with\n")[1].splitlines()[0]
    words = shlex.split(line)
    checks.expect(words[-2:] == ["--restart", str(folder)] and "services[0].workload.arrivals.rate=30 /s" in words, "the line is whole", line)
    before = files_in(folder)
    copy = program.folder / "copy"
    elsewhere = program.run("run", DECK, "--quiet", *sets(values), "--restart", folder, "--output", copy, ranks=2)
    checks.expect(elsewhere.code == DONE and digest(copy) == digest(plain), "a restart into another folder ends as the whole run", elsewhere)
    checks.expect(files_in(folder) == before, "and leaves the first folder as it was")
    done = subprocess.run(line, shell=True, capture_output=True, text=True, cwd=program.folder, env=environment(), timeout=120, check=False)
    checks.expect(done.returncode == DONE and digest(folder) == digest(plain) and "restarting " in done.stdout, "the line goes on", done)

    newest = checkpoints(folder)[-1]
    again = program.run("run", DECK, "--quiet", *sets(values), "--restart", newest, "--output", folder, ranks=0)
    checks.expect(again.code == DONE and digest(folder / "previous-1") == digest(plain),
                  "a restart over a finished result keeps that", again)


def restart_compares(checks, program):
    """edges/request_sample_at_restart: what a record depends on is compared, and the key is named, then and now."""
    folder = program.folder / "compare"
    values = {**ENDLESS, "output.checkpoint_every": "0.1 s"}
    stopped_run(program, folder, values=values)
    before = files_in(folder)
    for change, said in (("output.request_sample=0.5", "output.request_sample was 1 and is now 0.5"), ("seed=9", "seed was 1 and is now 9"),
                         ("time.duration=300 s", "time.duration was 200000 s and is now 300 s")):
        result = program.run("run", DECK, "--quiet", "--output", folder, "--restart", folder, *sets(values), "--set", change, ranks=2)
        checks.expect(result.code == INPUT and said in result.err, f"--set {change} is refused, and named", result)
    checks.expect(files_in(folder) == before, "a refused restart changes nothing")
    free = stopped_run(program, folder, "--restart", folder, "--set", "name=other", "--set", "output.checkpoint_every=7 s", values=values)
    checks.expect(free.code == STOPPED, "what cannot matter may change", free)


def main():
    options = arguments(__doc__)
    run_parts((earlier_results_deleted, files_of_others, two_runs_one_folder, signal_while_starting, signal_in_setup, hup, deck_by_pipe,
               going_on, restart_compares), options, "megaweave-jobs-")


if __name__ == "__main__":
    main()
