#!/usr/bin/env python3
"""Numbers of deployments that do not serve their load: the cases of public reports with their right values, and the laws of laws.py on decks
that are overloaded, starved of KV blocks, reject what does not fit, or shed.

    honest_numbers.py MEGAWEAVE MPIRUN [--seed N] [--decks N]
"""
import argparse
import random
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from harness import DONE, Checks, Program

try:
    import yaml

    import laws
except ImportError as missing:
    print(f"skipped: {missing}")
    sys.exit(77)


def deck(service, duration_s, accelerators=8, link="400 Gb/s", **rest):
    chat = {"name": "chat", "model": "llama-3.1-70b", "accelerators": accelerators, "parallelism": {"tensor": 8}, **service}
    return {"name": "honest", "time": {"duration": f"{duration_s} s", "warmup": "0 s", "window": "1 ms", "sample": "100 ms"},
            "cluster": {"accelerators": accelerators, "rack": "hgx-h100",
                        "scale_out": {"topology": "clos", "tiers": 2, "radix": 64, "link": link}},
            "services": [chat], **rest}


def load(arrivals, input_tokens, output_tokens):
    def law(tokens):
        return tokens if isinstance(tokens, dict) else {"distribution": "fixed", "tokens": tokens}
    return {"workload": {"arrivals": arrivals, "input": law(input_tokens), "output": law(output_tokens)}}


class Trials:
    def __init__(self, checks, program, folder):
        self.checks, self.program, self.folder, self.count = checks, program, Path(folder), 0

    def run(self, what, content):
        """The finished run and what the program printed; the laws hold. None where it did not end well."""
        self.count += 1
        path, out = self.folder / f"{self.count}.yaml", self.folder / f"out-{self.count}"
        path.write_text(yaml.safe_dump(content, sort_keys=False))
        result = self.program.run("run", path, "--output", out, "--quiet", "--threads", 1, ranks=1)
        if not self.checks.expect(result.code == DONE, f"{what}: runs", f"{path.read_text()}\n{result}"):
            return None, result
        found = laws.broken(out)
        self.checks.expect(not found, f"{what}: laws", "\n".join(found[:8]) + f"\n{path.read_text()}")
        return laws.Run(out), result


def disagg_ttft_without_transfer(t):
    """163.84 MB of KV cache over 8 NICs of 12.5 MB/s take 1.6384 s, and the client waits for them."""
    disaggregated = {"mode": "disaggregated", "objectives": {"ttft": "1 s"}, **load({"process": "burst", "requests": 1}, 1000, 100)}
    for where, extra in (("decode", 0), ("resampled", 0.00853), ("prefill", -1.6384)):
        run, result = t.run(f"disagg_ttft_without_transfer, {where}",
                            deck({**disaggregated, "engine": {"base": "generic", "first_token": where}}, 20, 16, "100 Mb/s"))
        if run is None:
            continue
        latency = run.summary["latency"]
        expect = t.checks.expect
        # Up to two windows of 1 ms and a millisecond of the prompt's own time are not in the sum.
        ttft_s = 0.0488 + 1.6384 + extra
        expect(abs(latency["ttft_s"]["p50"] - ttft_s) < 0.003, f"{where}: TTFT is about {ttft_s:.4f} s", latency["ttft_s"])
        expect(run.summary["objectives"]["met_fraction"] == (1 if where == "prefill" else 0), f"{where}: the objective of 1 s")
        if where != "prefill":
            expect(abs(latency["parts_s"]["transfer"]["mean"] - 1.6384) < 1e-4, f"{where}: transfer", latency["parts_s"])
            expect(abs(latency["tpot_s"]["mean"] - 0.00853) < 5e-5, f"{where}: TPOT is that of a unified service", latency["tpot_s"])


def disagg_decode_queue_hidden(t):
    run, result = t.run("disagg_decode_queue_hidden", deck(
        {"mode": "disaggregated", "scheduler": {"max_sequences": 64}, "objectives": {"ttft": "2 s", "tpot": "100 ms"},
         **load({"process": "poisson", "rate": "20 /s"}, 1000, 500)}, 60, 16))
    if run is None:
        return
    met = run.summary["objectives"]["met_fraction"]
    t.checks.expect(met < 0.1, "a few per cent meet a TTFT of 2 s where the wait grows by a second each second", met)
    t.checks.expect(run.summary["verdict"] == "overloaded (chat, max_sequences)", "the verdict names it", run.summary["verdict"])
    t.checks.expect("verdict: overloaded" in result.out, "and standard output does", result)


def overload_without_warning(t):
    arrivals = {"process": "poisson", "rate": "1000 /s"}
    run, result = t.run("overload_without_warning", deck({"objectives": {"ttft": "2 s"}, **load(arrivals, 1000, 100)}, 30))
    if run is not None:
        objectives, latency = run.summary["objectives"], run.summary["latency"]
        t.checks.expect(objectives["decided"] == 28023 and 50 <= objectives["met"] <= 55, "55 of 28,023 decided arrivals", objectives)
        t.checks.expect(latency["ttft_s"]["p50"] is None and 14 < latency["ttft_s_at_least"]["p50"] < 15.5,
                        "the median is not known, but above half of the run", latency)
        t.checks.expect("TTFT p50 over 14" in result.out and "verdict: overloaded (chat," in result.out, "standard output says so", result)
    run, result = t.run("overload_without_warning, closed", deck(
        {"objectives": {"ttft": "2 s"}, **load({"process": "closed", "concurrency": 100000}, 1000, 100)}, 10))
    if run is not None:
        t.checks.expect(run.summary["verdict"].startswith("overloaded (chat,"), "a closed loop of 100,000 is one", run.summary["verdict"])
        t.checks.expect(run.summary["latency"]["ttft_s"]["p50"] is None, "and has no median", run.summary["latency"])


def rejected_not_in_met_fraction(t):
    run, result = t.run("rejected_not_in_met_fraction", deck(
        {"scheduler": {"kv_blocks": 64}, "objectives": {"ttft": "2 s"},
         **load({"process": "poisson", "rate": "2 /s"}, {"distribution": "uniform", "min": 1, "max": 2000}, 10)}, 30))
    if run is not None:
        t.checks.expect(abs(run.summary["objectives"]["met_fraction"] - 36 / 66) < 1e-5, "36 of 66", run.summary["objectives"])
        t.checks.expect("met by 54.5 % of 66 decided requests, 30 turned away" in result.out, "said on standard output", result)


def prompt_beyond_cache(t):
    run, result = t.run("prompt_beyond_cache", deck(load({"process": "burst", "requests": 1}, 4000000, 100), 10))
    if run is None:
        return
    for path, value in ((("efficiency", "joules_per_output_token"), None), (("latency", "ttft_s", "p50"), None),
                        (("latency", "tpot_s", "mean"), None), (("objectives", "met_fraction"), None),
                        (("objectives", "goodput_tokens_per_s"), None)):
        node = run.summary
        for key in path:
            node = node[key]
        t.checks.expect(node is value, f"{'.'.join(path)} is null", node)
    t.checks.expect("no output tokens" in result.out and "no first tokens" in result.out, "said in words", result)
    t.checks.expect("4,000,099 tokens" in result.out and "3,207,184" in result.out, "with the numbers", result)


def figures_are_numbers(t):
    """A reader of YAML 1.1 takes 1e+05 for a text."""
    run, _ = t.run("figures", deck(load({"process": "closed", "concurrency": 300}, 100, 50), 5))
    if run is not None:
        rates = run.summary["efficiency"]["tokens_per_s_per_mw"], run.summary["throughput"]["input_tokens_per_s"]
        t.checks.expect(all(isinstance(rate, (int, float)) for rate in rates), "rates are numbers", rates)


def random_deck(dice):
    """Overloaded, starved, rejecting or shedding, each in some way."""
    disaggregated = dice.random() < 0.5
    accelerators = dice.choice((16, 24, 40)) if disaggregated else dice.choice((8, 16, 32))
    service = {"scheduler": {"max_sequences": dice.choice((8, 64, 256))}, "cell_instances": dice.choice((1, 2, 128))}
    if disaggregated:
        service["mode"] = "disaggregated"
        service["engine"] = {"base": "generic", "first_token": dice.choice(("decode", "resampled", "prefill"))}
        if dice.random() < 0.3:
            service["engine"]["client"] = {"stream_interval": dice.choice((2, 20)), "response": "15 ms"}
    kind = dice.choice(("overloaded", "starved", "rejecting", "shedding"))
    rate = {"overloaded": (30, 300), "starved": (10, 60), "rejecting": (2, 20), "shedding": (5, 60)}[kind]
    output = dice.choice((1, 20, 200))
    if kind == "starved":
        service["scheduler"]["kv_blocks"] = dice.choice((300, 700))
    if kind == "rejecting":
        service["scheduler"]["kv_blocks"] = dice.choice((40, 64, 100))
    if dice.random() < 0.3:
        service["scheduler"]["admission"] = "reserve_output"
    if dice.random() < 0.7:
        service["objectives"] = {"ttft": dice.choice(("200 ms", "2 s"))}
        if dice.random() < 0.5:
            service["objectives"]["tpot"] = dice.choice(("10 ms", "100 ms"))
    process = dice.choice(("poisson", "gamma", "closed", "burst"))
    arrivals = {"poisson": {"process": "poisson", "rate": f"{dice.randint(*rate)} /s"},
                "gamma": {"process": "gamma", "rate": f"{dice.randint(*rate)} /s", "cv": dice.choice((0.5, 3))},
                "closed": {"process": "closed", "concurrency": dice.randint(*rate) * 5},
                "burst": {"process": "burst", "requests": dice.randint(*rate) * 5}}[process]
    law = dice.choice((dice.randint(10, 2000), {"distribution": "uniform", "min": 1, "max": 3000}))
    rest = {}
    if kind == "shedding":
        rest["facility"] = {"budget": f"{accelerators * dice.choice((0.75, 1.0))} kW",
                            "control": {"policy": "shed", "period": "200 ms"}}
    content = deck({**service, **load(arrivals, law, output)}, dice.choice((5, 12)), accelerators,
                   dice.choice(("1 Gb/s", "400 Gb/s")), **rest)
    content["seed"] = dice.randint(1, 10**6)
    content["time"]["warmup"] = dice.choice(("0 s", "1 s"))
    content["output"] = {"request_sample": 1}
    return kind, content


CASES = (disagg_ttft_without_transfer, disagg_decode_queue_hidden, overload_without_warning, rejected_not_in_met_fraction,
         prompt_beyond_cache, figures_are_numbers)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("megaweave")
    parser.add_argument("mpirun")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--decks", type=int, default=24)
    options = parser.parse_args()
    checks = Checks()
    with tempfile.TemporaryDirectory() as folder:
        trials = Trials(checks, Program(options.megaweave, options.mpirun, folder), folder)
        for case in CASES:
            case(trials)
        for number in range(options.seed, options.seed + options.decks):
            kind, content = random_deck(random.Random(number))
            trials.run(f"seed {number}, {kind}", content)
    checks.finish()


if __name__ == "__main__":
    main()
