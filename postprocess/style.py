"""How figures and numbers look: palette, matplotlib settings, SI prefixes. Knows no run."""

import math

import matplotlib

matplotlib.use("Agg")  # no display on a compute node
import matplotlib.pyplot as plt  # noqa: E402

INK = "#222222"
MUTED = "#6b6b6b"
WARM_UP = "#ececec"

# Okabe and Ito's palette, safe for the common colour-vision deficiencies.
LINES = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#222222", "#999933"]

# Families by hue, members by lightness, so that neighbours differ in grey too: blue computes, orange moves
# data, green is the building.
COMPONENTS = {
    "accelerator_idle": ("Accelerators: idle", "#9ecae1"),
    "accelerator_compute": ("Accelerators: arithmetic", "#08519c"),
    "accelerator_memory": ("Accelerators: memory", "#4292c6"),
    "host": ("Hosts", "#969696"),
    "nic": ("Network cards", "#fee391"),
    "scale_up": ("Scale-up switches", "#fe9929"),
    "scale_out_switch": ("Scale-out switches", "#cc4c02"),
    "optics": ("Optics", "#fec44f"),
    "memory_pool": ("Memory pool", "#662506"),
    "conversion": ("Power conversion", "#a1d99b"),
    "fans": ("Fans", "#41ab5d"),
    "cooling": ("Cooling plant", "#005a32"),
}

TIME_SHARES = {
    "compute": ("Arithmetic", "#08519c"),
    "hbm": ("HBM bandwidth", "#6baed6"),
    "scale_up": ("Scale-up network", "#fe9929"),
    "scale_out": ("Scale-out network", "#a63603"),
    "memory_pool": ("Memory pool", "#fee391"),
    "overhead": ("Overhead", "#969696"),
    "idle": ("Idle", "#e4e4e4"),
}

TIERS = {0: "node to leaf", 1: "leaf to spine", 2: "spine to core"}  # of runs that do not name them
# As the run names a tier: where its links begin.
TIER_NAMES = {
    "host": "node to switch",
    "leaf": "leaf to spine",
    "pod": "pod to core",
    "superpod": "superpod to core",
    "local": "within a group",
    "global": "between groups",
    "fabric": "switch to switch",
}
TRAFFIC = {
    "kv": "KV caches",
    "weights": "weights",
    "pool": "memory pool",
    "expert": "experts' all-to-all",
    "tensor": "tensor all-reduce",
    "pipeline": "pipeline activations",
}


def legend(axes, **options):
    """The legend of an axes that has something to name; matplotlib complains of others."""
    if axes.get_legend_handles_labels()[0]:
        axes.legend(**options)


def apply():
    """Sets matplotlib's defaults for every figure of this folder."""
    plt.rcParams.update(
        {
            "figure.dpi": 100,
            "savefig.dpi": 150,
            "figure.facecolor": "white",
            "figure.constrained_layout.use": True,
            "font.family": "DejaVu Sans",
            "font.size": 10,
            "axes.titlesize": 10,
            "axes.titleweight": "bold",
            "axes.titlelocation": "left",
            "axes.labelsize": 10,
            "axes.edgecolor": MUTED,
            "axes.labelcolor": INK,
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.grid": True,
            "axes.axisbelow": True,
            "grid.color": "#e2e2e2",
            "grid.linewidth": 0.6,
            "xtick.color": MUTED,
            "ytick.color": MUTED,
            "xtick.labelcolor": INK,
            "ytick.labelcolor": INK,
            "legend.frameon": False,
            "legend.fontsize": 9,
            "lines.linewidth": 1.6,
            "svg.hashsalt": "megaweave",
        }
    )


PREFIXES = ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"), (1.0, ""), (1e-3, "m"), (1e-6, "µ"), (1e-9, "n"))


def prefix(largest):
    """(divisor, prefix) that leaves `largest` between 1 and 1000, such as (1e6, "M") for 2.1e6."""
    size = abs(largest)
    if not size or size != size:
        return 1.0, ""
    return next(((scale, name) for scale, name in PREFIXES if size >= 0.9995 * scale), PREFIXES[-1])


def digits(value, significant=3):
    """Three significant digits, or all before the point of a larger number: 1.23, 12.3, 1,234."""
    if not math.isfinite(value):
        return "–"
    rounded = float(f"{value:.{significant - 1}e}")
    if rounded == 0 or abs(rounded) >= 10 ** (significant - 1):
        return f"{value:,.0f}"
    decimals = significant - 1 - math.floor(math.log10(abs(rounded)))
    return f"{value:.{decimals}f}"


def si(value, unit):
    """1.234e6, "W" -> "1.23 MW". Units that are plain words (tokens/s) take k and M as well."""
    scale, name = prefix(value)
    return f"{digits(value / scale)} {name}{unit}".rstrip()


def rate(value, unit="tokens/s"):
    """1.234e6 -> "1.23 million tokens/s", 154321 -> "154,000 tokens/s": a word takes no SI prefix."""
    if abs(value) >= 0.9995e6:
        return f"{digits(value / 1e6)} million {unit}"
    return f"{digits(float(f'{value:.3g}'))} {unit}"


def percent(share):
    """0.4712 -> "47 %"; a decimal near 0 and 100 %, so that little does not read as none, nor most as all."""
    value = 100 * share
    if value != value:
        return "–"
    if 99.95 <= value < 100:
        return "over 99.9 %"
    return f"{value:.1f} %" if 0 < abs(value) < 9.95 or 95 <= value < 100 else f"{value:.0f} %"


def seconds(value):
    """A latency as people say it: 38 ms, 1.24 s, 2 min 5 s."""
    if value >= 120:
        return f"{int(value // 60)} min {value % 60:.0f} s"
    return si(value, "s")


def round_seconds(value):
    """A round number of seconds, such as an objective or a tick, without trailing zeros: 50 ms, 2 s."""
    scale, name = prefix(value)
    return f"{value / scale:g} {name}s"
