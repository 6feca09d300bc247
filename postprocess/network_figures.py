"""The figures of the network: its fullest links and who loads them, each tier over time, traffic by class."""

import numpy as np

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

FULL = 0.9  # of capacity over a sample
WAYS = {"up": "away from the nodes", "down": "towards them"}


def loads(run):
    """Bytes of the measured period [links x parts] with the parts' names: services, classes, or both; none in older runs."""
    try:
        bytes_ = run.table("traffic/bytes").astype(float)
        services, classes = run.names("traffic/service"), run.names("traffic/class")
    except Missing:
        return None, []
    classes = [style.TRAFFIC.get(name, name) for name in classes]
    if len(set(services)) == 1:
        return bytes_, classes
    if len(set(classes)) == 1:
        return bytes_, services
    return bytes_, [f"{service}: {kind}" for service, kind in zip(services, classes)]


def link_totals(run):
    """Mean, highest sample and share of time full of every bundle: as the run says, else from the series."""
    try:
        return tuple(
            run.table(f"traffic/{name}").astype(float)
            for name in ("mean_utilisation", "peak_utilisation", "full_share")
        )
    except Missing:
        mean, peak = run.column_means("links/utilisation")
        return mean, peak, np.zeros(len(mean))


def busiest_links(run, count=15):
    mean, peak, full = link_totals(run)
    names = run.names("links/name")
    bytes_, parts = loads(run)
    order = np.lexsort((-mean, -full))[:count][::-1]
    place = np.arange(len(order))
    figure, axes = new_axes(height=1.2 + 0.24 * len(order))
    draw_loads(axes, place, 100 * mean[order], None if bytes_ is None else bytes_[order], parts)
    axes.hlines(place, 100 * mean[order], 100 * peak[order], color="#cccccc", linewidth=1, zorder=1)
    axes.plot(100 * peak[order], place, "D", color=style.INK, markersize=4, label="highest sample")
    axes.set_yticks(place, [names[index] for index in order], fontsize=8.5)
    right = max(1.0, min(100.0, 112 * peak[order].max()))
    axes.set_xlim(0, 1.02 * right)
    for y, index in zip(place, order):
        if full[index] > 0:
            axes.annotate(f"{style.percent(full[index])} of the time full", (1.0, y), xycoords=("axes fraction", "data"),
                          xytext=(6, 0), textcoords="offset points", va="center", fontsize=8, color=style.LINES[1])
    axes.set_xlabel("Utilisation [% of capacity]: mean (bar), highest sample (diamond)")
    axes.grid(axis="y", visible=False)
    style.legend(axes, loc="lower left", bbox_to_anchor=(0, 1), ncol=4)
    return Drawing("busiest_links", busiest_words(run, names, order[-1], mean, peak, full), figure)


def draw_loads(axes, place, mean, bytes_, parts):
    """Bars, cut by who loads them."""
    if bytes_ is None or len(parts) < 2:
        axes.barh(place, mean, color=style.LINES[0], label=f"mean, {parts[0]}" if parts else "mean")
        return
    shares = bytes_ / np.maximum(bytes_.sum(axis=1, keepdims=True), 1)
    left = np.zeros(len(mean))
    for index, part in enumerate(parts):
        axes.barh(place, mean * shares[:, index], left=left, color=style.LINES[index % len(style.LINES)], label=part)
        left += mean * shares[:, index]


def busiest_words(run, names, first, mean, peak, full):
    bytes_, parts = loads(run)
    words = f"Of {len(mean):,} bundles of cables (one direction each), "
    if full[first] > 0:
        words += (
            f"{int((full > 0).sum()):,} were full (90 % or more over a sample) at some time, longest {names[first]}:"
            f" {style.percent(full[first])} of the time"
        )
    else:
        words += (
            f"none was full (90 % over a sample; highest {style.percent(peak.max())}); the busiest is {names[first]}"
            f" with {style.percent(mean[first])} on average"
        )
    if bytes_ is not None and len(parts) > 1 and bytes_[first].sum() > 0:
        top = int(np.argmax(bytes_[first]))
        words += f", of which {parts[top]} has {style.percent(bytes_[first][top] / bytes_[first].sum())}"
    words += f". The mean over all bundles is {style.percent(mean.mean())}."
    fairness = run.summary.get("fabric", {}).get("fairness") if isinstance(run.summary.get("fabric"), dict) else None
    if isinstance(fairness, dict) and fairness.get("shares_checked"):
        wrong = fairness.get("violations", 0)
        words += (
            f" Of {fairness['shares_checked']:,} shares of links that were checked, "
            + (f"{wrong:,} were not max-min fair." if wrong else "all were max-min fair.")
        )
    return words


def tier_series(run):
    """[(name, mean [T], highest [T])] of the tiers, both ways together; from the links' series in older runs."""
    names = [
        name.removesuffix("_up_mean_utilisation")
        for name in run.facility_names()
        if name.endswith("_up_mean_utilisation")
    ]
    if not names:
        tiers = run.table("links/tier")
        present = np.unique(tiers)
        weights = np.stack([(tiers == tier) / (tiers == tier).sum() for tier in present], axis=1)
        series = run.weighted_over_time("links/utilisation", weights)
        return [(style.TIERS.get(int(t), f"tier {t}"), series[:, i], None) for i, t in enumerate(present)]
    found = []
    order = {words: index for index, words in enumerate(style.TIER_NAMES)}
    for name in sorted(names, key=lambda name: order.get(name, len(order))):
        mean, peak = (
            [run.facility(f"{name}_{way}_{what}_utilisation") for way in WAYS if run.has_facility(f"{name}_{way}_{what}_utilisation")]
            for what in ("mean", "peak")
        )
        found.append((style.TIER_NAMES.get(name, name), np.mean(mean, axis=0), np.max(peak, axis=0)))
    return found


def link_tiers(run):
    tiers = tier_series(run)
    with_peaks = tiers[0][2] is not None
    figure, axes = new_axes(1, 2 if with_peaks else 1, 3.2, squeeze=False)
    axes = axes[0]
    words = []
    for index, (name, mean, peak) in enumerate(tiers):
        color = style.LINES[index % len(style.LINES)]
        if mean.max() <= 0:
            words.append(f"{name}: unused")
            continue
        draw_series(axes[0], run, 100 * mean, color, name)
        said = style.percent(measured_span(run, mean)[0])
        if with_peaks:
            draw_series(axes[1], run, 100 * peak, color)
            said += f" on average and up to {style.percent(measured_span(run, peak)[2])} in one bundle"
        words.append(f"{name}: {said}")
    for axis, values, title in zip(axes, (1, 2), ("Mean of all bundles", "Fullest bundle in each sample")):
        shade_warm_up(axis, run)
        highest = max(100 * tier[values].max() for tier in tiers)
        axis.set_ylim(0, max(1e-3, 1.18 * highest))
        axis.set_title(title)
        axis.set_xlabel(TIME_LABEL if len(axes) == 1 else "Simulated time [s]")
        if values == 2 and highest > 60:
            axis.axhline(100, color=style.MUTED, linewidth=0.8, linestyle=":")
            axis.set_ylim(0, 108)
    axes[0].set_ylabel("Utilisation [% of capacity]")
    style.legend(axes[0], loc="upper right", fontsize=8.5)
    return Drawing("link_tiers", "How full the links of each tier are. " + "; ".join(words) + ".", figure)


def traffic_classes(run):
    """What enters the network, by class."""
    classes = [
        (key, run.facility(f"{key}_traffic_bytes_per_s"))
        for key in style.TRAFFIC
        if run.has_facility(f"{key}_traffic_bytes_per_s")
    ]
    classes = [(key, values) for key, values in classes if values.max(initial=0) > 0]
    if not classes:
        raise Missing("nothing left its scale-up domain for the network")
    total = sum(values for _, values in classes)
    figure, axes = new_axes(height=2.9)
    scale = scaled_axis(axes, total.max(), "Traffic", "B/s")
    time, stacked = thin(run.time_s, np.stack([values for _, values in classes], axis=1) / scale)
    axes.stackplot(time, stacked.T, colors=style.LINES, labels=[style.TRAFFIC[key] for key, _ in classes], alpha=0.85)
    shade_warm_up(axes, run)
    axes.set_ylim(0, 1.1 * total.max() / scale)
    axes.set_xlabel(TIME_LABEL)
    style.legend(axes, loc="lower right", bbox_to_anchor=(1, 1), ncol=len(classes))
    means = {key: measured_span(run, values)[0] for key, values in classes}
    whole = max(sum(means.values()), 1e-30)
    reading = f"{style.si(whole, 'B/s')} leave the nodes for the network on average: " + ", ".join(
        f"{style.TRAFFIC[key]} {style.percent(mean / whole)}" for key, mean in means.items()
    )
    return Drawing("traffic", reading + ".", figure)
