"""The figures of the network: its busiest links, and each tier over time."""

import numpy as np

import style
from drawing import TIME_LABEL, Drawing, draw_series, measured_span, new_axes, shade_warm_up


def busiest_links(run, count=15):
    mean, peak = run.column_means("links/utilisation")
    names = run.names("links/name")
    order = np.argsort(-mean, kind="stable")[:count][::-1]
    figure, axes = new_axes(height=0.9 + 0.24 * len(order))
    axes.barh(range(len(order)), 100 * mean[order], color=style.LINES[0], label="mean")
    axes.hlines(range(len(order)), 100 * mean[order], 100 * peak[order], color="#cccccc", linewidth=1)
    axes.plot(
        100 * peak[order], range(len(order)), "D", color=style.LINES[1], markersize=5, label="highest sample"
    )
    axes.set_yticks(range(len(order)), [names[index] for index in order], fontsize=8.5)
    axes.set_xlim(0, max(1.0, min(102.0, 112 * peak[order].max())))
    axes.set_xlabel("Utilisation [% of capacity]")
    axes.grid(axis="y", visible=False)
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncol=2)
    full = int((peak >= 0.99).sum())
    reading = (
        f"Of {len(mean):,} bundles of cables (one direction each), the busiest, {names[order[-1]]}, is"
        f" {style.percent(mean[order[-1]])} full on average; the mean over all is"
        f" {style.percent(mean.mean())}; "
        + (
            f"{full:,} were full for at least a whole sample."
            if full
            else f"none is ever full over a whole sample (highest {style.percent(peak.max())})."
        )
    )
    return Drawing("busiest_links", reading, figure)


def link_tiers(run):
    tiers = run.table("links/tier")
    present = np.unique(tiers)
    weights = np.stack([(tiers == tier) / (tiers == tier).sum() for tier in present], axis=1)
    series = 100 * run.weighted_over_time("links/utilisation", weights)
    figure, axes = new_axes(height=3.0)
    means = {}
    for index, tier in enumerate(present):
        means[style.TIERS.get(int(tier), f"tier {tier}")], _, _ = measured_span(run, series[:, index])
        draw_series(
            axes,
            run,
            series[:, index],
            style.LINES[index % len(style.LINES)],
            style.TIERS.get(int(tier), f"tier {tier}"),
        )
    shade_warm_up(axes, run)
    axes.set_ylim(0, max(1e-3, 1.18 * series.max()))
    axes.set_ylabel("Mean utilisation\n[% of capacity]")
    axes.set_xlabel(TIME_LABEL)
    axes.legend(loc="lower right", bbox_to_anchor=(1, 1), ncol=len(present))
    reading = (
        "On average the links are used to "
        + ", ".join(f"{style.percent(mean / 100)} ({name})" for name, mean in means.items())
        + " of their capacity."
    )
    return Drawing("link_tiers", reading, figure)
