"""Reads what `megaweave validate … --output` writes, and puts its rows into groups that errors are stated for."""

import csv
import dataclasses
import math
from pathlib import Path

import numpy as np
import yaml

CATALOGUE = Path(__file__).resolve().parents[1] / "inputs" / "catalogue" / "models.yaml"
NEEDED = ("hardware", "model", "metric", "value", "predicted", "error")
KINDS = ("ttft", "tpot", "itl", "e2e", "power", "energy", "throughput")
LOADS = ("max", "static", "closed", "steady_batch", "mtp", "disaggregated")

# Median and 90th percentile of the absolute error that the project sets itself, in percent.
TARGETS = {
    ("max", "dense", "throughput"): (6, 18),
    ("max", "MoE", "throughput"): (12, 35),
    ("closed", None, "tpot"): (12, 35),
    ("closed", None, "throughput"): (12, 35),
    ("closed", None, "ttft"): (20, 60),
    ("static", None, None): (10, 25),
    ("steady_batch", None, "power"): (10, 25),
    ("steady_batch", None, "energy"): (10, 25),
}


class NotAValidation(Exception):
    """The file cannot be used: in words for the reader."""


@dataclasses.dataclass
class Row:
    cells: dict
    measured: float
    predicted: float
    error: float  # predicted / measured - 1
    load: str  # of LOADS, or the file's own word
    sort: str  # dense, MoE, or "" where the catalogue does not know the model
    kind: str  # of the metric

    @property
    def accelerator(self):
        return self.cells["hardware"]

    @property
    def model(self):
        return self.cells["model"]

    @property
    def speed(self):
        """How many times too fast the prediction is; None for what is no speed (watts, joules)."""
        if self.kind == "throughput":
            return self.predicted / self.measured
        return self.measured / self.predicted if self.kind in ("ttft", "tpot", "itl", "e2e") else None

    @property
    def binding(self):
        return self.cells.get("binding") or "not stated"

    @property
    def group(self):
        return f"{self.load}{' ' + self.sort if self.sort else ''}, {self.kind}"


@dataclasses.dataclass
class Errors:
    """Of one group, in percent."""

    rows: int
    median: float  # of the absolute error
    p90: float
    bias: float  # median of the signed error
    near: float  # share of rows within 20 %


def errors_of(rows):
    signed = 100 * np.array([row.error for row in rows])
    size = np.abs(signed)
    return Errors(
        len(rows),
        float(np.median(size)),
        float(np.percentile(size, 90)),
        float(np.median(signed)),
        float((size <= 20).mean()),
    )


def target_of(rows):
    """(median, p90) that are aimed at, or None; the rows are of one group."""
    first = rows[0]
    for (load, sort, kind), target in TARGETS.items():
        if load == first.load and sort in (None, first.sort) and kind in (None, first.kind):
            return target
    return None


def grouped(rows, key):
    """Rows by key, the groups in the order of LOADS, dense before MoE, then by name."""
    groups = {}
    for row in rows:
        groups.setdefault(key(row), []).append(row)

    def order(item):
        load = item[1][0].load
        dense_first = {"dense": 0, "MoE": 1}.get(item[1][0].sort, 2)
        return (LOADS.index(load) if load in LOADS else len(LOADS), dense_first, item[0])

    return dict(sorted(groups.items(), key=order))


def kind_of(metric):
    return next((kind for kind in KINDS if kind in metric), metric)


def load_of(cells):
    """Disaggregated rows and those with multi-token prediction stand apart from their load."""
    if cells.get("mode") == "disaggregated":
        return "disaggregated"
    return "mtp" if cells.get("speculative") == "mtp" else cells.get("load") or "any load"


def mixtures():
    """name -> whether it has experts, of every model in the catalogue and its aliases."""
    try:
        entries = yaml.safe_load(CATALOGUE.read_text())
    except (OSError, yaml.YAMLError):
        return {}
    return {
        name: bool(entry.get("routed_experts"))
        for key, entry in entries.items()
        for name in (key, *entry.get("aliases", ()))
    }


class Validation:
    """The rows that were predicted, and those that were not with the reason."""

    def __init__(self, path):
        self.path = Path(path)
        self.rows, self.missing = [], []
        sorts = {name: "MoE" if mixture else "dense" for name, mixture in mixtures().items()}
        for number, cells in enumerate(self._read(), 2):
            if not cells["predicted"]:
                self.missing.append(cells)
                continue
            measured, predicted, error = (
                self._number(cells, column, number) for column in ("value", "predicted", "error")
            )
            if measured <= 0 or predicted <= 0:
                raise NotAValidation(f"{path}:{number}: value and predicted must be above 0")
            self.rows.append(
                Row(
                    cells,
                    measured,
                    predicted,
                    error,
                    load_of(cells),
                    sorts.get(cells["model"], ""),
                    kind_of(cells["metric"]),
                )
            )

    def _read(self):
        try:
            with open(self.path, newline="") as file:
                rows = list(csv.DictReader(file))
        except (OSError, UnicodeDecodeError, csv.Error) as error:
            raise NotAValidation(f"{self.path}: cannot be read: {error}") from error
        absent = [column for column in NEEDED if not rows or column not in rows[0]]
        if absent:
            raise NotAValidation(
                f"{self.path}: not written by 'megaweave validate … --output': "
                + (f"no column {', '.join(absent)}" if rows else "no rows")
            )
        for number, row in enumerate(rows, 2):
            if None in row or None in row.values():
                raise NotAValidation(f"{self.path}:{number}: has not as many cells as the header")
        return rows

    def _number(self, cells, column, line):
        try:
            value = float(cells[column])
        except ValueError:
            value = math.nan
        if not math.isfinite(value):
            raise NotAValidation(f"{self.path}:{line}: {column} is not a number: {cells[column]!r}")
        return value
