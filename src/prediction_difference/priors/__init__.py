"""Stage 2: distributions over patches, and samplers that draw window contents from them."""

from prediction_difference.priors.gaussian import GaussianPatchPrior
from prediction_difference.priors.samplers import (
    ConditionalSampler,
    MarginalSampler,
    NormalSampler,
    Sampler,
    TensorSampler,
    draw,
)
from prediction_difference.priors.windows import WindowGrid

__all__ = [
    "ConditionalSampler",
    "GaussianPatchPrior",
    "MarginalSampler",
    "NormalSampler",
    "Sampler",
    "TensorSampler",
    "WindowGrid",
    "draw",
]
