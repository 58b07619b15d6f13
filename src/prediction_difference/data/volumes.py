"""NIfTI volumes as they lie on disk, and what can be wrong with a file."""

import gzip
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
from nibabel.filebasedimages import ImageFileError
from nibabel.spatialimages import HeaderDataError

from prediction_difference.errors import DataError
from prediction_difference.files import publishing

_UNREADABLE = (
    OSError, EOFError, ValueError, MemoryError, zlib.error, ImageFileError, HeaderDataError,
)  # fmt: skip


@dataclass(frozen=True)
class Volume:
    """A NIfTI volume.

    voxels: (X, Y, Z) float32. affine: (4, 4) voxel to mm. codes: what the affine's space is
    (NIfTI's qform_code and sform_code). other_affine: what the qform says, where affine is what the
    sform says and both are set.
    """

    file: Path
    voxels: np.ndarray
    affine: np.ndarray
    codes: Mapping[str, int]
    other_affine: np.ndarray | None = None


def read_volume(file: Path) -> Volume:
    """Read a whole 3-D NIfTI file.

    Raises:
        DataError: the file is missing, damaged, no NIfTI file, not 3-D, or not of real numbers.
    """
    try:
        if not file.is_file():
            raise DataError(file, "there is no such file", "add it, or correct the name")
        _refuse_damaged_gzip(file)
        image: Any = nibabel.load(file)
        _refuse_other_than_volumes(file, image)
        with np.errstate(over="ignore"):
            voxels = np.asarray(image.dataobj, dtype=np.float32)
        codes = {key: int(image.header[key]) for key in ("qform_code", "sform_code")}
        affine = np.array(image.affine, dtype=np.float64)
        other = image.header.get_qform() if all(codes.values()) else None
        return Volume(file, voxels, affine, codes, other)
    except _UNREADABLE as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise DataError(
            file, f"cannot be read ({reason})", "it may be cut short: copy or make it again"
        ) from error


def read_shape(file: Path) -> tuple[int, ...]:
    """Sides of a 3-D NIfTI file, from its header; its voxels are not read.

    Raises:
        DataError: the file is missing, its header damaged, or it is not 3-D.
    """
    try:
        image: Any = nibabel.load(file)
    except _UNREADABLE as error:
        raise DataError(file, f"cannot be read ({error})", "copy or make it again") from error
    _refuse_other_than_volumes(file, image)
    return tuple(int(side) for side in image.shape)


def _refuse_damaged_gzip(file: Path) -> None:
    """Read to the end, where the checksum stands: nibabel stops after the last voxel."""
    if file.suffix == ".gz":
        with gzip.open(file) as stream:
            while stream.read(2**20):
                pass


def _refuse_other_than_volumes(file: Path, image: Any) -> None:
    if not isinstance(image, nibabel.Nifti1Pair):
        kind = type(image).__name__
        raise DataError(file, f"is no NIfTI file but {kind}", "convert it to .nii.gz")
    if len(image.shape) != 3:
        what = f"is {len(image.shape)}-D ({sides(image.shape)}), not 3-D"
        is_series = len(image.shape) > 3
        remedy = "extract the one volume to classify" if is_series else "save the whole volume"
        raise DataError(file, what, remedy)
    header: Any = image.header
    stored = header.get_data_dtype()
    if stored.kind not in "iufb":
        raise DataError(file, f"its voxels are no real numbers ({stored})", "save it as float32")


def sides(shape: Iterable[int]) -> str:
    """Sides of a volume, in words."""
    return " x ".join(str(side) for side in shape)


def numbers_of(affine: np.ndarray) -> str:
    """The three rows of an affine that differ between files, in short."""
    return str([[float(f"{number:.6g}") for number in row] for row in affine[:3]])


def write_volume(file: Path, voxels: np.ndarray, affine: np.ndarray, space: str = "mni") -> None:
    """Write a volume as .nii.gz in its own type, unscaled, with its codes and millimetres.

    space: mni, or scanner. The same voxels give the same bytes.
    """
    image = nibabel.Nifti1Image(voxels, affine)
    image.header.set_xyzt_units("mm", "sec")
    image.set_sform(affine, code=space)
    image.set_qform(affine, code=space)
    with publishing(file) as temporary:
        temporary.write_bytes(gzip.compress(image.to_bytes(), 6, mtime=0))
