"""What every figure of this folder is made of: axes over time, a shaded warm-up, SI prefixes."""

import dataclasses

import matplotlib.pyplot as plt
import numpy as np

import style
from run_data import Missing

WIDTH = 9.0  # inches, of every figure: the report shows them all at the same scale
MAX_POINTS = 1500  # of a drawn series; more are averaged in groups, which print cannot show anyway
TIME_LABEL = "Simulated time since the end of the warm-up [s]"


@dataclasses.dataclass
class Drawing:
    name: str  # of the PNG file
    reading: str  # what this shows, computed from the data
    figure: object


def new_axes(rows=1, columns=1, height=3.2, **options):
    style.apply()
    return plt.subplots(rows, columns, figsize=(WIDTH, height), **options)


def thin(time, values):
    """Averages neighbours until at most MAX_POINTS remain; the last axis is not touched."""
    step = -(-len(time) // MAX_POINTS)
    rows = len(time) // step * step
    return time[:rows].reshape(-1, step)[:, -1], values[:rows].reshape(-1, step, *values.shape[1:]).mean(
        axis=1
    )


def shade_warm_up(axes, run, label=True):
    """Greys out the warm-up and ends the axis with the data."""
    start = run.time_s[0] - run.sample_s
    axes.set_xlim(start, max(run.time_s[-1], start + run.sample_s))
    if start < -1e-9:
        stop = min(0.0, run.time_s[-1])
        axes.axvspan(start, stop, color=style.WARM_UP, zorder=0, linewidth=0)
        if label:
            axes.annotate(
                "warm-up",
                (start, 1),
                (4, -4),
                xycoords=("data", "axes fraction"),
                textcoords="offset points",
                va="top",
                fontsize=8,
                color=style.MUTED,
            )


def running_mean(values, width):
    """Mean over `width` samples, shortened at the ends."""
    total = np.concatenate([[0.0], np.cumsum(values)])
    index = np.arange(len(values))
    low, high = np.maximum(index - width // 2, 0), np.minimum(index + width // 2 + 1, len(values))
    return (total[high] - total[low]) / (high - low)


def draw_series(axes, run, values, color, label=None):
    """The samples as a light line, their running mean as a strong one; few samples as one line."""
    time, values = thin(run.time_s, values)
    width = len(time) // 40
    if width < 2:
        axes.plot(time, values, color=color, label=label)
        return
    axes.plot(time, values, color=color, alpha=0.3, linewidth=0.8)
    axes.plot(time, running_mean(values, width), color=color, label=label)


def scaled_axis(axes, largest, quantity, unit):
    """Labels the y axis with an SI prefix, or a word before tokens, and returns the divisor."""
    scale, name = style.prefix(largest)
    if unit == "tokens/s":
        name = {"M": "million ", "k": "thousand "}.get(name, "")
        scale = scale if name else 1.0
    label = f"{quantity} [{name}{unit}]"
    axes.set_ylabel(label if len(label) < 24 else label.replace(" [", "\n["))
    return scale


def measured_span(run, values):
    measured = values[run.measured]
    if not len(measured):
        raise Missing("nothing has been measured yet")
    return measured.mean(), measured.min(), measured.max()
