"""What the benchmark measures, as a model; one YAML file holds it, apart from a run's config."""

from pathlib import Path
from typing import Literal, Self

import yaml
from pydantic import Field, PositiveFloat, PositiveInt, model_validator

from prediction_difference.settings import Name, Section

CaseName = Literal[
    "dense", "dense-bfloat16", "incremental", "incremental-bfloat16",
    "captum", "monai", "published", "bare",
]  # fmt: skip
"""bare: the classifier alone on the batches of dense, to see what is spent around it."""

Device = Literal["cpu", "cuda"]


class Network(Section):
    """A classifier to measure; speed does not depend on weights, errors do.

    architecture: torchvision's name, or module:function. weights: a file; null: random,
    He-initialised. side: of the image, in pixels. targets: times the windows a second of dense that
    a case should reach on CPUs. seconds_per_map: that a whole map should take at most.
    """

    architecture: str
    weights: Path | None = None
    side: int = Field(224, ge=8)
    targets: dict[CaseName, float] = Field({})
    seconds_per_map: dict[Device, float] = Field({})


class Errors(Section):
    """How far other engines and precisions are from dense float32, with the same draws.

    windows: random ones, to which corners of the image are added. classes: scores compared.
    """

    windows: int = Field(64, ge=2)
    classes: PositiveInt = 10


class Variant(Section):
    """One line of the ablation: the incremental engine with fields of its Options changed."""

    name: str
    options: dict[str, bool | int | float | str] = Field({})
    precision: Literal["float32", "bfloat16"] = "float32"


class Ablation(Section):
    """What each optimisation of the incremental engine brings."""

    networks: tuple[Name, ...] = ()
    variants: tuple[Variant, ...] = ()


class Linear(Section):
    """Logistic regression on a volume of so many voxels: the exact map of a subject.

    patches: that the prior is fitted to. brain: weights inside the standard brain only.
    seconds_per_map, memory_target (GiB, of the whole process): at most; null: no target.
    """

    shape: tuple[int, int, int] = (12, 109, 91)
    window: PositiveInt = 3
    patch: int = Field(7, ge=2)
    patches: int = Field(10_000, ge=2)
    brain: bool = False
    repeats: PositiveInt = 3
    seconds_per_map: PositiveFloat | None = 3.0
    memory_target: PositiveFloat = 4.0


class Cohort(Section):
    """Subjects, each of whom has a map of each of these kinds of `linear`."""

    maps: tuple[str, ...] = Field(min_length=1)
    subjects: PositiveInt = 140


class Scaling(Section):
    """How cost grows, around one setting of everything.

    sides: pixels. windows: k. sample_counts: S. classes: nodes in one pass. feature_maps: nodes of
    the middle convolution in one pass, at most as many as it has. layers: with a map each in one
    pass. seconds: of every measurement, about.
    """

    network: Network = Network(architecture="squeezenet1_1")
    window: PositiveInt = 10
    samples: int = Field(10, ge=2)
    cases: tuple[CaseName, ...] = ("dense", "incremental")
    sides: tuple[int, ...] = (64, 96, 128, 160, 224)
    windows: tuple[int, ...] = (1, 5, 10, 20)
    sample_counts: tuple[int, ...] = (2, 5, 10, 20, 40)
    classes: tuple[int, ...] = (1, 10, 100, 1000)
    feature_maps: tuple[int, ...] = (1, 8, 64)
    layers: tuple[int, ...] = (1, 2, 4)
    repeats: PositiveInt = 3
    seconds: PositiveFloat = 2.0


class PerturbationCost(Section):
    """What region perturbation costs: one map's curves, and from them a paper's work.

    region: its side in pixels. steps: regions perturbed, L. repeats: perturbed copies of the image.
    target: share of the bare classifier's speed, at least. The last four are the paper's
    [samek2017]; configurations: maps of every image that are perturbed.
    """

    networks: dict[Name, Network] = Field({})
    region: PositiveInt = 9
    steps: PositiveInt = 100
    repeats: PositiveInt = 3
    target: PositiveFloat = 0.9
    images: PositiveInt = 5040
    paper_steps: PositiveInt = 100
    paper_repeats: PositiveInt = 10
    configurations: PositiveInt = 2


class Maps(Section):
    """Maps that are run from the first window to the last, and drawn.

    networks: null: all. cases: the first is what the others are compared with. stride: pixels
    between windows.
    """

    devices: tuple[Device, ...] = ("cpu", "cuda")
    networks: tuple[Name, ...] | None = None
    cases: tuple[CaseName, ...] = (
        "dense", "incremental", "dense-bfloat16", "incremental-bfloat16",
    )  # fmt: skip
    stride: PositiveInt = 8


_WHOLE_MAPS = Maps(devices=("cuda",), cases=("incremental", "incremental-bfloat16"), stride=1)


class BenchmarkSettings(Section):
    """Everything that the benchmark can be told.

    devices: null: the CPU, and the GPU where torch finds one. threads: null: one for each core.
    window: k. patch: l. samples: S. patches: that the prior is fitted to. cases: measured in turn,
    in every round. seconds: of every case in a round, about. batches: images in a forward pass; the
    best of them is taken. memory_of: cases whose peak memory is measured, in own processes; null:
    all. memory_target: GiB at most. outside_target: share of dense time outside the classifier, at
    most. flops: a second, of a GPU at its floor. linear: kinds of volumes, by name. cohort:
    computed from the seconds of `linear`. whole_maps: as the papers have them. maps: of all
    engines, side by side.
    """

    seed: int = Field(0, ge=0)
    devices: tuple[Device, ...] | None = None
    threads: PositiveInt | None = None
    window: PositiveInt = 10
    patch: int = Field(14, ge=2)
    samples: int = Field(10, ge=2)
    patches: int = Field(25_000, ge=2)
    networks: dict[Name, Network]
    cases: tuple[CaseName, ...] = (
        "dense", "bare", "incremental", "dense-bfloat16", "incremental-bfloat16",
        "captum", "monai", "published",
    )  # fmt: skip
    rounds: PositiveInt = 5
    seconds: PositiveFloat = 15.0
    batches: dict[Device, tuple[int, ...]] = Field(
        {"cpu": (10, 20, 40, 80, 160), "cuda": (40, 160, 640, 2560)}
    )
    sweep_repeats: PositiveInt = 3
    memory_of: tuple[CaseName, ...] | None = None
    memory_target: PositiveFloat = 6.0
    outside_target: PositiveFloat = 0.05
    flops: PositiveFloat = 400e12
    errors: Errors | None = Errors()
    ablation: Ablation | None = None
    linear: dict[str, Linear] = Field({"slab": Linear()})
    cohort: Cohort | None = None
    perturbation: PerturbationCost | None = None
    scaling: Scaling | None = Scaling()
    whole_maps: Maps = _WHOLE_MAPS
    maps: Maps = Maps()

    @model_validator(mode="after")
    def _check_names(self) -> Self:
        """Refuse what a section names and another does not have."""
        devices = {str(device) for device, sizes in self.batches.items() if sizes}
        networks = {*(self.ablation.networks if self.ablation else ())}
        networks |= {*(self.whole_maps.networks or ()), *(self.maps.networks or ())}
        problems: dict[str, set[str]] = {
            "is not one of networks": networks - self.networks.keys(),
            "is no kind of linear": {*(self.cohort.maps if self.cohort else ())} - {*self.linear},
            "has no batches": {str(d) for d in self.devices or ("cpu", "cuda")} - devices,
        }
        told = [f"{name} {what}" for what, names in problems.items() for name in sorted(names)]
        if told:
            raise ValueError("; ".join(told))
        return self


def read_settings(path: Path) -> BenchmarkSettings:
    """Read and check the benchmark's YAML file.

    Raises:
        ValidationError: it has problems; all of them are listed with their places.
    """
    return BenchmarkSettings.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
