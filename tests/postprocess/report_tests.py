"""The pages of runs that are finished, killed, damaged, large; the command lines."""

import re
import subprocess
import sys
import time

import h5py
import numpy as np
import yaml

import key_figures
import run_data
import sentences
import style
from make_synthetic_run import make
from runner import POSTPROCESS, test

ALL_FIGURES = {
    "throughput",
    "latency",
    "power_over_time",
    "power_breakdown",
    "power_swings",
    "time_share",
    "busiest_links",
    "link_tiers",
    "traffic",
    "floor",
    "requests",
}


def call(script, *arguments):
    done = subprocess.run(
        [sys.executable, POSTPROCESS / script, *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert "Traceback" not in done.stderr, done.stderr
    return done


def report(directory, *more):
    """Makes the report of a run and returns the page."""
    output = directory / "report.html"
    done = call("report.py", directory, *more, "--output", output)
    assert done.returncode == 0, done.stderr
    return output.read_text()


def drawn(page):
    return page.count("<img ")


@test
def a_finished_run_gets_every_figure_and_loads_nothing_from_outside(folder):
    make(folder)
    page = report(folder)
    assert drawn(page) == 11 and "Not drawn" not in page
    assert {path.stem for path in (folder / "figures").glob("*.png")} == ALL_FIGURES
    sources = re.findall(r'(?:src|href)="([^"]{0,20})', page)
    assert sources and all(source.startswith("data:image/svg+xml") for source in sources), sources
    assert "<script" not in page and "@import" not in page


@test
def power_stands_at_each_boundary_with_what_is_provisioned_and_how_it_moves(folder):
    make(folder)
    assert "Power at each boundary" not in report(folder)  # the summary tells none
    summary = yaml.safe_load((folder / "summary.yaml").read_text())
    summary["power"] |= {
        "boundaries_w": {"board": 4.0e5, "chassis_ac": 6.0e5, "it": 7.0e5, "facility": 8.0e5},
        "provisioned_w": {"board": 7.0e5, "chassis_ac": 1.2e6, "it": 1.4e6, "facility": 1.8e6},
        "consumed_of_provisioned": {"board": 0.571, "chassis_ac": 0.5, "it": 0.5, "facility": 0.444},
        "budget": {"facility_w": 9.0e5, "oversubscription": 2.0},
        "network": {"optics": "lpo", "switch": "51.2t", "tiers": {"host": {"switches_w": 900.0, "optics_w": 544.0, "switches": 1, "optical_ends": 64}}},
        "quality": {"p99_over_mean": 1.07, "ramp_mw_per_s": {"up": 0.012, "down": 1e-9}, "swing_mw": {"0.1_to_0.5_hz": 0.003}},
    }
    summary["efficiency"] |= {"brain_ratio": 6.1, "facility_w_per_agent": 122.0, "carbon_kg_per_h": 280.0}
    (folder / "summary.yaml").write_text(yaml.safe_dump(summary))
    words = re.sub(r"<[^>]+>", "|", report(folder)[:60000])
    for expected in ("|800 kW|", "|1.80 MW|", "|44 %|", "|6.10 ×|", "|280 kg/h|", "|2.00 ×|", "|12.0 kW/s|", "|below 1 W/s|", "|3.00 kW|",
                     "optical ends (lpo)", "|544 W|"):
        assert expected in words, (expected, words[:3000])


@test
def the_headline_states_the_summary_s_numbers_with_their_boundary(folder):
    make(folder)
    summary = yaml.safe_load((folder / "summary.yaml").read_text())
    summary["throughput"]["output_tokens_per_s"] = 123456.0
    summary["power"]["facility_w"] = 1.5e6
    summary["efficiency"] = {"tokens_per_s_per_mw": 82304.0, "joules_per_output_token": 12.15}
    (folder / "summary.yaml").write_text(yaml.safe_dump(summary))
    words = re.search(r'class="headline">(.*?)</p>', report(folder))[1]
    for expected in (
        "1,024 accelerators",
        "123,000 tokens/s",
        "1.50 MW",
        "82,300 tokens/s per MW",
        "whole facility, output tokens",
        "12.2 J",
        "objective 2 s, kept",
        "objective 50 ms, kept",
        "What binds is HBM bandwidth, with 33 %",
        "98.7 % of the requests",
    ):
        assert expected in words, f"{expected!r} is not in: {words}"


@test
def a_killed_run_is_reported_from_its_series(folder):
    make(folder, samples=170, killed=True)
    page = report(folder)
    assert drawn(page) == 9 and "has not finished" in page and "summary.yaml is not there" in page
    assert "the distributions are written when a run ends" in page
    with h5py.File(folder / "run.h5") as file:
        rate = file["facility/output_tokens_per_s"][100:].mean()
    assert style.rate(rate) in page


@test
def series_of_unequal_length_are_cut_to_the_shortest(folder):
    make(folder, samples=170, killed=True)
    with h5py.File(folder / "run.h5", "a") as file:
        file["rack/idle_share"].resize(150, axis=0)
        file["links/utilisation"].resize(140, axis=0)
    assert len(run_data.Run(folder).time_s) == 140
    assert drawn(report(folder)) == 9


@test
def a_run_in_its_warm_up_or_without_a_sample_says_so(folder):
    make(folder, samples=60, killed=True)
    assert "nothing has been measured yet" in report(folder)
    with h5py.File(folder / "run.h5", "a") as file:
        for path in [
            "time_s",
            *(f"{kind}/{name}" for kind in ("rack", "facility") for name in file[kind]),
            "links/utilisation",
        ]:
            file[path].resize(0, axis=0) if file[path].maxshape[0] is None else None
    assert "No sample has been recorded yet" in report(folder)


@test
def any_single_group_may_be_absent(folder):
    for group in ("facility", "rack", "links", "racks", "histograms", "deck", "time_s"):
        path = folder / group
        make(path, samples=150)
        with h5py.File(path / "run.h5", "a") as file:
            del file[group]
        assert "Key figures" in report(path)


@test
def a_broken_summary_does_not_stop_the_report(folder):
    make(folder, samples=150)
    for text in (
        "{",
        "- 1\n- 2\n",
        "name: x\npower: 3\nperformance: [1]\nlatency: {ttft_s: no}\nwarnings: [estimates]\n",
    ):
        (folder / "summary.yaml").write_text(text)
        assert drawn(report(folder)) == 11


@test
def the_summary_of_an_earlier_run_in_the_same_directory_is_not_used(folder):
    make(folder)
    (folder / "summary.yaml").rename(folder / "old.yaml")
    make(folder, samples=170, killed=True)
    (folder / "old.yaml").rename(folder / "summary.yaml")
    page = report(folder)
    assert "belongs to another run" in page and "Goodput</th>" not in page


@test
def damage_anywhere_in_the_file_ends_in_a_page_or_in_one_line(folder):
    make(folder, samples=150)
    whole = (folder / "run.h5").read_bytes()
    random = np.random.default_rng(1)
    for attempt in range(12):
        damaged = bytearray(whole[: len(whole) * (attempt + 1) // 4] if attempt < 3 else whole)
        for place in random.integers(0, len(damaged), 0 if attempt < 3 else 400):
            damaged[place] ^= 0xFF
        (folder / "run.h5").write_bytes(damaged)
        done = call("report.py", folder)
        assert done.returncode == 0 or (done.returncode == 2 and done.stderr.count("\n") == 1), done.stderr


@test
def names_from_the_deck_are_escaped(folder):
    make(folder, samples=150, name="a <b>&")
    page = report(folder)
    assert "a &lt;b&gt;&amp;" in page and "<b>" not in page


@test
def a_wrong_directory_gives_one_line_and_exit_2(folder):
    (folder / "text").mkdir()
    (folder / "text" / "run.h5").write_text("not HDF5")
    for wrong, words in (
        (folder / "none", "no such directory"),
        (folder, "holds no run.h5"),
        (folder / "text", "not a readable HDF5 file"),
    ):
        done = call("report.py", wrong)
        assert done.returncode == 2 and words in done.stderr and done.stderr.count("\n") == 1, done.stderr


@test
def a_page_that_cannot_be_written_gives_exit_3(folder):
    make(folder, samples=150)
    done = call("report.py", folder, "--output", folder / "run.h5" / "report.html")
    assert (
        done.returncode == 3 and "cannot write" in done.stderr and done.stderr.count("\n") == 1
    ), done.stderr


@test
def several_runs_are_compared_with_the_first(folder):
    make(folder / "base", name="base")
    make(folder / "more", name="more", load=1.25)
    make(folder / "dead", name="dead", samples=170, killed=True)
    output = folder / "comparison.html"
    done = call("report.py", *(folder / name for name in ("base", "more", "dead")), "--output", output)
    assert done.returncode == 0, done.stderr
    page = output.read_text()
    runs = [run_data.Run(folder / name) for name in ("base", "more")]
    change = 100 * (key_figures.facility_w(runs[1]) / key_figures.facility_w(runs[0]) - 1)
    assert drawn(page) == 5 and f"{change:+.1f} %" in page and "“more” generates most:" in page
    assert "dead: The run has not finished" in page


@test
def a_site_of_3125_racks_takes_less_than_20_s(folder):
    make(folder, racks=3125, samples=300)
    start = time.monotonic()
    page = report(folder)
    taken = time.monotonic() - start
    assert drawn(page) == 11 and taken < 20, f"{taken:.1f} s"
    assert len(page) < 20e6, f"{len(page)} characters"


@test
def scaling_tells_speed_and_differing_digests(folder):
    make(folder / "run")
    summary = yaml.safe_load((folder / "run" / "summary.yaml").read_text())
    paths = []
    for ranks, factor in ((1, 2.0), (2, 3.6), (4, 6.0)):
        summary["performance"].update(ranks=ranks, threads=1, real_time_factor=factor)
        paths.append(folder / f"{ranks}.yaml")
        paths[-1].write_text(yaml.safe_dump(summary))
    figure = folder / "scaling.png"
    done = call("scaling.py", *paths, "--output", figure)
    assert done.returncode == 0 and figure.stat().st_size > 10000 and "digest" not in done.stderr
    assert re.search(r"4 +1 +4 +6\.00 +3\.00 +75 %", done.stdout), done.stdout
    paths[0].write_text(yaml.safe_dump({**summary, "digest": "other"}))
    assert "different digests" in call("scaling.py", *paths, "--output", figure).stderr
    paths[0].write_text("name: x\n")
    done = call("scaling.py", *paths)
    assert done.returncode == 2 and done.stderr.count("\n") == 1, done.stderr


@test
def a_growing_queue_is_called_growing(folder):
    make(folder)
    assert sentences.trend(run_data.Run(folder)) == "steady"
    with h5py.File(folder / "run.h5", "a") as file:
        file["facility/requests_in_flight"][...] = np.linspace(100, 5000, 400)
    assert "keeps growing" in sentences.steadiness_words(run_data.Run(folder))
    assert "requests pile up" in report(folder)
    with h5py.File(folder / "run.h5", "a") as file:
        file["facility/requests_in_flight"][...] = 5000 * (1 - np.exp(-np.linspace(0, 4, 400)))
    assert "levelled off" in sentences.steadiness_words(run_data.Run(folder))
