"""The sampler of an explanation: of windows of images, or of a hidden layer's output."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from prediction_difference import randomness
from prediction_difference.attribution.engines.layers import layer_activations
from prediction_difference.attribution.methods.prediction_difference import (
    PredictionDifference,
    RemovedLayer,
)
from prediction_difference.data.dataset import Dataset
from prediction_difference.priors.gaussian import GaussianPatchPrior
from prediction_difference.priors.samplers import ConditionalSampler, MarginalSampler, Sampler
from prediction_difference.priors.store import read_prior, reference_images
from prediction_difference.priors.unit_sampler import UnitSampler

if TYPE_CHECKING:
    from torch import nn


def image_sampler(
    explanation: PredictionDifference,
    dataset: Dataset,
    dataset_name: str,
    split: str,
    prior: Path | None,
    reference: Dataset | None,
) -> Sampler:
    """Draws windows of images of a split, from what was fitted without them.

    prior: store, for the conditional sampler. reference: None for the dataset itself.
    """
    if explanation.sampler == "conditional":
        assert prior is not None
        fitted = read_prior(prior, dataset, dataset_name, split, explanation.window)
        clip = dataset.value_range if explanation.clip else None
        return fitted.sampler(explanation.window, clip)
    images = reference_images(reference or dataset, dataset, split)
    return MarginalSampler(images, explanation.window)


def layer_sampler(
    explanation: PredictionDifference,
    removed: RemovedLayer,
    module: "nn.Module",
    images: np.ndarray,
    seed: int,
    device: str,
) -> Sampler:
    """Draws activations of a removed layer, from those for images (n, C, *spatial) of other splits.

    The empirical distribution at the same place, or the conditional of a normal distribution over
    neighbourhoods of the layer's places, fitted here [zintgraf2017, section 3.3].
    """
    seed = randomness.key(seed, "removed layer", removed.layer)
    order = randomness.generator(seed).permutation(len(images))
    chosen = images[np.sort(order[: removed.images])]
    activations = layer_activations(module, removed.layer, chosen, device=device)
    is_single = removed.features == "units" or activations.ndim == 2
    if explanation.sampler == "marginal":
        return MarginalSampler(
            activations[:, None] if is_single else activations, explanation.window
        )
    side = removed.neighbourhood(explanation.window)
    if is_single:
        side = side if activations.ndim > 2 else 1
        return UnitSampler.fit(activations, side, removed.maps, seed=seed)
    prior = GaussianPatchPrior.fit(
        activations, side, removed.maps, seed=seed, regularisation="ledoit-wolf"
    )
    return ConditionalSampler(prior, explanation.window)
