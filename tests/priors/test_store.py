"""Priors in the pipeline: fitted without what they explain, and only used where that holds."""

import dataclasses
import shutil

import numpy as np
import pytest

from prediction_difference.data.dataset import Dataset
from prediction_difference.errors import DataError, StoreError
from prediction_difference.priors.gaussian import GaussianPatchPrior
from prediction_difference.priors.kinds.gaussian import GaussianPrior
from prediction_difference.priors.store import (
    fit_priors,
    read_fitted_on,
    read_prior,
    reference_images,
    write_priors,
)

SETTINGS = GaussianPrior(dataset="d", patch=3, patches=500)


def dataset_of(generator, split, digest="a"):
    images = generator.normal(size=(len(split), 1, 6, 6)).astype(np.float32)
    names = tuple(f"image-{n}" for n in range(len(split)))
    return Dataset(images, names, np.zeros(len(split), int), split, ("c",), digest=digest)


@pytest.fixture
def folds(generator):
    return dataset_of(generator, ("fold-00", "fold-01", "fold-00", "fold-01"))


def test_the_prior_of_a_fold_does_not_know_its_images(folds):
    fitted = fit_priors(folds, SETTINGS, "p", 0)
    assert set(fitted) == {"fold-00", "fold-01", "none"}
    altered = folds.images.copy()
    altered[folds.in_split("fold-00")] += 5
    again = fit_priors(dataclasses.replace(folds, images=altered), SETTINGS, "p", 0)
    np.testing.assert_array_equal(again["fold-00"].covariance, fitted["fold-00"].covariance)
    assert (again["fold-01"].mean != fitted["fold-01"].mean).all()


def test_priors_come_back_with_their_conditionals(folds, tmp_path):
    fitted = fit_priors(folds, SETTINGS, "p", 0)
    write_priors(fitted, [1, 2], folds, SETTINGS, tmp_path / "p.zarr")
    read = read_prior(tmp_path / "p.zarr", folds, "d", "fold-01", 2)
    assert list(read.precomputed) == [2]
    np.testing.assert_array_equal(read.mean, fitted["fold-01"].mean)
    fresh = GaussianPatchPrior(read.mean, read.covariance)
    for window in (1, 2):
        found, expected = read.conditionals(window), fresh.conditionals(window)
        np.testing.assert_allclose(found.operator, expected.operator, rtol=1e-5, atol=1e-6)
        np.testing.assert_array_equal(found.inner, expected.inner)


def test_volumes_are_taken_voxel_by_voxel_where_nothing_else_is_asked(generator, folds):
    images = generator.normal(size=(4, 1, 4, 4, 4)).astype(np.float32)
    volumes = dataclasses.replace(folds, images=images)
    place = fit_priors(volumes, SETTINGS, "p", 0)["fold-00"].location
    np.testing.assert_allclose(place, images[[1, 3]].mean(0), atol=1e-6)
    assert fit_priors(folds, SETTINGS, "p", 0)["fold-00"].location is None
    plain = SETTINGS.model_copy(update={"location": "none"})
    assert fit_priors(volumes, plain, "p", 0)["fold-00"].location is None


def test_large_conditionals_are_left_out_and_computed(folds, tmp_path, monkeypatch):
    monkeypatch.setattr("prediction_difference.priors.kinds.gaussian._MOST_BYTES", 1000)
    path, fitted = tmp_path / "p.zarr", fit_priors(folds, SETTINGS, "p", 0)
    write_priors(fitted, [1, 2], folds, SETTINGS, path)
    # 9 positions x 1 x 9 numbers of 4 bytes, or 4 x 4 x 9.
    assert [p.name for p in path.glob("window_*")] == ["window_1", "window_2"]
    monkeypatch.setattr("prediction_difference.priors.kinds.gaussian._MOST_BYTES", 400)
    write_priors(fitted, [1, 2], folds, SETTINGS, path)
    assert [p.name for p in path.glob("window_*")] == ["window_1"]
    read = read_prior(path, folds, "d", "fold-01", 2)
    assert not read.precomputed
    np.testing.assert_array_equal(
        read.conditionals(2).operator, fitted["fold-01"].conditionals(2).operator
    )


def test_conditionals_lie_apart_and_belong_to_their_prior(folds, tmp_path):
    path = tmp_path / "p.zarr"
    write_priors(fit_priors(folds, SETTINGS, "p", 0), [1, 2], folds, SETTINGS, path)
    inside = {str(p.relative_to(path).parent) for p in path.glob("window_*/*/zarr.json")}
    splits = ("fold-00", "fold-01", "none")
    assert inside == {f"window_{k}/{split}" for k in (1, 2) for split in splits}
    other = tmp_path / "other.zarr"
    write_priors(fit_priors(folds, SETTINGS, "p", 1), [2], folds, SETTINGS, other)
    shutil.rmtree(path / "window_2" / "none")
    shutil.copytree(other / "window_2" / "none", path / "window_2" / "none")
    stranger = dataclasses.replace(folds, digest="b")
    with pytest.raises(StoreError, match=r"p\.zarr: is damaged: it does not hold what was written"):
        read_prior(path, stranger, "other", "fold-00", 2)
    assert read_prior(path, folds, "d", "fold-00", 2).precomputed


def test_a_prior_takes_the_place_of_an_older_one_whole(folds, tmp_path):
    path = tmp_path / "p.zarr"
    for windows in ([1, 2], [2]):
        write_priors(fit_priors(folds, SETTINGS, "p", 0), windows, folds, SETTINGS, path)
    assert [p.name for p in path.glob("window_*")] == ["window_2"]
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("location", ["grid-index", "grid-cell", "voxel-mean"])
def test_what_places_tell_comes_back_and_is_of_other_images(folds, tmp_path, location):
    settings = SETTINGS.model_copy(
        update={"location": location, "regularisation": "ledoit-wolf", "cells": 2}
    )
    fitted = fit_priors(folds, settings, "p", 0)
    write_priors(fitted, [2], folds, settings, tmp_path / "p.zarr")
    read = read_prior(tmp_path / "p.zarr", folds, "d", "fold-01", 2)
    np.testing.assert_array_equal(read.location, fitted["fold-01"].location)
    altered = folds.images.copy()
    altered[folds.in_split("fold-01")] += np.arange(6, dtype=np.float32)
    again = fit_priors(dataclasses.replace(folds, images=altered), settings, "p", 0)
    np.testing.assert_array_equal(again["fold-01"].location, read.location)
    assert (again["fold-00"].location != fitted["fold-00"].location).any()


def test_other_datasets_are_explained_by_the_prior_over_all_images(folds, generator, tmp_path):
    fitted = fit_priors(folds, SETTINGS, "p", 0)
    write_priors(fitted, [], folds, SETTINGS, tmp_path / "p.zarr")
    other = dataset_of(generator, ("test",), digest="b")
    read = read_prior(tmp_path / "p.zarr", other, "other", "test", 2)
    np.testing.assert_array_equal(read.covariance, fitted["none"].covariance)
    with pytest.raises(StoreError, match="was fitted to other images of 'd'; fit it again"):
        read_prior(tmp_path / "p.zarr", other, "d", "test", 2)


def test_an_unsplit_dataset_has_no_prior_for_its_own_images(generator, tmp_path):
    whole = dataset_of(generator, ("test", "test"))
    write_priors(fit_priors(whole, SETTINGS, "p", 0), [], whole, SETTINGS, tmp_path / "p.zarr")
    with pytest.raises(StoreError, match="no prior that was fitted without the images of split"):
        read_prior(tmp_path / "p.zarr", whole, "d", "test", 2)
    with pytest.raises(DataError, match="none are left; set test_fraction or folds"):
        reference_images(whole, whole, "test")


def test_reference_images_leave_out_the_split_and_its_copies(folds, generator):
    others = reference_images(folds, folds, "fold-00")
    np.testing.assert_array_equal(others, folds.images[folds.in_split("fold-01")])
    strangers = dataset_of(generator, ("test", "test", "test"), digest="b")
    copies = strangers.images.copy()
    copies[1] = folds.images[0]
    mixed = dataclasses.replace(strangers, images=copies)
    np.testing.assert_array_equal(reference_images(mixed, folds, "fold-00"), copies[[0, 2]])


def with_files(dataset, *checksums):
    """The dataset with a file of its own for every image."""
    files = tuple(f"{name}.png" for name in dataset.names)
    sources = dict(zip(files, checksums, strict=True))
    return dataclasses.replace(dataset, files=files, sources=sources)


def fitted_on(dataset, tmp_path):
    write_priors(fit_priors(dataset, SETTINGS, "p", 0), [], dataset, SETTINGS, tmp_path / "p.zarr")
    return read_fitted_on(tmp_path / "p.zarr")


def test_images_of_another_dataset_that_the_prior_knows_are_refused(folds, generator, tmp_path):
    """By pixels or by file, under whatever name."""
    known = fitted_on(with_files(folds, *"abcd"), tmp_path)
    strangers = dataset_of(generator, ("test",) * 4, digest="b")
    images = strangers.images.copy()
    images[1] = folds.images[2]
    strangers = with_files(dataclasses.replace(strangers, images=images), *"wxcz")
    known.refuse(strangers, 0)
    known.refuse(strangers, 3)
    for index, copy in ((1, "image-2"), (2, "image-2")):
        message = f"image 'image-{index}': the prior was fitted on it, as '{copy}' of dataset 'd'"
        with pytest.raises(DataError, match=message):
            known.refuse(strangers, index)


def test_within_a_dataset_only_copies_of_files_in_other_splits_are_refused(folds, tmp_path):
    images = folds.images.copy()
    images[1] = images[0]
    alike = dataclasses.replace(folds, images=images)
    for index in range(4):
        fitted_on(alike, tmp_path).refuse(alike, index)
    copied = with_files(alike, *"aabb")
    copied = dataclasses.replace(copied, split=("fold-00", "fold-01", "fold-00", "fold-00"))
    known = fitted_on(copied, tmp_path)
    for index in (0, 1):
        with pytest.raises(DataError, match="or fit the prior to the explained one with folds"):
            known.refuse(copied, index)
    known.refuse(copied, 2)
    known.refuse(copied, 3)


def test_reference_images_leave_out_copies_of_files(folds, generator):
    strangers = with_files(dataset_of(generator, ("test",) * 3, digest="b"), *"xcb")
    kept = reference_images(strangers, with_files(folds, *"abcd"), "fold-00")
    np.testing.assert_array_equal(kept, strangers.images[[0, 2]])
    copied = with_files(folds, *"aaxy")
    kept = reference_images(copied, copied, "fold-00")
    np.testing.assert_array_equal(kept, folds.images[[3]])
