"""Datasets come from their sources; the store gives back what was written."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray
from PIL import Image

from prediction_difference.data.checksums import copies
from prediction_difference.data.dataset import (
    Dataset,
    check_dataset,
    read_dataset,
    write_dataset,
)
from prediction_difference.data.sources.image_folder import ImageFolder
from prediction_difference.data.sources.imagenet import ImageNet
from prediction_difference.data.sources.sklearn_digits import SklearnDigits
from prediction_difference.data.sources.svhn import SVHN
from prediction_difference.errors import ConfigError, DataError, StoreError
from prediction_difference.stores import write_store


@pytest.fixture
def photographs() -> Dataset:
    return Dataset(
        images=np.random.default_rng(0).random((4, 3, 5, 6), dtype=np.float32),
        names=("cat/a", "cat/ü", "dog/a", "dog/b c"),
        labels=np.array([0, 0, 1, -1]),
        split=("train", "test", "train", "train"),
        class_names=("cat", "dog"),
        sources={f"{name}.png": f"012{n}" for n, name in enumerate("abcd")},
        files=("b.png", "a.png", "c.png", "d.png"),
        facts={"full_scale": [0.0, 1.0], "size": [5, 6]},
    )


@pytest.fixture
def volumes() -> Dataset:
    return Dataset(
        images=np.random.default_rng(1).normal(size=(2, 1, 3, 4, 5)).astype(np.float32),
        names=("sub-1", "sub-2"),
        labels=np.array([-1, -1]),
        split=("fold-00", "fold-01"),
        class_names=(),
        mask=np.arange(60).reshape(3, 4, 5) % 2 == 0,
        affine=np.diag([2.0, 2.0, 2.0, 1.0]),
    )


@pytest.mark.parametrize("kind", ["photographs", "volumes"])
def test_reading_gives_back_what_was_written(
    kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    written: Dataset = request.getfixturevalue(kind)
    write_dataset(written, tmp_path / "x.zarr")
    read = read_dataset(tmp_path / "x.zarr")
    for name in ("images", "labels", "mask", "affine"):
        np.testing.assert_array_equal(getattr(read, name), getattr(written, name))
    for name in ("names", "split", "class_names", "sources", "files", "facts"):
        assert getattr(read, name) == getattr(written, name)
    assert read.images.dtype == np.float32
    assert read.labels.dtype == np.int64


@pytest.mark.parametrize("kind", ["photographs", "volumes"])
def test_the_digest_is_that_of_the_content(
    kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    dataset: Dataset = request.getfixturevalue(kind)

    def digest(written: Dataset, name: str) -> str:
        write_dataset(written, tmp_path / name)
        return read_dataset(tmp_path / name).digest

    first = digest(dataset, "first.zarr")
    assert first
    assert digest(read_dataset(tmp_path / "first.zarr"), "second.zarr") == first
    images = dataset.images.copy()
    images[0, 0, 0] += 1
    others = [
        replace(dataset, images=images),
        replace(dataset, labels=dataset.labels + 1),
        replace(dataset, names=("new", *dataset.names[1:])),
        replace(dataset, split=("new", *dataset.split[1:])),
    ]
    digests = {digest(other, f"{number}.zarr") for number, other in enumerate(others)}
    assert len(digests | {first}) == 5


def test_xarray_opens_photographs_with_named_dimensions(
    photographs: Dataset, tmp_path: Path
) -> None:
    write_dataset(photographs, tmp_path / "x.zarr")
    with xarray.open_zarr(tmp_path / "x.zarr") as store:
        assert store["images"].dims == ("image", "channel", "y", "x")
        assert store["images"].sel(image="dog/a").shape == (3, 5, 6)
        assert store["label"].dims == store["split"].dims == ("image",)
        assert store.attrs["kind"] == "dataset"


def test_xarray_opens_volumes_with_named_dimensions(volumes: Dataset, tmp_path: Path) -> None:
    write_dataset(volumes, tmp_path / "x.zarr")
    with xarray.open_zarr(tmp_path / "x.zarr") as store:
        assert store["images"].dims == ("image", "channel", "x", "y", "z")
        assert store["mask"].dims == ("x", "y", "z")


def test_normalisation_is_that_of_the_training_images(photographs: Dataset, tmp_path: Path) -> None:
    write_dataset(photographs, tmp_path / "x.zarr")
    with xarray.open_zarr(tmp_path / "x.zarr") as store:
        normalisation = store.attrs["normalisation"]
    training = photographs.images[[0, 2, 3]].astype(np.float64)
    np.testing.assert_allclose(normalisation["mean"], training.mean((0, 2, 3)))
    np.testing.assert_allclose(normalisation["std"], training.std((0, 2, 3)))


def test_without_training_images_normalisation_is_that_of_all(
    volumes: Dataset, tmp_path: Path
) -> None:
    write_dataset(volumes, tmp_path / "x.zarr")
    with xarray.open_zarr(tmp_path / "x.zarr") as store:
        mean = store.attrs["normalisation"]["mean"]
    np.testing.assert_allclose(mean, [volumes.images.mean(dtype=np.float64)])


def test_properties_say_what_the_arrays_hold(photographs: Dataset, volumes: Dataset) -> None:
    assert (photographs.spatial, photographs.channels) == ((5, 6), 3)
    assert (volumes.spatial, volumes.channels) == ((3, 4, 5), 1)
    assert photographs.held_out_splits == ("test",)
    assert volumes.held_out_splits == ("fold-00", "fold-01")
    assert photographs.in_split("train").tolist() == [True, False, True, True]
    assert photographs.index("dog/a") == 2


def test_an_unknown_image_is_refused_with_the_known_ones(photographs: Dataset) -> None:
    with pytest.raises(
        DataError, match=r"image 'cow': is not in the dataset; names are like cat/a"
    ):
        photographs.index("cow")


def test_check_accepts_what_can_be_worked_with(photographs: Dataset, volumes: Dataset) -> None:
    check_dataset(photographs, "datasets.x")
    check_dataset(volumes, "datasets.x")


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_check_refuses_a_value_that_is_not_finite(photographs: Dataset, value: float) -> None:
    images = photographs.images.copy()
    images[2, 1, 0, 0] = value
    with pytest.raises(DataError, match=r"datasets\.x: dog/a: holds NaN or infinite values; mend"):
        check_dataset(replace(photographs, images=images), "datasets.x")


def test_check_refuses_two_images_of_one_name(photographs: Dataset) -> None:
    names = ("a", "b", "b", "c")
    with pytest.raises(DataError, match=r"datasets\.x: b: two images have this name; rename one"):
        check_dataset(replace(photographs, names=names), "datasets.x")


def test_check_refuses_a_dataset_without_images(photographs: Dataset) -> None:
    empty = replace(photographs, images=photographs.images[:0], names=())
    with pytest.raises(DataError, match=r"datasets\.x: the dataset holds no images; add images"):
        check_dataset(empty, "datasets.x")


def test_a_missing_store_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"x\.zarr: there is no complete Zarr store here"):
        read_dataset(tmp_path / "x.zarr")


def test_a_store_of_another_kind_is_refused(tmp_path: Path) -> None:
    write_store(tmp_path / "x.zarr", xarray.Dataset(attrs={"kind": "prior"}))
    with pytest.raises(StoreError, match=r"a store of kind 'prior', not 'dataset'; correct"):
        read_dataset(tmp_path / "x.zarr")


def test_the_bundled_digits_have_nothing_to_check_and_are_whole() -> None:
    settings = SklearnDigits(source="sklearn-digits", test_fraction=0.3, folds=None)
    assert settings.check("x", seed=0) == []
    dataset = settings.load("x", seed=0)
    assert dataset.images.shape == (1797, 1, 8, 8)
    assert (dataset.images.min(), dataset.images.max()) == (0, 1)
    assert np.bincount(dataset.labels).min() > 150
    assert dataset.in_split("test").mean() == pytest.approx(0.3, abs=0.01)


def test_images_are_known_by_their_files_and_pixels(photographs: Dataset, volumes: Dataset) -> None:
    assert photographs.file_checksums == ("0121", "0120", "0122", "0123")
    assert volumes.file_checksums == ("", "")
    images = photographs.images.copy()
    images[3] = images[0]
    pixels = replace(photographs, images=images).pixel_digests
    assert pixels[0] == pixels[3]
    assert len(set(pixels)) == 3
    assert photographs.pixel_digests[:3] == pixels[:3]


def test_copies_are_found_by_content(tmp_path: Path) -> None:
    texts = {"a": "one", "b": "two", "c": "three", "d": "two", "e": "six", "f": "one"}
    files = {name: tmp_path / name for name in texts}
    for name, text in texts.items():
        files[name].write_text(text)
    found = copies([files[name] for name in "abc"], [files[name] for name in "def"])
    assert found == {files["a"]: files["f"], files["b"]: files["d"]}
    assert copies(files.values(), []) == {}


def test_each_source_has_its_loader(tmp_path: Path) -> None:
    Image.new("RGB", (4, 3)).save(tmp_path / "a.png")
    settings: dict[str, Any] = {"root": tmp_path, "test_fraction": None, "folds": None}
    folder = ImageFolder(source="image-folder", **settings)
    assert folder.check("x", seed=0) == []
    assert folder.load("x", seed=0).images.shape == (1, 3, 3, 4)
    imagenet = ImageNet(source="imagenet", size=None, **settings)
    assert imagenet.check("x", seed=0) == []
    assert imagenet.load("x", seed=0).images.shape == (1, 3, 3, 4)
    known = SVHN(source="svhn", **settings)
    assert "svhn is not in" in str(known.check("x", seed=0)[0])
    with pytest.raises(ConfigError, match="svhn is not in"):
        known.load("x", seed=0)
