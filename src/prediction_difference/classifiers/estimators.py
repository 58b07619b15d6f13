"""Classifiers of scikit-learn's kind as torch modules; stored as data, fitted anew when loaded.

A pickle runs whatever code it names, and one of another version of scikit-learn may load and be
wrong. So what is stored is what an estimator was fitted on, and what it said of that: loading fits
it again, with the same seed, and refuses it where it says anything else.
"""

import importlib
import inspect
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from prediction_difference.classifiers.kinds.scikit_learn import ScikitLearnClassifier
from prediction_difference.data.dataset import Dataset
from prediction_difference.errors import DataError, StoreError

LEAST = 1e-12
"""Smallest probability whose logarithm is taken: estimators such as forests return 0."""
_ALIKE = 1e-4
"""How far log probabilities may be from those that were stored."""


@dataclass(frozen=True)
class Recipe:
    """What estimators are fitted on: voxels (n, V) float32, labels (n,), mask (C, *spatial)."""

    voxels: np.ndarray
    labels: np.ndarray
    mask: np.ndarray


class EstimatorModule(nn.Module):
    """(N, C, *spatial) -> (N, K) log probabilities, whose softmax gives the probabilities."""

    def __init__(self, estimator: Any, mask: np.ndarray, classes: int):
        super().__init__()
        self.estimator = estimator
        self.mask = mask
        self.classes = classes

    def forward(self, images: Tensor) -> Tensor:
        voxels = voxels_of(images.float().cpu().numpy(), self.mask)
        return torch.from_numpy(self.log_probabilities(voxels)).to(images.device)

    def log_probabilities(self, voxels: np.ndarray) -> np.ndarray:
        """(n, V) -> (n, K) float64; classes that it was not fitted on have the least one."""
        found = np.zeros((len(voxels), self.classes))
        found[:, self.estimator.classes_] = self.estimator.predict_proba(voxels)
        return np.log(np.maximum(found, LEAST))


def recipe_of(dataset: Dataset, kept: np.ndarray) -> Recipe:
    """What the kept images, (n,) bool, give an estimator."""
    shape = dataset.images.shape[1:]
    inside = True if dataset.mask is None else dataset.mask
    mask = np.broadcast_to(inside, shape).copy()
    return Recipe(voxels_of(dataset.images[kept], mask), dataset.labels[kept], mask)


def voxels_of(images: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """(n, C, *spatial) -> (n, V) inside the mask (C, *spatial)."""
    return np.ascontiguousarray(images[:, mask], dtype=np.float32)


def fitted_module(
    settings: ScikitLearnClassifier,
    recipe: Recipe,
    used: np.ndarray,
    classes: int,
    seed: int,
) -> EstimatorModule:
    """The estimator, fitted to the used rows, (n,) bool, of the recipe.

    Raises:
        DataError: the settings name no estimator with predict_proba, or it cannot be fitted.
    """
    estimator = build(settings, seed)
    try:
        estimator.fit(recipe.voxels[used], recipe.labels[used])
    except ValueError as error:
        what = f"cannot be fitted ({str(error).splitlines()[0]})"
        raise DataError(settings.estimator, what, "correct its parameters") from error
    if not hasattr(estimator, "predict_proba"):
        what = "returns no probabilities (it has no predict_proba)"
        remedy = "choose another, or wrap it in sklearn.calibration:CalibratedClassifierCV"
        raise DataError(settings.estimator, what, remedy)
    return EstimatorModule(estimator, recipe.mask, classes).eval()


def build(settings: ScikitLearnClassifier, seed: int) -> Any:
    """The estimator before fitting, behind a scaler if the settings ask for it.

    Raises:
        DataError: there is no such class or function, or it does not take the parameters.
    """
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    module, _, name = settings.estimator.partition(":")
    try:
        factory = importlib.import_module(module)
        for part in name.split("."):
            factory = getattr(factory, part)
        estimator: Any = factory(**settings.parameters)  # type: ignore[operator]
    except (ImportError, AttributeError, TypeError, ValueError) as error:
        what = f"cannot be made ({error})"
        raise DataError(settings.estimator, what, "correct the name, or parameters") from error
    if inspect.isclass(estimator) or not hasattr(estimator, "fit"):
        what = "is no estimator: it has no fit"
        raise DataError(settings.estimator, what, "name a class of estimators, or a function")
    seeded = {
        key: seed % 2**32
        for key, value in estimator.get_params().items()
        if key.rpartition("__")[2] == "random_state" and value is None
    }
    estimator.set_params(**seeded)
    return make_pipeline(StandardScaler(), estimator) if settings.scaling else estimator


def tensors_of(recipe: Recipe) -> dict[str, np.ndarray]:
    """The recipe as what is stored."""
    return {"data/voxels": recipe.voxels, "data/labels": recipe.labels, "data/mask": recipe.mask}


def load(
    settings: ScikitLearnClassifier,
    weights: Mapping[str, np.ndarray],
    part: str,
    classes: int,
    seed: int,
    folder: Path,
) -> EstimatorModule:
    """Fit the estimator of a part anew, and see that it says what it said.

    Raises:
        StoreError: it says something else.
    """
    recipe = Recipe(weights["data/voxels"], weights["data/labels"], weights["data/mask"])
    used = weights[f"{part}/used"]
    module = fitted_module(settings, recipe, used, classes, seed)
    said, says = weights[f"{part}/log_probabilities"], module.log_probabilities(recipe.voxels)
    if not np.allclose(np.exp(said), np.exp(says), atol=_ALIKE):
        far = float(np.abs(np.exp(said) - np.exp(says)).max())
        what = f"{settings.estimator} fitted again gives probabilities that differ by {far:.2g}"
        remedy = "set its random_state, or make the classifier again with this scikit-learn"
        raise StoreError(folder, what, remedy)
    return module
