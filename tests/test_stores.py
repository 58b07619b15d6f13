"""Stores are complete or absent, and digests are of content."""

import errno
import json

import numpy as np
import pytest
import xarray
from hypothesis import given
from hypothesis import strategies as st

from prediction_difference import randomness
from prediction_difference.errors import StoreError
from prediction_difference.stores import (
    array_digest,
    digest,
    open_store,
    publishing,
    settings_digest,
    texts,
    write_json,
    write_store,
)


def test_a_failed_write_leaves_what_was_there(tmp_path):
    target = tmp_path / "a.txt"
    target.write_text("old")

    def write_half():
        with publishing(target) as temporary:
            temporary.write_text("half")
            raise RuntimeError("stop")

    with pytest.raises(RuntimeError, match="stop"):
        write_half()
    assert [(p.name, p.read_text()) for p in tmp_path.iterdir()] == [("a.txt", "old")]


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_is_told_in_words(tmp_path, number):
    message = r"a\.txt: the disk is full; free some space and start again"
    with pytest.raises(StoreError, match=message), publishing(tmp_path / "a.txt"):
        raise OSError(number, "full")
    with pytest.raises(PermissionError), publishing(tmp_path / "a.txt"):
        raise PermissionError(errno.EACCES, "no")


def test_a_folder_replaces_a_folder_whole(tmp_path):
    (tmp_path / "s").mkdir()
    (tmp_path / "s" / "old").touch()
    with publishing(tmp_path / "s") as temporary:
        temporary.mkdir()
        (temporary / "new").touch()
    assert [p.name for p in (tmp_path / "s").iterdir()] == ["new"]


def test_a_store_is_found_by_its_folder_and_by_its_metadata(tmp_path):
    write_store(
        tmp_path / "s.zarr" / "zarr.json", xarray.Dataset({"a": ("x", [1])}, attrs={"kind": "k"})
    )
    for path in (tmp_path / "s.zarr", tmp_path / "s.zarr" / "zarr.json"):
        assert open_store(path, "k")["a"].values == [1]


def test_the_digest_of_a_store_changes_with_arrays_and_attributes(tmp_path):
    def digest_of(values, **attributes):
        write_store(tmp_path / "s.zarr", xarray.Dataset({"a": ("x", values)}, attrs=attributes))
        return json.loads((tmp_path / "s.zarr/zarr.json").read_text())["attributes"]["digest"]

    assert digest_of([1, 2], a=1) == digest_of([1, 2], a=1)
    assert len({digest_of([1, 2], a=1), digest_of([1, 3], a=1), digest_of([1, 2], a=2)}) == 3


def small_store(path):
    values = np.arange(200.0).reshape(10, 20)
    store = xarray.Dataset({"a": (("x", "y"), values)}, {"x": texts("abcdefghij")}, {"kind": "k"})
    write_store(path, store, {"a": (5, 20)})
    return path


@pytest.mark.parametrize(
    "damage",
    [
        lambda path: (path / "a/c/1/0").unlink(),
        lambda path: (path / "a/c/1/0").write_bytes(b"no zstd"),
        lambda path: (path / "x/c/0").unlink(),
        lambda path: (path / "zarr.json").write_text("{"),
        lambda path: (path / "a/c/0/0").write_bytes((path / "a/c/1/0").read_bytes()),
    ],
    ids=["missing", "truncated", "missing coordinate", "metadata", "exchanged"],
)
def test_a_damaged_store_is_not_taken_for_whole(tmp_path, damage):
    path = small_store(tmp_path / "s.zarr")
    assert open_store(path, "k")["a"].shape == (10, 20)
    damage(path)
    with pytest.raises(StoreError, match=r"s\.zarr: (is damaged|the store cannot be read)"):
        open_store(path, "k")


def test_somebodys_folder_is_not_replaced(tmp_path):
    (tmp_path / "study").mkdir()
    (tmp_path / "study" / "thesis.txt").write_text("years of work")
    with pytest.raises(StoreError, match="is a folder with other files in it; choose another"):
        small_store(tmp_path / "study")
    assert (tmp_path / "study" / "thesis.txt").read_text() == "years of work"
    small_store(small_store(tmp_path / "new"))


def test_json_holds_no_nan(tmp_path):
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json(tmp_path / "a.json", {"a": float("nan")})
    assert list(tmp_path.iterdir()) == []


@given(st.lists(st.text(), min_size=1, max_size=4), st.lists(st.text(), min_size=1, max_size=4))
def test_digests_tell_lists_of_texts_apart(first, second):
    assert (digest(*first) == digest(*second)) == (first == second)


def test_digests_of_settings_and_arrays():
    assert settings_digest({"a": 1, "b": 2}) == settings_digest({"b": 2, "a": 1})
    ones = np.ones((2, 3))
    assert array_digest({"a": ones}) == array_digest({"a": ones.copy(order="F")})
    different = [{"b": ones}, {"a": ones.T}, {"a": ones.astype("f4")}, {"a": ones * 2}]
    assert len({array_digest(d) for d in [{"a": ones}, *different]}) == 5


def test_streams_of_random_numbers_are_independent_and_repeatable():
    first, again, other = (randomness.generator(5, n).random(1000) for n in (1, 1, 2))
    assert (first == again).all()
    assert abs(np.corrcoef(first, other)[0, 1]) < 0.1
    assert not set(first) & set(other)
    image = np.arange(6.0).reshape(1, 2, 3)
    key = randomness.image_key(0, "a", image)
    assert key == randomness.image_key(0, "a", image.astype("f4"))
    others = [(0, "a", image.reshape(1, 3, 2)), (1, "a", image), (0, "b", image)]
    assert len({key, *(randomness.image_key(*other) for other in others)}) == 4
