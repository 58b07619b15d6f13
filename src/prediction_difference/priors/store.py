"""Fitting priors for every held-out split, and their Zarr store."""

import dataclasses
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from prediction_difference import randomness
from prediction_difference.config import model
from prediction_difference.data.dataset import Dataset, spatial_axes
from prediction_difference.errors import DataError, StoreError
from prediction_difference.priors.gaussian import Conditionals, GaussianPatchPrior
from prediction_difference.progress import track
from prediction_difference.stores import open_store, texts, write_store

NOTHING_HELD_OUT = "none"
_PARTS = tuple(field.name for field in dataclasses.fields(Conditionals))


def fit_priors(
    dataset: Dataset, settings: model.GaussianPrior, name: str, seed: int
) -> dict[str, GaussianPatchPrior]:
    """One prior per held-out split, fitted without its images, and one on all images ("none").

    The latter is for images of other datasets. A split that holds all images has no prior.
    """
    priors = {}
    for split in track((*dataset.held_out_splits, NOTHING_HELD_OUT), f"prior {name}"):
        images = dataset.images[~dataset.in_split(split)]
        if len(images) > 0:
            priors[split] = GaussianPatchPrior.fit(
                images,
                settings.patch,
                settings.channels,
                settings.ridge,
                settings.patches,
                dataset.mask,
                randomness.key(seed, name, split),
            )
    return priors


def write_priors(
    priors: dict[str, GaussianPatchPrior],
    windows: Iterable[int],
    dataset: Dataset,
    settings: model.GaussianPrior,
    path: Path,
) -> None:
    """Publish priors with the conditionals for these windows, and from which images they are."""
    import xarray

    some = next(iter(priors.values()))
    axes = tuple(f"patch_{axis}" for axis in spatial_axes(some.mean.ndim - 1))
    stack = [priors[split] for split in priors]
    variables: dict[str, Any] = {
        "mean": (("held_out", "channel", *axes), np.stack([p.mean for p in stack])),
        "covariance": (
            ("held_out", "feature", "feature_2"),
            np.stack([p.covariance for p in stack]),
        ),
        "patches": ("held_out", np.array([p.patches for p in stack])),
    }
    for window in sorted(set(windows)):
        variables |= _conditional_variables([p.conditionals(window) for p in stack], window)
    fitted_on = np.stack([~dataset.in_split(split) for split in priors])
    variables["fitted_on"] = (("held_out", "image"), fitted_on)
    store = xarray.Dataset(
        variables,
        coords={
            "held_out": texts(priors),
            "image": texts(dataset.names),
        },
        attrs={
            "kind": "prior",
            "dataset": settings.dataset,
            "dataset_digest": dataset.digest,
            "settings": settings.model_dump(mode="json"),
        },
    )
    chunks = {
        str(n): (1, *v.shape[1:]) for n, v in store.data_vars.items() if v.dims[0] == "held_out"
    }
    write_store(path, store, chunks)


def _conditional_variables(conditionals: list[Conditionals], window: int) -> dict[str, Any]:
    """Conditionals of one window side as variables; the large ones in single precision."""
    sizes = {"operator": ("inner", "outer"), "bias": ("inner",), "factor": ("inner", "inner_2")}
    sizes |= {"inner": ("inner",), "outer": ("outer",)}
    return {
        f"{part}_window_{window}": (
            (
                "held_out",
                f"offset_window_{window}",
                *(f"{size}_window_{window}" for size in sizes[part]),
            ),
            _compact(np.stack([getattr(c, part) for c in conditionals])),
        )
        for part in _PARTS
    }


def _compact(array: np.ndarray) -> np.ndarray:
    return array.astype(np.float32 if array.dtype.kind == "f" else np.int32)


def read_prior(
    path: Path, dataset: Dataset, dataset_name: str, split: str, window: int
) -> GaussianPatchPrior:
    """The prior for images of a split of a dataset, fitted without them, for one window side.

    Raises:
        StoreError: the store is not complete, is not a prior's, was fitted to the dataset as it
            was before, or has no prior for this split.
    """
    store = open_store(path, "prior")
    is_same = store.attrs["dataset_digest"] == dataset.digest
    if store.attrs["dataset"] == dataset_name and not is_same:
        raise StoreError(path, f"was fitted to other images of {dataset_name!r}", "fit it again")
    held_out = split if is_same else NOTHING_HELD_OUT
    if held_out not in store["held_out"].values:
        raise StoreError(
            path,
            f"holds no prior that was fitted without the images of split {split!r}",
            "set test_fraction or folds of the dataset, so that other images are left to fit it to",
        )
    one = store.sel(held_out=held_out)
    precomputed = {}
    if f"operator_window_{window}" in store:
        parts = [one[f"{part}_window_{window}"].values for part in _PARTS]
        precomputed[window] = Conditionals(*parts)
    return GaussianPatchPrior(
        one["mean"].values, one["covariance"].values, int(one["patches"]), precomputed
    )


def reference_images(reference: Dataset, dataset: Dataset, split: str) -> np.ndarray:
    """(n, C, *spatial) images for the marginal sampler: none of the explained image's split.

    Images of another dataset that equal one of that split are left out, too.

    Raises:
        DataError: no image is left.
    """
    held_out = {image.tobytes() for image in dataset.images[dataset.in_split(split)]}
    is_other = np.array([image.tobytes() not in held_out for image in reference.images])
    if reference.digest == dataset.digest:
        is_other = ~reference.in_split(split)
    images = reference.images[is_other]
    if len(images) == 0:
        raise DataError(
            f"reference images for split {split!r}",
            "none are left",
            "set test_fraction or folds of the dataset, or name another dataset as reference",
        )
    return images
