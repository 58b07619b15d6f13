"""Files and Zarr stores that are complete or absent: written beside their place, then renamed."""

import errno
import hashlib
import json
import os
import shutil
import uuid
import warnings
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from prediction_difference.errors import StoreError
from prediction_difference.listings import appears

if TYPE_CHECKING:
    import numpy as np

DIGEST_LENGTH = 16
PARTIAL = ".partial"
"""How names end of what is being written, or was when its job was killed."""
CODE_ATTRIBUTE = "code"
"""Digest of the code that made a store; it is no part of its content."""
_CODECS = frozenset(
    ("blosc", "bytes", "crc32c", "gzip", "sharding_indexed", "transpose", "vlen-utf8", "zstd")
)
"""Of arrays; none of them runs what it reads, as codecs for Python's objects do."""
_ATTEMPTS = 10
"""Of taking a place that other jobs take at the same time."""


def digest(*parts: bytes | str) -> str:
    """Hexadecimal SHA-256 of the parts, each delimited by its length, shortened to 16 digits."""
    sha = hashlib.sha256()
    for part in parts:
        raw = part.encode() if isinstance(part, str) else part
        sha.update(len(raw).to_bytes(8, "little"))
        sha.update(raw)
    return sha.hexdigest()[:DIGEST_LENGTH]


def settings_digest(settings: Mapping[str, Any]) -> str:
    """Digest of JSON-like settings; the order of keys does not count."""
    return digest(json.dumps(settings, sort_keys=True, default=str))


def array_digest(arrays: Mapping[str, "np.ndarray"]) -> str:
    """Digest of names, types, shapes and contents of arrays."""
    import numpy as np

    parts: list[bytes | str] = []
    for name in sorted(arrays):
        array = np.ascontiguousarray(arrays[name])
        is_text = array.dtype.kind in "OUT"
        contents = json.dumps(array.tolist()).encode() if is_text else array.tobytes()
        kind = "text" if is_text else array.dtype.str
        parts += [name, kind, str(array.shape), contents]
    return digest(*parts)


@contextmanager
def publishing(path: Path, replace: bool = True) -> Iterator[Path]:
    """Yield a temporary path beside `path` that takes its place when the block ends well.

    File or folder alike; what stood at `path` is replaced whole, or with `replace` False a folder
    that another job put there in the meantime is left as it is. After an error nothing is left; a
    job that is killed leaves the temporary path, whose name ends in `.partial`.

    Raises:
        StoreError: the disk is full, or the folder cannot be written.
    """
    temporary = _beside(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        _take_place(temporary, path, replace)
    except OSError as error:
        raise_if_unwritable(error, path)
        raise
    finally:
        remove(temporary)


def _beside(path: Path) -> Path:
    """A new hidden name in the same folder, where renaming is atomic."""
    return path.with_name(f".{path.name}.{uuid.uuid4().hex}{PARTIAL}")


def _take_place(temporary: Path, path: Path, replace: bool) -> None:
    """Rename; a folder in the way is renamed first, so that it is never there in part."""
    for attempt in range(_ATTEMPTS):
        try:
            temporary.replace(path)
            return
        except OSError as error:
            is_in_the_way = error.errno in (errno.ENOTEMPTY, errno.EEXIST, errno.ENOTDIR)
            if is_in_the_way and not replace:
                return
            if not is_in_the_way or attempt == _ATTEMPTS - 1:
                raise
        _set_aside(path)


def _set_aside(path: Path) -> None:
    """Remove what is at a path; another job may do the same."""
    aside = _beside(path)
    try:
        path.rename(aside)
    except FileNotFoundError:
        return
    remove(aside)


def raise_if_unwritable(error: OSError, path: Path) -> None:
    """Turn what the file system refuses to write into a message that says how to go on."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        raise StoreError(
            path,
            "the disk is full",
            "free some space and start again; what was finished before is kept",
        ) from error
    if error.errno in (errno.EROFS, errno.EACCES, errno.EPERM):
        raise StoreError(
            path,
            f"cannot be written ({error.strerror})",
            "let this folder be written, or start in another one; what was finished is kept",
        ) from error


def remove(path: Path) -> None:
    """Remove a file or a folder, if it is there."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    elif os.path.lexists(path):
        # Removing what is not there fails where nothing can be written.
        path.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Write a text file whole or not at all."""
    with publishing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(path: Path, content: Any) -> None:
    """Write JSON whole or not at all; NaN is refused, since it is not JSON."""
    write_text(path, json.dumps(content, indent=1, allow_nan=False) + "\n")


def folder_of(path: Path) -> Path:
    """The folder of a store or classifier, given that folder or the file that stands for it."""
    return path.parent if path.name in ("zarr.json", "card.json") else path


def row_digests(rows: "np.ndarray") -> tuple[str, ...]:
    """(n, ...) values -> the digest of each of the n."""
    import numpy as np

    return tuple(digest(np.ascontiguousarray(row).tobytes()) for row in rows)


def write_store(path: Path, dataset: Any, chunks: Mapping[str, tuple[int, ...]] = {}) -> None:
    """Publish an xarray Dataset as a consolidated Zarr v3 group, with a digest of its content.

    `path` is the store's folder or the zarr.json in it. `chunks` gives the chunk shape of
    variables by name; without one, zarr's default holds. What the attribute `digests` names by
    variable are variables with the digests of its rows, by which these can be checked one by one.
    """
    refuse_foreign_folder(folder_of(path))
    complete = stamped(dataset)
    encoding = {name: _encoding(dataset[name].shape, shape) for name, shape in chunks.items()}
    with publishing(folder_of(path)) as temporary, warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Consolidated metadata")
        complete.to_zarr(temporary, mode="w", zarr_format=3, consolidated=True, encoding=encoding)


def stamped(dataset: Any) -> Any:
    """An xarray Dataset with the digest of its content among its attributes."""
    return dataset.assign_attrs(digest=content_digest(dataset))


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


def content_digest(dataset: Any) -> str:
    """Digest of an xarray Dataset: its arrays, and its attributes but for digests.

    Of a variable whose rows have digests of their own, these stand for its values.
    """
    by_rows = dataset.attrs.get("digests", {})
    variables = dataset.variables.items()
    arrays = {str(name): v.values for name, v in variables if name not in by_rows}
    apart = ("digest", CODE_ATTRIBUTE)
    attributes = {key: value for key, value in dataset.attrs.items() if key not in apart}
    return digest(array_digest(arrays), json.dumps(attributes, sort_keys=True))


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


def open_store(path: Path, kind: str, later: Collection[str] = ()) -> Any:
    """Read a published store as an xarray Dataset, and see that it is what was written.

    later: variables whose values are neither read nor checked yet; their rows have digests.

    Raises:
        StoreError: nothing complete is there, its content is damaged, or it is not a store of
            this `kind`.
    """
    import xarray

    path = folder_of(path)
    _refuse_incomplete(path)
    try:
        _refuse_foreign_arrays(path)
        # Not in parts: chunks are read where they are asked for, without dask.
        store = xarray.open_zarr(path, consolidated=True, zarr_format=3, chunks=None)
        by_rows = store.attrs.get("digests", {})
        for name in set(store.variables) - {name for name in later if name in by_rows}:
            store.variables[name].load()
    except (ValueError, KeyError, TypeError, AttributeError, OSError, RuntimeError) as error:
        raise _unreadable(path, error) from error
    if store.attrs.get("kind") != kind:
        raise StoreError(
            path,
            f"this is a store of kind {store.attrs.get('kind', 'unknown')!r}, not {kind!r}",
            "correct the path",
        )
    if store.attrs.get("digest") != content_digest(store):
        raise damaged(path)
    for name, of_rows in store.attrs.get("digests", {}).items():
        if name not in later and row_digests(store[name].values) != tuple(store[of_rows].values):
            raise damaged(path)
    return store


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


def _refuse_foreign_arrays(path: Path) -> None:
    """Refuse to decode what this package does not write, before anything is decoded.

    Raises:
        ValueError: an array of another version of Zarr, or one with another codec.
    """
    listed = json.loads((path / "zarr.json").read_text())["consolidated_metadata"]["metadata"]
    for name, array in listed.items():
        if array.get("zarr_format") != 3:
            raise ValueError(f"{name} is not of Zarr's version 3")
        foreign = _codecs_in(array.get("codecs", ())) - _CODECS
        if foreign:
            raise ValueError(f"{name} has the codec {sorted(foreign)[0]!r}, which is not allowed")


def refuse_changed_members(path: Path) -> None:
    """See that each array of a store also tells by itself what the store tells of all.

    Raises:
        StoreError: the metadata of an array is missing or another.
    """
    try:
        listed = json.loads((path / "zarr.json").read_text())["consolidated_metadata"]["metadata"]
        for name, member in listed.items():
            own = json.loads((path / name / "zarr.json").read_text())
            if any(member.get(key) != value for key, value in own.items()):
                raise ValueError(f"{name} has other metadata than the store lists")
    except (ValueError, KeyError, TypeError, AttributeError, OSError) as error:
        raise _unreadable(path, error) from error


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
