#!/usr/bin/python3
"""Turns the output of `megaweave validate` into one page: predicted against measured, per group.

    megaweave validate points.csv --output predictions.csv
    validation_page.py predictions.csv                     writes predictions.html and figures/*.png beside it
    --output FILE                                          the page's name; figures/ is made beside it

Needs the columns hardware, model, metric, value, predicted and error; load, mode, speculative, unit, binding, status and
reason are used where they are there. Rows without a prediction are listed with their reason.
Exit codes: 0 done; 2 not such a file; 3 the page cannot be written.
"""

import argparse
import math
import sys
from pathlib import Path

import page
import style
import validation_data as data
import validation_figures as figures
from run_data import Missing

HEAD = ("group", "rows", "median", "p90", "bias", "within 20 %", "aimed at (median / p90)", "")
WORST = 15

TERMS = (
    (
        "Error",
        "Predicted / measured − 1. Median and p90 are of its absolute value; bias is the median with its sign.",
    ),
    (
        "Groups",
        "By load (max: every request queued at once; closed: so many requests in flight; static: a fixed batch;"
        " steady_batch: steady state at a measured mean batch), dense model or mixture of experts (MoE), and kind of"
        " metric. Rows with multi-token prediction (mtp) and with prefill apart from decode (disaggregated) stand alone.",
    ),
    (
        "What binds",
        "The resource that most of an experiment's time goes to; kv_memory where requests wait for room in the cache"
        " most of the time.",
    ),
)


def signed(percent):
    return f"{percent:+.1f} %".replace("-", "−")


def error_cells(rows):
    errors = data.errors_of(rows)
    return (
        f"{errors.rows:,}",
        f"{errors.median:.1f} %",
        f"{errors.p90:.1f} %",
        signed(errors.bias),
        style.percent(errors.near),
    )


def verdict(rows):
    """What is aimed at, and whether it is met."""
    target = data.target_of(rows)
    if target is None:
        return "", ""
    errors = data.errors_of(rows)
    met = errors.median <= target[0] and errors.p90 <= target[1]
    return f"{target[0]} / {target[1]} %", "met" if met else "missed"


def group_table(rows):
    groups = data.grouped(rows, lambda row: row.group)
    lines = [(name, *error_cells(members), *verdict(members)) for name, members in groups.items()]
    lines.append(("all", *error_cells(rows), "", ""))
    return page.dense(page.table(lines, HEAD, numbers=range(1, 7)))


def plain_table(rows, title, key):
    groups = {}
    for row in rows:
        groups.setdefault(key(row), []).append(row)
    lines = [(name, *error_cells(groups[name])) for name in sorted(groups)]
    return page.dense(page.table(lines, (title, *HEAD[1:6]), numbers=range(1, 6)))


def setup_of(row):
    """An experiment in a line: engine, layout, lengths, load."""
    cells = row.cells
    layout = " ".join(
        f"{key}{cells[column]}"
        for key, column in (("tp", "tp"), ("pp", "pp"), ("ep", "ep"), ("dp", "attention_dp"))
        if cells.get(column) not in (None, "", "1")
    )
    load = " ".join(filter(None, (row.load, cells.get("concurrency"))))
    lengths = "/".join(filter(None, (cells.get("input_len"), cells.get("output_len"))))
    return ", ".join(filter(None, (cells.get("engine", "").strip(), layout, lengths, load)))


def worst_table(rows):
    far = sorted(rows, key=lambda row: -abs(math.log(row.predicted / row.measured)))[:WORST]
    lines = [
        (
            row.cells.get("id") or "–",
            f"{row.model} {row.cells.get('weights', '')} on {row.accelerator}: {setup_of(row)}",
            row.cells["metric"],
            style.digits(row.measured),
            style.digits(row.predicted),
            signed(100 * row.error),
            row.binding,
        )
        for row in far
    ]
    head = ("row", "experiment", "metric", "measured", "predicted", "error", "what binds")
    return page.dense(page.table(lines, head, numbers=(3, 4, 5)))


def missing_table(missing):
    reasons = {}
    for cells in missing:
        reasons.setdefault(cells.get("reason") or "not stated", []).append(cells.get("id") or "–")
    lines = [
        (reason, f"{len(ids):,}", ", ".join(ids[:3]) + (" …" if len(ids) > 3 else ""))
        for reason, ids in sorted(reasons.items(), key=lambda item: -len(item[1]))
    ]
    return page.dense(page.table(lines, ("reason", "rows", "which"), numbers=(1,)))


def headline(validation):
    rows = validation.rows
    errors = data.errors_of(rows)
    judged = [
        verdict(members)[1]
        for members in data.grouped(rows, lambda row: row.group).values()
        if data.target_of(members)
    ]
    words = (
        f"{errors.rows:,} of {errors.rows + len(validation.missing):,} published measurements are predicted:"
        f" half of them within {errors.median:.1f} %, nine tenths within {errors.p90:.0f} %,"
        f" with a bias of {signed(errors.bias)}."
    )
    if judged:
        words += f" {judged.count('met')} of {len(judged)} groups with a target meet it."
    return words


def drawn(title, draw, folder):
    try:
        return page.section(title, page.picture(title, draw(), folder))
    except Missing as missing:
        return page.section(title, page.paragraph(f"Not drawn: {missing}.", "note"))


def sections(validation, folder):
    rows = validation.rows
    look = figures.looks(rows)
    yield page.section("Errors by group", group_table(rows))
    yield drawn("Predicted over measured", lambda: figures.spreads(rows), folder)
    for load, members in data.grouped(rows, lambda row: row.load).items():
        title = f"Predicted against measured: {load}"
        yield drawn(title, lambda load=load, members=members: figures.against(load, members, look), folder)
    yield drawn("How large the errors are", lambda: figures.error_curves(rows), folder)
    yield drawn("Too fast or too slow, where", lambda: figures.where_biased(rows), folder)
    tables = [("accelerator", lambda row: row.accelerator), ("model", lambda row: row.model)]
    if "source" in rows[0].cells:
        tables.insert(0, ("source", lambda row: row.cells["source"]))
    tables.append(("what binds", lambda row: row.binding))
    yield page.section(
        "Errors by source, accelerator, model and bottleneck", *(plain_table(rows, *one) for one in tables)
    )
    yield page.section(f"The {min(WORST, len(rows))} rows furthest off", worst_table(rows))


def write_page(validation, output):
    folder = output.parent / "figures"
    folder.mkdir(parents=True, exist_ok=True)
    parts = ["<h1>Predicted against measured</h1>", page.paragraph(str(validation.path), "origin")]
    if validation.rows:
        parts.append(page.paragraph(headline(validation), "headline"))
        parts += sections(validation, folder)
    else:
        parts.append(page.paragraph("No row was predicted.", "problem"))
    if validation.missing:
        parts.append(page.section("What could not be run", missing_table(validation.missing)))
    parts.append(page.section("Terms", page.definitions(TERMS)))
    output.write_text(page.document("Megaweave: predicted against measured", parts))


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("predictions", metavar="CSV", help="what `megaweave validate … --output` wrote")
    parser.add_argument("--output", metavar="FILE", type=Path, help="the page to write")
    options = parser.parse_args()
    output = options.output or Path(options.predictions).with_suffix(".html")
    try:
        write_page(data.Validation(options.predictions), output)
    except data.NotAValidation as error:
        print(f"validation_page.py: {error}", file=sys.stderr)
        return 2
    except OSError as error:
        print(f"validation_page.py: cannot write the page: {error}", file=sys.stderr)
        return 3
    print(output)
    return 0


if __name__ == "__main__":
    sys.exit(main())
