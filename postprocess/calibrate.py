#!/usr/bin/python3
"""Fits what accelerators and inference engines reach, on published throughput and latency, and says how far the fit can be trusted.

    postprocess/calibrate.py --megaweave build/release/megaweave ../shared/validation/points.csv             # prints the fit's errors
    postprocess/calibrate.py … --leave-out                                     # and those on model families that the fit did not see
    postprocess/calibrate.py … --write inputs/catalogue                        # puts the values into the catalogue
    postprocess/calibrate.py … --power                                         # fits power instead, from the steady batches: calibrate_power.py

Every parameter (calibration_model.py) is a product: one value for all, times one per accelerator (and precision), per engine family or per
engine generation, each with a prior around 1. Gauss-Newton on the logarithm of predicted over measured under Cauchy's law of errors, so that odd
measurements hardly pull; derivatives by asking the program itself (`megaweave validate --estimate`) with a parameter 2 % larger. No random
numbers, no tuning by hand: the same points give the same catalogue.
Leaving a model family out repeats the fit from nothing without its rows and predicts them; sizes of dense Llamas count as families of their own.
"""
import argparse
import json
import shutil
import tempfile
from pathlib import Path

import calibrate_power
import numpy as np
from calibration_catalogue import accelerator_names, write_accelerators, write_engines, written_by_hand
from calibration_model import ARCHITECTURE, BY_PRECISION, CLIENT, PRECISIONS, PRIOR_WEIGHT, SPREAD, Parameters, as_client_sees
from calibration_points import Program, engine_backend, engine_family, engine_generation, group, model_family, select

ERROR = 0.1  # log error beyond which a measurement's pull falls: odd ones are many (physics.md), and far off
STEP = 0.02
LONGEST = 0.7  # step of a parameter, in logarithms
SHARES_OF_STEP = (1.0, 0.6, 0.3)
# Share of the cost that two rounds must gain, or the fit is done: of all points, and where a family is left out.
ENOUGH, ENOUGH_WITHOUT = 3e-3, 1e-2


class Calibration:
    def __init__(self, program, catalogue):
        self.program, self.source = program, Path(catalogue)
        self.folder = tempfile.TemporaryDirectory(prefix="catalogue-")
        self.catalogue = Path(self.folder.name)
        for file in self.source.glob("*.yaml"):
            shutil.copy(file, self.catalogue)
        racks, _ = accelerator_names(catalogue)
        self.accelerator_of = lambda row: racks[row["hardware"]]
        self.points = select(program.predict(self.source))
        program.restrict(self.points.rows)
        self.generations = {}
        for row in self.points.rows:
            *_, accelerators = self.generations.setdefault(engine_generation(row), (engine_family(row), engine_backend(row), {}))
            accelerators[self.accelerator_of(row)] = accelerators.get(self.accelerator_of(row), 0) + 1
        self.counts = {}
        for *_, accelerators in self.generations.values():
            for name, count in accelerators.items():
                self.counts[name] = self.counts.get(name, 0) + count
        self.parameters = Parameters(self.points, self.accelerator_of, engine_generation, engine_backend)

    def write(self, folder, theta, client):
        write_accelerators(self.source / "accelerators.yaml", Path(folder) / "accelerators.yaml", self.parameters, theta, self.counts)
        others = written_by_hand(self.source / "engines.yaml")
        write_engines(Path(folder) / "engines.yaml", self.parameters, theta, self.generations, client, others)

    def at_engine(self, theta):
        """Predictions without what delays the client, in the rows' units."""
        self.write(self.catalogue, theta, client=False)
        predicted = self.program.predict(self.catalogue)
        return np.array([float(predicted[row["id"]]["predicted"] or "nan") for row in self.points.rows])

    def residual(self, theta, estimate):
        """log(predicted / measured); where nothing was predicted, as if it were far off."""
        seen = as_client_sees(self.parameters, theta, self.points, estimate, engine_backend, engine_generation)
        return np.nan_to_num(np.log(np.maximum(seen, 1e-9)) - self.points.measured, nan=3.0)

    def slopes(self, theta, estimate, residual):
        """d log(predicted) / d theta; one question to the program for each parameter (and precision)."""
        matrix = np.zeros((len(residual), len(theta)))
        for parameter in SPREAD:
            precisions = PRECISIONS if parameter in BY_PRECISION else ("",)
            for precision in precisions:
                change = self.nudged(theta, parameter, precision)
                moved = estimate if parameter in CLIENT else self.at_engine(change)
                self.spread_slope(matrix, parameter, precision, (self.residual(change, moved) - residual) / STEP)
        return matrix

    def nudged(self, theta, parameter, precision):
        """theta with a parameter 2 % larger for every row: of everything, or of each who has a value of its own at one level."""
        change = theta.copy()
        # A precision's rows are those whose accelerator has a value for it.
        levels = ("accelerator",) if precision else ("all", "family", "accelerator")
        level = next(one for one in levels if one in SPREAD[parameter])
        for (name, owner, who), at in self.parameters.place.items():
            if name == parameter and owner == level and who.endswith(precision):
                change[at] += STEP
        return change

    def spread_slope(self, matrix, parameter, precision, slope):
        place = self.parameters.place
        for i, row in enumerate(self.points.rows):
            accelerator = self.accelerator_of(row)
            owners = {"all": "", "family": engine_backend(row), "generation": engine_generation(row),
                      "architecture": f"{ARCHITECTURE[accelerator]} {precision}".strip(), "accelerator": f"{accelerator} {precision}".strip()}
            for level in SPREAD[parameter]:
                matrix[i, place[(parameter, level, owners[level])]] += slope[i]

    def cost(self, residual, theta, weight):
        return float(weight @ np.log1p((residual / ERROR) ** 2) + PRIOR_WEIGHT * np.sum((theta / self.parameters.spread) ** 2))

    def solve(self, theta, residual, slopes, weight):
        """theta of least cost if residuals were linear in it: weights renewed until they settle."""
        prior = PRIOR_WEIGHT / self.parameters.spread**2
        at_zero = residual - slopes @ theta
        used, found = weight > 0, theta
        for _ in range(8):
            pull = weight / (ERROR**2 + (at_zero + slopes @ found) ** 2)
            pulled = (slopes * np.sqrt(pull)[:, None])[used]
            found = np.linalg.solve(pulled.T @ pulled + np.diag(prior), -slopes.T @ (pull * at_zero))
        return theta + np.clip(found - theta, -LONGEST, LONGEST)

    def descend(self, theta, estimate, residual, cost, slopes, weight):
        """Two steps with the same slopes, each as long as serves best; ends when one gains less than a thousandth."""
        for _ in range(2):
            move = self.solve(theta, residual, slopes, weight) - theta
            trials = []
            for share in SHARES_OF_STEP:
                trial = theta + share * move
                there = self.at_engine(trial)
                missed = self.residual(trial, there)
                trials.append((self.cost(missed, trial, weight), trial, there, missed))
            best = min(trials, key=lambda trial: trial[0])
            gained = cost - best[0]
            if gained > 0:
                cost, theta, estimate, residual = best
            if gained < 1e-3 * cost:
                break
        return theta, estimate, residual, cost

    def fit(self, theta, rounds, weight, enough=ENOUGH):
        """Gauss-Newton from theta, with new slopes every other step: (theta, residual, cost of each round)."""
        estimate = self.at_engine(theta)
        residual = self.residual(theta, estimate)
        costs = [self.cost(residual, theta, weight)]
        for _ in range(rounds):
            slopes = self.slopes(theta, estimate, residual)
            theta, estimate, residual, cost = self.descend(theta, estimate, residual, costs[-1], slopes, weight)
            costs.append(cost)
            if len(costs) > 3 and costs[-3] - cost < enough * cost:
                break
        return theta, residual, costs


def costs_in_words(costs):
    return "cost " + " ".join(f"{cost:.0f}" for cost in costs)


def table(title, points, residual, rows=None):
    """Median and p90 of |predicted / measured - 1| by group."""
    print(f"\n{title}\n{'group':<28}{'rows':>6}{'median':>10}{'p90':>10}{'bias':>10}")
    groups = {}
    for i, row in enumerate(points.rows):
        if rows is None or rows[i]:
            groups.setdefault(group(row), []).append(np.expm1(residual[i]) if np.isfinite(residual[i]) else np.nan)
    for name, errors in sorted(groups.items()):
        errors = np.array(errors)[np.isfinite(errors)]
        size = np.abs(errors)
        print(f"{name:<28}{len(size):>6}{100 * np.median(size):>8.1f} %{100 * np.quantile(size, 0.9):>8.1f} %"
              f"{100 * np.median(errors):>+8.1f} %")


def leave_out(calibration, rounds, only=()):
    """Errors of rows whose model family the fit did not see: for each, the fit is repeated without its rows, from nothing."""
    families = np.array([model_family(row["model"]) for row in calibration.points.rows])
    unseen = np.full(len(families), np.nan)
    for family in only or sorted(set(families)):
        left_out = families == family
        weight = np.where(left_out, 0.0, calibration.points.weight)
        _, residual, costs = calibration.fit(np.zeros(len(calibration.parameters.keys)), rounds, weight, ENOUGH_WITHOUT)
        unseen[left_out] = residual[left_out]
        print(f"  without {family}: {np.count_nonzero(left_out)} rows, {costs_in_words(costs)}", flush=True)
    return families, unseen


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("points", type=Path)
    parser.add_argument("--megaweave", type=Path, default=Path("build/release/megaweave"))
    parser.add_argument("--catalogue", type=Path, default=Path(__file__).resolve().parent.parent / "inputs/catalogue")
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--leave-out", nargs="*", metavar="FAMILY", help="also fit without each model family (or these) and predict it")
    parser.add_argument("--state", type=Path, metavar="FILE", help="begin from the fit kept there, and keep this one")
    parser.add_argument("--write", type=Path, metavar="CATALOGUE")
    parser.add_argument("--power", action="store_true", help="fit power instead, and write its blocks; see calibrate_power.py")
    options = parser.parse_args()
    if options.power:
        file = "accelerators.yaml"
        return calibrate_power.run(options.points, options.megaweave, options.catalogue / file, options.write and options.write / file)

    calibration = Calibration(Program(options.megaweave, options.points, options.threads), options.catalogue)
    print(f"{len(calibration.points.rows)} measured values, {len(calibration.parameters.keys)} parameters, most of them factors near 1")
    theta = np.zeros(len(calibration.parameters.keys))
    if options.state and options.state.exists():
        kept = {tuple(key): value for key, value in json.loads(options.state.read_text(encoding="utf-8"))}
        theta = np.array([kept.get(key, 0.0) for key in calibration.parameters.keys])
    theta, residual, costs = calibration.fit(theta, options.rounds, calibration.points.weight)
    print(costs_in_words(costs), flush=True)
    table("fitted", calibration.points, residual)
    if options.state:
        options.state.write_text(json.dumps(list(zip(calibration.parameters.keys, theta))), encoding="utf-8")
    if options.write:
        calibration.write(options.write, theta, client=True)
        print(f"\nwritten: {options.write}/accelerators.yaml, {options.write}/engines.yaml")
    if options.leave_out is not None:
        families, unseen = leave_out(calibration, options.rounds, options.leave_out)
        table("model families left out", calibration.points, unseen)
        for family in sorted(set(families)):
            table(family, calibration.points, unseen, families == family)


if __name__ == "__main__":
    main()
