#!/usr/bin/env python3
"""The program as a user meets it: what it says, where it says it, how it ends, and what it leaves on disk. Exit codes come through
mpirun as they are.

    cli.py MEGAWEAVE MPIRUN
"""
import csv
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "regression"))
from harness import (BUSY, BUSY_DECK, DONE, INPUT, STOPPED, TREE, WORLD, arguments, checkpoints, digest, run_parts, sets)

DECK = TREE / "tests/decks/good/minimal.yaml"
BAD = TREE / "tests/decks/bad"
SAMPLE = TREE / "inputs/points_example.csv"
TRACES = TREE / "tests/decks/bad_traces"
MAXMIN = TREE / "../shared/reference/maxmin"
# Long enough to be interrupted on any machine.
ENDLESS = {**BUSY, "time.duration": "4000 s"}


def help_and_version(checks, program):
    for ranks in (0, 1, 2):
        name = f"on {ranks} ranks (0: without mpirun)"
        text = program.run("--help", ranks=ranks)
        checks.expect(text.code == DONE and text.out.count("Usage") == 1, f"--help helps once {name}", text)
        for command in ("run", "check", "flows", "validate", "catalogue"):
            checks.expect(f"\n  {command} " in text.out, f"--help lists {command} {name}", text)
        text = program.run("--version", ranks=ranks)
        checks.expect(text.code == DONE and text.out.startswith("megaweave ") and text.out.count("megaweave") == 1,
                      f"--version says it once {name}", text)
    text = program.run("run", "--help", ranks=0)
    for option in ("--set", "--output", "--threads", "--restart", "--time-limit", "--quiet"):
        checks.expect(option in text.out, f"run --help tells of {option}", text)


def mistakes(checks, program):
    """Mistakes on the command line and in decks: exit 2, one message, nothing left behind."""
    cases = [
        ("no command", [], "subcommand"),
        ("an unknown command", ["fly", DECK], "fly"),
        ("no deck", ["run"], "DECK"),
        ("a deck that is not there", ["run", "nowhere.yaml"], "nowhere.yaml"),
        ("a deck that is a folder", ["run", program.folder], str(program.folder)),
        ("--set without a value", ["run", DECK, "--set", "seed"], "PATH=VALUE"),
        ("--set of an unknown key", ["run", DECK, "--set", "time.durations=2 s"], "durations"),
        ("--set without its unit", ["run", DECK, "--set", "time.duration=2"], "time.duration"),
        ("--time-limit 90", ["run", DECK, "--time-limit", "90"], "HH:MM:SS"),
        ("--time-limit 00:00:00", ["run", DECK, "--time-limit", "00:00:00"], "HH:MM:SS"),
        ("--time-limit 00:61:00", ["run", DECK, "--time-limit", "00:61:00"], "HH:MM:SS"),
        ("--threads 0", ["run", DECK, "--threads", "0"], "--threads"),
        ("--restart from nothing", ["run", DECK, "--restart", "nothing"], "nothing"),
        ("does_not_fit: a model that no instance holds", ["check", DECK, "--set", "services[0].model=deepseek-v3"],
         "--set services[0].model=deepseek-v3: service"),
        ("points that are not there", ["validate", "nowhere.csv"], "nowhere.csv"),
        ("points without columns", ["validate", DECK], "no column 'source'"),
        ("--filter without a value", ["validate", SAMPLE, "--filter", "load"], "COLUMN=VALUE"),
        ("--filter of an unknown column", ["validate", SAMPLE, "--filter", "lod=max"], "Did you mean 'load'?"),
        ("--set of an unknown entry's key", ["validate", SAMPLE, "--set", "racks.hgx-h100.nodez=1"], "nodez"),
        ("an unknown kind", ["catalogue", "motors"], "motors"),
        ("an unknown entry", ["catalogue", "racks", "hgx-h1000"], "hgx-h100"),
    ]
    for what, words, said in cases:
        refused(checks, program, 2, what, words, said)
    for name, ranks in (("unknown_key", 1), ("many_mistakes", 2), ("clos_too_small", 2), ("binary", 1)):
        for command in ("run", "check"):
            refused(checks, program, ranks, f"{command} {name}.yaml", [command, BAD / f"{name}.yaml"], f"{name}.yaml:")
    for name in ("negative", "ragged"):
        for ranks in (1, 2):
            refused(checks, program, ranks, f"trace {name}.csv", ["run", trace_deck(program.folder, TRACES / f"{name}.csv")], f"{name}.csv")


def refused(checks, program, ranks, what, words, said):
    before = set(program.folder.iterdir())
    result = program.run(*words, ranks=ranks)
    name = f"{what}, {ranks} ranks"
    checks.expect(result.code == INPUT, f"{name}: exit {INPUT}", result)
    told = [line for line in own_lines(result) if line]
    checks.expect(said in "\n".join(told), f"{name}: the message says '{said}'", result)
    checks.expect(told and len(told) == len(set(told)), f"{name}: each message once", result)
    checks.expect(set(program.folder.iterdir()) == before, f"{name}: nothing is left on disk", sorted(program.folder.iterdir()))


def own_lines(result):
    """stderr without what mpirun adds between lines of dashes."""
    lines, outside = [], True
    for line in result.err.splitlines():
        if line.startswith("-----"):
            outside = not outside
        elif outside:
            lines.append(line)
    return lines


def trace_deck(folder, trace):
    deck = folder / f"trace_{trace.stem}.yaml"
    text = DECK.read_text()
    start = text.index("      arrivals:")
    deck.write_text(text[:start] + f"      arrivals: {{process: trace, file: {trace}, format: csv}}\n")
    return deck


def output_folder(checks, program):
    blocker = program.folder / "a_file"
    blocker.write_text("not a folder")
    for ranks in (1, 2):
        result = program.run("run", DECK, "--output", blocker / "out", ranks=ranks)
        checks.expect(result.code == WORLD, f"an output folder that cannot be: exit {WORLD}, {ranks} ranks", result)
        checks.expect(result.err.count("cannot make the output folder") == 1, f"and one message, {ranks} ranks", result)

    folder = program.folder / "twice"
    first = program.run("run", DECK, "--output", folder, "--quiet")
    checks.expect(first.code == DONE and first.err == "", "--quiet is silent on stderr", first)
    checks.expect("digest: " in first.out and str(folder) in first.out, "the results and their place are on stdout", first)
    old = digest(folder)
    second = program.run("run", DECK, "--output", folder, "--quiet", "--set", "seed=2", ranks=2)
    checks.expect(second.code == DONE and digest(folder) != old, "another seed gives another digest", second)
    checks.expect(digest(folder / "previous-1") == old, "the earlier results are in previous-1/")
    checks.expect((folder / "previous-1/run.h5").exists() and (folder / "previous-1/run.xdmf").exists(), "all of them")


def lost_rank(checks, program):
    job = program.start("run", BUSY_DECK, "--output", program.folder / "lost", "--threads", 1, *sets(ENDLESS), ranks=3)
    pids = job.await_watch(3)
    if checks.expect(len(pids) == 3, "three ranks start"):
        time.sleep(0.5)
        job.kill_ranks(pids[1:2])
    result = job.result(30)
    # mpirun's own code, as the README says: 128 and the signal (edges/lost_rank)
    checks.expect(result.code == 128 + signal.SIGKILL, "one of three ranks dies: mpirun ends with 137", result)
    deadline = time.monotonic() + 5
    while any(alive(pid, program.binary) for pid in pids) and time.monotonic() < deadline:
        time.sleep(0.05)
    checks.expect(not any(alive(pid, program.binary) for pid in pids), "no rank is left behind")


def alive(pid, binary):
    try:
        return os.path.realpath(f"/proc/{pid}/exe") == binary
    except OSError:
        return False


def time_limit(checks, program):
    folder = program.folder / "limited"
    result = program.run("run", BUSY_DECK, "--output", folder, "--time-limit", "00:00:01", "--quiet", *sets(ENDLESS), ranks=2)
    checks.expect(result.code == STOPPED and "time limit" in result.out and "--restart" in result.out,
                  f"--time-limit: exit {STOPPED}, and how to go on", result)
    checks.expect(len(checkpoints(folder)) == 1, "and a checkpoint")


def stop_and_restart(checks, program):
    """Signals as a batch system sends them, to mpirun; then what a restart refuses."""
    # mpirun passes SIGUSR1 on and SIGTERM too, but after SIGTERM its own exit code is 1; and it kills after this many seconds.
    patient = ("--mca", "odls_base_sigkill_timeout", "5")
    for name, number, options in (("SIGTERM", signal.SIGTERM, patient), ("SIGUSR1", signal.SIGUSR1, ())):
        folder = program.folder / name
        job = program.start("run", BUSY_DECK, "--output", folder, "--threads", 1, "--quiet", *sets(ENDLESS), ranks=2, mpirun_options=options)
        if checks.expect(job.await_watch(2), "two ranks start"):
            time.sleep(0.5)
            os.kill(job.process.pid, number)
        result = job.result()
        expected = (STOPPED,) if number == signal.SIGUSR1 else (STOPPED, 1)
        checks.expect(result.code in expected and f"stopped by signal {name}" in result.out,
                      f"{name} to mpirun: exit code {expected}", result)
        checks.expect(len(checkpoints(folder)) == 1, f"a checkpoint is left after {name}", result)
    files = checkpoints(folder)
    if not files:
        return

    deck = ["run", BUSY_DECK, "--restart", folder, "--quiet", *sets(ENDLESS)]
    for ranks in (1, 2):
        other = program.run(*deck, "--output", folder, "--set", "seed=8", ranks=ranks)
        checks.expect(other.code == INPUT and other.err.count("was written by a run of another deck") == 1,
                      f"a restart with another deck is refused, once, {ranks} ranks", other)
        checks.expect("seed was 7 and is now 8" in other.err, f"and the key that differs is named, {ranks} ranks", other)
    (folder / "run.h5").rename(folder / "kept.h5")
    alone = program.run(*deck, "--output", program.folder / "elsewhere", ranks=2)
    checks.expect(alone.code == WORLD and "run.h5 is missing" in alone.err, "a restart without its run.h5 is refused", alone)
    (folder / "kept.h5").rename(folder / "run.h5")

    whole = files[0].read_bytes()
    damages = {"cut off": whole[: len(whole) // 2], "a few bytes changed": changed(whole), "no HDF5": b"hello\n" * 100, "empty": b""}
    for what, damaged in damages.items():
        files[0].write_bytes(damaged)
        before = (folder / "run.h5").read_bytes()
        result = program.run(*deck, "--output", folder, ranks=2)
        checks.expect(result.code == WORLD and result.err.count("is damaged or no checkpoint") == 1,
                      f"a damaged checkpoint ({what}) is refused, once", result)
        checks.expect((folder / "run.h5").read_bytes() == before, f"and run.h5 stays as it is ({what})")


def changed(data):
    middle = len(data) // 2
    return data[:middle] + bytes(byte ^ 0xFF for byte in data[middle:middle + 64]) + data[middle + 64:]


def flows(checks, program):
    if not MAXMIN.is_dir():
        print(f"skipped: flows, since {MAXMIN} is absent")
        return
    for case in ("ft64_taper_perm", "ft64_taper_incast63"):
        deck = program.folder / f"{case}.yaml"
        deck.write_text("name: reference\nseed: 1\ncluster:\n  scale_out: {topology: explicit, "
                        f"links: {(MAXMIN / case / 'links.csv').resolve()}, routes: {(MAXMIN / case / 'routes.csv').resolve()}}}\n")
        out = program.folder / f"{case}.csv"
        result = program.run("flows", deck, MAXMIN / case / "flows.csv", out, ranks=2)
        if not checks.expect(result.code == DONE and out.exists(), f"flows {case}", result):
            continue
        expected, got = finish_times(MAXMIN / case / "expected.csv"), finish_times(out)
        worst = max((abs(got.get(flow, 0) / finish - 1) for flow, finish in expected.items()), default=1)
        # The reference is exact to 1e-14; ours rounds rates to whole bytes/s and times to whole ns.
        checks.expect(len(expected) == len(got) > 0 and worst <= 1e-6, f"flows {case}: finish times to 1e-6 (worst {worst:.2g})")


def finish_times(path):
    with open(path, newline="") as file:
        return {row["flow"]: float(row["finish_s"]) for row in csv.DictReader(file)}


def validate(checks, program):
    """Predictions are the same bytes for any ranks and threads; what cannot be run is listed and not fatal."""
    outputs = {}
    for ranks, threads in ((1, 1), (1, 2), (2, 1), (2, 2), (3, 1), (3, 2)):
        out = program.folder / f"validate_{ranks}_{threads}.csv"
        result = program.run("validate", SAMPLE, "--output", out, "--threads", threads, ranks=ranks)
        if checks.expect(result.code == DONE and out.exists(), f"validate on {ranks} ranks x {threads} threads", result):
            outputs[ranks, threads] = (out.read_bytes(), result.out.replace(str(out), "OUT"))
    checks.expect(len(set(outputs.values())) == 1, "validate says the same for any ranks and threads")
    with open(program.folder / "validate_1_1.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    ran = [row for row in rows if row["status"] == "ok"]
    checks.expect(len(rows) > len(ran) > 0, "some rows of the sample cannot be run, most can")
    for row in ran:
        error = float(row["predicted"]) / float(row["value"]) - 1
        shares = sum(float(value) for name, value in row.items() if name.startswith("share_"))
        checks.expect(abs(error - float(row["error"])) < 1e-5, f"{row['id']}: error is predicted over measured less one", row)
        checks.expect(abs(shares - 1) < 1e-4 and row["binding"], f"{row['id']}: time shares sum to 1, and one resource binds", row)
    checks.expect(all(row["reason"] for row in rows if row["status"] != "ok"), "rows that are not run say why")
    made_up = [row for row in ran if row["engine_wanted"] == "vllm-made-up"]
    checks.expect(made_up and all(row["engine_used"] == "vllm" and row["stand_in"] == "family" for row in made_up),
                  "a row whose engine generation is unknown says which entry stood in", made_up)
    checks.expect(f"{len(made_up)} rows: vllm-made-up by vllm (family)" in outputs[1, 1][1], "and so does the report", outputs[1, 1][1])

    one = program.run("validate", SAMPLE, "--filter", "load=static", ranks=1)
    checks.expect("static" in one.out and "closed" not in one.out, "--filter leaves out the rest", one)
    slow = program.folder / "slow.csv"
    program.run("validate", SAMPLE, "--output", slow, "--set", "racks.hgx-h100.accelerator.base=a100-80g", ranks=1)
    checks.expect(slow.exists() and slow.read_bytes() != outputs[1, 1][0], "--set changes the catalogue")


def warnings(checks, program):
    """What a deck promises too much is told by check, by run and in the summary, in the same words (runs/rejected_not_in_met_fraction)."""
    small = ["--set", "services[0].scheduler.kv_blocks=4"]  # 64 tokens, where every request needs 109
    said = "service chat: all requests (109 tokens) need more than the 64 tokens of KV cache"
    check = program.run("check", DECK, *small, ranks=2)
    checks.expect(check.code == DONE and check.out.count(f"note: {said}") == 1, "check warns of requests that never fit, once", check)
    run = program.run("run", DECK, "--output", program.folder / "warned", "--quiet", *small, ranks=2)
    checks.expect(run.code == DONE and run.out.count(f"warning: {said}") == 1, "run warns of them, once", run)
    summary = (program.folder / "warned/summary.yaml").read_text()
    checks.expect(summary[summary.index("warnings:"):].count(said) == 1, "and so does the summary", summary)
    limits = program.run("catalogue", "models", "llama-2-7b", ranks=0)
    checks.expect("context: 4096" in limits.out, "the catalogue states a model's context", limits)


def listings(checks, program):
    catalogue = program.run("catalogue", ranks=2)
    for name in ("hgx-h100", "gb200-nvl72", "llama-3.1-70b", "deepseek-v3", "dsp-pluggable"):
        checks.expect(catalogue.code == DONE and catalogue.out.count(f"\n  {name} ") == 1, f"the catalogue lists {name} once", catalogue)
    kind = program.run("catalogue", "racks", ranks=0)
    checks.expect(kind.code == DONE and "hgx-h100" in kind.out and "llama" not in kind.out, "catalogue racks lists racks only", kind)
    entry = program.run("catalogue", "racks", "hgx-h100", ranks=0)
    checks.expect(entry.code == DONE and "accelerator" in entry.out, "catalogue racks hgx-h100 writes it out", entry)
    check = program.run("check", TREE / "inputs/quickstart.yaml", ranks=2)
    checks.expect(check.code == DONE and check.out.count("service chat") == 1, "check shows the deployment once", check)


def installed(checks, program):
    """Beside share/megaweave, as it is installed, the program finds its catalogue; an entry that only this one has proves which."""
    (program.folder / "bin").mkdir()
    binary = Path(shutil.copy(program.binary, program.folder / "bin"))
    catalogue = Path(shutil.copytree(TREE / "inputs/catalogue", program.folder / "share/megaweave/catalogue"))
    switches = catalogue / "switches.yaml"
    switches.write_text(switches.read_text() + "\nonly-here: {bandwidth: 1 Tb/s, idle: 1 W, active: 2 W, source: none}\n")
    environment = {key: value for key, value in os.environ.items() if key != "MEGAWEAVE_CATALOGUE"}
    listed = subprocess.run([binary, "catalogue", "switches"], env=environment, capture_output=True, text=True, check=False)
    checks.expect(listed.returncode == DONE and "only-here" in listed.stdout, "an installed program reads the catalogue beside it",
                  listed.stdout + listed.stderr)


def main():
    options = arguments(__doc__)
    run_parts((help_and_version, mistakes, output_folder, lost_rank, time_limit, stop_and_restart, flows, validate,
               warnings, listings, installed), options, "megaweave-cli-")


if __name__ == "__main__":
    main()
