"""Reads what a run left in its directory: run.h5 (contract: README.md) and summary.yaml. Nothing here draws.

A run may still be going, or have been killed: what is absent raises `Missing`, with words for the reader, and
series are cut to the samples that every one of them has.
"""

import functools
import os
import re
from pathlib import Path

os.environ.setdefault("HDF5_USE_FILE_LOCKING", "FALSE")  # a run that is still writing must not be disturbed
import h5py  # noqa: E402
import numpy as np  # noqa: E402
import yaml  # noqa: E402

BLOCK_VALUES = 4_000_000  # a series of racks or links is read in blocks of about this many numbers
UNITS = {
    "ns": 1e-9,
    "us": 1e-6,
    "ms": 1e-3,
    "s": 1.0,
    "min": 60.0,
    "h": 3600.0,
    "W": 1.0,
    "kW": 1e3,
    "MW": 1e6,
    "GW": 1e9,
}
READ_ERRORS = (
    OSError,
    RuntimeError,
    KeyError,
    MemoryError,
)  # what h5py raises where a file is damaged or half written


class Missing(Exception):
    """Something that this run does not have; the message says what, for the reader of the report."""


class NotARun(Exception):
    """The directory holds no readable run; the message is one line for the terminal."""


def quantity(text):
    """A deck's quantity in SI units: "50 ms" -> 0.05, "2 MW" -> 2e6; None where absent or not understood."""
    if isinstance(text, (int, float)) and not isinstance(text, bool):
        return float(text)
    match = re.fullmatch(r"\s*([0-9.eE+-]+)\s*([A-Za-z]+)\s*", str(text))
    try:
        return float(match[1]) * UNITS[match[2]]
    except (TypeError, KeyError, ValueError):
        return None


def as_text(value):
    """An HDF5 string of any kind as str."""
    if isinstance(value, np.ndarray):
        value = value.item() if value.size == 1 else b""
    return value.decode(errors="replace").rstrip("\0") if isinstance(value, bytes) else str(value)


def as_mapping(text):
    """YAML text as a dict; empty where it is broken or something else."""
    try:
        loaded = yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except yaml.YAMLError:
        return {}
    return loaded if isinstance(loaded, dict) else {}


def as_block(mapping, key):
    """The block under `key`; empty where it is absent or something else."""
    block = mapping.get(key)
    return block if isinstance(block, dict) else {}


class Histogram:
    """Counts between edges [s], as in /histograms/<name>."""

    def __init__(self, edges, counts):
        self.edges, self.counts = np.asarray(edges, float), np.asarray(counts, float)
        rising = len(self.edges) == len(self.counts) + 1 and (np.diff(self.edges) > 0).all()
        if not rising or not (self.counts >= 0).all() or not np.isfinite(self.edges).all():
            raise Missing("a distribution in run.h5 is damaged")
        self.total = self.counts.sum()
        self.cumulative = np.concatenate([[0.0], np.cumsum(self.counts)]) / max(self.total, 1.0)

    def quantile(self, q):
        """Linear inside a bucket, as the program's own."""
        bucket = int(np.searchsorted(self.cumulative[1:], q * (1 - 1e-12)))
        low, high = self.cumulative[bucket : bucket + 2]
        part = (q - low) / (high - low) if high > low else 0.0
        return float(self.edges[bucket] + part * (self.edges[bucket + 1] - self.edges[bucket]))

    def share_within(self, limit):
        """Share of the values at or below `limit`."""
        return float(np.interp(limit, self.edges, self.cumulative))

    def mean(self):
        return float((self.counts * (self.edges[1:] + self.edges[:-1]) / 2).sum() / max(self.total, 1.0))


class Run:
    """One run directory. Time: seconds from the end of the warm-up; a sample has the time of its end."""

    def __init__(self, directory):
        self.directory = Path(directory)
        path = self.directory / "run.h5"
        if not self.directory.is_dir():
            raise NotARun(
                f"{directory}: no such directory (give the run's output directory, e.g. out/quickstart)"
            )
        if not path.is_file():
            raise NotARun(
                f"{directory}: holds no run.h5 (give the run's output directory, e.g. out/quickstart)"
            )
        try:
            self.file = h5py.File(path, "r")
        except READ_ERRORS as error:
            raise NotARun(f"{path}: not a readable HDF5 file ({str(error).splitlines()[0]})") from None
        self.digest = self._attribute("digest")
        self.foreign_summary = False
        self.summary = self._read_summary()
        self.deck_text = self._read_deck()
        self.deck = as_mapping(self.deck_text)
        self.name = str(
            self.summary.get("name")
            or self.deck.get("name")
            or self._attribute("deck_name")
            or self.directory.name
        )
        self.program_version = self._attribute("program_version")
        self.time_s = self._read_time()
        self.measured = self.time_s > 1e-9

    def _attribute(self, name):
        try:
            return as_text(self.file.attrs[name])
        except READ_ERRORS:
            return ""

    def _read_summary(self):
        """Empty where it is of another run: a run in a used directory finds the last one's summary."""
        try:
            text = (self.directory / "summary.yaml").read_text()
        except (OSError, UnicodeDecodeError):
            return {}
        stated = re.search(r"^digest:\s*[\"']?(\w*)", text, re.MULTILINE)
        self.foreign_summary = bool(stated) and stated[1] != self.digest
        return {} if self.foreign_summary else as_mapping(text)

    def _read_deck(self):
        try:
            return as_text(self.file["deck"][()])
        except READ_ERRORS:
            return ""

    def _read_time(self):
        """Time of every sample that all series have: a killed run may hold one more row of some."""
        try:
            time = self.file["time_s"][:].astype(float)
            rows = [
                data.shape[0]
                for kind in ("rack", "facility", "links")
                for name, data in self._group(kind).items()
                if self._is_series(kind, name)
            ]
        except (*READ_ERRORS, AttributeError):
            return np.zeros(0)
        return time[: min([len(time), *rows])]

    def _group(self, kind):
        return self.file[kind] if self._has(kind) else {}

    @staticmethod
    def _is_series(kind, name):
        """Not the coordinates that each group also holds."""
        return name not in ("name", "time_s") and (kind != "links" or name.endswith("utilisation"))

    @functools.cached_property
    def sample_s(self):
        return float(np.median(np.diff(self.time_s))) if len(self.time_s) > 1 else 1.0

    def problems(self):
        """What the reader must know about this run's completeness, a sentence each."""
        found = []
        if not self.digest:
            found.append(
                "The run has not finished (it is still going, or was stopped): run.h5 carries no digest yet."
            )
        if self.foreign_summary:
            found.append(
                "summary.yaml beside it belongs to another run (its digest differs) and is not used: totals"
                " below are computed from the recorded time series."
            )
        elif not self.summary:
            found.append(
                "summary.yaml is not there or cannot be read: totals below are computed from the recorded"
                " time series."
            )
        if not len(self.time_s):
            found.append("No sample has been recorded yet: there is nothing to draw over time.")
        elif not self.measured.any():
            found.append("All recorded samples are from the warm-up: nothing has been measured yet.")
        warnings = self.summary.get("warnings") or []
        return found + [str(warning) for warning in (warnings if isinstance(warnings, list) else [warnings])]

    def facility(self, name):
        """[T] of /facility/<name>."""
        if not len(self.time_s):
            raise Missing("no sample has been recorded yet")
        values = self.table(f"facility/{name}")[: len(self.time_s)].astype(float)
        if not np.isfinite(values).all():
            raise Missing(f"/facility/{name} of run.h5 is damaged")
        return values

    def facility_names(self):
        if not len(self.time_s):
            return []
        try:
            return [name for name in self._group("facility") if self._is_series("facility", name)]
        except READ_ERRORS:
            raise Missing("/facility of run.h5 is damaged") from None

    def has_facility(self, name):
        return self._has(f"facility/{name}") and len(self.time_s) > 0

    def facility_mean(self, name):
        """Mean of /facility/<name> over the measured samples that have a value: a dark site has no PUE."""
        values = self.facility(name)[self.measured]
        values = values[np.isfinite(values)]
        if not len(values):
            raise Missing("nothing has been measured yet")
        return float(values.mean())

    def _has(self, path):
        try:
            return path in self.file
        except READ_ERRORS:
            return False

    def _dataset(self, path):
        try:
            return self.file[path]
        except READ_ERRORS:
            raise Missing(f"run.h5 has no readable /{path}") from None

    def table(self, path):
        """A whole small dataset, such as racks/position_m."""
        try:
            return self._dataset(path)[...]
        except READ_ERRORS:
            raise Missing(f"/{path} of run.h5 cannot be read") from None

    def names(self, path):
        return [as_text(value) for value in self.table(path)]

    @functools.lru_cache(maxsize=None)
    def column_means(self, path):
        """[columns] mean and peak over the measured samples of a [T x columns] series, read in blocks."""
        total, peak, rows = 0.0, -np.inf, 0
        for measured, block in self._blocks(path):
            block = block[measured]
            if len(block):
                total, peak, rows = (
                    total + block.sum(axis=0, dtype=float),
                    np.maximum(peak, block.max(axis=0)),
                    rows + len(block),
                )
        if not rows:
            raise Missing("nothing has been measured yet")
        return total / rows, peak

    def weighted_over_time(self, path, weights):
        """[T x groups] of a [T x columns] series times weights [columns x groups]."""
        return np.concatenate([block.astype(float) @ weights for _, block in self._blocks(path)])

    def _blocks(self, path):
        data, rows = self._dataset(path), len(self.time_s)
        if not rows:
            raise Missing("no sample has been recorded yet")
        step = max(1, BLOCK_VALUES // max(1, data.shape[1]))
        try:
            for start in range(0, rows, step):
                stop = min(rows, start + step)
                yield self.measured[start:stop], data[start:stop]
        except READ_ERRORS:
            raise Missing(f"/{path} of run.h5 cannot be read") from None

    @functools.lru_cache(maxsize=None)
    def histogram(self, name):
        if not self._has(f"histograms/{name}"):
            raise Missing("the distributions are written when a run ends")
        data = Histogram(self.table(f"histograms/{name}/edges"), self.table(f"histograms/{name}/counts"))
        if not data.total:
            raise Missing(f"no request has been counted in /histograms/{name}")
        return data

    def accelerators(self):
        """Number of accelerators, from the floor plan or the deck; 0 where neither tells."""
        try:
            return int(self.table("racks/accelerators").sum())
        except Missing:
            return int(as_block(self.deck, "cluster").get("accelerators") or 0)

    def budget_w(self):
        return quantity(as_block(self.deck, "facility").get("budget"))

    def objectives(self, name):
        """[(service, seconds)] for "ttft" or "tpot"."""
        services = [service for service in self.deck.get("services") or [] if isinstance(service, dict)]
        found = [(str(s.get("name", "")), quantity(as_block(s, "objectives").get(name))) for s in services]
        return [(service, limit) for service, limit in found if limit]
