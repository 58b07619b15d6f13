"""The parts of a benchmark: each is measured by itself and kept once it is finished."""

import importlib.metadata
import json
import platform
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import joblib

from benchmarks.engines import measure_ablation, measure_maps, measure_network
from benchmarks.linear import measure_linear
from benchmarks.perturbation import measure_perturbation
from benchmarks.scaling import measure_scaling
from benchmarks.settings import BenchmarkSettings, Device, Maps
from prediction_difference import provenance
from prediction_difference.closure import code_digest
from prediction_difference.figures.drawing import rounded
from prediction_difference.files import digest, settings_digest, write_json
from prediction_difference.progress import say

Measure = Callable[[BenchmarkSettings, Device], Mapping[str, Any]]

_MEASURED = tuple(
    f"prediction_difference.{module}"
    for module in ("attribution.prediction_difference", "evaluation.shards")
)
"""Modules whose code is measured: after an edit there, parts are measured anew."""
_TARGETS = {"targets", "seconds_per_map", "memory_target", "outside_target", "target"}
_INSTRUCTIONS = ("avx2", "avx512f", "avx512_bf16", "avx512_fp16", "amx_tile", "amx_bf16")


@dataclass(frozen=True)
class Part:
    """One thing to measure. settings: those that it depends on, the others being empty."""

    kind: str
    device: Device
    settings: BenchmarkSettings
    measure: Measure
    network: str | None = None

    @property
    def name(self) -> str:
        return "-".join(word for word in (self.kind, self.network, self.device) if word)

    @property
    def digest(self) -> str:
        """Of everything that determines what is measured, except the machine."""
        kept = _without_targets(self.settings.model_dump(mode="json"))
        return digest(settings_digest(kept), code_digest(*_MEASURED))


def _without_targets(value: Any) -> Any:
    """Settings as they matter to a measurement, which does not depend on what is hoped for."""
    if not isinstance(value, dict):
        return value
    return {k: _without_targets(v) for k, v in value.items() if k not in _TARGETS}


def all_parts(settings: BenchmarkSettings) -> list[Part]:
    """Every part, also for devices that are not here: they may have been measured elsewhere."""
    devices: tuple[Device, ...] = settings.devices or ("cpu", "cuda")
    return [part for device in devices for part in _parts_on(settings, device)]


def _parts_on(settings: BenchmarkSettings, device: Device) -> Iterator[Part]:
    def part(kind: str, measure: Measure, network: str | None = None, **sections: Any) -> Part:
        return Part(kind, device, _only(settings, device, **sections), measure, network)

    for name, network in settings.networks.items():
        own = {name: network}
        yield part("network", measure_network, name, networks=own, errors=settings.errors)
        for kind, maps in (("map", settings.whole_maps), ("maps", settings.maps)):
            if device in maps.devices and (maps.networks is None or name in maps.networks):
                how = maps.model_copy(update={"devices": (device,), "networks": None})
                yield part(kind, measure_maps, name, networks=own, maps=how)
        if settings.ablation and name in settings.ablation.networks:
            variants = settings.ablation.model_copy(update={"networks": ()})
            yield part("ablation", measure_ablation, name, networks=own, ablation=variants)
    if settings.linear and device == "cpu":
        yield part("linear", measure_linear, linear=settings.linear)
    if settings.perturbation:
        for name, network in settings.perturbation.networks.items():
            alone = settings.perturbation.model_copy(update={"networks": {name: network}})
            yield part("perturbation", measure_perturbation, name, perturbation=alone)
    if settings.scaling:
        yield part("scaling", measure_scaling, scaling=settings.scaling)


def _only(settings: BenchmarkSettings, device: Device, **sections: Any) -> BenchmarkSettings:
    """Settings of one part: without the other parts' sections and other devices' batches."""
    nothing: dict[str, Any] = {"networks": {}, "errors": None, "ablation": None, "linear": {}}
    nothing |= {"cohort": None, "perturbation": None, "scaling": None, "devices": (device,)}
    nothing |= {"whole_maps": Maps(), "maps": Maps(), "batches": {device: settings.batches[device]}}
    return settings.model_copy(update=nothing | sections)


def measured(part: Part, folder: Path, is_here: bool) -> dict[str, Any] | None:
    """What a part found: from its file, or, where its device is here, measured now and kept."""
    file = folder / f"{part.name}.json"
    try:
        content: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
        if content["digest"] == part.digest:
            return content
        say(f"{file}: was measured with other code or settings, and is left out")
    except (OSError, ValueError, KeyError):
        pass
    if not is_here:
        return None
    say(f"measuring {part.name}")
    result = _plain(part.measure(part.settings, part.device))
    facts = {"part": part.name, "kind": part.kind, "network": part.network, "device": part.device}
    content = {**facts, "digest": part.digest, "machine": _machine(part.device), "result": result}
    write_json(file, content)
    return content


def _plain(value: Any) -> Any:
    """Numbers and arrays in mappings and sequences as JSON has them, of six digits."""
    if isinstance(value, Mapping):
        return {str(key): _plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    return value if isinstance(value, str | int | None) else rounded(value)


def _machine(device: Device) -> dict[str, Any]:
    """What measured: processor, instructions, threads, GPU, versions."""
    import torch

    file = Path("/proc/cpuinfo")  # where the system is Linux
    lines = file.read_text(encoding="utf-8").splitlines() if file.is_file() else []
    fields = [line.partition(":") for line in lines]
    processor = {key.strip(): value.strip() for key, _, value in fields}
    flags = processor.get("flags", "").split()
    others = {d.name: d.version for d in importlib.metadata.distributions()}
    return {
        "gpu": torch.cuda.get_device_name() if device == "cuda" else None,
        "processor": processor.get("model name") or platform.processor() or platform.machine(),
        "instructions": [name for name in _INSTRUCTIONS if name in flags],
        "cores": joblib.cpu_count(),
        "threads": torch.get_num_threads(),
        "tensorfloat32": device == "cuda" and torch.backends.cudnn.allow_tf32,
        "versions": provenance.versions() | {n: others.get(n) for n in ("captum", "monai")},
    }
