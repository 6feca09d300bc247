#!/usr/bin/env python3
"""run.h5 opens labelled in xarray, without options, and in pandas and h5py: every group, after a plain run and after a restart
(case runs/file_without_dimension_scales). /instances joins requests to racks.

    labelled.py MEGAWEAVE MPIRUN
"""
import os
import signal
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path

os.environ["HDF5_USE_FILE_LOCKING"] = "FALSE"
try:
    import h5py
    import numpy as np
    import pandas
    import xarray
    import h5netcdf  # noqa: F401
except ImportError as error:
    print(f"skipped: {error.name} is not on this machine (python3-xarray python3-h5netcdf python3-pandas)")
    sys.exit(77)

TREE = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TREE / "tests/regression"))
from harness import DONE, STOPPED, Checks, Program, arguments, sets  # noqa: E402

DECK = TREE / "tests/decks/small/contended.yaml"
VALUES = {"time.duration": "3 s", "time.warmup": "200 ms", "services[0].workload.arrivals.rate": "40 /s",
          "services[0].workload.output": "{distribution: fixed, tokens: 10}"}


def groups_of(path):
    found = [None]
    with h5py.File(path, "r") as file:
        file.visititems(lambda name, thing: found.append(name) if isinstance(thing, h5py.Group) else None)
    return found


def opens_labelled(checks, path, name):
    for group in groups_of(path):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            try:
                with xarray.open_dataset(path, group=group, engine="h5netcdf") as data:
                    data.load()
            except Exception as error:  # noqa: BLE001
                checks.expect(False, f"{name}: xarray opens /{group or ''} without options", repr(error))
                continue
        numbers = [key for key, value in data.variables.items() if value.dtype.kind in "iuf" and value.ndim]
        without = [key for key in numbers if "units" not in data[key].attrs]
        checks.expect(not without, f"{name}: numbers of /{group or ''} have units", without)
        checks.expect(not any("phony" in dim for dim in data.dims), f"{name}: axes of /{group or ''} have names", data.dims)


def has_coordinates(checks, path, name):
    with h5py.File(path, "r") as file:
        racks, times = [text.decode() for text in file["racks/name"][()]], file["time_s"][()]
        power = file["rack/rack_power_w" if "rack/rack_power_w" in file else "rack/power_w"][()]
        quantity = "rack_power_w" if "rack/rack_power_w" in file else "power_w"
        checks.expect(file[f"rack/{quantity}"].dims[0][0].name.endswith("time_s"), f"{name}: h5py finds the axis")
    rack = xarray.open_dataset(path, group="rack", engine="h5netcdf")
    series = rack[quantity]
    checks.expect(series.dims == ("time_s", "name") and list(rack["name"].values) == racks, f"{name}: racks by name", rack)
    chosen = series.sel(name=racks[2]).sel(time_s=0.5, method="nearest")
    row = int(np.abs(times - 0.5).argmin())
    checks.expect(float(chosen) == float(power[row, 2]) and rack["time_s"].attrs["units"] == "s" and series.attrs["units"] == "W",
                  f"{name}: a rack at a time", chosen)
    links = xarray.open_dataset(path, group="links", engine="h5netcdf")
    checks.expect(links["utilisation"].dims == ("time_s", "name") and links["tier"].dims == ("name",), f"{name}: links by name", links)
    frame = xarray.open_dataset(path, group="facility", engine="h5netcdf").to_dataframe()
    checks.expect(isinstance(frame, pandas.DataFrame) and frame.index.name == "time_s" and len(frame) == len(times), f"{name}: pandas")


def joins(checks, path, name):
    requests = xarray.open_dataset(path, group="requests", engine="h5netcdf").to_dataframe()
    instances = xarray.open_dataset(path, group="instances", engine="h5netcdf").to_dataframe().reset_index()
    racks = xarray.open_dataset(path, group="racks", engine="h5netcdf").to_dataframe().reset_index()
    checks.expect(len(requests) > 0 and len(set(instances["name"])) == len(instances), f"{name}: instances have names of their own")
    joined = requests.merge(instances, left_on="prefill_instance", right_index=True)
    checks.expect(len(joined) == len(requests) and set(joined["role"]) == {"prefill"}, f"{name}: prompts ran on prefill instances", joined)
    decoded = requests.merge(instances, left_on="decode_instance", right_index=True)
    checks.expect(len(decoded) == len(requests) and set(decoded["role"]) == {"decode"}, f"{name}: answers on decode instances", decoded)
    # hgx-h100: 32 accelerators in a rack, numbered rack by rack.
    expected = instances["first_accelerator"] // 32
    checks.expect((instances["rack"] == expected).all() and (instances["accelerators"] == 4).all(), f"{name}: racks of the instances",
                  instances)
    checks.expect(instances["rack"].max() < len(set(racks["name"])), f"{name}: which exist")
    checks.expect(set(instances["service"]) == {"chat"} and (instances["cell"].diff().dropna() >= 0).all(), f"{name}: service and cell")


def run(checks, program, folder, ranks, *more):
    result = program.run("run", DECK, "--output", folder, "--threads", 1, "--quiet", *sets(VALUES), *more, ranks=ranks)
    checks.expect(result.code == DONE, f"the run ends on {ranks} ranks", result)


def stop(program, folder):
    job = program.start("run", DECK, "--output", folder, "--threads", 1, "--quiet", *sets(VALUES), ranks=2)
    for pid in job.await_watch(2):
        os.kill(pid, signal.SIGUSR1)
    return job.result().code == STOPPED


def dumps(checks, path):
    dump = subprocess.run(["h5dump", "-H", path], capture_output=True, text=True, check=False)
    checks.expect(dump.returncode == 0 and "DIMENSION_LIST" in dump.stdout, "h5dump reads it", dump.stderr[-500:])


def main():
    options = arguments(__doc__)
    checks = Checks()
    with tempfile.TemporaryDirectory(prefix="megaweave-labelled-") as folder:
        program = Program(options.binary, options.mpirun, folder)
        plain, again = program.folder / "plain", program.folder / "again"
        start = time.monotonic()
        run(checks, program, plain, 2)
        if checks.expect(stop(program, again), "a run is stopped"):
            run(checks, program, again, 3, "--restart", again)
        for name, path in (("plain", plain / "run.h5"), ("restarted", again / "run.h5")):
            opens_labelled(checks, path, name)
            has_coordinates(checks, path, name)
            joins(checks, path, name)
        if any((Path(place) / "h5dump").exists() for place in os.environ["PATH"].split(":")):
            dumps(checks, plain / "run.h5")
        print(f"{time.monotonic() - start:.1f} s")
    checks.finish()


if __name__ == "__main__":
    main()
