#!/usr/bin/env python3
"""ParaView reads run.xdmf with its plain XDMF reader: every step, both grids, right ranges; and render.py draws it.

    paraview_test.py SYNTHETIC_RUN RENDER_FOLDER

Exits with 77 (skipped) where pvpython or xvfb-run is missing. Inside pvpython it is its own reader: see `inside`.
"""
import math
import os
import shutil
import subprocess
import sys
import tempfile

RACKS, LINKS, ROWS = 60, 120, 40


def rack_power_w(row, rack):  # as tests/support/synthetic_site.hpp
    return 38000.0 + 6000.0 * math.sin(0.35 * rack + 0.11 * row) + 500.0 * math.cos(1.7 * rack)


def utilisation(row, link):
    return (link * 37 + row * 11) % 100 / 100.0


def inside(xdmf):
    """Prints what the reader says: times, then for some steps the ranges of a rack and a link quantity."""
    from paraview.simple import ExtractBlock, XDMFReader
    reader = XDMFReader(FileNames=[xdmf])
    reader.UpdatePipelineInformation()
    times = list(reader.TimestepValues)
    print("times", len(times), times[0], times[-1])
    for step in (0, 17, len(times) - 1):
        reader.UpdatePipeline(times[step])
        for block, quantity in (("racks", "power_w"), ("links", "utilisation")):
            part = ExtractBlock(Input=reader, Selectors=[f"/Root/{block}"])
            part.UpdatePipeline(times[step])
            print(block, step, part.GetDataInformation().GetNumberOfCells(), *part.CellData.GetArray(quantity).GetRange())


def run(*command, seconds=120):
    done = subprocess.run(["timeout", "-k", "5", str(seconds), *command], capture_output=True, text=True)
    return done.returncode, done.stdout + done.stderr


def check_reader(xdmf):
    code, out = run("pvpython", "--no-mpi", __file__, "--inside", xdmf)
    assert code == 0, out
    lines = [line.split() for line in out.splitlines() if line.split()[:1] and line.split()[0] in ("times", "racks", "links")]
    assert lines[0] == ["times", str(ROWS), "-0.4", "3.5"], lines[0]
    assert len(lines) == 7, out
    for block, step, cells, low, high in lines[1:]:
        count, value = (RACKS, rack_power_w) if block == "racks" else (LINKS, utilisation)
        values = [value(int(step), i) for i in range(count)]
        assert int(cells) == count, (block, cells)
        for got, expected in ((low, min(values)), (high, max(values))):
            assert abs(float(got) - expected) <= 1e-6 * abs(expected) + 1e-9, (block, step, got, expected)


def check_picture(render, xdmf, picture):
    command = ["xvfb-run", "-a", "-s", "-screen 0 1600x900x24 -noreset", "pvbatch", render, xdmf, picture]
    for _ in range(2):  # xvfb-run sometimes finds no free display
        code, out = run(*command)
        if code == 0:
            break
    assert code == 0, out
    assert os.path.getsize(picture) > 20_000, "the picture is empty"
    code, out = run(*command, "--rack", "heat")
    assert code != 0 and "there are: output_tokens_per_s, power_w" in out, out


def main(program, render_folder):
    missing = [tool for tool in ("pvpython", "pvbatch", "xvfb-run") if shutil.which(tool) is None]
    if missing:
        print("skipped: not installed: " + ", ".join(missing))
        return 77
    with tempfile.TemporaryDirectory() as folder:
        code, out = run(program, "write", folder, str(RACKS), str(LINKS), str(ROWS))
        assert code == 0, out
        xdmf = os.path.join(folder, "run.xdmf")
        check_reader(xdmf)
        check_picture(os.path.join(render_folder, "render.py"), xdmf, os.path.join(folder, "floor.png"))
    print("ParaView read every step and drew the floor")
    return 0


if __name__ == "__main__":
    if sys.argv[1] == "--inside":
        inside(sys.argv[2])
    else:
        sys.exit(main(*sys.argv[1:3]))
