"""How the facility's power swings: the figure of /power_spectrum."""

import numpy as np

import style
from drawing import Drawing, new_axes, scaled_axis
from run_data import Missing

BANDS_HZ = ((0.1, 0.5, "0.1–0.5 Hz"), (0.5, 2, "0.5–2 Hz"), (2, 20, "2–20 Hz"))
STEPS = 300  # of the drawn curve: the largest swing in each, evenly on a logarithmic axis


def spectrum(run):
    """(frequency [Hz], amplitude [W]) of the facility's power, written when a run ends."""
    frequency_hz, amplitude_w = (run.table(f"power_spectrum/{name}").astype(float) for name in ("frequency_hz", "amplitude_w"))
    if len(frequency_hz) < 3 or len(frequency_hz) != len(amplitude_w):
        raise Missing("the run is too short for a spectrum of its power")
    return frequency_hz, amplitude_w


def largest_by_step(frequency_hz, amplitude_w):
    edges = np.geomspace(frequency_hz[0], frequency_hz[-1] * (1 + 1e-9), STEPS + 1)
    step = np.searchsorted(edges, frequency_hz, side="right")
    highest = [(frequency_hz[step == i].mean(), amplitude_w[step == i].max()) for i in np.unique(step)]
    return np.array(highest).T


def swings(run):
    frequency_hz, amplitude_w = spectrum(run)
    mean_w = run.facility_mean("facility_power_w")
    if amplitude_w.max() < 1e-6 * mean_w:
        raise Missing("power is even to a millionth")
    figure, axes = new_axes(1, 1, 3.2)
    scale = scaled_axis(axes, amplitude_w.max(), "Amplitude", "W")
    shown_hz, shown_w = largest_by_step(frequency_hz, amplitude_w)
    axes.loglog(shown_hz, shown_w / scale, color=style.LINES[0], linewidth=1.1)
    axes.set_ylim(bottom=max(shown_w.min(), 1e-4 * shown_w.max()) / scale, top=4 * shown_w.max() / scale)
    axes.set_xlim(frequency_hz[0], frequency_hz[-1])
    axes.set_xlabel("Frequency of the swing [Hz]")
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
    for low, high, name in BANDS_HZ:
        inside = (frequency_hz >= low) & (frequency_hz < high)
        if inside.any():
            axes.axvline(low, color=style.MUTED, linewidth=0.6, linestyle=":")
            axes.annotate(f"{name}: up to {style.si(amplitude_w[inside].max(), 'W')}", (np.sqrt(low * high), 0.95),
                          xycoords=("data", "axes fraction"), ha="center", va="top", fontsize=8.5, color=style.MUTED)
    worst = int(amplitude_w.argmax())
    reading = (
        f"Facility power swings most at {style.digits(frequency_hz[worst])} Hz, by {style.si(amplitude_w[worst], 'W')} up and down,"
        f" {style.percent(amplitude_w[worst] / mean_w)} of its mean. Grids and generators are sensitive from 0.1 to 20 Hz."
    )
    return Drawing("power_swings", reading, figure)
