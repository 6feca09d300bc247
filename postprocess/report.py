#!/usr/bin/python3
"""Turns a run's directory into one page with its figures; several runs into a comparison.

    report.py RUN_DIR                      writes RUN_DIR/report.html and RUN_DIR/figures/*.png
    report.py RUN_DIR RUN_DIR…             writes comparison.html and figures/*.png in the current directory
    --output FILE                          the page's name; figures/ is made beside it

Works while the run is still going and on one that was killed: what is missing is said on the page.
Exit codes: 0 done; 2 no run there; 3 the page cannot be written.
"""

import argparse
import sys
import warnings
from pathlib import Path

# What libraries tell their developers is not for the reader of a report.
warnings.filterwarnings("ignore", module=r"(matplotlib|mpl_toolkits|pyparsing|numpy|h5py|dateutil)\b")

import compare
import figures
import floor_map
import key_figures
import network_figures
import page
import power_figures
import power_tables
import run_data
import sentences
import style


FIGURES = (
    ("Throughput over time", figures.throughput),
    ("How long users wait", figures.latency),
    ("Power over time", figures.power_over_time),
    ("Where the watts go", figures.power_breakdown),
    ("How power swings", power_figures.swings),
    ("What the accelerators' time goes to", figures.time_share),
    ("The fullest network links, and who loads them", network_figures.busiest_links),
    ("Network utilisation by tier", network_figures.link_tiers),
    ("What travels over the network", network_figures.traffic_classes),
    ("The floor, rack by rack", floor_map.draw),
    ("Requests in flight", figures.requests),
)

TERMS = (
    (
        "Facility boundary",
        (
            "All power behind the site's meter: accelerators, hosts, network, conversion losses, fans and"
            " cooling. Tokens per second per MW divides output tokens (not prompt tokens) by it."
        ),
    ),
    (
        "TTFT, TPOT",
        (
            "Time to first token: from a request's arrival to the moment at which its client has the first output token."
            " Time per output token: from there to the last token, over the number of tokens after the first."
        ),
    ),
    (
        "p50, p90, p99",
        (
            "Half, 90 % and 99 % of the requests that arrived in the measured period are at or below this value. Those"
            " that still wait count with the time they have waited, those turned away as never (Kaplan-Meier). TPOT:"
            " of the requests completed in it."
        ),
    ),
    (
        "Within objectives",
        (
            "Of the requests that arrived in the measured period and whose outcome is known: completed, turned away, or"
            " already later than an objective."
        ),
    ),
    ("Goodput", "Output tokens per second of those requests that keep every objective."),
    (
        "Parts of the time to first token",
        (
            "The way from the router to an instance; the queue there; the prompt; the transfer of its KV cache and the"
            " wait for a place on the decode instance (disaggregated services); the first iteration there, where the"
            " engine computes the token again; delivery to the client."
        ),
    ),
    (
        "What the accelerators' time goes to",
        (
            "Each moment is booked on the resource that the current step waits for: arithmetic, reading the"
            " high-bandwidth memory (HBM), the scale-up network inside a node or rack (NVLink and the like),"
            " the scale-out network between them, a memory pool, fixed overhead (kernel launches,"
            " scheduling), or nothing to do (idle)."
        ),
    ),
    (
        "Bundle",
        "Parallel cables between the same two layers of the network, one direction, seen as one link.",
    ),
    ("Real-time factor", "Simulated seconds per second of wall time."),
)

PERFORMANCE = {
    "ranks": "MPI ranks",
    "threads": "Threads per rank",
    "wall_s": "Wall time [s]",
    "simulated_s": "Simulated time, warm-up included [s]",
    "real_time_factor": "Real-time factor",
    "iterations": "Batch iterations",
    "events": "Events",
    "windows": "Windows",
    "messages_per_window": "Messages per window",
    "bytes_per_window": "Bytes exchanged per window",
    "solver_rounds_per_window": "Fabric solver rounds per window",
    "peak_rss_mb": "Peak memory of a rank [MB]",
}


def draw_all(run, folder):
    """The page's sections, one per figure; a figure whose data are missing leaves a sentence."""
    parts = []
    for title, draw in FIGURES:
        try:
            parts.append(page.section(title, page.picture(title, draw(run), folder)))
        except run_data.Missing as missing:
            parts.append(page.section(title, page.paragraph(f"Not drawn: {missing}.", "note")))
        except (ValueError, IndexError, TypeError, OverflowError) as error:  # numbers that no run writes
            parts.append(
                page.section(title, page.paragraph(f"Not drawn: the data are damaged ({error}).", "note"))
            )
    return parts


def key_figure_tables(run):
    """Output and power, latency, requests and network."""
    groups = {}
    for row in key_figures.table(run):
        groups.setdefault(row.group, []).append((row.label, row.text, row.note))
    waits = key_figures.latency_table(run)
    if not groups and not waits:
        return page.paragraph("None yet.", "note")
    parts = [page.table(groups.get("output", []), numbers=(1,))]
    if waits:
        parts.append(
            page.table(waits, ("Users wait", "mean", "p50", "p90", "p99", "objective"), numbers=range(1, 6))
        )
    if parts_of_ttft := key_figures.ttft_parts(run):
        parts.append(
            page.table(parts_of_ttft, ("Of the time to first token", "mean", "p50", "p90", "p99"), numbers=range(1, 5))
        )
    lists = [
        page.table([row[:2] for row in groups[name]], numbers=(1,))
        for name in ("requests", "network")
        if name in groups
    ]
    return "\n".join(parts) + page.side_by_side(*lists)


def performance_table(run):
    """How fast the emulation itself ran."""
    block = run.summary.get("performance")
    if not isinstance(block, dict):
        return page.paragraph("Not known: the summary has no performance block yet.", "note")
    time_in = block.get("time_in") if isinstance(block.get("time_in"), dict) else {}
    parts = {key: value for key, value in time_in.items() if isinstance(value, (int, float))}
    total = sum(parts.values()) or 1.0
    rows = [
        (PERFORMANCE.get(key, key.replace("_", " ")), plain(value))
        for key, value in block.items()
        if key != "time_in"
    ]
    shares = [(key, style.percent(value / total)) for key, value in parts.items()]
    tables = [
        page.table(rows, numbers=(1,)),
        page.table(shares, ("Wall time spent in", "share"), numbers=(1,)) if shares else "",
    ]
    return page.side_by_side(*tables)


def plain(value):
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return str(value)
    return f"{value:,}" if isinstance(value, int) else style.digits(value)


def origin(run):
    """One line that says which run this is."""
    samples = int(run.measured.sum())
    words = [
        f"Megaweave {run.program_version}".strip(),
        f"{samples:,} measured samples of {style.round_seconds(run.sample_s)}",
    ]
    words.append(f"digest {run.digest}" if run.digest else "no digest: the run has not finished")
    return " · ".join(words)


def boundaries(run):
    """What summary.yaml says about the boundaries of its figures, as text."""
    stated = run.summary.get("boundaries")
    if isinstance(stated, dict):
        return " ".join(f"{key}: {words}." for key, words in stated.items())
    return " ".join(map(str, stated)) if isinstance(stated, list) else str(stated or "")


def write_report(run, output):
    folder = make_folder(output)
    parts = [f"<h1>{page.text(run.name)}</h1>", page.paragraph(origin(run), "origin")]
    if verdict := sentences.verdict_words(run):
        parts.append(page.paragraph(verdict, "headline"))
    parts += [page.paragraph(problem, "problem") for problem in run.problems()]
    parts.append(page.paragraph(" ".join(sentences.headline(run)), "headline"))
    if boundaries(run):
        parts.append(page.paragraph(boundaries(run), "note"))
    parts.append(page.section("Key figures", key_figure_tables(run)))
    if power := power_tables.tables(run):
        parts.append(page.section("Power at each boundary", power))
    parts += draw_all(run, folder)
    parts.append(page.section("How fast the emulation ran", performance_table(run)))
    parts.append(page.section("Terms", page.definitions(TERMS)))
    if run.deck_text:
        parts.append(
            page.section(
                "The deck",
                page.folded("Everything that this run depends on, defaults included", run.deck_text),
            )
        )
    output.write_text(page.document(f"{run.name}: Megaweave report", parts))


def make_folder(output):
    folder = output.parent / "figures"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def own_report(path):
    """The path, unless somebody else's page has it."""
    if path.exists() and b"Megaweave report</title>" not in path.read_bytes()[:4096]:
        raise run_data.NotARun(f"{path}: is no report of Megaweave's and stays as it is (give another name with --output)")
    return path


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("runs", metavar="RUN_DIR", nargs="+", help="a run's output directory")
    parser.add_argument("--output", metavar="FILE", type=Path, help="the page to write")
    options = parser.parse_args()
    try:
        runs = [run_data.Run(directory) for directory in options.runs]
        if len(runs) == 1:
            output = options.output or own_report(Path(options.runs[0]) / "report.html")
            write_report(runs[0], output)
        else:
            output = options.output or Path("comparison.html")
            compare.write_comparison(runs, output, make_folder(output))
    except run_data.NotARun as error:
        print(f"report.py: {error}", file=sys.stderr)
        return 2
    except OSError as error:
        print(f"report.py: cannot write the report: {error}", file=sys.stderr)
        return 3
    print(output)
    return 0


if __name__ == "__main__":
    sys.exit(main())
