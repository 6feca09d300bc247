#!/usr/bin/python3
"""Fits what accelerators and inference engines reach, on published throughput and latency, and says how far the fit can be trusted.

    postprocess/calibrate.py --megaweave build/release/megaweave ../shared/validation/points.csv             # prints the fit's errors
    postprocess/calibrate.py … --leave-out                                     # and those on model families that the fit did not see
    postprocess/calibrate.py … --write inputs/catalogue                        # puts the values into the catalogue
    postprocess/calibrate.py … --power                                         # fits power instead, from the steady batches: calibrate_power.py

Every parameter (calibration_model.py) is a product: one value for all, times one per accelerator (and precision), per engine family or per
engine generation, each with a prior around 1. Gauss-Newton on the logarithm of predicted over measured, with Huber's weights, so that odd
measurements do not pull; derivatives by asking the program itself (`megaweave validate --estimate`) with a parameter 2 % larger. No random
numbers, no tuning by hand: the same points give the same catalogue.
Leaving a model family out repeats the fit without its rows and predicts them; sizes of dense Llamas count as families of their own.
"""
import argparse
import json
import shutil
import tempfile
from pathlib import Path

import calibrate_power
import numpy as np
from calibration_catalogue import accelerator_names, write_accelerators, write_engines, written_by_hand
from calibration_model import BY_PRECISION, CLIENT, PRECISIONS, PRIOR_WEIGHT, SPREAD, Parameters, as_client_sees
from calibration_points import SETUP, Program, engine_family, engine_generation, group, model_family, select

HUBER = 0.1  # log error beyond which a measurement's pull no longer grows
STEP = 0.02


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
        self.generations = {}
        for row in self.points.rows:
            family, accelerators = self.generations.setdefault(engine_generation(row), (engine_family(row), {}))
            accelerators[self.accelerator_of(row)] = accelerators.get(self.accelerator_of(row), 0) + 1
        self.counts = {}
        for _, accelerators in self.generations.values():
            for name, count in accelerators.items():
                self.counts[name] = self.counts.get(name, 0) + count
        self.parameters = Parameters(self.points, self.accelerator_of, engine_generation, engine_family)
        self.experiment = [tuple(row[key] for key in SETUP) for row in self.points.rows]

    def write(self, folder, theta, client):
        write_accelerators(self.source / "accelerators.yaml", Path(folder) / "accelerators.yaml", self.parameters, theta, self.counts)
        others = written_by_hand(self.source / "engines.yaml")
        write_engines(Path(folder) / "engines.yaml", self.parameters, theta, self.generations, client, others)

    def at_engine(self, theta):
        """Predictions without what delays the client, in the rows' units."""
        self.write(self.catalogue, theta, client=False)
        predicted = self.program.predict(self.catalogue)
        values = np.array([float(predicted[row["id"]]["predicted"] or "nan") for row in self.points.rows])
        steps = {(e, row["metric"].split("_")[-1]): v for e, row, v in zip(self.experiment, self.points.rows, values)
                 if row["metric"].startswith("tpot")}
        for experiment, row in zip(self.experiment, self.points.rows):
            if row["metric"].startswith("ttft"):
                row["step_ms"] = steps.get((experiment, row["metric"].split("_")[-1]), 0.0)
        return values

    def residual(self, theta, engine):
        seen = as_client_sees(self.parameters, theta, self.points, engine, engine_family, engine_generation)
        return np.log(np.maximum(seen, 1e-9)) - self.points.measured

    def jacobian(self, theta, engine, residual):
        """d log(predicted) / d theta; one question to the program for each parameter (and precision)."""
        matrix = np.zeros((len(residual), len(theta)))
        for parameter in SPREAD:
            precisions = PRECISIONS if parameter in BY_PRECISION else ("",)
            for precision in precisions:
                change = self.nudged(theta, parameter, precision)
                moved = engine if parameter in CLIENT else self.at_engine(change)
                slope = (self.residual(change, moved) - residual) / STEP
                slope[~np.isfinite(slope)] = 0.0
                self.spread_slope(matrix, parameter, precision, slope)
        return np.nan_to_num(matrix)

    def nudged(self, theta, parameter, precision):
        change = theta.copy()
        level = "generation" if parameter in CLIENT else "all"
        for key, at in self.parameters.place.items():
            hit = key[0] == parameter and (key[1] == "accelerator" and key[2].endswith(precision) if precision else
                                           key[1] == ("all" if "all" in SPREAD[parameter] else level))
            if hit:
                change[at] += STEP
        return change

    def spread_slope(self, matrix, parameter, precision, slope):
        place = self.parameters.place
        for i, row in enumerate(self.points.rows):
            owners = {"all": "", "family": engine_family(row), "generation": engine_generation(row),
                      "accelerator": f"{self.accelerator_of(row)} {precision}".strip()}
            for level in SPREAD[parameter]:
                matrix[i, place[(parameter, level, owners[level])]] += slope[i]

    def cost(self, residual, theta, weight):
        size = np.abs(np.nan_to_num(residual, nan=3.0))
        loss = np.where(size < HUBER, 0.5 * size**2 / HUBER, size - 0.5 * HUBER) / HUBER
        return float(weight @ loss + 0.5 * PRIOR_WEIGHT * np.sum((theta / self.parameters.spread) ** 2))

    def fit(self, weight, theta, rounds, keep_slopes=False, say=print):
        """Gauss-Newton from theta; ends when a round gains less than a thousandth. keep_slopes: derivatives of the first round for all."""
        engine = self.at_engine(theta)
        residual = self.residual(theta, engine)
        cost, damping = self.cost(residual, theta, weight), 1e-2
        for turn in range(rounds):
            if turn == 0 or not keep_slopes:
                slopes = self.jacobian(theta, engine, residual)
            pull = weight / np.maximum(np.abs(np.nan_to_num(residual, nan=3.0)), HUBER) / HUBER
            curvature = (slopes * pull[:, None]).T @ slopes
            gradient = (slopes * pull[:, None]).T @ np.nan_to_num(residual)
            prior = PRIOR_WEIGHT / self.parameters.spread**2
            better = False
            for _ in range(5):
                move = -np.linalg.solve(curvature + np.diag(prior + damping * (np.diag(curvature) + 1e-6)), gradient + prior * theta)
                trial = theta + np.clip(move, -0.7, 0.7)
                trial_engine = self.at_engine(trial)
                trial_residual = self.residual(trial, trial_engine)
                trial_cost = self.cost(trial_residual, trial, weight)
                if trial_cost < cost:
                    better = cost - trial_cost > 1e-3 * cost
                    theta, engine, residual, cost = trial, trial_engine, trial_residual, trial_cost
                    damping = max(damping * 0.3, 1e-4)
                    break
                damping *= 6.0
            say(f"  round {turn + 1}: cost {cost:.1f}")
            if not better:
                break
        return theta, residual


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


def without_orphans(calibration, theta, kept):
    """theta with every parameter at its prior that only left-out rows inform."""
    parameters, seen = calibration.parameters, set()
    for row, stays in zip(calibration.points.rows, kept):
        if stays:
            accelerator = calibration.accelerator_of(row)
            seen |= {engine_family(row), engine_generation(row), accelerator, *(f"{accelerator} {p}" for p in PRECISIONS)}
    return np.array([value if level == "all" or name in seen else 0.0 for value, (_, level, name) in zip(theta, parameters.keys)])


def leave_out(calibration, theta, only=()):
    """Errors of rows whose model family the fit did not see: half of the way back to the priors, then fitted anew to the others."""
    families = np.array([model_family(row["model"]) for row in calibration.points.rows])
    unseen = np.full(len(families), np.nan)
    for family in only or sorted(set(families)):
        kept = families != family
        weight = np.where(kept, calibration.points.weight, 0.0)
        start = 0.5 * without_orphans(calibration, theta, kept)
        _, residual = calibration.fit(weight, start, 4, keep_slopes=True, say=lambda _: None)
        unseen[~kept] = residual[~kept]
        print(f"  without {family}: {np.count_nonzero(~kept)} rows", flush=True)
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
    theta, residual = calibration.fit(calibration.points.weight, theta, options.rounds)
    table("fitted", calibration.points, residual)
    if options.state:
        options.state.write_text(json.dumps(list(zip(calibration.parameters.keys, theta))), encoding="utf-8")
    if options.write:
        calibration.write(options.write, theta, client=True)
        print(f"\nwritten: {options.write}/accelerators.yaml, {options.write}/engines.yaml")
    if options.leave_out is not None:
        families, unseen = leave_out(calibration, theta, options.leave_out)
        table("model families left out", calibration.points, unseen)
        for family in sorted(set(families)):
            table(family, calibration.points, unseen, families == family)


if __name__ == "__main__":
    main()
