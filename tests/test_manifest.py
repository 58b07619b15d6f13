"""Manifests: complete or not, damaged or not, and of what, whatever is done to the files."""

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray
from hypothesis import given
from hypothesis import strategies as st

from prediction_difference.errors import StoreError
from prediction_difference.manifest import (
    Origin,
    digest_of,
    manifest_path,
    read_file,
    read_manifest,
    withdraw,
    write_manifest,
)
from prediction_difference.stores import open_store, write_store

JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=4,
)


@pytest.fixture
def table(tmp_path: Path) -> Path:
    main = tmp_path / "table.parquet"
    main.write_bytes(b"rows")
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "notes.txt").write_bytes(b"")
    files = [main, tmp_path / "more" / "notes.txt"]
    write_manifest(main, files, Origin({"entry": {"k": 3}}, {"data/d.zarr": "0a"}, "c0de"))
    return main


@given(settings=st.dictionaries(st.text(max_size=3), JSON), code=st.text(max_size=5))
def test_an_origin_is_read_as_it_was_written(
    tmp_path_factory: pytest.TempPathFactory, settings: dict[str, Any], code: str
) -> None:
    main = tmp_path_factory.mktemp("origin") / "a.json"
    main.write_text("{}")
    origin = Origin(settings, {"data/\N{LATIN SMALL LETTER E WITH ACUTE}.zarr": "ab"}, code)
    write_manifest(main, [main], origin)
    assert read_manifest(main).origin == origin


def test_sums_are_those_of_the_files(table: Path) -> None:
    manifest = read_manifest(table)
    assert manifest.sums == {
        "table.parquet": hashlib.sha256(b"rows").hexdigest(),
        "more/notes.txt": hashlib.sha256(b"").hexdigest(),
    }
    assert manifest.origin.entry == {"k": 3}


def test_the_digest_is_of_the_content_whatever_it_was_made_from(table: Path) -> None:
    before = digest_of(table)
    files = [table.parent / "more" / "notes.txt", table]
    write_manifest(table, files, Origin({"entry": {"k": 4}}))
    assert digest_of(table) == before
    table.write_bytes(b"other rows")
    write_manifest(table, files)
    assert digest_of(table) != before


def test_without_a_manifest_files_are_not_complete(table: Path) -> None:
    withdraw(table)
    with pytest.raises(StoreError, match=r"table\.sha256, which is written last, is missing"):
        read_file(table, table, "make it again")


@pytest.mark.parametrize("content", ["", "# settings: 00\n", f"{'0' * 64}  table.parquet\n"])
def test_manifests_of_the_version_before_are_refused_by_name(table: Path, content: str) -> None:
    manifest_path(table).write_text(content)
    what = r"table\.sha256: is damaged, or an earlier version .* delete it and make it again"
    with pytest.raises(StoreError, match=what):
        read_manifest(table)


@pytest.mark.parametrize("lines", range(5))
def test_a_manifest_that_was_cut_is_damaged(table: Path, lines: int) -> None:
    kept = manifest_path(table).read_text().splitlines(keepends=True)[:lines]
    manifest_path(table).write_text("".join(kept))
    with pytest.raises(StoreError, match="is damaged"):
        read_manifest(table)


def test_a_file_that_no_manifest_names_is_damaged(table: Path) -> None:
    (table.parent / "more" / "later.txt").write_bytes(b"")
    with pytest.raises(StoreError, match=r"later\.txt: is damaged"):
        read_file(table.parent / "more" / "later.txt", table, "make it again")


def test_stores_of_the_version_before_are_refused_by_name(tmp_path: Path) -> None:
    store = tmp_path / "s.zarr"
    write_store(store, xarray.Dataset({"a": ("x", [1])}, attrs={"kind": "k", "digest": "00"}))
    manifest_path(store).unlink()
    with pytest.raises(StoreError, match=r"s\.zarr: .* or an earlier version .* delete it and"):
        open_store(store, "k")


def test_a_store_says_its_digest_and_inputs_when_it_is_opened(tmp_path: Path) -> None:
    store = tmp_path / "s.zarr"
    origin = Origin(inputs={"data/d.zarr": "0a"})
    write_store(store, xarray.Dataset({"a": ("x", [1])}, attrs={"kind": "k"}), origin=origin)
    opened = open_store(store, "k")
    assert opened.attrs["digest"] == digest_of(store)
    assert opened.attrs["inputs"] == {"data/d.zarr": "0a"}


def test_parts_of_a_store_are_under_its_manifest(tmp_path: Path) -> None:
    store = tmp_path / "s.zarr"
    whole = xarray.Dataset({"a": ("x", [1])}, attrs={"kind": "k"})
    inner = xarray.Dataset({"b": ("x", np.arange(1, 4))}, attrs={"kind": "i"})
    write_store(store, whole, parts={"in/one": lambda: inner, "in/two": lambda: inner})
    assert open_store(store, "i", part="in/two")["b"].values.tolist() == [1, 2, 3]
    (store / "in/two/b/c/0").write_bytes(b"")
    with pytest.raises(StoreError, match="is damaged"):
        open_store(store, "i", part="in/two")
    assert open_store(store, "i", part="in/one")["b"].shape == (3,)
    assert open_store(store, "k")["a"].shape == (1,)
