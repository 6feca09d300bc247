"""The report's tables of power: at each boundary, by agent and by network tier, and how it moves. All from summary.yaml; what is absent is left out."""

import page
import style
from key_figures import from_summary

BOUNDARIES = {
    "board": "Accelerator boards",
    "chassis_ac": "Chassis, AC (boards, hosts, adapters, fans, supplies)",
    "it": "IT (chassis and network)",
    "facility": "Facility (IT, delivery, cooling)",
}


def watts(value):
    return "–" if value is None else style.si(value, "W")


def moving(unit):
    """Writes megawatts of change; none at all is that of a run shorter than the time it is told for."""
    return lambda value: "–" if value == 0 else f"below 1 {unit}" if abs(value) < 1e-6 else style.si(1e6 * value, unit)


def per_joule(value):
    return "–" if value is None else style.digits(value)


def boundary_table(run):
    """What was drawn and what is provisioned at each boundary, and tokens for its joules."""
    rows = []
    for key, words in BOUNDARIES.items():
        consumed = from_summary(run, "power", "boundaries_w", key)
        if consumed is None:
            continue
        provisioned = from_summary(run, "power", "provisioned_w", key)
        share = from_summary(run, "power", "consumed_of_provisioned", key)
        tokens = [from_summary(run, "efficiency", f"{kind}_tokens_per_joule", key) for kind in ("output", "input")]
        rows.append((words, watts(consumed), watts(provisioned), "–" if share is None else style.percent(share), *map(per_joule, tokens)))
    head = ("Boundary", "drawn", "provisioned", "of it", "output tokens/J", "input tokens/J")
    return page.table(rows, head, numbers=range(1, 6)) if rows else ""


#: path in the summary, words, how it is written
FIGURES = (
    (("efficiency", "facility_w_per_agent"), "Facility power per agent (a request in service)", watts),
    (("efficiency", "brain_ratio"), "… over the 20 W of a human brain", lambda value: f"{style.digits(value)} ×"),
    (("efficiency", "carbon_kg_per_h"), "Carbon", lambda value: f"{style.digits(value)} kg/h"),
    (("efficiency", "carbon_g_per_1k_output_tokens"), "Carbon of 1,000 output tokens", lambda value: f"{style.digits(value)} g"),
    (("efficiency", "energy_cost_per_h"), "Cost of energy, in the deck's currency", lambda value: f"{style.digits(value)} /h"),
    (("efficiency", "energy_cost_per_1m_output_tokens"), "Cost of the energy of a million output tokens", style.digits),
    (("power", "budget", "facility_w"), "Budget", watts),
    (("power", "budget", "oversubscription"), "Provisioned over budget", lambda value: f"{style.digits(value)} ×"),
    (("power", "quality", "p99_over_mean"), "Power, p99 over mean", lambda value: f"{value:.3f}"),
    (("power", "quality", "ramp_mw_per_s", "up"), "Steepest rise in a second", moving("W/s")),
    (("power", "quality", "ramp_mw_per_s", "down"), "Steepest fall in a second", moving("W/s")),
    (("power", "quality", "ramp_mw_per_min", "up"), "Steepest rise in a minute", moving("W/min")),
    (("power", "quality", "ramp_mw_per_min", "down"), "Steepest fall in a minute", moving("W/min")),
    (("power", "quality", "swing_mw", "0.1_to_0.5_hz"), "Largest swing at 0.1 to 0.5 Hz", moving("W")),
    (("power", "quality", "swing_mw", "0.5_to_2_hz"), "Largest swing at 0.5 to 2 Hz", moving("W")),
    (("power", "quality", "swing_mw", "2_to_20_hz"), "Largest swing at 2 to 20 Hz", moving("W")),
)


def figure_tables(run):
    """Agents, carbon and money in one table; how facility power moves in the other."""
    sides = {"left": [], "right": []}
    for path, words, write in FIGURES:
        value = from_summary(run, *path)
        if value is not None:
            sides["right" if "quality" in path else "left"].append((words, write(value)))
    return page.side_by_side(*(page.table(rows, numbers=(1,)) for rows in sides.values() if rows))


def network_table(run):
    """Switches and transceivers tier by tier, with their technology."""
    network = run.summary.get("power", {}).get("network") if isinstance(run.summary.get("power"), dict) else None
    tiers = network.get("tiers") if isinstance(network, dict) else None
    if not isinstance(tiers, dict):
        return ""
    rows = []
    for name, tier in tiers.items():
        if isinstance(tier, dict):
            switches, ends = tier.get("switches", 0), tier.get("optical_ends", 0)
            rows.append((f"{name} upwards", f"{switches:,}", watts(tier.get("switches_w")), f"{ends:,}", watts(tier.get("optics_w"))))
    head = ("Scale-out network", f"switches ({network.get('switch', '')})", "power", f"optical ends ({network.get('optics', '')})", "power")
    return page.table(rows, head, numbers=range(1, 5))


def tables(run):
    """The section's content, or "" where the summary has nothing of it."""
    if not (boundaries := boundary_table(run)):
        return ""
    return "\n".join(part for part in (boundaries, figure_tables(run), network_table(run)) if part)
