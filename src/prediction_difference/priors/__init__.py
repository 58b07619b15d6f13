"""Stage 2: distributions over patches, and samplers that draw window contents from them."""

from prediction_difference.priors.gaussian import GaussianPatchPrior
from prediction_difference.priors.samplers import ConditionalSampler, MarginalSampler, Sampler
from prediction_difference.priors.windows import WindowGrid

__all__ = ["ConditionalSampler", "GaussianPatchPrior", "MarginalSampler", "Sampler", "WindowGrid"]
