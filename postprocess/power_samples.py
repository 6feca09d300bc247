"""What POINTS.csv says of power in steady batches: experiments, the work of their mean iteration, and rates per accelerator."""
import csv
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import yaml

RACK = {"h100": "hgx-h100", "b200": "hgx-b200"}
#: mean prompt tokens by data set. The points file gives none: estimates from the data sets' public prompts. Prompts act on power
#: mostly through the time they take, which is measured.
PROMPT_TOKENS = {"lm-arena-chat": 300, "gpqa": 300, "sourcegraph-fim": 2400}
MODELS = Path(__file__).resolve().parent.parent / "inputs/catalogue/models.yaml"


def read_experiments(path):
    """Rows of one experiment together: {metric: value} with the experiment's columns."""
    keys = ("hardware", "gpus", "model", "weights", "tp", "pp", "ep", "attention_dp", "input_len", "output_len", "concurrency")
    experiments = {}
    with open(path, newline="") as file:
        for row in csv.DictReader(file):
            if row["load"] == "steady_batch":
                found = experiments.setdefault(tuple(row[k] for k in keys), {**{k: row[k] for k in keys}, "id": row["id"]})
                found[row["metric"]] = float(row["value"])
    return [e for e in experiments.values() if "gpu_power_total" in e]


def batch_of(e):
    """The mean iteration: every sequence in decode, and the prompts that arrive meanwhile."""
    gpus, data = int(e["gpus"]), int(e["attention_dp"])
    sequences, output = max(1, round(float(e["concurrency"]))), float(e["output_len"])
    prompt = PROMPT_TOKENS[e["input_len"].split()[0]]
    context = round(sequences * (prompt + output / 2))
    prefill = round(float(e["concurrency"]) / output * prompt)
    tensor = gpus // (data * int(e["pp"]))
    return [e["id"], RACK[short_name(e)], e["model"], e["weights"], "bf16", tensor, e["pp"], e["ep"], data,
            sequences, context, prefill, round(prefill * (prompt + 1) / 2), sequences]


def short_name(e):
    return e["hardware"].split("-")[0]


def count_work(megaweave, experiments):
    """id -> the counts that the program gives for its mean iteration."""
    header = ("id,rack,model,weights,kv_cache,tensor,pipeline,expert,attention_data,decode_sequences,context_tokens,"
              "prefill_tokens,prefill_pairs,sampled_tokens")
    with tempfile.TemporaryDirectory() as folder:
        batches, counts = Path(folder) / "batches.csv", Path(folder) / "counts.csv"
        lines = [header] + [",".join(str(f) for f in batch_of(e)) for e in experiments]
        batches.write_text("\n".join(lines) + "\n")
        done = subprocess.run([megaweave, "work", batches, counts], capture_output=True, text=True)
        if done.returncode != 0:
            sys.exit(f"{megaweave} work failed: {done.stderr or done.stdout}")
        with open(counts, newline="") as file:
            return {r["id"]: {k: float(v) for k, v in r.items() if k != "id"} for r in csv.DictReader(file)}


def block_scaled_models():
    """Models whose FP8 experts share scales in blocks, as the program has it."""
    models = yaml.safe_load(MODELS.read_text())
    return {name for name, entry in models.items() if entry.get("fp8_block", 0) > 0 and entry.get("routed_experts", 0) > 0}


class Sample:
    """One measurement as rates per accelerator during its decode iterations."""

    def __init__(self, e, work, block_scaled):
        gpus, sequences = int(e["gpus"]), max(1, round(float(e["concurrency"])))
        mean_s = sequences / e["output_throughput_total"]
        self.seconds = min(e["itl_median"] * 1e-3, mean_s)
        self.prompt_time = float(np.clip(1 - self.seconds / mean_s, 0, 0.95))
        prefill = batch_of(e)[11]
        decode_share = sequences / (sequences + prefill)
        per_s = 1 / (gpus * self.seconds)
        self.model, self.precision = e["model"], e["weights"]
        self.family = family_of(e["model"])
        self.watts = e["gpu_power_total"] / gpus
        self.flops = (work["total_flops"] - work["total_attention_flops"]) * decode_share * per_s
        self.attention_flops = work["total_attention_flops"] * per_s
        self.bytes = work["total_hbm_bytes"] * per_s
        self.weight_bytes = work["total_weight_bytes"] * per_s
        self.link_bits = 8 * work["total_scale_up_bytes"] * per_s
        self.logits = sequences * work["vocabulary"] / self.seconds  # every rank of a tensor-parallel group samples
        self.block_scaled = e["weights"] == "fp8" and e["model"] in block_scaled


def family_of(model):
    if model.startswith("qwen3"):
        return "qwen3-moe" if "-a" in model else "qwen3-dense"
    return "-".join(model.split("-")[:2]) if model.startswith("llama") else model.split("-")[0]
