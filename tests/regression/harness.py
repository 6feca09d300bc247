"""Shared by the scripts of tests/regression and tests/app: start megaweave as a user does, count what holds, compare two runs."""
import argparse
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

try:
    import h5py
except ImportError:
    h5py = None

TREE = Path(__file__).resolve().parents[2]
DONE, INPUT, WORLD, STOPPED = 0, 2, 3, 75


class Checks:
    """Counts what holds and prints what does not."""

    def __init__(self):
        self.passed = 0
        self.failed = 0

    def expect(self, holds, what, detail=""):
        if holds:
            self.passed += 1
        else:
            self.failed += 1
            print(f"FAILED: {what}\n{detail}".rstrip(), flush=True)
        return bool(holds)

    def finish(self):
        print(f"{self.passed} passed, {self.failed} failed", flush=True)
        sys.exit(1 if self.failed else 0)


class Result:
    """How a program ended. `code` is None if it had to be killed after the time allowed."""

    def __init__(self, code, out, err):
        self.code, self.out, self.err = code, out, err

    def __str__(self):
        return f"  exit code: {self.code}\n  stdout: {self.out[-1500:]}\n  stderr: {self.err[-3000:]}"


class Job:
    """A megaweave under mpirun, in a process group of its own, so that nothing of it outlives the test."""

    def __init__(self, command, folder):
        self.command = command
        self.process = subprocess.Popen(command, cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, text=True, errors="replace", start_new_session=True,
                                        env=environment())

    def ranks(self):
        """Process ids of the ranks: the descendants of mpirun that run the program itself."""
        wanted = os.path.realpath(next(word for word in self.command if os.path.basename(word) == "megaweave"))
        family, found = {self.process.pid}, []
        for pid, parent in sorted(parents().items()):
            if parent in family:
                family.add(pid)
        for pid in sorted(family):
            try:
                if os.path.realpath(f"/proc/{pid}/exe") == wanted:
                    found.append(pid)
            except OSError:
                pass
        return found

    def locked(self):
        """The output folder is; from then on a signal is answered with a checkpoint."""
        words = self.command
        if "--output" not in words:
            return True
        try:
            text = Path(words[words.index("--output") + 1], ".megaweave.lock").read_text()
            return int(text.split("pid ")[1].split()[0]) in (self.ranks() or [self.process.pid])
        except (OSError, IndexError, ValueError):
            return False

    def watching(self, ranks):
        """Whether all ranks have their handlers (0: the process, started without mpirun)."""
        pids = self.ranks() if ranks else [self.process.pid]
        return len(pids) == max(ranks, 1) and all(catches(pid, signal.SIGUSR1) for pid in pids)

    def await_watch(self, count, seconds=60):
        """Until `count` ranks are under way: they watch SIGUSR1, as /proc says, and have locked the output folder. Their process ids, or
        [] if the program ended before."""
        deadline = time.monotonic() + seconds
        while self.running() and time.monotonic() < deadline:
            pids = self.ranks()
            if len(pids) == count and all(catches(pid, signal.SIGUSR1) for pid in pids) and self.locked():
                return pids
            time.sleep(0.005)
        return []

    def running(self):
        return self.process.poll() is None

    def kill_ranks(self, pids):
        for pid in pids:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass

    def result(self, seconds=60):
        try:
            out, err = self.process.communicate(timeout=seconds)
            return Result(self.process.returncode, out, err)
        except subprocess.TimeoutExpired:
            orphans = self.ranks()
            os.killpg(self.process.pid, signal.SIGKILL)
            self.kill_ranks(orphans)
            out, err = self.process.communicate()
            return Result(None, out, err + f"\n  killed after {seconds} s")


def catches(pid, number):
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False
    mask = next(line.split()[1] for line in status.splitlines() if line.startswith("SigCgt:"))
    return bool(int(mask, 16) >> (number - 1) & 1)


def parents():
    """Parent of every process."""
    table = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                table[int(folder.name)] = int((folder / "stat").read_text().rsplit(")", 1)[1].split()[1])
            except (OSError, IndexError):
                pass
    return table


def environment():
    return {**os.environ, "OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
            "PRTE_ALLOW_RUN_AS_ROOT": "1", "PRTE_ALLOW_RUN_AS_ROOT_CONFIRM": "1"}


class Program:
    def __init__(self, binary, mpirun, folder):
        self.binary, self.mpirun, self.folder = os.path.realpath(binary), mpirun, Path(folder)

    def start(self, *arguments, ranks=1, mpirun_options=()):
        """ranks=0: without mpirun."""
        command = [self.binary, *map(str, arguments)]
        if ranks > 0:
            # Yielding: with more ranks and threads than processors, waiting ranks must not hold one.
            command = [self.mpirun, "-n", str(ranks), "--oversubscribe", "--bind-to", "none",
                       "--mca", "mpi_yield_when_idle", "1", *mpirun_options, *command]
        return Job(command, self.folder)

    def run(self, *arguments, ranks=1, seconds=60):
        return self.start(*arguments, ranks=ranks).result(seconds)


def arguments(description, **options):
    """BINARY MPIRUN and a few options of the script's own; given as name=(default, help)."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("binary")
    parser.add_argument("mpirun")
    for name, (default, text) in options.items():
        parser.add_argument(f"--{name}", type=type(default), default=default, help=f"{text} (default: {default})")
    parsed = parser.parse_args()
    if h5py is None:
        print("skipped: comparison of run.h5, since h5py is not on this machine")
    return parsed


def run_parts(parts, options, prefix):
    """Each part of a test by itself, in a folder that is gone afterwards; ends the script."""
    checks = Checks()
    for part in parts:
        folder = tempfile.mkdtemp(prefix=prefix)
        start = time.monotonic()
        part(checks, Program(options.binary, options.mpirun, folder))
        print(f"{part.__name__}: {time.monotonic() - start:.1f} s", flush=True)
        shutil.rmtree(folder)
    checks.finish()


def sets(values):
    """{'time.duration': '2 s'} as command line."""
    return [word for path, value in values.items() for word in ("--set", f"{path}={value}")]


# A site that keeps a rank busy for seconds: contention, preemption, recomputation, several routers.
BUSY_DECK = TREE / "tests/decks/small/contended.yaml"
BUSY = {"cluster.accelerators": "1032", "services[0].workload.arrivals.rate": "800 /s", "time.duration": "40 s"}


def checkpoints(folder):
    return sorted((Path(folder) / "checkpoints").glob("checkpoint-*.h5"))


def reference(checks, program, folder, values):
    """The busy run without interruption, on two ranks; the wall time it took, or None."""
    start = time.monotonic()
    result = program.run("run", BUSY_DECK, "--output", folder, "--threads", 1, "--quiet", *sets(values), ranks=2, seconds=120)
    checks.expect(result.code == DONE, "the uninterrupted run ends", result)
    return time.monotonic() - start if result.code == DONE else None


def summary(folder):
    """summary.yaml, cut into what is the same for any ranks and threads, and the performance block."""
    text = (Path(folder) / "summary.yaml").read_text()
    results, mark, performance = text.partition("\nperformance:")
    assert mark, f"no performance block in {folder}/summary.yaml"
    later = [line for line in performance.splitlines()[1:] if line and not line.startswith(" ")]
    assert not later, f"blocks after performance: {later}"
    return results, performance


def value(text, key):
    """The number behind the first `key:` in a summary."""
    for line in text.splitlines():
        name, mark, rest = line.strip().partition(":")
        if mark and name == key:
            return float(rest.split()[0])
    raise KeyError(key)


def digest(folder):
    line = next(line for line in summary(folder)[0].splitlines() if line.startswith("digest:"))
    return line.split()[1]


def difference(folder_a, folder_b):
    """What two runs disagree on, to the last bit; "" if nothing. The performance block apart."""
    found = []
    a, b = summary(folder_a)[0].splitlines(), summary(folder_b)[0].splitlines()
    found += [f"  summary.yaml: {x!r} and {y!r}" for x, y in zip(a, b) if x != y]
    if len(a) != len(b):
        found.append(f"  summary.yaml: {len(a)} and {len(b)} lines")
    if (Path(folder_a) / "run.xdmf").read_bytes() != (Path(folder_b) / "run.xdmf").read_bytes():
        found.append("  run.xdmf differs")
    if h5py is not None:
        found += h5_difference(Path(folder_a) / "run.h5", Path(folder_b) / "run.h5")
    return "\n".join(found[:20])


def h5_contents(path):
    """{path of an object or attribute: (type, shape, bytes)}."""
    contents = {}

    def note(name, thing):
        if isinstance(thing, h5py.Dataset):
            contents[name] = (str(thing.dtype), thing.shape, as_bytes(thing[()]))
        else:
            contents[name] = ("group", (), b"")
        for key, text in thing.attrs.items():
            contents[f"{name}@{key}"] = (str(getattr(text, "dtype", type(text))), getattr(text, "shape", ()), as_bytes(text))

    with h5py.File(path, "r") as file:
        note("", file)
        file.visititems(note)
    return contents


def as_bytes(data):
    if getattr(getattr(data, "dtype", None), "hasobject", False):
        return repr(data.tolist()).encode()
    return data.tobytes() if hasattr(data, "tobytes") else repr(data).encode()


def h5_difference(path_a, path_b):
    a, b = h5_contents(path_a), h5_contents(path_b)
    return [f"  run.h5: /{name} {'differs' if name in a and name in b else 'is only in one'}"
            for name in sorted(set(a) | set(b)) if a.get(name) != b.get(name)]
