"""Measured points for calibration: which rows are fitted, how they group, and what the program says about them."""
import csv
import os
import re
import subprocess
import tempfile
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import validation_data

#: Metrics that are fitted, and their weights: percentiles and sums of others add nothing.
WEIGHTS = {
    "output_throughput_total": 1.0, "output_throughput_per_gpu": 1.0, "tpot_mean": 1.0, "tpot_median": 1.0,
    "ttft_mean": 0.5, "ttft_median": 0.5, "ttft": 0.5,
}
#: Loads by how far their measurements can be trusted (shared validation/README.md), and what the fit is for.
LOAD_WEIGHTS = {"max": 1.5, "static": 2.0, "closed": 1.0, "steady_batch": 0.7}

#: What two rows have in common that state the same measurement.
MEASUREMENT = ("hardware", "engine_version", "weights", "input_len", "output_len", "load", "concurrency", "metric", "value")


def engine_family(row):
    """Engine without its version, as the program names it."""
    return row["engine_family"]


def engine_backend(row):
    """What generations share. TensorRT-LLM compiled engines for its own runtime before 0.19, then it ran PyTorch. vLLM schedules the next
    iteration while one runs since 0.14 (pull request 27614), and before where asked, as in InferenceX's gptoss_fp4_*.sh."""
    wanted = row["engine_wanted"]
    if re.match(r"tensorrt-llm-0\.(9|1[0-8])\b", wanted):
        return f"{row['engine_family']} compiled"
    waits = wanted in ("vllm-0.12.0", "vllm-aiconfigurator-silicon", "vllm-mlenergy-v3")
    return f"{row['engine_family']} synchronous" if waits else row["engine_family"]


def engine_generation(row):
    """Catalogue name of a row's engine generation, as the program names it."""
    return row["engine_wanted"]


def model_family(model):
    """What is left out together: models that share an architecture. Sizes of dense Llamas apart, for no others are like them."""
    for word in ("deepseek", "gpt-oss", "qwen3.5", "llama-4", "mixtral", "minimax", "glm"):
        if model.startswith(word):
            return word
    if model.startswith("qwen3-"):
        return "qwen3-moe" if re.search(r"-a[0-9]+b", model) else "qwen3"
    return model


SORTS = {name: "MoE" if mixture else "dense" for name, mixture in validation_data.mixtures().items()}


def group(row):
    """Group of the README's table that a row's error belongs to."""
    metric = validation_data.kind_of(row["metric"]).replace("itl", "tpot")
    return f"{row['load']} {SORTS[row['model']]} {metric}" if row["load"] != "static" else f"static {metric}"


@dataclass
class Points:
    """Rows that can be predicted, with log of measured values."""
    rows: list
    measured: np.ndarray = field(default=None)
    weight: np.ndarray = field(default=None)

    def __post_init__(self):
        self.measured = np.log([float(row["value"]) for row in self.rows])
        # Some measurements stand in the file under several layouts, or for both of DeepSeek-V3 and R1; they count once.
        measurements = [tuple(row[key] for key in MEASUREMENT) for row in self.rows]
        times = Counter(measurements)
        self.weight = np.array([WEIGHTS[row["metric"]] * LOAD_WEIGHTS[row["load"]] / times[measurement]
                                for row, measurement in zip(self.rows, measurements)])


class Program:
    """`megaweave validate`, asked again and again with other catalogues."""

    def __init__(self, binary, points, threads):
        self.binary, self.points, self.threads = binary, points, threads
        self.folder = tempfile.TemporaryDirectory(prefix="calibrate-")
        self.output = Path(self.folder.name) / "predicted.csv"

    def restrict(self, rows):
        """From now on only these rows are asked for."""
        names = list(rows[0])[: list(rows[0]).index("predicted")]
        self.points = Path(self.folder.name) / "points.csv"
        with open(self.points, "w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, names, extrasaction="ignore")
            writer.writeheader()
            writer.writerows(rows)

    def predict(self, catalogue, estimate=True, filters=()):
        """Rows of the points file with what the program adds, by id."""
        command = [str(self.binary), "validate", str(self.points), "--output", str(self.output), "--threads", str(self.threads)]
        command += ["--estimate"] if estimate else []
        for text in filters:
            command += ["--filter", text]
        environment = dict(os.environ, MEGAWEAVE_CATALOGUE=str(catalogue))
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise SystemExit(f"{' '.join(command)} failed:\n{done.stderr or done.stdout}")
        with open(self.output, newline="", encoding="utf-8") as file:
            return {row["id"]: row for row in csv.DictReader(file)}


def select(predicted):
    """Points that the estimate covers: unified services without speculation, with a metric that is fitted."""
    return Points([row for row in predicted.values() if row["status"] == "ok" and row["mode"] == "aggregated"
                   and row["speculative"] == "none" and row["metric"] in WEIGHTS and float(row["value"]) > 0])
