"""Writes fitted parameters into the catalogue: `efficiency:` of accelerators.yaml, and engines.yaml as a whole."""
from pathlib import Path

import yaml
from calibration_model import BY_PRECISION, LAUNCHES, MATURING_MONTHS, ON_ACCELERATOR, PRECISIONS, TIMES

SHAPES = ("half_rows", "half_expert_rows", "half_columns", "half_expert_columns", "roofline_blend", "activation_passes", "expert_skew")
#: Accelerators of the same die that were not measured, and whose efficiencies they take.
SIBLINGS = {"h800": "h100", "gb300": "b300"}
#: Month of an engine generation: its package's or image's release. Where rows state no version, the middle of the months in which they
#: were measured. Sources: release pages of the engines' repositories and package index; github.com/SemiAnalysisAI/InferenceX, perf-changelog.yaml.
RELEASED = {
    "atom-7.1.1": "2026-01",
    "sglang-0.5.5.post3": "2025-11", "sglang-0.5.6": "2025-12", "sglang-0.5.6.post2": "2025-12", "sglang-0.5.7": "2026-01",
    "sglang-0.5.9": "2026-02", "sglang-0.5.10.post1": "2026-04", "sglang-nightly": "2026-02", "sglang-aiconfigurator-silicon": "2025-11",
    "tensorrt-llm-0.9.0": "2024-04", "tensorrt-llm-0.14.0": "2024-11", "tensorrt-llm-0.17": "2025-02", "tensorrt-llm-0.20": "2025-06",
    "tensorrt-llm-1.0.0rc3": "2025-07", "tensorrt-llm-1.0": "2025-09", "tensorrt-llm-1.1.0rc2.post2": "2025-09", "tensorrt-llm-1.1": "2025-11",
    "tensorrt-llm-1.2.0rc2": "2025-11", "tensorrt-llm-1.2.0rc2.post2": "2025-12", "tensorrt-llm-1.2.0rc6.post2": "2026-01",
    "tensorrt-llm-1.2.0rc6.post3": "2026-02", "tensorrt-llm-1.3.0rc1": "2026-02", "tensorrt-llm-1.3.0rc5": "2026-03",
    "tensorrt-llm-aiconfigurator-silicon": "2025-11",
    "vllm-0.11.2": "2025-11", "vllm-0.12.0": "2025-12", "vllm-0.13.0": "2025-12", "vllm-0.15.1": "2026-02", "vllm-0.16.0": "2026-02",
    "vllm-0.17.0": "2026-03", "vllm-0.18.0": "2026-03", "vllm-0.19.0": "2026-04", "vllm-aiconfigurator-silicon": "2025-11",
    "vllm-mlenergy-v3": "2025-11",
}
DATA = ("published throughput and latency: TensorRT-LLM performance overview, InferenceMAX artefacts, AIConfigurator silicon data, "
        "ML.ENERGY v3; postprocess/calibrate.py")


def number(value):
    return f"{value:.4g}"


def accelerator_names(folder):
    """Rack name or alias -> accelerator, from racks.yaml; and every accelerator."""
    racks = yaml.safe_load((Path(folder) / "racks.yaml").read_text(encoding="utf-8"))
    accelerators = yaml.safe_load((Path(folder) / "accelerators.yaml").read_text(encoding="utf-8"))
    aliases = {alias: name for name, entry in accelerators.items() for alias in entry.get("aliases", [])}
    found = {}
    for name, rack in racks.items():
        accelerator = aliases.get(rack["accelerator"], rack["accelerator"])
        for key in [name, *rack.get("aliases", [])]:
            found[key] = accelerator
    return found, list(accelerators)


def efficiency_lines(parameters, theta, accelerator, counts):
    """The `efficiency:` block of one accelerator."""
    fitted = SIBLINGS.get(accelerator, accelerator)
    lines = ["  efficiency:"]
    for name in BY_PRECISION:
        values = [f"{p}: {number(parameters.on_accelerator(theta, name, fitted, p))}" for p in PRECISIONS]
        lines.append(f"    {name}: {{{', '.join(values)}}}")
    for name in (*ON_ACCELERATOR[2:], *TIMES):
        lines.append(f"    {name}: {number(parameters.on_accelerator(theta, name, fitted))}")
    measured = counts.get(accelerator, 0)
    lines.append(f'    source: "{DATA}"')
    lines.append(f"    quality: {'measured' if measured else 'estimate'}")
    if fitted != accelerator:
        lines.append(f'    note: "as {fitted}: the same die"')
    elif measured:
        lines.append(f'    note: "fitted on {measured} measured values; a precision without any keeps the mean of all accelerators"')
    else:
        lines.append('    note: "not measured: the mean of all accelerators"')
    return lines


def write_accelerators(source, target, parameters, theta, counts):
    """accelerators.yaml with new `efficiency:` blocks; every other line as it stands."""
    out, name, skipping = [], "", False
    for line in Path(source).read_text(encoding="utf-8").splitlines():
        if line and not line[0].isspace() and not line.startswith("#"):
            name = line.split(":")[0]
        if line.startswith("  efficiency:"):
            out += efficiency_lines(parameters, theta, name, counts)
            skipping = True
            continue
        skipping = skipping and line.startswith("    ")
        if not skipping:
            out.append(line)
    Path(target).write_text("\n".join(out) + "\n", encoding="utf-8")


def engine_lines(name, value, client, note, measured_on):
    """One engine's entry. value(parameter): its fitted value; client: False leaves out what only its client sees."""
    factors = ", ".join(f"{p}: {number(value(p))}" for p in ON_ACCELERATOR)
    lines = [f"{name}:", f"  family: {name.split('-')[0] if not name.startswith('tensorrt') else 'tensorrt-llm'}",
             f"  factors: {{{factors}}}"]
    lines += [f"  {shape}: {number(value(shape))}" for shape in SHAPES]
    if name in RELEASED:
        lines.insert(2, f"  released: {RELEASED[name]}")
        lines.append(f"  maturing: {{kernels: {number(value('maturing_kernels'))}, products: {number(value('maturing_products'))}, "
                     f"months: {number(MATURING_MONTHS)}}}")
    counts = ", ".join(f"{name.removeprefix('launches_')}: {number(value(name))}" for name in LAUNCHES)
    lines += [f"  launches: {{{counts}}}",
              f"  kernel: {number(1e6 * value('kernel'))} us", f"  collective: {number(1e6 * value('collective'))} us",
              f"  ring_step: {number(1e6 * value('ring_step'))} us",
              f"  host: {{iteration: {number(1e3 * value('iteration'))} ms, sequence: {number(1e6 * value('sequence'))} us, "
              f"request: {number(1e3 * value('request'))} ms, token: {number(1e9 * value('token'))} ns, "
              f"overlap: {number(1.0 - value('host_exposed'))}, launch: {number(1e6 * value('launch'))} us}}"]
    if client:
        lines.append(f"  client: {{response: {number(1e3 * value('response'))} ms, "
                     f"response_per_token: {number(1e6 * value('response_per_token'))} us}}")
    else:
        lines.append("  client: {response: 0 ms, response_per_token: 0 us}")
    if measured_on:
        lines.append(f"  measured_on: [{', '.join(sorted(measured_on))}]")
    return lines + [f'  source: "{DATA}"', f"  quality: {'measured' if measured_on else 'estimate'}", f'  note: "{note}"']


HEADER = """# Engine generations: factors on what an accelerator's large kernels reach (accelerators.yaml, efficiency), how efficiency falls with
# small products, fixed costs on device and host, and what delays only the client. Written by postprocess/calibrate.py; `generic` is the mean
# of all engines, an entry without a version stands in for the generations of its family that are not here.
"""


def written_by_hand(path):
    """Entries of an engines.yaml that calibration did not write, as they stand."""
    if not Path(path).exists():
        return []
    blocks = Path(path).read_text(encoding="utf-8").split("\n\n")
    return [block.strip() for block in blocks if ":" in block and "postprocess/calibrate.py" not in block and not block.startswith("# Engine gen")]


def write_engines(target, parameters, theta, measured, client=True, others=()):
    """engines.yaml. measured: generation -> (family, backend, {accelerator: number of values}). others: entries to keep."""
    # What a client sees belongs to a named engine: without one, times are the engine's own.
    blocks = [engine_lines("generic", lambda p: parameters.of_engine(theta, p), False,
                           "no engine in particular, and no delay between it and its client", [])]
    families = sorted({family for family, *_ in measured.values()})
    for family in families:
        if family in measured:
            continue
        blocks.append(engine_lines(family, lambda p, f=family: parameters.of_engine(theta, p, f), client,
                                   "mean of its generations, for those that were not measured", []))
    for generation, (family, backend, accelerators) in sorted(measured.items()):
        count = sum(accelerators.values())
        version = "versions not stated; stands in for unknown ones too" if generation == family else f"{count} measured values"
        blocks.append(engine_lines(generation, lambda p, b=backend, g=generation: parameters.of_engine(theta, p, b, g), client,
                                   version, accelerators))
    text = ["\n".join(block) for block in blocks] + list(others)
    Path(target).write_text(HEADER + "\n" + "\n\n".join(text) + "\n", encoding="utf-8")


__all__ = ["accelerator_names", "write_accelerators", "write_engines", "written_by_hand"]
