"""The page of `megaweave validate`: its statistics, its figures, and what it does with files that it cannot use."""

import csv
import re
import subprocess
import sys

import numpy as np

import validation_data
from runner import POSTPROCESS, test

COLUMNS = (
    "id,source,hardware,model,weights,engine,tp,pp,ep,attention_dp,mode,input_len,output_len,load,concurrency,"
    "speculative,metric,value,unit,predicted,error,binding,status,reason"
).split(",")


def row(number, ratio, **cells):
    """A predicted row; `ratio` is predicted over measured."""
    value = 100.0 * (1 + number % 7)
    base = dict.fromkeys(COLUMNS, "")
    base.update(
        id=f"p{number}",
        source="lab",
        hardware="h100-sxm",
        model="llama-3.1-70b",
        weights="fp8",
        mode="aggregated",
    )
    base.update(
        load="max", metric="output_throughput_total", value=value, unit="tok/s", status="ok", binding="hbm"
    )
    base.update(predicted=value * ratio, error=ratio - 1, **cells)
    return base


def write(path, rows):
    with open(path, "w", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        writer.writerows(rows)
    return path


def mixed_rows():
    """Dense throughput 4 % low to 4 % high, MoE latency 30 % too long on one accelerator, two rows not run."""
    rows = [row(i, 0.96 + 0.004 * i) for i in range(21)]
    slow = dict(
        model="gpt-oss-120b",
        hardware="mi355x",
        load="closed",
        metric="ttft_mean",
        unit="ms",
        binding="compute",
    )
    rows += [row(100 + i, 1.3, **slow) for i in range(10)]
    rows += [
        row(200 + i, 1.0, model="deepseek-r1", mode="disaggregated", metric="tpot_mean") for i in range(3)
    ]
    lost = dict(predicted="", error="", binding="", status="not_run", reason="a <b> layout")
    return rows + [{**row(300 + i, 1.0), **lost} for i in range(2)]


def call(*arguments):
    done = subprocess.run(
        [sys.executable, POSTPROCESS / "validation_page.py", *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert "Traceback" not in done.stderr, done.stderr
    return done


@test
def errors_are_medians_and_quantiles_of_predicted_over_measured(folder):
    rows = validation_data.Validation(write(folder / "p.csv", mixed_rows())).rows
    groups = validation_data.grouped(rows, lambda row: row.group)
    assert list(groups) == ["max dense, throughput", "closed MoE, ttft", "disaggregated MoE, tpot"]
    errors = validation_data.errors_of(groups["max dense, throughput"])
    signed = 100 * (0.96 + 0.004 * np.arange(21) - 1)
    assert errors.rows == 21 and abs(errors.bias) < 1e-9 and errors.near == 1
    assert np.isclose(errors.median, np.median(abs(signed))) and np.isclose(
        errors.p90, np.percentile(abs(signed), 90)
    )
    # A latency predicted too long is a speed predicted too low.
    assert np.isclose(groups["closed MoE, ttft"][0].speed, 1 / 1.3)
    assert validation_data.target_of(groups["max dense, throughput"]) == (6, 18)
    assert validation_data.target_of(groups["closed MoE, ttft"]) == (20, 60)
    assert validation_data.target_of(groups["disaggregated MoE, tpot"]) is None


@test
def the_page_tells_errors_targets_and_what_was_not_run(folder):
    output = folder / "page.html"
    done = call(write(folder / "p.csv", mixed_rows()), "--output", output)
    assert done.returncode == 0 and done.stdout.strip() == str(output), done.stderr
    page = output.read_text()
    words = re.search(r'class="headline">(.*?)</p>', page)[1]
    assert (
        "34 of 36 published measurements are predicted" in words
        and "1 of 2 groups with a target meet it" in words
    )
    assert page.count("<img ") == 6 and "Not drawn" not in page and "<script" not in page
    sources = re.findall(r'(?:src|href)="([^"]{0,20})', page)
    assert all(source.startswith("data:image/svg+xml") for source in sources), sources
    assert "a &lt;b&gt; layout" in page and "<b>" not in page
    assert "gpt-oss-120b on mi355x: −23 %" in page
    names = {path.stem for path in (folder / "figures").glob("*.png")}
    assert names == {"spreads", "errors", "bias", "against_max", "against_closed", "against_disaggregated"}


@test
def few_columns_are_enough_and_none_predicted_is_said(folder):
    few = folder / "few.csv"
    few.write_text("hardware,model,metric,value,predicted,error\nx,y,gpu_power_total,10,11,0.1\n")
    done = call(few)
    assert done.returncode == 0, done.stderr
    page = (folder / "few.html").read_text()
    assert "any load, power" in page and "no row measures a speed" in page
    none = folder / "none.csv"
    none.write_text("hardware,model,metric,value,predicted,error\nx,y,tpot_mean,10,,\n")
    assert call(none).returncode == 0 and "No row was predicted" in (folder / "none.html").read_text()


@test
def a_file_that_is_no_validation_gives_one_line_and_exit_2(folder):
    head = "hardware,model,metric,value,predicted,error\n"
    for text, words in (
        ("", "no rows"),
        ("a,b\n1,2\n", "no column hardware"),
        (head + "x,y,tpot,10,oops,0\n", "p.csv:2: predicted is not a number"),
        (head + "x,y,tpot,0,1,0\n", "p.csv:2: value and predicted must be above 0"),
        (head + "x,y,tpot,1\n", "p.csv:2: has not as many cells"),
    ):
        (folder / "p.csv").write_text(text)
        done = call(folder / "p.csv")
        assert done.returncode == 2 and words in done.stderr and done.stderr.count("\n") == 1, done.stderr
    assert call(folder / "absent.csv").returncode == 2
    done = call(write(folder / "p.csv", mixed_rows()), "--output", folder / "p.csv" / "page.html")
    assert done.returncode == 3 and "cannot write" in done.stderr, done.stderr
