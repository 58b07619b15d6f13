"""A figure reads the maps that it shows, and no others."""

from pathlib import Path

import numpy as np
import pytest
import xarray
import zarr
from zarr.abc.store import RangeByteRequest

from prediction_difference.attribution.publishing import by_node
from prediction_difference.attribution.reading import BY_NODE
from prediction_difference.errors import StoreError
from prediction_difference.figures.maps import MapsOfStore, read_map, read_maps
from prediction_difference.stores import texts, write_store

NODES, SIDE = 40, 32


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """Maps of many nodes, of noise, so that each takes as much room as the others."""
    random = np.random.default_rng(0)
    names = texts(f"node {number}" for number in range(NODES))
    maps = {
        name: (("node", *(f"{name}_{axis}" for axis in "yx")), random.normal(size=(NODES, 32, 32)))
        for name in BY_NODE
    }
    image = (("channel", "relevance_y", "relevance_x"), np.zeros((1, SIDE, SIDE), np.float32))
    coordinates = {"node": names, "unit": ("node", texts(["bits"] * NODES))}
    attributes = {"kind": "attribution", "nodes": [{"class": "cat"}] * NODES}
    dataset = xarray.Dataset({**maps, "image": image}, coords=coordinates, attrs=attributes)
    write_store(tmp_path / "a.zarr", *by_node(dataset))
    return tmp_path / "a.zarr"


def test_a_map_touches_only_its_own_chunks(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = read_maps(store)[5]
    read: dict[str, list[object]] = {}
    get = zarr.storage.LocalStore.get

    async def counted(self, key, prototype, byte_range=None):
        read.setdefault(key, []).append(byte_range)
        return await get(self, key, prototype, byte_range)

    monkeypatch.setattr(zarr.storage.LocalStore, "get", counted)
    found = read_map(store, 5, 2)
    np.testing.assert_array_equal(found.relevance, expected.relevance)
    np.testing.assert_array_equal(found.standard_error, expected.standard_error)
    maps = {key: ranges for key, ranges in read.items() if key.split("/")[0] in BY_NODE}
    assert set(maps) == {"relevance/c/0/0/0", "standard_error/c/0/0/0"}
    for key, ranges in maps.items():
        index, chunk = ranges
        assert not isinstance(index, RangeByteRequest)
        assert isinstance(chunk, RangeByteRequest)
        assert chunk.end - chunk.start < 1.2 * (store / key).stat().st_size / NODES


def test_maps_one_after_the_other_are_those_read_together(store: Path) -> None:
    together, maps = read_maps(store), MapsOfStore(store)
    assert len(maps) == len(together) == NODES
    chosen = [*maps, *maps[3:7], *maps[::13], maps[-1]]
    expected = [*together, *together[3:7], *together[::13], together[-1]]
    assert [one.node_name for one in chosen] == [one.node_name for one in expected]
    for one, other in zip(chosen, expected, strict=True):
        np.testing.assert_array_equal(one.relevance, other.relevance)
        np.testing.assert_array_equal(one.standard_error, other.standard_error)


def test_a_damaged_map_is_refused_and_the_others_are_read(store: Path) -> None:
    expected = read_maps(store)[0]
    zarr.open_group(store, mode="r+")["relevance"][5] = 0
    np.testing.assert_array_equal(read_map(store, 0, 2).relevance, expected.relevance)
    for read in (lambda: read_map(store, 5, 2), lambda: read_maps(store)):
        with pytest.raises(StoreError, match=r"a\.zarr: is damaged"):
            read()
