"""Zarr stores that are complete or absent, and are checked when they are read."""

import json
import warnings
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from prediction_difference.errors import StoreError
from prediction_difference.files import folder_of, publishing, row_digests
from prediction_difference.listings import appears
from prediction_difference.manifest import (
    Manifest,
    Origin,
    changed,
    read_manifest,
    write_manifest_inside,
)

if TYPE_CHECKING:
    import numpy as np

_CODECS = frozenset(
    ("blosc", "bytes", "crc32c", "gzip", "sharding_indexed", "transpose", "vlen-utf8", "zstd")
)
"""Of arrays; none of them runs what it reads, as codecs for Python's objects do."""


def write_store(
    path: Path,
    dataset: Any,
    chunks: Mapping[str, tuple[int, ...]] = {},
    origin: Origin | None = None,
    parts: Mapping[str, Any] = {},
) -> None:
    """Publish an xarray Dataset as a consolidated Zarr v3 group, with a manifest.

    `path` is the store's folder or its manifest. `chunks` gives the chunk shape of
    variables by name; without one, zarr's default holds. What the attribute `digests` names by
    variable are variables with the digests of its rows, by which these can be checked one by one.
    origin: what it was made from. parts: groups inside of it by their places, as functions that
    make them, so that one at a time is in memory.
    """
    folder = folder_of(path)
    refuse_foreign_folder(folder)
    with publishing(folder) as temporary:
        _write_group(temporary, dataset, chunks)
        for place, make in parts.items():
            _write_group(temporary / place, make())
        write_manifest_inside(temporary, origin)


def _write_group(folder: Path, dataset: Any, chunks: Mapping[str, tuple[int, ...]] = {}) -> None:
    encoding = {name: _encoding(dataset[name].shape, shape) for name, shape in chunks.items()}
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Consolidated metadata")
        dataset.to_zarr(folder, mode="w", zarr_format=3, consolidated=True, encoding=encoding)


def _encoding(shape: tuple[int, ...], chunk: tuple[int, ...]) -> dict[str, Any]:
    """Chunks of an array; those along the first axis in one file where they are whole rows.

    Notes: the compression is the one that left the least of maps in about the default one's time
    (`python -m benchmarks.storage`).
    """
    from zarr.codecs import BloscCodec

    count = -(-shape[0] // chunk[0])
    is_by_row = chunk[0] == 1 and count > 1 and chunk[1:] == shape[1:]
    codec = BloscCodec(cname="zstd", clevel=3, shuffle="shuffle")
    encoding = {"chunks": chunk, "compressors": [codec]}
    return encoding | ({"shards": (count, *chunk[1:])} if is_by_row else {})


def refuse_foreign_folder(path: Path) -> None:
    """Refuse to replace a folder that is no store: it may hold somebody's files.

    Raises:
        StoreError: it is neither empty, nor named like a store, nor one.
    """
    is_store = path.suffix == ".zarr" or (path / "zarr.json").is_file()
    if path.is_dir() and not is_store and any(path.iterdir()):
        raise StoreError(path, "is a folder with other files in it", "choose another place")


def texts(values: Iterable[str]) -> "np.ndarray":
    """(n,) texts as an array that Zarr stores with their full length."""
    import numpy as np

    return np.array(list(values), dtype=np.dtypes.StringDType())


def open_store(path: Path, kind: str, later: Collection[str] = (), part: str = "") -> Any:
    """Read a published store as an xarray Dataset, and see that it is what was written.

    later: variables whose values are neither read nor checked yet; their rows have digests. part:
    place of a group inside the store, which is read in place of it. The Dataset has two attributes
    more than the store, from its manifest: `digest`, of its content, and `inputs`, the digests of
    what it was made from.

    Raises:
        StoreError: nothing complete is there, its content is damaged, or it is not a store of
            this `kind`.
    """
    import xarray

    path = folder_of(path)
    folder = path / part
    _refuse_incomplete(folder)
    manifest = read_manifest(path)
    place = f"{part}/" if part else ""
    _refuse_changed(path, manifest, [f"{place}zarr.json"])
    try:
        listed, attributes = _metadata(folder)
        by_rows = attributes.get("digests", {})
        unread = {name for name in later if name in by_rows}
        _refuse_changed(path, manifest, _files_of(manifest, place, listed, unread))
        # Not in parts: chunks are read where they are asked for, without dask.
        store = xarray.open_zarr(folder, consolidated=True, zarr_format=3, chunks=None)
        for name in set(store.variables) - unread:
            store.variables[name].load()
    except (ValueError, KeyError, TypeError, AttributeError, OSError, RuntimeError) as error:
        raise _unreadable(path, error) from error
    if store.attrs.get("kind") != kind:
        raise StoreError(
            path,
            f"this is a store of kind {store.attrs.get('kind', 'unknown')!r}, not {kind!r}",
            "correct the path",
        )
    return store.assign_attrs(digest=manifest.digest, inputs=dict(manifest.origin.inputs))


def _refuse_changed(path: Path, manifest: Manifest, names: Collection[str]) -> None:
    if changed(path, manifest, names):
        raise damaged(path)


def _files_of(
    manifest: Manifest, place: str, arrays: Iterable[str], unread: Collection[str]
) -> list[str]:
    """Files of the arrays of a group; of those that are not read yet, what tells of them."""
    whole = tuple(f"{place}{name}/" for name in arrays if name not in unread)
    told = {f"{place}{name}/zarr.json" for name in unread}
    return [name for name in manifest.sums if name.startswith(whole) or name in told]


def rows_of(store: Any, name: str, rows: Sequence[int]) -> "np.ndarray":
    """(rows, ...) values of a variable of an opened store, of which no other rows are read.

    Raises:
        StoreError: they are not as they were written.
    """
    import numpy as np

    path = Path(str(store.encoding.get("source", name)))
    try:
        values = np.asarray(store[name][_places(rows)].values)
    except (OSError, RuntimeError, ValueError) as error:
        raise damaged(path) from error
    of_rows = store.attrs.get("digests", {}).get(name)
    if of_rows and row_digests(values) != tuple(store[of_rows].values[list(rows)]):
        raise damaged(path)
    return values


def _places(rows: Sequence[int]) -> slice | list[int]:
    """An index for rows; a slice where it can be, which takes Zarr a tenth of the memory."""
    if rows and list(rows) == list(range(rows[0], rows[-1] + 1)):
        return slice(rows[0], rows[-1] + 1)
    return list(rows)


def damaged(path: Path) -> StoreError:
    """The error for a store that holds something else than what was written."""
    return StoreError(
        path, "is damaged: it does not hold what was written", "delete it and make it again"
    )


def read_attributes(path: Path) -> dict[str, Any]:
    """Attributes of a published store, without its arrays.

    Raises:
        StoreError: nothing complete is there, or it is damaged.
    """
    path = folder_of(path)
    _refuse_incomplete(path)
    try:
        attributes: dict[str, Any] = json.loads((path / "zarr.json").read_text())["attributes"]
    except (ValueError, KeyError, OSError) as error:
        raise _unreadable(path, error) from error
    return attributes


def _metadata(path: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """What a store tells of its arrays, by name, and its attributes, before anything is decoded.

    Raises:
        ValueError: an array is of another version of Zarr, or one with another codec, which this
            package does not write.
    """
    told = json.loads((path / "zarr.json").read_text())
    listed: dict[str, Any] = told["consolidated_metadata"]["metadata"]
    for name, array in listed.items():
        if array.get("zarr_format") != 3:
            raise ValueError(f"{name} is not of Zarr's version 3")
        foreign = _codecs_in(array.get("codecs", ())) - _CODECS
        if foreign:
            raise ValueError(f"{name} has the codec {sorted(foreign)[0]!r}, which is not allowed")
    return listed, told["attributes"]


def _codecs_in(codecs: Iterable[Any]) -> set[str]:
    """Names of codecs, and of those inside of shards."""
    found = set()
    for codec in codecs:
        found.add(str(codec["name"]))
        inner = codec.get("configuration") or {}
        for key in ("codecs", "index_codecs"):
            found |= _codecs_in(inner.get(key, ()))
    return found


def _refuse_incomplete(path: Path) -> None:
    if not appears(path / "zarr.json"):
        raise StoreError(
            path, "there is no complete Zarr store here", "make it first, or correct the path"
        )


def _unreadable(path: Path, error: Exception) -> StoreError:
    reason = " ".join(str(error).split())
    return StoreError(path, f"the store cannot be read ({reason})", "delete it and make it again")


def refuse_other_config(
    path: Path, made_with: Mapping[str, Any], wanted: Mapping[str, Any]
) -> None:
    """Refuse a result that was made with other settings than the wanted ones.

    Raises:
        StoreError: names the first key that differs, and both values.
    """
    changed = sorted(key for key in wanted if made_with.get(key) != wanted[key])
    if changed:
        key = changed[0]
        raise StoreError(
            path,
            f"comes from another config: it was made with {key}={made_with.get(key)!r}, "
            f"the config says {wanted[key]!r}",
            "make it again, or use the config that it was made with",
        )
