"""What the benchmark measures, as a model; one YAML file holds it, apart from a run's config."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, ValidationError

from prediction_difference.config import read_yaml
from prediction_difference.errors import ConfigError, Problem
from prediction_difference.settings import Name, Section

CaseName = Literal[
    "dense",
    "dense-bfloat16",
    "incremental",
    "incremental-bfloat16",
    "captum",
    "monai",
    "published",
    "bare",
]
"""bare: the classifier alone on the batches of dense, to see what is spent around it."""

Device = Literal["cpu", "cuda"]


class Network(Section):
    """A classifier to measure."""

    architecture: str = Field(description="torchvision's name, or module:function")
    weights: Path | None = Field(None, description="a weights file; null: random, He-initialised")
    side: int = Field(224, ge=8, description="pixels along a side of the image")
    targets: dict[CaseName, float] = Field(
        {}, description="windows a second over dense that a case should reach on CPUs"
    )
    seconds_per_map: dict[Device, float] = Field(
        {}, description="seconds that a whole map should take at most, by device"
    )


class Errors(Section):
    """How far other engines and precisions are from dense float32, with the same draws."""

    windows: int = Field(64, ge=2, description="random windows; corners of the image are added")
    classes: int = Field(10, ge=1, description="class scores that are compared")


class Variant(Section):
    """One line of the ablation: the incremental engine with some of its options changed."""

    name: str
    options: dict[str, bool | int | float | str] = Field(
        {}, description="fields of the engine's Options that differ from their defaults"
    )
    precision: Literal["float32", "bfloat16"] = "float32"


class Ablation(Section):
    """What each optimisation of the incremental engine brings."""

    networks: tuple[Name, ...] = ()
    variants: tuple[Variant, ...] = ()


class Linear(Section):
    """Logistic regression on a volume: the exact map of a subject."""

    shape: tuple[int, int, int] = Field((12, 109, 91), description="voxels of the slab")
    window: int = Field(3, ge=1)
    patch: int = Field(7, ge=2)
    patches: int = Field(10_000, ge=2, description="patches that the prior is fitted to")
    brain: bool = Field(False, description="weights inside the standard brain only")
    repeats: int = Field(3, ge=1)
    seconds_per_map: float | None = Field(3.0, gt=0, description="at most; null: no target")
    memory_target: float = Field(4.0, gt=0, description="GiB at most, of the whole process")


class Cohort(Section):
    """How long a cohort takes, by the seconds of one map each of these kinds."""

    maps: Annotated[tuple[str, ...], Field(min_length=1)] = Field(
        description="kinds of `linear`, of each of which every subject has a map"
    )
    subjects: int = Field(140, ge=1)


class Scaling(Section):
    """How cost grows, around one setting of everything."""

    network: Network = Network(architecture="squeezenet1_1")
    window: int = Field(10, ge=1)
    samples: int = Field(10, ge=2)
    cases: tuple[CaseName, ...] = ("dense", "incremental")
    sides: tuple[int, ...] = Field((64, 96, 128, 160, 224), description="pixels")
    windows: tuple[int, ...] = Field((1, 5, 10, 20), description="k")
    sample_counts: tuple[int, ...] = Field((2, 5, 10, 20, 40), description="S")
    classes: tuple[int, ...] = Field((1, 10, 100, 1000), description="nodes in one pass")
    feature_maps: tuple[int, ...] = Field(
        (1, 8, 64), description="nodes of one layer in one pass, at most as many as it has"
    )
    layer: str | None = Field(
        None, description="convolution of the feature maps; null: the middle one"
    )
    layers: tuple[int, ...] = Field((1, 2, 4), description="layers of one map each, in one pass")
    repeats: int = Field(3, ge=1)
    seconds: float = Field(2.0, gt=0, description="of every measurement, about")


class PerturbationCost(Section):
    """What region perturbation costs: one map's curves, and from them a paper's work."""

    networks: dict[Name, Network] = Field({}, description="classifiers that are perturbed")
    region: int = Field(9, ge=1, description="side of a region, in pixels")
    steps: int = Field(100, ge=1, description="regions perturbed, L")
    repeats: int = Field(3, ge=1, description="perturbed copies of the image, in a round")
    target: float = Field(0.9, gt=0, description="share of the bare classifier, at least")
    images: int = Field(5040, ge=1, description="of the paper [samek2017]")
    paper_steps: int = Field(100, ge=1, description="of the paper")
    paper_repeats: int = Field(10, ge=1, description="of the paper")
    configurations: int = Field(2, ge=1, description="maps of every image that are perturbed")


class Maps(Section):
    """Maps that are run from the first window to the last, and drawn."""

    devices: tuple[Device, ...] = ("cpu", "cuda")
    networks: tuple[Name, ...] | None = Field(None, description="null: all")
    cases: tuple[CaseName, ...] = Field(
        ("dense", "incremental", "dense-bfloat16", "incremental-bfloat16"),
        description="the first is what the others are compared with",
    )
    stride: int = Field(8, ge=1, description="pixels between windows")


class BenchmarkSettings(Section):
    """Everything that the benchmark can be told."""

    seed: int = Field(0, ge=0)
    devices: tuple[Device, ...] | None = Field(
        None, description="null: the CPU, and the GPU where torch finds one"
    )
    threads: int | None = Field(None, ge=1, description="null: one for each core")
    window: int = Field(10, ge=1, description="k")
    patch: int = Field(14, ge=2, description="l")
    samples: int = Field(10, ge=2, description="S")
    patches: int = Field(25_000, ge=2, description="patches that the prior is fitted to")
    image: Path | None = Field(None, description="null: noise with the spectrum of photographs")
    networks: dict[Name, Network]
    cases: tuple[CaseName, ...] = Field(
        (
            "dense",
            "bare",
            "incremental",
            "dense-bfloat16",
            "incremental-bfloat16",
            "captum",
            "monai",
            "published",
        ),
        description="measured in turn, in every round",
    )
    rounds: int = Field(5, ge=1)
    seconds: float = Field(15.0, gt=0, description="of every case in a round, about")
    batches: dict[Device, tuple[int, ...]] = Field(
        {"cpu": (10, 20, 40, 80, 160), "cuda": (40, 160, 640, 2560)},
        description="images in a forward pass; the best is taken",
    )
    sweep_repeats: int = Field(3, ge=1, description="of every batch size, in turn")
    memory_of: tuple[CaseName, ...] | None = Field(
        None, description="cases whose peak memory is measured, in own processes; null: all"
    )
    memory_target: float = Field(6.0, gt=0, description="GiB at most")
    outside_target: float = Field(
        0.05, gt=0, description="share of dense time outside the classifier, at most"
    )
    flops: float = Field(400e12, gt=0, description="a second: of a GPU at its floor")
    errors: Errors | None = Errors()
    ablation: Ablation | None = None
    linear: dict[str, Linear] = Field({"slab": Linear()}, description="kinds of volumes, by name")
    cohort: Cohort | None = Field(None, description="computed from the seconds of `linear`")
    perturbation: PerturbationCost | None = None
    scaling: Scaling | None = Scaling()
    whole_maps: Maps = Field(
        Maps(devices=("cuda",), cases=("incremental", "incremental-bfloat16"), stride=1),
        description="maps as the papers have them",
    )
    maps: Maps = Field(Maps(), description="maps of all engines side by side")


def read_settings(path: Path) -> BenchmarkSettings:
    """Read and check the benchmark's YAML file.

    Raises:
        ConfigError: it is missing, is no YAML, or has problems; all of them are listed.
    """
    raw = read_yaml(path)
    if not isinstance(raw, Mapping):
        raise ConfigError([Problem(str(path), "holds no settings", "write key: value lines")])
    try:
        settings = BenchmarkSettings.model_validate(raw)
    except ValidationError as error:
        raise ConfigError(
            Problem(".".join(map(str, found["loc"])), found["msg"], "correct it")
            for found in error.errors()
        ) from error
    _check_names(settings)
    return settings


def _check_names(settings: BenchmarkSettings) -> None:
    """Refuse networks that other sections name and `networks` does not have; devices alike."""
    named = {
        "ablation.networks": settings.ablation.networks if settings.ablation else (),
        "whole_maps.networks": settings.whole_maps.networks or (),
        "maps.networks": settings.maps.networks or (),
    }
    kinds = ", ".join(settings.linear) or "none"
    of_cohort = settings.cohort.maps if settings.cohort else ()
    problems = [
        Problem(f"cohort.maps: {name}", "is no kind of linear", f"choose from {kinds}")
        for name in of_cohort
        if name not in settings.linear
    ]
    known = ", ".join(settings.networks)
    problems += [
        Problem(f"{key}: {name}", "is not one of the networks", f"choose from {known}")
        for key, names in named.items()
        for name in names
        if name not in settings.networks
    ]
    problems += [
        Problem(f"batches.{device}", "there are none", "give at least one")
        for device in settings.devices or ("cpu", "cuda")
        if not settings.batches.get(device)
    ]
    if problems:
        raise ConfigError(problems)
