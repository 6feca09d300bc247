#!/usr/bin/python3
"""How the emulator's speed grows with ranks and threads, from the `performance` blocks of finished runs.

    scaling.py SUMMARY.yaml…            prints a table and writes scaling.png; a run's directory will do too
    --output FILE                       the figure's name

Runs of one deck (same `name`) form a series; the speed-up is against its run on the fewest cores. They
must have the same digest, since a result may not depend on ranks and threads; where it does, this is said.
Exit codes: 0 done; 2 the input is wrong; 3 the figure cannot be written.
"""

import argparse
import dataclasses
import sys
from pathlib import Path

import matplotlib.pyplot as plt

import run_data
import style

FIELDS = ("ranks", "threads", "real_time_factor", "messages_per_window", "bytes_per_window")
HEAD = (
    "deck",
    "ranks",
    "threads",
    "cores",
    "real-time factor",
    "speed-up",
    "per core",
    "messages/window",
    "bytes/window",
)


@dataclasses.dataclass
class Point:
    name: str
    digest: str
    ranks: int
    threads: int  # of a rank
    real_time_factor: float
    messages_per_window: float
    bytes_per_window: float

    @property
    def cores(self):
        return self.ranks * self.threads


def read_point(path):
    """A run's point; NotARun, in words, where the file does not hold one."""
    path = Path(path)
    path = path / "summary.yaml" if path.is_dir() else path
    try:
        summary = run_data.as_mapping(path.read_text())
    except (OSError, UnicodeDecodeError) as error:
        raise run_data.NotARun(f"{path}: cannot be read ({error.__class__.__name__})") from None
    block = summary.get("performance")
    block = block if isinstance(block, dict) else {}
    missing = [key for key in FIELDS if not isinstance(block.get(key), (int, float))]
    if missing:
        raise run_data.NotARun(f"{path}: no finished run's summary (performance lacks {', '.join(missing)})")
    return Point(
        str(summary.get("name", "run")), str(summary.get("digest", "")), *(block[key] for key in FIELDS)
    )


def series_of(points):
    """Deck -> its points by cores, then ranks."""
    series = {}
    for point in sorted(points, key=lambda point: (point.cores, point.ranks)):
        series.setdefault(point.name, []).append(point)
    return series


def table(series):
    rows = [HEAD]
    for name, points in series.items():
        for point in points:
            speed_up = (
                point.real_time_factor / points[0].real_time_factor
                if points[0].real_time_factor
                else float("nan")
            )
            rows.append(
                (
                    name,
                    str(point.ranks),
                    str(point.threads),
                    str(point.cores),
                    style.digits(point.real_time_factor),
                    f"{speed_up:.2f}",
                    style.percent(speed_up * points[0].cores / point.cores),
                    style.digits(point.messages_per_window),
                    style.digits(point.bytes_per_window),
                )
            )
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEAD))]
    return "\n".join("  ".join(cell.rjust(width) for cell, width in zip(row, widths)) for row in rows)


def differing(series):
    """Decks whose runs do not agree in their results."""
    return [
        name for name, points in series.items() if len({point.digest for point in points if point.digest}) > 1
    ]


def draw(series, output):
    """Speed against cores, a line per deck and threads of a rank; messages and bytes against ranks."""
    style.apply()
    figure, axes = plt.subplots(1, 3, figsize=(11, 3.8))
    draw_speed(axes[0], series)
    for axis, field, label in (
        (axes[1], "messages_per_window", "Messages per window"),
        (axes[2], "bytes_per_window", "Bytes exchanged per window [B]"),
    ):
        for index, (name, points) in enumerate(series.items()):
            values = {point.ranks: getattr(point, field) for point in points}
            ranks = sorted(values)
            axis.plot(
                ranks,
                [values[count] for count in ranks],
                "o-",
                color=style.LINES[index % len(style.LINES)],
                label=name,
                markersize=5,
            )
        axis.set(xlabel="MPI ranks", ylabel=label)
        count_axis(axis.xaxis, {point.ranks for points in series.values() for point in points})
        axis.set_ylim(0)
    if len(series) > 1:
        axes[1].legend(fontsize=8.5)
    figure.savefig(output)
    plt.close(figure)


def draw_speed(axes, series):
    lines = {}
    for name, points in series.items():
        for point in points:
            lines.setdefault((name, point.threads), []).append(point)
        cores = [point.cores for point in points]
        ideal = [points[0].real_time_factor * count / cores[0] for count in cores]
        axes.plot(cores, ideal, color=style.MUTED, linestyle=":", linewidth=1.2)
        axes.annotate(
            "perfect",
            (cores[-1], ideal[-1]),
            (-4, 2),
            textcoords="offset points",
            ha="right",
            fontsize=8,
            color=style.MUTED,
        )
    for index, ((name, threads), points) in enumerate(lines.items()):
        label = f"{threads} thread{'s' if threads > 1 else ''} per rank" + (
            f" ({name})" if len(series) > 1 else ""
        )
        axes.plot(
            [point.cores for point in points],
            [point.real_time_factor for point in points],
            "o-",
            markersize=5,
            color=style.LINES[index % len(style.LINES)],
            label=label,
        )
    axes.set_yscale("log", base=2)
    axes.yaxis.set_major_formatter(plt.FuncFormatter(lambda value, _: f"{value:g}"))
    axes.set(xlabel="Cores (ranks × threads)", ylabel="Simulated seconds per second")
    count_axis(axes.xaxis, {point.cores for points in series.values() for point in points})
    axes.legend(fontsize=8.5)


def count_axis(axis, counts):
    """A logarithmic axis with a tick at every count that occurs."""
    axis.axes.set_xscale("log", base=2)
    axis.set_major_locator(plt.FixedLocator(sorted(counts)))
    axis.set_minor_locator(plt.NullLocator())
    axis.set_major_formatter(plt.FuncFormatter(lambda value, _: f"{value:g}"))


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "summaries", metavar="SUMMARY", nargs="+", help="summary.yaml of a finished run, or its directory"
    )
    parser.add_argument(
        "--output", metavar="FILE", type=Path, default=Path("scaling.png"), help="the figure to write"
    )
    options = parser.parse_args()
    try:
        series = series_of([read_point(path) for path in options.summaries])
        print(table(series))
        for name in differing(series):
            print(
                f"scaling.py: the runs of “{name}” have different digests: not the same results",
                file=sys.stderr,
            )
        draw(series, options.output)
    except run_data.NotARun as error:
        print(f"scaling.py: {error}", file=sys.stderr)
        return 2
    except (OSError, ValueError) as error:
        print(f"scaling.py: cannot write {options.output}: {error}", file=sys.stderr)
        return 3
    print(options.output)
    return 0


if __name__ == "__main__":
    sys.exit(main())
