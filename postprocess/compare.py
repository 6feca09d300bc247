"""Several runs on one page: key figures with their differences from the first run, and overlaid curves."""

import drawing
import figures
import key_figures
import page
import style
from run_data import Missing


def labels(runs):
    """A short name for each run: the deck's, or the directory's where decks share a name."""
    names = [run.name for run in runs]
    if len(set(names)) < len(names):
        names = [run.directory.resolve().name for run in runs]
    if len(set(names)) < len(names):
        names = [str(run.directory) for run in runs]
    return names


def difference(value, base):
    if not base:
        return ""
    change = value / base - 1
    return "=" if value == base else f"{100 * change:+.1f} %".replace("-", "−")


def key_figure_table(runs, names):
    tables = [{row.label: row for row in key_figures.flat_table(run)} for run in runs]
    order = list(dict.fromkeys(label for table in tables for label in table))
    head, rows = ["", names[0]], []
    for name in names[1:]:
        head += [name, "change"]
    for label in order:
        first = tables[0].get(label)
        row = [label, first.text if first else "–"]
        for table in tables[1:]:
            other = table.get(label)
            row += [
                other.text if other else "–",
                difference(other.value, first.value) if other and first else "",
            ]
        rows.append(row)
    return page.table(rows, head, numbers=range(1, len(head)))


def headline(runs, names):
    """Who does best at what, in a sentence each."""
    words = []
    best = (
        ("generates most", key_figures.output_rate, max, style.rate),
        (
            "generates most per megawatt",
            key_figures.tokens_per_mw,
            max,
            lambda value: style.rate(value, "tokens/s per MW"),
        ),
        ("draws least", key_figures.facility_w, min, lambda value: style.si(value, "W")),
    )
    for what, measure, choose, write in best:
        values = {name: measure(run) for name, run in zip(names, runs) if measure(run) is not None}
        if len(values) > 1 and len(set(values.values())) > 1:
            winner = choose(values, key=values.get)
            words.append(f"“{winner}” {what}: {write(values[winner])}.")
    return " ".join(words) or "These runs do not differ in output or power."


def each(runs, names, draw):
    """Calls draw(index, run, name) for every run; those whose data are missing are returned as words."""
    absent = []
    for index, (run, name) in enumerate(zip(runs, names)):
        try:
            draw(index, run, name)
        except Missing as missing:
            absent.append(f"{name}: {missing}")
    if len(absent) == len(runs):
        raise Missing("; ".join(absent))
    return f" Not drawn: {'; '.join(absent)}." if absent else ""


def color_of(index):
    return style.LINES[index % len(style.LINES)]


def overlay(runs, names, series, quantity, unit, file_name):
    """One facility series of every run over time, from the end of each run's own warm-up."""
    figure, axes = drawing.new_axes(height=3.4)
    largest = max(
        (run.facility(series).max(initial=0) for run in runs if run.has_facility(series)), default=0
    )
    scale = drawing.scaled_axis(axes, largest, quantity, unit)
    means = []
    write = style.rate if unit == "tokens/s" else lambda value: style.si(value, unit)

    def draw(index, run, name):
        values = run.facility(series)
        means.append(f"{write(drawing.measured_span(run, values)[0])} ({name})")
        drawing.draw_series(axes, run, values / scale, color_of(index), name)

    absent = each(runs, names, draw)
    drawing.shade_warm_up(axes, min((run for run in runs if len(run.time_s)), key=lambda run: run.time_s[0]))
    axes.set_xlim(
        min(run.time_s[0] - run.sample_s for run in runs if len(run.time_s)),
        max(run.time_s[-1] for run in runs if len(run.time_s)),
    )
    axes.set_ylim(0)
    axes.set_xlabel(drawing.TIME_LABEL)
    style.legend(axes, loc="lower right", bbox_to_anchor=(1, 1), ncol=min(len(runs), 4))
    return drawing.Drawing(
        f"compare_{file_name}", "Means after the warm-up: " + ", ".join(means) + "." + absent, figure
    )


def throughput(runs, names):
    return overlay(runs, names, "output_tokens_per_s", "Output", "tokens/s", "throughput")


def power(runs, names):
    return overlay(runs, names, "facility_power_w", "Facility power", "W", "power")


def latency(runs, names):
    figure, panels = drawing.new_axes(1, 2, 3.6, sharey=True)
    words, absent = [], ""
    for axes, quantity, label in zip(
        panels, ("ttft", "tpot"), ("Time to first token", "Time per output token")
    ):
        limits = []

        def draw(index, run, name, axes=axes, quantity=quantity, label=label, limits=limits):
            histogram = run.histogram(quantity)
            figures.draw_distribution(axes, histogram, f"{label} ({quantity.upper()})", color_of(index), name)
            limits.append(axes.get_xlim())
            words.append(f"{quantity.upper()} p99 {style.seconds(histogram.quantile(0.99))} ({name})")

        absent = each(runs, names, draw)
        axes.set_xlim(min(low for low, _ in limits), max(high for _, high in limits))
        figures.tick_latencies(axes)
    panels[0].set_ylabel("Share of requests at or below")
    style.legend(panels[0], loc="lower right")
    return drawing.Drawing("compare_latency", ", ".join(words) + "." + absent, figure)


def stacked(runs, names, parts_of, looks, unit, file_name, quantity):
    """One stacked bar per run; `parts_of(run)` gives key -> value, `looks` key -> (label, colour)."""
    figure, axes = drawing.new_axes(height=2.0 + 0.42 * len(runs))
    totals, seen, tables = {}, {}, {}

    def collect(_, run, name):
        tables[name] = parts_of(run)
        totals[name] = sum(tables[name].values())

    absent = each(runs, names, collect)
    scale, prefix = style.prefix(max(totals.values())) if unit else (0.01, "%")
    write = (lambda value: style.si(value, unit)) if unit else style.percent
    for name in reversed(list(tables)):
        left = 0.0
        for key, (label, color) in looks.items():
            value = tables[name].get(key, 0.0) / scale
            if value > 0:
                seen[label] = axes.barh(
                    [name], [value], left=left, color=color, edgecolor="white", linewidth=0.5
                )
                left += value
    order = [label for label, _ in looks.values() if label in seen]
    figure.legend([seen[label] for label in order], order, loc="lower center", ncol=4, fontsize=8.5)
    rows = -(-len(order) // 4)
    bottom = (0.15 + 0.2 * rows) / figure.get_size_inches()[1]
    figure.get_layout_engine().set(rect=(0, bottom, 1, 1 - bottom))
    axes.set_xlabel(f"{quantity} [{prefix}{unit}]")
    axes.grid(axis="y", visible=False)
    return drawing.Drawing(f"compare_{file_name}", largest_change(tables, looks, write) + absent, figure)


def largest_change(tables, looks, write):
    """Which part of which run differs most from the first run, in words."""
    first, *others = tables
    change = {
        (name, key): abs(tables[name].get(key, 0.0) - tables[first].get(key, 0.0))
        for name in others
        for key in looks
    }
    if not any(change.values()):
        return "The runs do not differ here."
    name, key = max(change, key=change.get)
    before, after = tables[first].get(key, 0.0), tables[name].get(key, 0.0)
    return (
        f"The largest change is in “{looks[key][0]}”: {write(before)} ({first}) to {write(after)} ({name})."
    )


def breakdown(runs, names):
    return stacked(
        runs, names, key_figures.breakdown_w, style.COMPONENTS, "W", "breakdown", "Mean facility power"
    )


def time_share(runs, names):
    return stacked(
        runs, names, key_figures.time_shares, style.TIME_SHARES, "", "time_share", "Share of accelerator time"
    )


FIGURES = (
    ("Output tokens over time", throughput),
    ("How long users wait", latency),
    ("Facility power over time", power),
    ("Where the watts go", breakdown),
    ("What the accelerators' time goes to", time_share),
)


def write_comparison(runs, output, folder):
    names = labels(runs)
    parts = [
        "<h1>Comparison of runs</h1>",
        page.paragraph(" · ".join(f"{name}: {run.directory}" for name, run in zip(names, runs)), "origin"),
    ]
    parts += [
        page.paragraph(f"{name}: {problem}", "problem")
        for name, run in zip(names, runs)
        for problem in run.problems()
    ]
    parts.append(page.paragraph(headline(runs, names), "headline"))
    table = key_figure_table(runs, names)
    parts.append(
        page.section(
            "Key figures", page.dense(table), page.paragraph("“change” is against the first run.", "note")
        )
    )
    for title, draw in FIGURES:
        try:
            parts.append(page.section(title, page.picture(title, draw(runs, names), folder)))
        except Missing as missing:
            parts.append(page.section(title, page.paragraph(f"Not drawn: {missing}.", "note")))
    output.write_text(page.document("Megaweave: comparison of runs", parts))
