"""The parts of a benchmark: each is measured by itself and kept once it is finished."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from prediction_difference.attribution.engines.layers import multiply_accumulates
from prediction_difference.benchmark import machine
from prediction_difference.benchmark.ablation import measure_ablation
from prediction_difference.benchmark.exactness import measure_errors
from prediction_difference.benchmark.inputs import (
    Inputs,
    make_inputs,
    make_network,
)
from prediction_difference.benchmark.linear import measure_linear
from prediction_difference.benchmark.maps import measure_maps
from prediction_difference.benchmark.memory import measure_memory
from prediction_difference.benchmark.perturbation import measure_perturbation
from prediction_difference.benchmark.scaling import measure_scaling
from prediction_difference.benchmark.settings import BenchmarkSettings, Device, Maps, Network
from prediction_difference.benchmark.speed import measure_speed
from prediction_difference.benchmark.subject import Subject
from prediction_difference.closure import code_digest
from prediction_difference.progress import say
from prediction_difference.stores import digest, settings_digest, write_json

_LOOK_AND_TARGETS = {"targets", "seconds_per_map", "memory_target", "outside_target", "target"}


@dataclass(frozen=True)
class Part:
    """One thing to measure: its kind, the network (if it is about one), the device, how."""

    kind: str
    device: Device
    settings: Any
    measure: Callable[[], dict[str, Any]]
    network: str | None = None

    @property
    def name(self) -> str:
        return "-".join(word for word in (self.kind, self.network, self.device) if word)

    @property
    def digest(self) -> str:
        """Of everything that determines what is measured, except the machine."""
        return digest(settings_digest({"settings": self.settings}), self._code)

    @property
    def _code(self) -> str:
        return code_digest("prediction_difference.benchmark.parts")


def all_parts(settings: BenchmarkSettings) -> list[Part]:
    """Every part, also for devices that are not here: they may have been measured elsewhere."""
    devices: tuple[Device, ...] = settings.devices or ("cpu", "cuda")
    return [part for device in devices for part in _parts_on(settings, device)]


def _parts_on(settings: BenchmarkSettings, device: Device) -> Iterator[Part]:
    kept = _without_targets(settings.model_dump(mode="json"))
    common = {k: v for k, v in kept.items() if k not in _SECTIONS}
    common["batches"] = kept["batches"].get(device)
    for name, network in settings.networks.items():
        of_network = {**common, "network": kept["networks"][name]}
        speed = {**of_network, "errors": kept["errors"]}
        yield Part("network", device, speed, _measure_network(settings, network, device), name)
        for kind, maps in (("map", settings.whole_maps), ("maps", settings.maps)):
            if device in maps.devices and (maps.networks is None or name in maps.networks):
                how = {**of_network, "maps": maps.model_dump(mode="json", exclude=_WHERE)}
                yield Part(kind, device, how, _measure_maps(settings, maps, network, device), name)
        if settings.ablation and name in settings.ablation.networks:
            how = {**of_network, "variants": kept["ablation"]["variants"]}
            yield Part("ablation", device, how, _measure_ablation(settings, network, device), name)
    if settings.linear and device == "cpu":
        how = {"linear": kept["linear"], "seed": settings.seed, "threads": settings.threads}
        yield Part("linear", device, how, _measure_linear(settings))
    yield from _perturbation_parts(settings, kept, device)
    if settings.scaling:
        yield Part(
            "scaling",
            device,
            {**common, "scaling": kept["scaling"]},
            _measure_scaling(settings, device),
        )


def _perturbation_parts(
    settings: BenchmarkSettings, kept: dict[str, Any], device: Device
) -> Iterator[Part]:
    if settings.perturbation is None:
        return
    common = {key: kept[key] for key in ("seed", "threads", "image", "rounds", "sweep_repeats")}
    common["batches"] = kept["batches"].get(device)
    for name, network in settings.perturbation.networks.items():
        how = {**common, "perturbation": {**kept["perturbation"], "networks": None}}
        how["network"] = kept["perturbation"]["networks"][name]
        measure = _measure_perturbation(settings, network, device)
        yield Part("perturbation", device, how, measure, name)


_SECTIONS = (
    "networks", "errors", "ablation", "linear", "perturbation", "scaling", "whole_maps", "maps",
    "devices", "cohort",
)  # fmt: skip
_WHERE = {"devices", "networks"}


def _without_targets(value: Any) -> Any:
    """Settings as they matter to a measurement, which does not depend on what is hoped for."""
    if not isinstance(value, dict):
        return value
    return {k: _without_targets(v) for k, v in value.items() if k not in _LOOK_AND_TARGETS}


def _subject(
    settings: BenchmarkSettings, network: Network, device: Device
) -> tuple[Subject, Inputs]:
    inputs = make_inputs(settings, network.side, settings.window, settings.patch)
    module = make_network(network, settings.seed)
    subject = Subject(module, inputs.image, inputs.sampler, settings.samples, device, settings.seed)
    return subject, inputs


def _measure_network(
    settings: BenchmarkSettings, network: Network, device: Device
) -> Callable[[], dict[str, Any]]:
    def measure() -> dict[str, Any]:
        subject, inputs = _subject(settings, network, device)
        found = measure_speed(subject, settings)
        batches = {
            name: case["batch"]
            for name, case in found["cases"].items()
            if case["refused"] is None
            and (settings.memory_of is None or name in settings.memory_of)
        }
        memory = measure_memory(network, inputs, settings.samples, settings.seed, device, batches)
        errors = settings.errors and measure_errors(subject, settings.errors, settings.cases)
        return {
            "multiply_accumulates": sum(multiply_accumulates(subject.network, subject.image)),
            "windows_per_map": subject.windows,
            **found,
            "memory": memory,
            "errors": errors,
        }

    return measure


def _measure_maps(
    settings: BenchmarkSettings, maps: Maps, network: Network, device: Device
) -> Callable[[], dict[str, Any]]:
    def measure() -> dict[str, Any]:
        subject, _ = _subject(settings, network, device)
        return measure_maps(subject, maps, settings.flops)

    return measure


def _measure_ablation(
    settings: BenchmarkSettings, network: Network, device: Device
) -> Callable[[], dict[str, Any]]:
    def measure() -> dict[str, Any]:
        subject, _ = _subject(settings, network, device)
        variants = settings.ablation.variants if settings.ablation else ()
        return measure_ablation(subject, variants, settings)

    return measure


def _measure_linear(settings: BenchmarkSettings) -> Callable[[], dict[str, Any]]:
    def measure() -> dict[str, Any]:
        return measure_linear(settings.linear, settings.seed)

    return measure


def _measure_perturbation(
    settings: BenchmarkSettings, network: Network, device: Device
) -> Callable[[], dict[str, Any]]:
    def measure() -> dict[str, Any]:
        assert settings.perturbation is not None
        return measure_perturbation(settings, settings.perturbation, network, device)

    return measure


def _measure_scaling(settings: BenchmarkSettings, device: Device) -> Callable[[], dict[str, Any]]:
    def measure() -> dict[str, Any]:
        assert settings.scaling is not None
        return measure_scaling(settings, settings.scaling, device)

    return measure


def finished(part: Part, folder: Path) -> dict[str, Any] | None:
    """What a part found, if it was measured with this code and these settings."""
    file = folder / f"{part.name}.json"
    try:
        content: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    if content.get("digest") != part.digest:
        say(f"{file}: was measured with other code or settings, and is left out")
        return None
    return content


def measured(part: Part, folder: Path) -> dict[str, Any]:
    """What a part found: from its file, or measured now and kept there."""
    content = finished(part, folder)
    if content is None:
        say(f"measuring {part.name}")
        result = part.measure()
        content = {
            "part": part.name,
            "kind": part.kind,
            "network": part.network,
            "device": part.device,
            "digest": part.digest,
            "machine": machine.machine(part.device),
            "result": result,
        }
        write_json(folder / f"{part.name}.json", content)
    return content
