"""Maps of volumes as NIfTI files on the grid of the input, with what they mean as JSON beside."""

import gzip
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from prediction_difference.classifiers import unseen
from prediction_difference.errors import StoreError
from prediction_difference.files import publishing, remove, write_json

SUFFIX = ".nii.gz"
_ERROR = "_standard-error"
_HIDDEN_SHARES = (0.15, 0.10)
"""Below these shares of the largest absolute value, Figs. 9 to 12 of [zintgraf2017] hide values."""
_FACTS = (
    "explanation", "method", "settings", "classifier", "weights_from", "dataset", "image_name",
    "label", "split", "predicted", "predicted_probability", "prior", "patch", "location", "nodes",
    "signed", "geometry", "seed", "forwards", "seconds", "inputs", "versions",
)  # fmt: skip
"""Attributes of a store that its sidecar repeats."""
_NOT_CLINICAL = "Not for clinical use"


def is_exported(attributes: Mapping[str, Any]) -> bool:
    """Whether a store with these attributes holds maps of a volume's voxels."""
    return attributes.get("geometry") is not None and attributes.get("removed") is None


def write_nifti(store: Any, path: Path) -> list[Path]:
    """Write an opened attribution store as NIfTI; returns the files.

    `path`, ending in .nii.gz, gets the relevance as float32, in the store's unit: 3-D, or 4-D with
    the nodes along the fourth axis. It has shape, affine, qform and sform codes of the input, in
    mm; a slab lies at its place in the whole volume, with zeros around it. Standard errors, where
    values were sampled, get a file of their own, and everything else a JSON file of the same name.

    Raises:
        StoreError: the store explains no volume, or `path` has another ending.
    """
    if not is_exported(store.attrs):
        what = "holds no maps of a volume's voxels"
        raise StoreError(store.attrs.get("slot", "store"), what, "choose a store of a volume")
    if not path.name.endswith(SUFFIX):
        raise StoreError(path, f"does not end in {SUFFIX}", f"name it like map{SUFFIX}")
    stem = path.name.removesuffix(SUFFIX)
    geometry = store.attrs["geometry"]
    _write(store["relevance"].values, geometry, path)
    errors, of_errors = store["standard_error"].values, path.with_name(f"{stem}{_ERROR}{SUFFIX}")
    is_sampled = bool(np.isfinite(errors).any())
    if is_sampled:
        _write(errors, geometry, of_errors)
    else:
        # One of an earlier run would be taken for that of this map.
        remove(of_errors)
    sidecar = path.with_name(f"{stem}.json")
    write_json(sidecar, _sidecar(store, of_errors.name if is_sampled else None))
    return [path, sidecar, *([of_errors] if is_sampled else [])]


def on_whole_grid(values: np.ndarray, geometry: Mapping[str, Any]) -> np.ndarray:
    """(nodes, *slab) -> (nodes, *shape of the file) float32, 0 outside of the slab."""
    whole = np.zeros((len(values), *geometry["shape"]), dtype=np.float32)
    sides = values.shape[1:]
    place = tuple(
        slice(start, start + side) for start, side in zip(geometry["first"], sides, strict=True)
    )
    whole[(slice(None), *place)] = values
    return whole


def _write(values: np.ndarray, geometry: Mapping[str, Any], path: Path) -> None:
    import nibabel

    whole = on_whole_grid(values, geometry)
    voxels = whole[0] if len(whole) == 1 else np.moveaxis(whole, 0, -1)
    affine = np.array(geometry["affine"])
    image = nibabel.Nifti1Image(voxels, affine)
    image.set_sform(affine, code=geometry["sform_code"])
    image.set_qform(affine, code=geometry["qform_code"])
    image.header.set_xyzt_units(xyz="mm")
    image.header["descrip"] = _NOT_CLINICAL.encode()
    with publishing(path) as temporary:
        # Without a time stamp, so that the same map is the same file.
        temporary.write_bytes(gzip.compress(image.to_bytes(), mtime=0))


def _note(attributes: Mapping[str, Any]) -> str:
    """What was fitted without the subject, and what the map is not for."""
    classifier = unseen.of_image(attributes, "subject", "this subject")
    prior = "The prior was fitted without this subject. " if attributes.get("prior") else ""
    return f"{classifier[0].upper()}{classifier[1:]}. {prior}{_NOT_CLINICAL}."


def _sidecar(store: Any, errors: str | None) -> dict[str, Any]:
    units = [str(unit) for unit in np.atleast_1d(store["unit"].values)]
    largest = np.abs(store["relevance"].values.reshape(len(units), -1)).max(1)
    names = [str(name) for name in store["node"].values]
    return {
        "note": _note(store.attrs),
        "meaning": "relevance of every voxel; positive: evidence for the node's class",
        "maps": [
            {
                "node": name,
                "unit": unit,
                "largest_absolute_value": float(top),
                "hide_below": {f"{share:.0%}": float(share * top) for share in _HIDDEN_SHARES},
            }
            for name, unit, top in zip(names, units, largest, strict=True)
        ],
        "standard_error": errors,
        **{key: store.attrs[key] for key in _FACTS if key in store.attrs},
    }
