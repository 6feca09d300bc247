"""Figures of predicted against measured values: each draws, and says in a sentence what it shows."""

import math

import matplotlib.pyplot as plt
import numpy as np

import drawing
import style
import validation_data as data
from run_data import Missing

BAND = 0.2  # drawn around the diagonal
COLUMNS = 3
MARKERS = "osD^v<>Ph"
DASHES = ("-", (0, (6, 2)), ":", (0, (3, 1)), "-.", (0, (1, 1)))
CENTRE = "#f7f7f7"


def looks(rows):
    """accelerator -> (colour, marker), the same on every figure of a page."""
    names = sorted({row.accelerator for row in rows})
    return {
        name: (style.LINES[index % len(style.LINES)], MARKERS[index % len(MARKERS)])
        for index, name in enumerate(names)
    }


def short(value, _position=None):
    """Tick labels: 300, 3k, 0.03."""
    return f"{value / 1000:g}k" if value >= 1000 else f"{value:g}"


def tick(axis, low, high):
    """A tick a decade, or three a decade where there are few."""
    subs = (1.0,) if high / low > 300 else (1.0, 2.0, 5.0) if high / low < 30 else (1.0, 3.0)
    axis.set_major_locator(plt.matplotlib.ticker.LogLocator(subs=subs))
    axis.set_major_formatter(plt.matplotlib.ticker.FuncFormatter(short))
    axis.set_minor_locator(plt.matplotlib.ticker.NullLocator())


def signed(percent):
    return f"{percent:+.0f} %".replace("-", "−")


def keep_free(figure, top=0.0, bottom=0.0):
    """Leaves so many inches of the figure to its legend."""
    height = figure.get_size_inches()[1]
    figure.get_layout_engine().set(rect=(0, bottom / height, 1, 1 - (top + bottom) / height))


def panel(axes, name, rows, look):
    """One group: log-log, the diagonal, the band of 20 %."""
    measured = np.array([row.measured for row in rows])
    predicted = np.array([row.predicted for row in rows])
    low = min(measured.min(), predicted.min()) / 1.3
    high = max(measured.max(), predicted.max()) * 1.3
    line = np.array([low, high])
    axes.fill_between(line, line * (1 - BAND), line * (1 + BAND), color="#dddddd", linewidth=0, zorder=0)
    axes.plot(line, line, color=style.MUTED, linewidth=0.8, zorder=1)
    for accelerator in sorted({row.accelerator for row in rows}):
        mine = np.array([row.accelerator == accelerator for row in rows])
        color, marker = look[accelerator]
        axes.scatter(
            measured[mine],
            predicted[mine],
            s=11,
            color=color,
            marker=marker,
            alpha=0.6,
            linewidth=0,
            rasterized=True,  # thousands of points would make the page heavy
        )
    axes.set(xscale="log", yscale="log", xlim=(low, high), ylim=(low, high), aspect="equal")
    for axis in (axes.xaxis, axes.yaxis):
        tick(axis, low, high)
    axes.tick_params(labelsize=8)
    errors = data.errors_of(rows)
    axes.set_title(name, fontsize=8.5)
    axes.text(
        0.04,
        0.96,
        f"{errors.rows} rows\nmedian {errors.median:.0f} %\np90 {errors.p90:.0f} %\nbias {signed(errors.bias)}",
        transform=axes.transAxes,
        va="top",
        fontsize=7.5,
        color=style.INK,
    )


def unit_of(rows):
    """What a panel's axes count, in words."""
    units = {row.cells.get("unit", "") for row in rows}
    return (
        {"tok/s": "tokens/s", "tok/s/GPU": "tokens/s/GPU"}.get(next(iter(units)), next(iter(units)))
        if len(units) == 1
        else "several units"
    )


def against(load, rows, look):
    """All groups of one kind of load, a panel each."""
    groups = data.grouped(rows, lambda row: row.group)
    lines = math.ceil(len(groups) / COLUMNS)
    figure, panels = drawing.new_axes(
        lines, COLUMNS, 0.6 + 3.0 * lines, squeeze=False, gridspec_kw={"hspace": 0.06}
    )
    for axes, (name, members) in zip(panels.flat, groups.items()):
        panel(axes, f"{name} [{unit_of(members)}]", members, look)
    for axes in panels.flat[len(groups) :]:
        axes.set_visible(False)
    figure.supxlabel("Measured", fontsize=10)
    figure.supylabel("Predicted", fontsize=10)
    seen = sorted({row.accelerator for row in rows})
    handles = [
        plt.Line2D([], [], color=look[name][0], marker=look[name][1], linestyle="", markersize=5)
        for name in seen
    ]
    figure.legend(handles, seen, loc="upper center", ncol=min(len(seen), 9), fontsize=8)
    keep_free(figure, top=0.35)
    errors = data.errors_of(rows)
    reading = (
        f"{errors.rows:,} rows, half of them within {errors.median:.1f} %, {style.percent(errors.near)} within"
        f" 20 % (the grey band); points above the line are predicted too high."
    )
    return drawing.Drawing(f"against_{load.replace(' ', '_')}", reading, figure)


def error_curves(rows):
    """Share of rows whose error is at most so much: a curve a group, coloured by metric, dashed by load."""
    groups = data.grouped(rows, lambda row: f"{row.load}, {row.kind}")
    kinds = [kind for kind in data.KINDS if any(row.kind == kind for row in rows)]
    loads = [load for load in data.LOADS if any(row.load == load for row in rows)]
    figure, axes = drawing.new_axes(height=4.6)
    middles = {}
    for name, members in groups.items():
        size = np.maximum(np.sort(np.abs([100 * row.error for row in members])), 0.3)
        share = 100 * np.arange(1, len(size) + 1) / len(size)
        kind, load = members[0].kind, members[0].load
        axes.step(
            np.concatenate([size[:1], size, [300]]),
            np.concatenate([[0], share, share[-1:]]),
            where="post",
            color=style.LINES[kinds.index(kind) % len(style.LINES)] if kind in kinds else style.MUTED,
            linestyle=DASHES[loads.index(load) % len(DASHES)] if load in loads else "-",
            linewidth=1.3,
            label=f"{name} ({len(members):,})",
        )
        middles[name] = float(np.median(size))
    axes.axvline(100 * BAND, color=style.MUTED, linewidth=0.8)
    axes.set(xscale="log", xlim=(0.3, 300), ylim=(0, 100))
    axes.set_xticks([0.3, 1, 3, 10, 20, 50, 100, 300], ["0.3", "1", "3", "10", "20", "50", "100", "300"])
    axes.minorticks_off()
    axes.set(xlabel="Absolute error at most [%]", ylabel="Share of the group's rows [%]")
    figure.legend(*axes.get_legend_handles_labels(), loc="lower center", ncol=4, fontsize=8)
    keep_free(figure, bottom=0.1 + 0.19 * math.ceil(len(groups) / 4))
    best, worst = min(middles, key=middles.get), max(middles, key=middles.get)
    reading = (
        f"Steep and far to the left is good. The median error is smallest for “{best}”, {middles[best]:.1f} %, and"
        f" largest for “{worst}”, {middles[worst]:.1f} %. Colours are metrics, dashes are loads."
    )
    return drawing.Drawing("errors", reading, figure)


def spreads(rows):
    """Quantiles of predicted / measured, a line a group."""
    groups = data.grouped(rows, lambda row: row.group)
    figure, axes = drawing.new_axes(height=1.1 + 0.24 * len(groups))
    axes.axvspan(1 - BAND, 1 + BAND, color="#e4e4e4", linewidth=0, zorder=0)
    for line, (name, members) in enumerate(groups.items()):
        low, lower, middle, upper, high = np.percentile(
            [row.predicted / row.measured for row in members], [5, 25, 50, 75, 95]
        )
        axes.plot([low, high], [line, line], color="#4292c6", linewidth=1.2, solid_capstyle="butt")
        axes.plot([lower, upper], [line, line], color="#4292c6", linewidth=6, solid_capstyle="butt")
        axes.plot(middle, line, "o", color=style.INK, markersize=4)
    axes.axvline(1, color=style.MUTED, linewidth=0.8)
    axes.set(xscale="log", ylim=(len(groups) - 0.4, -0.6), xlabel="Predicted / measured")
    low, high = axes.get_xlim()
    low, high = max(min(low, 0.6), 0.1), min(max(high, 1.7), 10)
    axes.set_xlim(low, high)
    ticks = [
        value for value in (0.1, 0.2, 0.3, 0.5, 0.7, 0.8, 1, 1.2, 1.5, 2, 3, 5, 10) if low <= value <= high
    ]
    axes.set_xticks(ticks, [f"{value:g}" for value in ticks])
    axes.minorticks_off()
    axes.set_yticks(
        range(len(groups)), [f"{name} ({len(members):,})" for name, members in groups.items()], fontsize=8
    )
    axes.grid(axis="y", visible=False)
    off = {name: data.errors_of(members).bias for name, members in groups.items() if len(members) >= 10}
    reading = "Dot: median; thick: the middle half; thin: nine tenths, 5 to 95 %; grey: within 20 %."
    if off:
        name = max(off, key=lambda key: abs(off[key]))
        reading += f" The largest bias of a group of ten rows or more is {signed(off[name])}: {name}."
    return drawing.Drawing("spreads", reading, figure)


def where_biased(rows):
    """Median of predicted over measured speed, by model and accelerator."""
    rows = [row for row in rows if row.speed]
    if not rows:
        raise Missing("no row measures a speed")
    models = sorted({row.model for row in rows})
    machines = sorted({row.accelerator for row in rows})
    cells = data.grouped(rows, lambda row: (row.model, row.accelerator))
    bias = {
        key: 100 * (float(np.median([row.speed for row in members])) - 1) for key, members in cells.items()
    }
    table = np.full((len(models), len(machines)), np.nan)
    for (model, machine), value in bias.items():
        table[models.index(model), machines.index(machine)] = value
    figure, axes = drawing.new_axes(height=1.3 + 0.27 * len(models))
    colors = plt.matplotlib.colors.LinearSegmentedColormap.from_list("bias", ["#0072b2", CENTRE, "#d55e00"])
    image = axes.imshow(table, cmap=colors, vmin=-60, vmax=60, aspect="auto")
    for (line, column), value in np.ndenumerate(table):
        if not math.isnan(value):
            count = len(cells[models[line], machines[column]])
            ink = "white" if abs(value) > 45 else style.INK
            axes.text(
                column, line, f"{signed(value)}  ({count})", ha="center", va="center", fontsize=7, color=ink
            )
    axes.set_xticks(range(len(machines)), machines, fontsize=8)
    axes.set_yticks(range(len(models)), models, fontsize=8)
    axes.grid(visible=False)
    axes.spines[:].set_visible(False)
    label = "Predicted too slow (−) or too fast (+) [%]"
    figure.colorbar(image, ax=axes, label=label, extend="both", fraction=0.03, pad=0.01)
    reading = (
        "Median of how much faster the prediction is than the measurement, throughputs and latencies together;"
        " in brackets, how many rows."
    )
    many = [key for key, members in cells.items() if len(members) >= 5]
    if many:
        model, machine = max(many, key=lambda key: abs(bias[key]))
        reading += (
            f" Furthest off, with five rows or more, is {model} on {machine}: {signed(bias[model, machine])}."
        )
    return drawing.Drawing("bias", reading, figure)
