"""The figures of one run: a small function each, which draws and says in one sentence what the drawing shows.

Every function takes a `run_data.Run` and returns a `Drawing`; it raises `run_data.Missing` where data lack.
"""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.ticker import LogLocator, NullLocator

import key_figures
import sentences
import style
from drawing import (
    TIME_LABEL,
    Drawing,
    draw_series,
    measured_span,
    new_axes,
    scaled_axis,
    shade_warm_up,
    thin,
)
from run_data import Missing


def throughput(run):
    output, prompt = run.facility("output_tokens_per_s"), run.facility("input_tokens_per_s")
    mean, low, high = measured_span(run, output)
    figure, axes = new_axes(2, 1, 4.2, sharex=True)
    rows = ((output, "Generated", style.LINES[0]), (prompt, "Prompts processed", style.LINES[1]))
    for index, (axis, (values, name, color)) in enumerate(zip(axes, rows)):
        scale = scaled_axis(axis, values.max(), name, "tokens/s")
        draw_series(axis, run, values / scale, color)
        shade_warm_up(axis, run, index == 0)
        axis.set_ylim(0)
    axes[1].set_xlabel(TIME_LABEL)
    reading = (
        f"After the warm-up the site generates {style.rate(mean)} on average (samples of"
        f" {style.round_seconds(run.sample_s)}: {style.rate(low)} to {style.rate(high)}) and reads"
        f" {style.rate(measured_span(run, prompt)[0], 'prompt tokens/s')}."
    )
    return Drawing("throughput", reading, figure)


def latency(run):
    figure, axes = new_axes(1, 2, 3.4, sharey=True)
    words = []
    for axis, name, label in zip(axes, ("ttft", "tpot"), ("Time to first token", "Time per output token")):
        histogram = run.histogram(name)
        draw_distribution(axis, histogram, f"{label} ({name.upper()})", style.LINES[0])
        p50, p99 = (style.seconds(histogram.quantile(q)) for q in (0.5, 0.99))
        words.append(
            f"{name.upper()} is {p50} at the median and {p99} at p99"
            + draw_objectives(axis, run, name, histogram)
        )
        tick_latencies(axis)
    axes[0].set_ylabel("Share of requests at or below")
    return Drawing("latency", "; ".join(words) + ".", figure)


def draw_distribution(axes, histogram, label, color, name=None):
    axes.plot(histogram.edges, 100 * histogram.cumulative, color=color, label=name)
    axes.set_xscale("log")
    high = max(histogram.quantile(0.9999), 1e-6)
    axes.set_xlim(max(histogram.quantile(0.0005), high / 1e4) / 1.15, high * 1.15)
    axes.set_ylim(0, 101)
    axes.set_xlabel(label)
    axes.xaxis.set_major_formatter(plt.FuncFormatter(lambda value, _: style.round_seconds(value)))
    axes.yaxis.set_major_formatter(plt.FuncFormatter(lambda value, _: f"{value:.0f} %"))


def tick_latencies(axes):
    """As many round ticks as the axis has room for."""
    low, high = axes.get_xlim()
    subs = (1, 2, 3, 5, 7) if high < 8 * low else (1, 2, 5) if high < 150 * low else (1,)
    axes.xaxis.set_major_locator(LogLocator(subs=subs))
    axes.xaxis.set_minor_locator(NullLocator())


def draw_objectives(axes, run, name, histogram):
    """Draws each service's objective; returns words on the share that keeps it, where there is only one."""
    limits = run.objectives(name)
    for index, (service, limit) in enumerate(limits):
        low, high = axes.get_xlim()
        axes.set_xlim(min(low, limit / 1.3), max(high, limit * 1.3))
        label = f"objective {style.round_seconds(limit)}" + (f" ({service})" if len(limits) > 1 else "")
        axes.axvline(limit, color=style.LINES[1], linestyle="--", linewidth=1.2)
        axes.annotate(
            label,
            (limit, 0.04 + 0.09 * index),
            (-4, 0),
            xycoords=("data", "axes fraction"),
            textcoords="offset points",
            ha="right",
            fontsize=8.5,
            color=style.LINES[1],
        )
    if len(limits) != 1:
        return ""
    return (
        f", and {style.percent(histogram.share_within(limits[0][1]))} of the requests keep the objective of"
        f" {style.round_seconds(limits[0][1])}"
    )


def components(run):
    """[(label, colour, series)] of the parts of the facility's power that are not zero."""
    parts = [
        (label, color, run.facility(f"{key}_w"))
        for key, (label, color) in style.COMPONENTS.items()
        if run.has_facility(f"{key}_w")
    ]
    parts = [part for part in parts if part[2].max(initial=0) > 0]
    if not parts:
        raise Missing("run.h5 has no parts of the facility's power")
    return parts


def power_over_time(run):
    parts, total = components(run), run.facility("facility_power_w")
    mean, _, high = measured_span(run, total)
    budget = run.budget_w()
    figure, axes = new_axes(height=4.0)
    top = 1.15 * total.max()
    scale = scaled_axis(axes, top, "Power", "W")
    time, stacked = thin(run.time_s, np.stack([values for _, _, values in parts], axis=1) / scale)
    areas = axes.stackplot(
        time, stacked.T, colors=[color for _, color, _ in parts], labels=[label for label, _, _ in parts]
    )
    for area in areas:
        area.set_edgecolor("white")
        area.set_linewidth(0.3)
    axes.plot(*thin(run.time_s, total / scale), color=style.INK, linewidth=1.4, label="Facility total")
    if budget and budget < 1.6 * top:
        top = max(top, 1.06 * budget)
        axes.axhline(budget / scale, color=style.LINES[1], linestyle="--", linewidth=1.4, label="Budget")
    elif budget:  # its line would squeeze the rest
        note = f"budget {style.si(budget, 'W')}, far above"
        axes.annotate(
            note, (0.995, 0.975), xycoords="axes fraction", ha="right", va="top", color=style.LINES[1]
        )
    shade_warm_up(axes, run)
    axes.set_ylim(0, max(top / scale, 1e-9))
    axes.set_xlabel(TIME_LABEL)
    handles, labels = axes.get_legend_handles_labels()
    figure.legend(handles[::-1], labels[::-1], loc="center right", fontsize=8.5)
    figure.get_layout_engine().set(rect=(0, 0, 0.77, 1))  # leaves room for the legend
    reading = (
        f"The facility draws {style.si(mean, 'W')} on average and {style.si(high, 'W')} at most in a sample"
        f" of {style.round_seconds(run.sample_s)}"
    )
    if budget:
        side = "above" if high > budget else "below"
        reading += (
            f"; the highest sample is {style.percent(abs(high / budget - 1))} {side} the budget of"
            f" {style.si(budget, 'W')}"
        )
    return Drawing("power_over_time", reading + ".", figure)


def power_breakdown(run):
    watts = key_figures.breakdown_w(run)
    total = sum(watts.values())
    bars = [
        (style.COMPONENTS.get(key, (key, style.MUTED)), value) for key, value in watts.items() if value > 0
    ]
    bars.sort(key=lambda bar: bar[1])
    figure, axes = new_axes(height=0.8 + 0.27 * len(bars))
    scale, name = style.prefix(bars[-1][1])
    drawn = axes.barh(
        [label for (label, _), _ in bars],
        [value / scale for _, value in bars],
        color=[color for (_, color), _ in bars],
    )
    axes.bar_label(
        drawn,
        [f"{style.percent(value / total)}   {style.si(value, 'W')}" for _, value in bars],
        padding=4,
        fontsize=9,
    )
    axes.set_xlim(0, 1.2 * bars[-1][1] / scale)
    axes.set_xlabel(f"Mean power [{name}W]")
    axes.grid(axis="y", visible=False)
    accelerators = sum(value for key, value in watts.items() if key.startswith("accelerator_"))
    plant = sum(watts.get(key, 0) for key in ("conversion", "fans", "cooling"))
    reading = (
        f"Of {style.si(total, 'W')}, the accelerators take {style.percent(accelerators / total)}; conversion,"
        f" fans and cooling take {style.percent(plant / total)}; the rest goes to hosts and networks. The"
        f" largest part is “{bars[-1][0][0]}” with {style.percent(bars[-1][1] / total)}."
    )
    return Drawing("power_breakdown", reading, figure)


def time_share(run):
    shares = key_figures.time_shares(run)
    figure, (bar, series) = new_axes(2, 1, 4.4, gridspec_kw={"height_ratios": (1, 3.2)})
    left = 0.0
    for key, share in shares.items():
        label, color = style.TIME_SHARES[key]
        bar.barh([0], [share], left=left, color=color, edgecolor="white", label=label)
        if share > 0.035:
            bar.text(
                left + share / 2,
                0,
                style.percent(share),
                ha="center",
                va="center",
                fontsize=9,
                color=ink_on(color),
            )
        left += share
    bar.set_xlim(0, max(left, 1e-9))
    bar.axis("off")
    style.legend(
        bar,
        loc="lower center",
        bbox_to_anchor=(0.5, 0.92),
        ncol=len(shares),
        fontsize=8.5,
        handlelength=1,
        columnspacing=1.2,
    )
    draw_shares_over_time(series, run, list(shares))
    return Drawing("time_share", sentences.binding_words(shares, sentences.trend(run) == "growing"), figure)


def ink_on(color):
    red, green, blue = plt.matplotlib.colors.to_rgb(color)
    return "white" if 0.3 * red + 0.59 * green + 0.11 * blue < 0.55 else style.INK


def draw_shares_over_time(axes, run, keys):
    try:
        weights = run.table("racks/accelerators").astype(float)
        weights = (weights / weights.sum())[:, None]
        shares = np.concatenate(
            [run.weighted_over_time(f"rack/{key}_share", weights) for key in keys], axis=1
        )
    except Missing as missing:
        axes.axis("off")
        axes.text(
            0.5,
            0.5,
            f"Not drawn over time: {missing}.",
            ha="center",
            color=style.MUTED,
            transform=axes.transAxes,
        )
        return
    time, shares = thin(run.time_s, 100 * shares)
    axes.stackplot(time, shares.T, colors=[style.TIME_SHARES[key][1] for key in keys])
    shade_warm_up(axes, run, label=False)
    axes.set_ylim(0, 100)
    axes.set_ylabel("Share of\naccelerator time [%]")
    axes.set_xlabel(TIME_LABEL)


def requests(run):
    flight = run.facility("requests_in_flight")
    figure, axes = new_axes(2, 1, 4.4, sharex=True)
    draw_series(axes[0], run, flight, style.LINES[0], "in flight")
    try:
        racks = len(run.table("racks/hall"))
        waiting = run.weighted_over_time("rack/waiting_requests", np.ones((racks, 1)))[:, 0]
        draw_series(axes[0], run, waiting, style.LINES[1], "of these waiting to be scheduled")
    except Missing:
        pass
    axes[0].set_ylabel("Requests")
    for name, label, color in (
        ("arrivals_per_s", "arrive", style.LINES[2]),
        ("completions_per_s", "complete", style.LINES[3]),
    ):
        draw_series(axes[1], run, run.facility(name), color, label)
    axes[1].set_ylabel("Requests per second")
    axes[1].set_xlabel(TIME_LABEL)
    for index, axis in enumerate(axes):
        shade_warm_up(axis, run, index == 0)
        axis.set_ylim(0)
        style.legend(axis, loc="lower right", bbox_to_anchor=(1, 0.98), ncol=2)
    return Drawing("requests", sentences.steadiness_words(run), figure)
