"""Choices and bounds of options that the configuration shares with Python functions.

Python functions are annotated with them, and `options.checked` reads the annotations.
"""

from typing import Annotated, Literal

from pydantic import AfterValidator, AllowInfNan, Field

# --- numbers ----------------------------------------------------------------------------------

Natural = Annotated[int, Field(ge=0)]
"""A number of something that may be none, or a position counted from 0."""
Count = Annotated[int, Field(ge=1)]
"""A number of something there is at least one of; also a side or a step in pixels or voxels."""
Draws = Annotated[int, Field(ge=2)]
"""Draws of a window: two at least, as one gives no standard error."""
Positive = Annotated[float, Field(gt=0)]
NotNegative = Annotated[float, Field(ge=0)]
Fraction = Annotated[float, Field(gt=0, lt=1)]
"""A share that is neither nothing nor all."""
Share = Annotated[float, Field(ge=0, le=1)]
Percentile = Annotated[float, Field(ge=0, le=100)]


def _ascending(limits: tuple[float, float]) -> tuple[float, float]:
    low, high = limits
    if not low <= high:
        raise ValueError("falls; give the lowest value, then the highest")
    return limits


Limits = Annotated[tuple[float, float], AfterValidator(_ascending)]
"""The lowest and the highest of some values."""
_Bound = Annotated[float, AllowInfNan()]
Clip = Annotated[tuple[_Bound, _Bound], AfterValidator(_ascending)]
"""The lowest and the highest value that draws keep; infinity where they have no bound."""

# --- where torch computes ---------------------------------------------------------------------

_DEVICES = ("cpu", "cuda", "mps", "xpu")


def _known_device(name: str) -> str:
    kind, _, number = name.partition(":")
    if kind not in _DEVICES or (":" in name and not number.isdecimal()):
        raise ValueError(f"is unknown; choose one of {', '.join(_DEVICES)}, or one such as cuda:1")
    if kind == "cuda":
        import torch

        if not torch.cuda.is_available():
            raise ValueError("torch finds no GPU; set device to cpu")
    return name


Device = Annotated[str, AfterValidator(_known_device)]
"""As torch names it, such as cpu, cuda or cuda:1."""
Precision = Literal["float32", "bfloat16"]
EngineName = Literal["auto", "dense", "incremental", "linear"]

# --- nodes, priors ----------------------------------------------------------------------------

NodeKind = Literal["probability", "score", "feature_map", "unit"]
Channels = Literal["joint", "independent"]
Regularisation = Literal["ridge", "ledoit-wolf"]
Location = Literal["none", "grid-index", "grid-cell", "voxel-mean"]

# --- heatmap methods --------------------------------------------------------------------------

Norm = Literal["l2", "linf", "squared", "sum"]
"""Of a gradient or signal, over channels."""
Start = Literal["slope", "response"]
StartOfRelevance = Literal["score", "positive"]
Bias = Literal["ignored", "absorbs"]
MaxPooling = Literal["winner", "proportional"]
Normalising = Literal["passed", "expanded"]
"""What local response normalisation does to relevance."""
LayerRule = Literal["z+", "zB", "w2"]
"""The names of [montavon2017]: for activations, for inputs in a box, and for any inputs."""
Foreground = Literal["bright", "dark"]
Favours = Literal["lower", "higher"]
Palette = Literal["hues", "distinct"]

# --- region perturbation ----------------------------------------------------------------------

Order = Annotated[Literal["morf", "lerf", "MoRF", "LeRF"], AfterValidator(str.lower)]
"""Most or least relevant first; MoRF and LeRF, as papers write them, mean the same."""
Perturbation = Literal["uniform", "blur", "mean", "conditional"]
