"""The floor seen from above: every rack at its place, coloured by what it drew and what it generated."""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.collections import PatchCollection
from matplotlib.patches import Rectangle

import style
from drawing import WIDTH, Drawing
from run_data import Missing

SIDE_BY_SIDE = 300  # racks; more need the page's whole width
FRAME_M = 0.5  # of a hall around its racks
FOOTPRINT_M = (0.6, 1.2)  # of a rack whose size the run does not tell
MAPS = (
    ("power_w", "Mean power of a rack", "W", "viridis"),
    ("output_tokens_per_s", "Output tokens of a rack", "tokens/s", "cividis"),
)


def draw(run):
    """Two maps, side by side or above each other, whichever makes the racks larger."""
    position = run.table("racks/position_m")[:, :2]
    try:
        size = run.table("racks/size_m")[:, :2]
    except Missing:
        size = np.tile(FOOTPRINT_M, (len(position), 1))
    values = [run.column_means(f"rack/{name}")[0] for name, *_ in MAPS]
    low, high = (position - size / 2).min(axis=0), (position + size / 2).max(axis=0)
    width, depth = high - low
    margin = 0.03 * max(width, depth) + 0.6
    labels = row_labels(run, position, size)
    left = margin + (0.13 * width if labels else 0)
    rows, columns = (1, 2) if width < 1.3 * depth and len(position) <= SIDE_BY_SIDE else (2, 1)
    panel = (WIDTH / columns - 0.8) * (depth + 3 * margin) / (width + left + margin)
    height = rows * (min(6.0, panel) + 1.3)
    style.apply()
    figure, axes = plt.subplots(rows, columns, figsize=(WIDTH, height))
    for axis, (_, label, unit, colors), value in zip(axes, MAPS, values):
        draw_map(axis, position, size, value, label, unit, colors)
        frame_halls(axis, run, position, size)
        for place, words in labels:
            axis.annotate(
                words,
                place,
                (-4, 0),
                textcoords="offset points",
                ha="right",
                va="center",
                fontsize=7.5,
                color=style.MUTED,
            )
        axis.set_xlim(low[0] - left, high[0] + margin)
        axis.set_ylim(low[1] - margin, high[1] + 2 * margin)
    return Drawing("floor", reading(run, values), figure)


def draw_map(axes, position, size, value, label, unit, colors):
    scale, name = style.prefix(np.abs(value).max())
    boxes = [Rectangle(centre - extent / 2, *extent) for centre, extent in zip(position, size)]
    map_ = PatchCollection(boxes, cmap=colors, edgecolor="white", linewidth=0.8 if len(boxes) < 400 else 0.1)
    map_.set_array(value / scale)
    largest = value.max() / scale  # the scale spans a tenth at least, so that nearly equal racks look so
    map_.set_clim(min(value.min() / scale, 0.9 * largest), max(largest, 1e-9))
    axes.add_collection(map_)
    if unit == "tokens/s":
        name = {"k": "thousand "}.get(name, "")
    axes.figure.colorbar(
        map_, ax=axes, location="bottom", label=f"{label} [{name}{unit}]", aspect=30, shrink=0.9
    )
    axes.set_aspect("equal")
    axes.set(xlabel="x [m]", ylabel="y [m]")
    axes.grid(visible=False)


def row_labels(run, position, size):
    """[(a place left of the row, its name)] where the rows are few enough to be named."""
    keys = np.stack([run.table("racks/hall"), run.table("racks/row")], axis=1)
    rows = np.unique(keys, axis=0)
    if len(rows) > 24 or len(np.unique(rows[:, 0])) > 1:
        return []
    found = []
    for key in rows:
        mine = (keys == key).all(axis=1)
        found.append(
            (((position - size / 2)[:, 0].min() - FRAME_M, position[mine, 1].mean()), f"row {key[1] + 1}")
        )
    return found


def frame_halls(axes, run, position, size):
    """A thin frame and a number for every hall, where there are several."""
    halls = run.table("racks/hall")
    for hall in np.unique(halls):
        mine = halls == hall
        low, high = (position - size / 2)[mine].min(axis=0) - FRAME_M, (position + size / 2)[mine].max(
            axis=0
        ) + FRAME_M
        axes.add_patch(Rectangle(low, *(high - low), fill=False, edgecolor=style.MUTED, linewidth=0.9))
        if len(np.unique(halls)) <= 24:
            axes.annotate(
                f"hall {hall + 1}",
                (low[0], high[1]),
                (1, 2),
                textcoords="offset points",
                fontsize=8,
                color=style.MUTED,
            )


def reading(run, values):
    power, tokens = values
    names = run.names("racks/name")
    hottest = int(np.argmax(power))
    words = (
        f"The {len(power):,} racks draw {style.si(power.min(), 'W')} to {style.si(power.max(), 'W')} each on"
        f" average; rack {names[hottest]} draws most,"
        f" {style.percent(power.max() / max(power.mean(), 1e-9) - 1)} above the mean rack."
    )
    silent = int((tokens <= 0).sum())
    if silent:
        words += (
            f" {silent:,} racks generate no output tokens: they only read prompts (prefill), or have no work."
        )
    return words
