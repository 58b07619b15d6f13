"""Images of a store are read one by one, checked, and are what reading all of them gives."""

from pathlib import Path

import numpy as np
import pytest
import zarr

from prediction_difference.data.dataset import (
    Dataset,
    open_dataset,
    read_dataset,
    write_dataset,
)
from prediction_difference.errors import StoreError


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """Six images in chunks of two, as large ones would be."""
    images = np.random.default_rng(0).normal(size=(6, 1, 4, 5)).astype(np.float32)
    names = tuple("abcdef")
    dataset = Dataset(images, names, np.zeros(6, int), ("test",) * 6, ("one",))
    from prediction_difference.data import dataset as module

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "_BYTES_PER_CHUNK", 2 * 4 * 20)
        write_dataset(dataset, tmp_path / "x.zarr")
    return tmp_path / "x.zarr"


@pytest.mark.parametrize(
    "key", [0, -1, slice(None), slice(1, 4), [4, 0], np.arange(6) % 2 == 0, np.zeros(6, bool)]
)
def test_images_are_those_of_the_whole_array(store: Path, key) -> None:
    whole, stored = read_dataset(store), open_dataset(store)
    np.testing.assert_array_equal(stored.images[key], whole.images[key])
    assert stored.images[key].dtype == np.float32


def test_facts_are_those_of_the_whole_dataset(store: Path) -> None:
    whole, stored = read_dataset(store), open_dataset(store)
    for name in ("names", "split", "digest", "spatial", "channels", "value_range", "pixel_digests"):
        assert getattr(stored, name) == getattr(whole, name)


def test_an_image_touches_only_its_chunk(store: Path, monkeypatch) -> None:
    dataset = open_dataset(store)
    read: list[str] = []
    get = zarr.storage.LocalStore.get

    async def counted(self, key, *arguments, **options):
        read.append(key)
        return await get(self, key, *arguments, **options)

    monkeypatch.setattr(zarr.storage.LocalStore, "get", counted)
    dataset.images[3]
    assert read == ["images/c/1/0/0/0"]


def test_a_damaged_image_is_refused_and_the_others_are_read(store: Path) -> None:
    expected = read_dataset(store).images[0]
    array = zarr.open_group(store, mode="r+")["images"]
    array[5] = 0
    stored = open_dataset(store)
    np.testing.assert_array_equal(stored.images[0], expected)
    with pytest.raises(StoreError, match=r"x\.zarr: is damaged: it does not hold what was written"):
        stored.images[5]
    with pytest.raises(StoreError, match="is damaged"):
        read_dataset(store)
