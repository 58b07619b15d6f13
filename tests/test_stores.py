"""Stores are complete or absent, and digests are of content."""

import errno
import json
import os
import pickle
import shutil
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import xarray
from hypothesis import given
from hypothesis import strategies as st

from prediction_difference import randomness
from prediction_difference.errors import StoreError
from prediction_difference.files import (
    array_digest,
    digest,
    publishing,
    settings_digest,
    write_json,
)
from prediction_difference.manifest import digest_of, write_manifest_inside
from prediction_difference.stores import open_store, texts, write_store


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


@pytest.mark.parametrize("number", [errno.EROFS, errno.EACCES, errno.EPERM])
def test_a_folder_that_cannot_be_written_is_told_in_words(tmp_path, number):
    message = r"a\.txt: cannot be written \(no\); let this folder be written, or start in another"
    with pytest.raises(StoreError, match=message), publishing(tmp_path / "a.txt"):
        raise OSError(number, "no")
    with pytest.raises(IsADirectoryError), publishing(tmp_path / "a.txt"):
        raise IsADirectoryError(errno.EISDIR, "another error")


def test_a_folder_that_is_replaced_is_never_there_in_part(tmp_path, monkeypatch):
    """Whatever stops a job while it replaces a store: it is the old one, the new one or absent."""
    seen = []

    def watch(path):
        if path.exists():
            seen.append(sorted(p.name for p in path.iterdir()))

    rmtree = shutil.rmtree
    monkeypatch.setattr(shutil, "rmtree", lambda p: (watch(tmp_path / "s"), rmtree(p)))
    for names in (("a", "b"), ("c", "d")):
        with publishing(tmp_path / "s") as temporary:
            temporary.mkdir()
            for name in names:
                (temporary / name).touch()
    watch(tmp_path / "s")
    assert seen == [["c", "d"]] or seen == []
    assert sorted(p.name for p in (tmp_path / "s").iterdir()) == ["c", "d"]
    assert [p.name for p in tmp_path.iterdir()] == ["s"]


def test_jobs_that_publish_the_same_folder_at_once_leave_a_whole_one(tmp_path):
    def publish(number):
        for _ in range(30):
            with publishing(tmp_path / "s") as temporary:
                temporary.mkdir()
                for part in range(5):
                    (temporary / f"{part}").write_text(str(number))

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(publish, range(4)))
    contents = {file.read_text() for file in (tmp_path / "s").iterdir()}
    assert len(contents) == 1
    assert [p.name for p in tmp_path.iterdir()] == ["s"]


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
    def written(values, **attributes):
        write_store(tmp_path / "s.zarr", xarray.Dataset({"a": ("x", values)}, attrs=attributes))
        return digest_of(tmp_path / "s.zarr")

    assert written([1, 2], a=1) == written([1, 2], a=1)
    assert len({written([1, 2], a=1), written([1, 3], a=1), written([1, 2], a=2)}) == 3


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


class Malicious:
    """Makes a folder when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


def poison(path, trace):
    """Put an array of Zarr's version 2, whose filter unpickles, in the place of `a`."""
    for file in (path / "a").rglob("*"):
        if file.is_file():
            file.unlink()
    layout = {"shape": [1], "chunks": [1], "order": "C", "fill_value": None, "compressor": None}
    packing = {"filters": [{"id": "pickle"}], "dtype": "|O", "dimension_separator": "."}
    array = {"zarr_format": 2, **layout, **packing}
    (path / "a" / ".zarray").write_text(json.dumps(array))
    (path / "a" / "0").write_bytes(pickle.dumps(Malicious(trace)))
    metadata = json.loads((path / "zarr.json").read_text())
    metadata["consolidated_metadata"]["metadata"]["a"] = array
    (path / "zarr.json").write_text(json.dumps(metadata))


def test_arrays_of_pickled_objects_are_refused_before_they_are_read(tmp_path):
    path, trace = small_store(tmp_path / "s.zarr"), tmp_path / "trace"
    poison(path, trace)
    write_manifest_inside(path)
    with pytest.raises(StoreError, match="a is not of Zarr's version 3"):
        open_store(path, "k")
    assert not trace.exists()


@pytest.mark.parametrize("codec", ["pickle", "numcodecs.pickle", "a-plugin"])
def test_unknown_codecs_are_refused_also_inside_of_shards(tmp_path, codec):
    for place in (lambda codecs: codecs, inside_of_shards):
        path = small_store(tmp_path / "s.zarr")
        metadata = json.loads((path / "zarr.json").read_text())
        codecs = metadata["consolidated_metadata"]["metadata"]["a"]["codecs"]
        place(codecs).append({"name": codec})
        (path / "zarr.json").write_text(json.dumps(metadata))
        write_manifest_inside(path)
        with pytest.raises(StoreError, match=rf"a has the codec '{codec}', which is not allowed"):
            open_store(path, "k")


def inside_of_shards(codecs):
    inner = []
    codecs.append({"name": "sharding_indexed", "configuration": {"codecs": inner}})
    return inner


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
