"""Means, quantiles, sentences and number formats."""

import h5py
import numpy as np

import network_figures
import run_data
import sentences
import style
from make_synthetic_run import COMPONENTS, make
from runner import test


@test
def means_weigh_measured_samples_only(folder):
    make(folder, samples=200)
    run = run_data.Run(folder)
    with h5py.File(folder / "run.h5") as file:
        power, use = file["rack/power_w"][...].astype(float), file["links/utilisation"][...]
    mean, _ = run.column_means("rack/power_w")
    assert np.allclose(mean, power[100:].mean(axis=0))
    run_data.BLOCK_VALUES, kept = 1000, run_data.BLOCK_VALUES  # several blocks must give the same
    mean, peak = run.column_means("links/utilisation")
    run_data.BLOCK_VALUES = kept
    assert np.allclose(mean, use[100:].mean(axis=0, dtype=float)) and (peak == use[100:].max(axis=0)).all()


@test
def quantiles_and_shares_follow_the_counts(folder):
    histogram = run_data.Histogram([1, 2, 4, 8], [2, 0, 2])  # half in [1,2), half in [4,8)
    assert histogram.quantile(0.25) == 1.5 and histogram.quantile(0.75) == 6
    assert (
        histogram.share_within(2) == 0.5
        and histogram.share_within(3) == 0.5
        and histogram.share_within(6) == 0.75
    )
    assert histogram.mean() == (2 * 1.5 + 2 * 6) / 4


@test
def idle_is_named_as_load_and_not_as_a_bottleneck(folder):
    assert "so the offered load, not the hardware" in sentences.binding_words(
        {"compute": 0.1, "hbm": 0.3, "idle": 0.6}
    )
    assert "although requests pile up" in sentences.binding_words({"hbm": 0.3, "idle": 0.6}, growing=True)
    assert sentences.binding_words({"compute": 0.5, "idle": 0.2}).startswith(
        "What binds is arithmetic, with 50 %"
    )


@test
def numbers_read_as_people_write_them(folder):
    cases = (
        (style.si(1.234e6, "W"), "1.23 MW"),
        (style.si(999.96e3, "W"), "1.00 MW"),
        (style.rate(154321), "154,000 tokens/s"),
        (style.rate(2.5e6), "2.50 million tokens/s"),
        (style.percent(0.4712), "47 %"),
        (style.percent(0.0123), "1.2 %"),
        (style.percent(0.9999), "over 99.9 %"),
        (style.percent(1), "100 %"),
        (style.seconds(0.0381), "38.1 ms"),
        (style.seconds(125), "2 min 5 s"),
        (style.round_seconds(0.05), "50 ms"),
        (style.si(0, "W"), "0 W"),
        (style.percent(float("nan")), "–"),
    )
    for got, expected in cases:
        assert got == expected, f"{got!r}, expected {expected!r}"
    units = (("50 ms", 0.05), ("2 MW", 2e6), ("2s", 2.0), (0.3, 0.3), ("2 parsec", None), (None, None))
    for text, expected in units:
        assert run_data.quantity(text) == expected, text


@test
def every_component_has_a_name_and_a_colour(folder):
    assert set(style.COMPONENTS) == set(COMPONENTS)
    assert len({color for _, color in style.COMPONENTS.values()}) == 12


@test
def a_link_is_cut_by_who_loads_it_and_the_longest_full_comes_first(folder):
    make(folder, samples=150)
    with h5py.File(folder / "run.h5", "a") as file:
        file["traffic/full_share"][7] = 0.25  # not the busiest on average
    run = run_data.Run(folder)
    drawing = network_figures.busiest_links(run)
    name = run.names("links/name")[7]
    assert f"longest {name}: 25 % of the time, of which chat: KV caches has 70 %" in drawing.reading, drawing.reading
    assert "Of 8,123 shares of links that were checked, all were max-min fair." in drawing.reading
    traffic = network_figures.traffic_classes(run).reading
    assert "KV caches 70 %, experts' all-to-all 30 %" in traffic, traffic
