"""Fitting priors for every held-out split, and their Zarr store."""

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from prediction_difference import randomness
from prediction_difference.data.dataset import Dataset
from prediction_difference.errors import DataError, StoreError, telling_faults
from prediction_difference.families import PRIORS
from prediction_difference.manifest import Origin
from prediction_difference.priors.kind import Fitted, Prior
from prediction_difference.progress import track
from prediction_difference.stores import (
    open_store,
    texts,
    write_store,
)

NOTHING_HELD_OUT = "none"
_KEPT = "_kept"
"""End of the names of variables, which dimensions must not have."""


def fit_priors(dataset: Dataset, settings: Prior, name: str, seed: int) -> dict[str, Fitted]:
    """One prior per held-out split, fitted without its images, and one on all images ("none").

    The latter is for images of other datasets. A split that holds all images has no prior.
    """
    priors = {}
    for split in track((*dataset.held_out_splits, NOTHING_HELD_OUT), f"prior {name}"):
        images = dataset.images[~dataset.in_split(split)]
        if len(images) > 0:
            key = randomness.key(seed, name, split)
            priors[split] = _fitted(settings, images, dataset.mask, key)
    return priors


def _fitted(settings: Prior, images: np.ndarray, mask: np.ndarray | None, seed: int) -> Fitted:
    """Raises DataError where a user's own kind fails, or fits what is not finite."""
    where = f"prior of kind {settings.kind}"
    with telling_faults(where, settings.kind, "fit"):
        fitted = settings.fit(images, mask, seed)
        arrays = dict(fitted.arrays)
    for name, array in arrays.items():
        if not np.isfinite(array).all():
            raise DataError(where, f"has {name} that is not finite", "let it fit finite numbers")
    return fitted


def write_priors(
    priors: dict[str, Fitted],
    windows: Iterable[int],
    dataset: Dataset,
    settings: Prior,
    path: Path,
    origin: Origin | None = None,
) -> None:
    """Publish priors with the conditionals for these windows, and from which images they are.

    origin: what they were fitted from.

    Those of each split and window are a group of their own inside, `window_<side>/<split>`, and
    only one of them is in memory at a time. Where they are large, as for wide windows in three
    dimensions (228 MB a split for k = 7 in l = 11), they are left out: whoever needs them computes
    them in some seconds, which is less than reading them.
    """
    summary = _summary(priors, dataset, settings)
    some = next(iter(priors.values()))
    kept = [window for window in sorted(set(windows)) if settings.keeps(some, window)]
    summary.attrs["windows"] = kept
    chunks = {name: (1, *v.shape[1:]) for name, v in _stacked(summary)}
    parts = {
        _place(window, split): partial(_kept_for, settings, priors[split], window)
        for window, split in itertools.product(kept, priors)
    }
    write_store(path, summary, chunks, origin, parts)


def _summary(priors: dict[str, Fitted], dataset: Dataset, settings: Prior) -> Any:
    """All priors without their conditionals, as an xarray Dataset."""
    import xarray

    stack = list(priors.values())
    variables: dict[str, Any] = {
        name: (
            ("held_out", *settings.dimensions(name, array)),
            np.stack([one.arrays[name] for one in stack]),
        )
        for name, array in stack[0].arrays.items()
    }
    variables["fitted_on"] = (
        ("held_out", "image"),
        np.stack([~dataset.in_split(split) for split in priors]),
    )
    return xarray.Dataset(
        variables,
        coords={
            "held_out": texts(priors),
            "image": texts(dataset.names),
            "file_checksum": ("image", texts(dataset.file_checksums)),
            "pixel_digest": ("image", texts(dataset.pixel_digests)),
        },
        attrs={
            "kind": "prior",
            "dataset": settings.dataset,
            "dataset_digest": dataset.digest,
            "location": settings.location_for(len(dataset.spatial) == 3),
            "settings": settings.model_dump(mode="json"),
        },
    )


def _stacked(summary: Any) -> Iterator[tuple[str, Any]]:
    """Variables with one entry per held-out split."""
    return ((str(n), v) for n, v in summary.data_vars.items() if v.dims[0] == "held_out")


def _place(window: int, split: str) -> str:
    return f"window_{window}/{split}"


def _kept_for(settings: Prior, fitted: Fitted, window: int) -> Any:
    """What is kept for the windows of one side, as an xarray Dataset."""
    import xarray

    kept = settings.kept_for(fitted, window)
    variables = {
        f"{name}{_KEPT}": (tuple(f"{name}_{axis}" for axis in range(array.ndim)), array)
        for name, array in kept.items()
    }
    return xarray.Dataset(variables, attrs={"kind": "conditionals"})


def read_prior(path: Path, dataset: Dataset, dataset_name: str, split: str, window: int) -> Fitted:
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
    is_kept = window in store.attrs["windows"]
    kept = {window: _read_kept(path, _place(window, held_out))} if is_kept else {}
    apart = {"fitted_on"}
    arrays = {str(n): v.values for n, v in one.data_vars.items() if n not in apart}
    found = PRIORS.find(store.attrs["settings"]["kind"])
    assert issubclass(found, Prior)
    return found.model_construct(**store.attrs["settings"]).restored(arrays, kept)


def _read_kept(path: Path, place: str) -> dict[str, np.ndarray]:
    store = open_store(path, "conditionals", part=place)
    return {str(n).removesuffix(_KEPT): v.values for n, v in store.data_vars.items()}


@dataclass(frozen=True)
class FittedOn:
    """Which images a prior was fitted on.

    files: (n,) checksums of the images' own files, or empty texts. pixels: (n,) digests of their
    values. used: for every held-out split, (n,) bool.
    """

    dataset: str
    digest: str
    names: tuple[str, ...]
    files: np.ndarray
    pixels: np.ndarray
    used: Mapping[str, np.ndarray]

    def refuse(self, dataset: Dataset, index: int) -> None:
        """See that an image is not explained by what was fitted on it.

        Also a copy under another name counts: of the same file, whatever was cut out of it, or, in
        another dataset, of the same pixels. In one dataset, small images may well be alike.

        Raises:
            DataError: the prior for this image was fitted on it.
        """
        is_same = dataset.digest == self.digest
        is_copy = (self.files == dataset.file_checksums[index]) & (self.files != "")
        if not is_same:
            is_copy |= self.pixels == dataset.pixel_digests[index]
        none = np.zeros(len(self.names), bool)
        held_out = dataset.split[index] if is_same else NOTHING_HELD_OUT
        known = np.flatnonzero(is_copy & self.used.get(held_out, none))
        if len(known):
            copy = self.names[known[0]]
            raise DataError(
                f"image {dataset.names[index]!r}",
                f"the prior was fitted on it, as {copy!r} of dataset {self.dataset!r}",
                "take it out of that dataset, or fit the prior to the explained one with folds",
            )


def read_fitted_on(path: Path) -> FittedOn:
    """Which images the priors of a store were fitted on.

    Raises:
        StoreError: the store is not complete, or is not a prior's.
    """
    store = open_store(path, "prior")
    used = zip(store["held_out"].values, store["fitted_on"].values, strict=True)
    return FittedOn(
        store.attrs["dataset"],
        store.attrs["dataset_digest"],
        tuple(str(name) for name in store["image"].values),
        store["file_checksum"].values,
        store["pixel_digest"].values,
        {str(held_out): images for held_out, images in used},
    )


def reference_images(reference: Dataset, dataset: Dataset, split: str) -> np.ndarray:
    """(n, C, *spatial) images for the marginal sampler: none of the explained image's split.

    Copies of images of that split are left out, too: of their files, or, in another dataset, of
    their pixels.

    Raises:
        DataError: no image is left.
    """
    is_same = reference.digest == dataset.digest
    is_other = ~reference.in_split(split) if is_same else np.ones(len(reference.names), bool)
    is_other &= ~_occur(reference.file_checksums, dataset.file_checksums, dataset, split)
    if not is_same:
        is_other &= ~_occur(reference.pixel_digests, dataset.pixel_digests, dataset, split)
    images = reference.images[is_other]
    if len(images) == 0:
        raise DataError(
            f"reference images for split {split!r}",
            "none are left",
            "set test_fraction or folds of the dataset, or name another dataset as reference",
        )
    return images


def _occur(
    marks: Sequence[str], of_dataset: Sequence[str], dataset: Dataset, split: str
) -> np.ndarray:
    """(n,) bool: which marks an image of a split of the dataset has; an empty one none has."""
    held_out = {mark for mark, s in zip(of_dataset, dataset.split, strict=True) if s == split}
    return np.array([mark != "" and mark in held_out for mark in marks])
