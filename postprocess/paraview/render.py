#!/usr/bin/env pvbatch
"""A picture of the floor: racks as boxes and links as lines, coloured by any recorded quantity at one time.

    pvbatch render.py RUN.xdmf OUT.png [--rack power_w] [--link utilisation] [--step -1] [--size 1600x900]

Without a display (Debian's ParaView always wants one):

    xvfb-run -a -s "-screen 0 1600x900x24 -noreset" pvbatch render.py out/quickstart/run.xdmf floor.png

`--link none` leaves the links out; `--link kv_utilisation` (where a run has several classes of traffic) colours them by one class, `--link
run_full_share` by the share of the whole run in which they were 90 % full. Exit code 2: the arguments do not fit the run; the message says what would.
"""
import argparse
import math
import os
import re
import sys

from paraview.simple import (Calculator, ColorBy, CreateView, ExtractBlock, GetColorTransferFunction, GetScalarBar,
                             Render, SaveScreenshot, Show, Text, XDMFReader)

INK = [0.13, 0.13, 0.15]
PREFIXES = {"W": [(1e6, "MW"), (1e3, "kW")], "B/s": [(1e12, "TB/s"), (1e9, "GB/s"), (1e6, "MB/s")], "1/s": [(1e6, "M/s"), (1e3, "k/s")]}
SUFFIX_UNITS = [("_tokens_per_s", "1/s"), ("_bytes_per_s", "B/s"), ("_w", "W"), ("_s", "s"), ("_c", "degC")]
# Busy links must stand out on white.
PALE_TO_RED = [0.0, 0.60, 0.68, 0.80, 0.5, 0.95, 0.58, 0.25, 1.0, 0.55, 0.0, 0.12]
# Where the floor may be drawn, as fractions of the picture; the rest is for words and legends.
FIELD = {"left": 0.03, "right": 0.83, "bottom": 0.04, "top": 0.87}


def parse():
    parser = argparse.ArgumentParser(description="Draws the floor of a Megaweave run at one time.")
    parser.add_argument("xdmf")
    parser.add_argument("picture")
    parser.add_argument("--rack", default="power_w", help="quantity that colours the racks")
    parser.add_argument("--link", default="utilisation", help="quantity that colours the links, or none")
    parser.add_argument("--step", type=int, default=-1, help="sample, from 0; negative: from the end")
    parser.add_argument("--size", default="1600x900")
    return parser.parse_args()


def fail(message):
    print(f"render.py: {message}", file=sys.stderr)
    sys.exit(2)


def open_run(path):
    """The reader, with its times. Xdmf2, since ParaView's Xdmf3 readers ignore slices of a dataset."""
    if not os.path.exists(path):
        fail(f"there is no {path} (a run writes it with its first samples)")
    reader = XDMFReader(FileNames=[os.path.abspath(path)])
    reader.UpdatePipelineInformation()
    times = list(reader.TimestepValues)
    if not times:
        fail(f"{path} lists no samples")
    return reader, times


def block(reader, name, quantity, time):
    """One of the two grids, or None if the run has none of that kind."""
    part = ExtractBlock(Input=reader, Selectors=[f"/Root/{name}"])
    part.UpdatePipeline(time)
    if part.GetDataInformation().GetNumberOfCells() == 0:
        return None
    arrays = [part.CellData.GetArray(i).Name for i in range(part.CellData.GetNumberOfArrays())]
    if quantity not in arrays:
        fail(f"the {name} have no quantity '{quantity}'; there are: {', '.join(sorted(arrays)) or 'none'}")
    return part


def unit_of(xdmf, group, quantity):
    """From the attribute in run.h5 where h5py is at hand, else from the name's suffix."""
    try:
        import h5py
        with h5py.File(os.path.splitext(xdmf)[0] + ".h5", "r") as file:
            unit = file[f"{group}/{quantity}"].attrs["unit"]
            return unit.decode() if isinstance(unit, bytes) else str(unit)
    except Exception:
        return next((unit for suffix, unit in SUFFIX_UNITS if quantity.endswith(suffix)), "1")


def words(quantity):
    """power_w -> power, output_tokens_per_s -> output tokens"""
    return re.sub(r"(_tokens)?_per_s$", r"\1", re.sub(r"_(w|c|m|share)$", "", quantity)).replace("_", " ")


def scale_of(unit, largest):
    return next(((size, name) for size, name in PREFIXES.get(unit, []) if largest >= size), (1.0, unit))


def round_labels(low, high):
    """Round numbers, evenly spaced, that hold the range: the legend's labels."""
    if high - low <= 1e-9 * max(abs(low), abs(high)):  # all values are equal
        low, high = low - 0.5 * abs(low or 1.0), high + 0.5 * abs(high or 1.0)
    power = 10.0 ** math.floor(math.log10((high - low) / 4))
    step = next(k * power for k in (1, 2, 2.5, 5, 10) if k * power >= (high - low) / 4 * 0.999)
    first, last = math.floor(low / step + 1e-6), math.ceil(high / step - 1e-6)
    return [i * step for i in range(first, last + 1)]


def colour(part, view, quantity, unit, colours, owner, bottom):
    """Shows a grid coloured by a quantity, with its legend at the right edge, in a unit with a fitting prefix."""
    largest = max(abs(x) for x in part.CellData.GetArray(quantity).GetRange())
    size, unit = scale_of(unit, largest)
    shown = f"shown_{owner}_{quantity}"
    scaled = Calculator(Input=part, AttributeType="Cell Data", Function=f'"{quantity}"/{size}', ResultArrayName=shown)
    scaled.UpdatePipeline(view.ViewTime)
    labels = round_labels(*scaled.CellData.GetArray(shown).GetRange())
    display = Show(scaled, view)
    ColorBy(display, ("CELLS", shown))
    table = GetColorTransferFunction(shown)
    if isinstance(colours, str):
        table.ApplyPreset(colours, True)
    else:
        table.RGBPoints, table.ColorSpace = colours, "RGB"
    table.RescaleTransferFunction(labels[0], labels[-1])
    place_legend(GetScalarBar(table, view), f"{owner} {words(quantity)}" + ("" if unit in ("1", "") else f" ({unit})"),
                 bottom, labels)
    display.SetScalarBarVisibility(view, True)
    return display


def place_legend(bar, title, bottom, labels):
    bar.Title, bar.ComponentTitle = title, ""
    bar.TitleColor = bar.LabelColor = INK
    bar.TitleFontSize, bar.LabelFontSize = 18, 16
    bar.Orientation, bar.HorizontalTitle, bar.TitleJustification = "Vertical", 1, "Centered"
    bar.WindowLocation, bar.Position = "Any Location", [0.885, bottom]
    bar.ScalarBarLength, bar.ScalarBarThickness = 0.30, 18
    bar.AutomaticLabelFormat, bar.LabelFormat = 0, "%.4g"
    bar.UseCustomLabels, bar.CustomLabels = 1, labels
    bar.AddRangeLabels = 0


def write_text(view, text, x, y, size, bold=False):
    display = Show(Text(Text=text), view)
    display.WindowLocation = "Any Location"
    display.Position = [x, y]
    display.Color = INK
    display.FontSize = size
    display.Bold = int(bold)
    return display


def view_axes(azimuth_deg, elevation_deg):
    """Unit vectors of a view from that direction: towards the eye, right and up."""
    azimuth, elevation = math.radians(azimuth_deg), math.radians(elevation_deg)
    back = [math.cos(elevation) * math.cos(azimuth), math.cos(elevation) * math.sin(azimuth), math.sin(elevation)]
    right = [-math.sin(azimuth), math.cos(azimuth), 0.0]
    up = [back[1] * right[2] - back[2] * right[1], back[2] * right[0] - back[0] * right[2], back[0] * right[1] - back[1] * right[0]]
    return back, right, up


def fitted(bounds, azimuth_deg, aspect):
    """How many metres high a picture from there must be to hold the whole site in FIELD, and where it looks."""
    back, right, up = view_axes(azimuth_deg, 42)
    corners = [[bounds[i], bounds[2 + j], bounds[4 + k]] for i in (0, 1) for j in (0, 1) for k in (0, 1)]
    xs, ys = ([sum(a * b for a, b in zip(corner, axis)) for corner in corners] for axis in (right, up))
    field_width, field_height = FIELD["right"] - FIELD["left"], FIELD["top"] - FIELD["bottom"]
    metres_high = max((max(ys) - min(ys)) / field_height, (max(xs) - min(xs)) / field_width / aspect)
    # The picture's centre is not the field's: shift by the difference.
    x = (min(xs) + max(xs)) / 2 + (0.5 - (FIELD["left"] + FIELD["right"]) / 2) * metres_high * aspect
    y = (min(ys) + max(ys)) / 2 + (0.5 - (FIELD["bottom"] + FIELD["top"]) / 2) * metres_high
    return metres_high, back, [x * r + y * u for r, u in zip(right, up)]


def aim(view, bounds, width, height):
    """Parallel projection from above, from the side that shows the site largest."""
    metres_high, back, focus = min((fitted(bounds, azimuth, width / height) for azimuth in (-72, -55, -35, -18)), key=lambda v: v[0])
    distance = 10 * metres_high + 10 * max(map(abs, bounds))
    view.CameraParallelProjection = 1
    view.CameraFocalPoint = focus
    view.CameraPosition = [f + distance * b for f, b in zip(focus, back)]
    view.CameraViewUp = [0, 0, 1]
    view.CameraParallelScale = metres_high / 2


def union(parts):
    all_bounds = [part.GetDataInformation().GetBounds() for part in parts]
    return [(min if i % 2 == 0 else max)(b[i] for b in all_bounds) for i in range(6)]


def main():
    args = parse()
    width, height = (int(n) for n in args.size.split("x"))
    reader, times = open_run(args.xdmf)
    if not -len(times) <= args.step < len(times):
        fail(f"there is no sample {args.step}: the run has {len(times)}")
    time = times[args.step]
    reader.UpdatePipeline(time)
    racks = block(reader, "racks", args.rack, time)
    links = None if args.link == "none" else block(reader, "links", args.link, time)
    if racks is None:
        fail("the run has no racks")

    view = CreateView("RenderView")
    view.ViewSize = [width, height]
    view.UseColorPaletteForBackground = 0
    view.Background = [1, 1, 1]
    view.OrientationAxesVisibility = 0
    view.ViewTime = time
    boxes = colour(racks, view, args.rack, unit_of(args.xdmf, "rack", args.rack), "Viridis (matplotlib)", "rack", 0.52)
    boxes.Representation = "Surface With Edges"
    boxes.EdgeColor = [0.35, 0.35, 0.38]
    boxes.Ambient, boxes.Diffuse = 0.35, 0.65
    if links is not None:
        lines = colour(links, view, args.link, unit_of(args.xdmf, "links", args.link), PALE_TO_RED, "link", 0.10)
        lines.Representation = "Wireframe"
        count = links.GetDataInformation().GetNumberOfCells()
        lines.LineWidth, lines.Opacity = (3.0 if count < 400 else 2.0 if count < 4000 else 1.3), 0.9
    name = os.path.basename(os.path.dirname(os.path.abspath(args.xdmf)))
    write_text(view, f"{name}: rack {words(args.rack)}" + ("" if links is None else f", link {words(args.link)}"), 0.02, 0.94, 20, True)
    write_text(view, f"t = {time:.3f} s" + (" (warm-up)" if time <= 0 else ""), 0.02, 0.90, 17)
    Render(view)  # the first one moves the camera
    aim(view, union([p for p in (racks, links) if p is not None]), width, height)
    SaveScreenshot(args.picture, view, ImageResolution=[width, height])
    low, high = racks.CellData.GetArray(args.rack).GetRange()
    print(f"{args.picture}: sample {args.step % len(times)} of {len(times)}, t = {time:g} s, {args.rack} {low:g} to {high:g}")


if __name__ == "__main__":
    main()
