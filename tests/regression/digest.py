#!/usr/bin/env python3
"""The result is a function of the deck alone: the same digest, summary and recorded data, to the last bit, for any number of ranks
and threads. No tolerance.

    digest.py MEGAWEAVE MPIRUN [--ranks 1,2,3,4,7] [--threads 1,2]
"""
import tempfile
from pathlib import Path

from harness import DONE, TREE, Checks, Program, arguments, difference, h5_contents, h5py, sets, summary, value

SHORT = {"time.duration": "2 s", "time.warmup": "1 s"}
# deck, what is set, and what must have happened for the comparison to mean anything: {key of the summary: more than}
CASES = [
    ("inputs/quickstart.yaml", SHORT, {"kv_bytes_transferred": 0}),
    ("inputs/clusters/odd_200.yaml", {"time.duration": "4 s", "time.warmup": "1 s"}, {"kv_bytes_transferred": 0, "completed": 0}),
    ("inputs/clusters/two_services.yaml", {"time.duration": "3 s", "time.warmup": "1 s"}, {"completed": 0}),
    *((f"inputs/clusters/topologies/{name}.yaml", {"time.duration": "600 ms", "time.warmup": "400 ms"}, {"kv_bytes_transferred": 0})
      for name in ("dragonfly", "torus", "hyperx", "explicit")),
    ("tests/decks/small/contended.yaml", {}, {"preempted": 10, "peak_link_utilisation": 0.95, "completed": 0}),
    ("tests/decks/small/drafts.yaml", {"time.duration": "2 s"}, {"preempted": 0, "cached_input_tokens_per_s": 0, "completed": 0}),
    ("tests/decks/small/demand_response.yaml", {"time.duration": "4 s", "time.warmup": "1 s", "facility.control.policy": "shed",
                                                "facility.control.event": "{start: 1 s, duration: 2 s, budget: 150 kW}"},
     {"completed": 0, "rejected": 0}),
    ("tests/decks/small/cooling_failure.yaml", {"time.duration": "6 s", "time.warmup": "2 s", "facility.thermal.loop": "1 s",
                                                "facility.thermal.failure": "{start: 1 s, duration: 4 s}"}, {"completed": 0}),
    ("tests/decks/small/ride_through.yaml", {"time.duration": "12 s", "time.warmup": "2 s", "facility.grid.event.start": "1 s",
      "facility.grid.generators_start": "9 s", "facility.grid.restart": "1 s",
      "facility.delivery.battery.autonomy": "1 s", "facility.delivery.rack_storage.capacity": "0.06 kWh"}, {"rejected": 0, "completed": 0}),
    ("tests/decks/small/memory_pool.yaml", {"time.duration": "3 s"}, {"preempted": 0, "share_of_kv_blocks": 0.1, "cached_input_tokens_per_s": 0,
                                                                      "completed": 0}),
    ("tests/decks/small/site_pool.yaml", {}, {"preempted": 0, "share_of_kv_blocks": 0.1, "cached_input_tokens_per_s": 0, "kv_bytes_transferred": 0,
                                              "completed": 0}),
    ("tests/decks/small/spanning.yaml", {"cluster.scale_out.transport": "{kind: sprayed}"}, {"kv_bytes_transferred": 0, "completed": 0}),
    ("tests/decks/small/spanning.yaml", {}, {"kv_bytes_transferred": 0, "completed": 0}),
    ("tests/decks/small/experts.yaml", {"time.duration": "2 s", "cluster.scale_out.transport": "{kind: sprayed}"}, {"peak_link_utilisation": 0.5, "completed": 0}),
    ("tests/decks/small/experts.yaml", {"time.duration": "2 s"}, {"kv_bytes_transferred": 0, "peak_link_utilisation": 0.5, "completed": 0}),
]


def compare(checks, program, deck, values, happened, layouts):
    reference = None
    for ranks, threads in layouts:
        folder = program.folder / Path(deck).stem / f"{ranks}x{threads}"
        result = program.run("run", TREE / deck, "--output", folder, "--threads", threads, "--quiet", *sets(values), ranks=ranks)
        name = f"{deck} on {ranks} ranks x {threads} threads"
        if not checks.expect(result.code == DONE, f"{name} runs", result):
            continue
        results, performance = summary(folder)
        checks.expect(value(performance, "ranks") == ranks and value(performance, "threads") == threads,
                      f"{name} says how it ran", performance)
        if reference is None:
            reference = folder
            for key, least in happened.items():
                checks.expect(value(results, key) > least, f"{name}: {key} is above {least}", results)
            if h5py is not None:
                objects = h5_contents(folder / "run.h5")
                checks.expect(any(key.endswith("time_s") for key in objects) and any(key.startswith("rack/") for key in objects),
                              f"{name} records series", sorted(objects))
        else:
            found = difference(reference, folder)
            checks.expect(not found, f"{name} gives the results of {reference.name}", found)


def main():
    options = arguments(__doc__, ranks=("1,2,3,4,7", "ranks to try"), threads=("1,2", "threads of each rank to try"))
    layouts = [(int(r), int(t)) for r in options.ranks.split(",") for t in options.threads.split(",")]
    checks = Checks()
    with tempfile.TemporaryDirectory(prefix="megaweave-digest-") as folder:
        program = Program(options.binary, options.mpirun, folder)
        for deck, values, happened in CASES:
            compare(checks, program, deck, values, happened, layouts)
    checks.finish()


if __name__ == "__main__":
    main()
