"""A standard brain on a 2 mm grid: mean FA, brain mask, lesion regions; and slabs of volumes."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from prediction_difference.data.source import Slab
from prediction_difference.data.sources.simulated_fa import SHAPE as SIMULATED_SHAPE
from prediction_difference.errors import DataError

GRID_AFFINE = np.array(
    [[-2.0, 0, 0, 90], [0, 2.0, 0, -126], [0, 0, 2.0, -72], [0, 0, 0, 1]], dtype=np.float64
)
"""(4, 4) voxel to MNI millimetre of the grid, which is stored from right to left."""
VOXEL_SIZE = 2.0
"""Side of a voxel in mm."""
FWHM_PER_SIGMA = 2 * np.sqrt(2 * np.log(2))
_SMOOTHING = 1.5  # mm, full width at half maximum, of the mean map
_BRAIN_FA = 0.02
"""FA of a template above which a voxel may be of the brain: outside, templates hold next to 0."""
_WHITE_MATTER_FA = 0.2
"""FA of a template above which a voxel is taken as white matter."""


@dataclass(frozen=True)
class Box:
    """A box in the right hemisphere, in mm: its lowest and its highest corner, both inside."""

    low: tuple[float, float, float]
    high: tuple[float, float, float]

    def contains(self, points: np.ndarray) -> np.ndarray:
        """(..., 3) mm -> (...) bool."""
        inside = (points >= np.array(self.low)) & (points <= np.array(self.high))
        return np.asarray(inside.all(-1))


CORPUS_CALLOSUM = (
    Box((0, 18, -4), (14, 34, 24)),  # genu
    Box((0, -28, 18), (14, 18, 32)),  # body
    Box((0, -46, 4), (14, -28, 28)),  # splenium
)
"""Boxes whose white matter is taken as callosal."""
LESION_SITES: Mapping[str, Box] = {
    "anterior-corona-radiata": Box((8, 14, -16), (36, 54, 42)),
    "callosal-body": Box((2, -36, 14), (22, 12, 44)),
    "posterior-thalamic-radiation": Box((20, -84, -12), (44, -38, 30)),
}
"""Boxes around the tracts whose white matter is damaged, on the right; mirrored on the left.

They reach about 10 mm beyond the tracts. Their size was chosen among a few so that the cohort of
`simulated_fa` is about as hard to classify as the paper's: anatomy alone does not give it.
"""


@dataclass(frozen=True)
class Anatomy:
    """The standard brain, on the grid of GRID_AFFINE; arrays are read-only.

    mean_fa: (91, 109, 91) float32 fractional anisotropy, 0 outside the mask. mask: bool, brain.
    regions: bool, white matter of the lesion sites, `left-...` and `right-...`, disjoint.
    """

    mean_fa: np.ndarray
    mask: np.ndarray
    regions: Mapping[str, np.ndarray]


@cache
def load_anatomy(template: Path | None = None) -> Anatomy:
    """A brain on the 2 mm grid: that of an FA template in MNI space, or nilearn's.

    template: a NIfTI file of FA in 0 to 1, on any grid. None: the MNI152 2009 tissue maps that
    nilearn's wheel carries.

    Raises:
        DataError: the template cannot be read, is no FA, or holds no brain on the grid.

    Notes: nilearn's brain is exactly symmetric, so there only `regions` tell left from right.
    """
    mean_fa, mask, is_white = _standard_brain() if template is None else _brain_of(template)
    regions = lesion_regions(is_white & mask)
    for array in (mean_fa, mask, *regions.values()):
        array.flags.writeable = False
    return Anatomy(mean_fa, mask, regions)


def _standard_brain() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Mean FA, brain mask and white matter, from tissue shares."""
    grey, white, brain = (
        _on_grid(tissue) for tissue in ("gm_template", "wm_template", "brain_mask")
    )
    mask = brain > 0.5
    mean_fa = np.where(mask, _mean_fa(grey, white), 0).astype(np.float32)
    return mean_fa, mask, white > 0.5


def _brain_of(template: Path) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Mean FA, brain mask (its largest part, without holes) and white matter of a template.

    FA between the template's voxels is linear; outside it, there is none.
    """
    from scipy import ndimage

    from prediction_difference.data.volumes import read_volume

    volume = read_volume(template)
    low, high = float(volume.voxels.min()), float(volume.voxels.max())
    if not (low >= 0 and high <= 1):
        what = f"holds values of {low:.3g} to {high:.3g}, FA lies in 0 to 1"
        raise DataError(template, what, "choose a map of FA, or divide it by its full scale")
    to_template = np.linalg.solve(volume.affine, GRID_AFFINE)
    fa = ndimage.affine_transform(volume.voxels, to_template, output_shape=SIMULATED_SHAPE, order=1)
    parts, count = ndimage.label(fa > _BRAIN_FA)
    if count == 0:
        what = "has no FA above 0.02 inside the MNI grid of 91 x 109 x 91 voxels"
        raise DataError(template, what, "choose a template in MNI space")
    largest = np.bincount(parts.ravel())[1:].argmax() + 1
    mask = ndimage.binary_fill_holes(parts == largest)
    mean_fa = np.where(mask, np.clip(fa, 0, 1), np.float32(0)).astype(np.float32)
    return mean_fa, mask, mean_fa > _WHITE_MATTER_FA


def grid_points() -> np.ndarray:
    """(91, 109, 91, 3) centre of each voxel in MNI mm; x grows to the right."""
    indices = np.moveaxis(np.indices(SIMULATED_SHAPE), 0, -1)
    return np.asarray(indices @ GRID_AFFINE[:3, :3].T + GRID_AFFINE[:3, 3])


def lesion_regions(white_matter: np.ndarray) -> dict[str, np.ndarray]:
    """(91, 109, 91) bool white matter -> that of each lesion site, left and right."""
    points = grid_points()
    sides = {"left": points * (-1, 1, 1), "right": points}
    return {
        f"{side}-{site}": shape.contains(mirrored) & white_matter
        for side, mirrored in sides.items()
        for site, shape in LESION_SITES.items()
    }


def _mean_fa(grey: np.ndarray, white: np.ndarray) -> np.ndarray:
    """Tissue shares -> mean FA: higher deep in white matter, highest in the corpus callosum."""
    from scipy import ndimage

    is_white = white > 0.5
    depth = ndimage.distance_transform_edt(is_white, sampling=VOXEL_SIZE)
    fa = 0.07 + 0.10 * grey + white * (0.25 + 0.28 * (1 - np.exp(-depth / 3)))
    points = grid_points()
    points[..., 0] = np.abs(points[..., 0])
    callosal = is_white & np.any([box.contains(points) for box in CORPUS_CALLOSUM], axis=0)
    fa = np.where(callosal, np.maximum(fa, 0.70), fa)
    return np.asarray(ndimage.gaussian_filter(fa, _SMOOTHING / FWHM_PER_SIGMA / VOXEL_SIZE))


def _on_grid(tissue: str) -> np.ndarray:
    """One of nilearn's bundled 1 mm MNI152 maps, resampled to the grid."""
    # nilearn takes seconds to import, and most commands have no use for it.
    from nilearn import datasets, image

    millimetre = getattr(datasets, f"load_mni152_{tissue}")(resolution=1)
    # Every voxel centre of the grid is one of the map's, so the nearest is the exact value.
    resampled = image.resample_img(
        millimetre,
        target_affine=GRID_AFFINE,
        target_shape=SIMULATED_SHAPE,
        interpolation="nearest",
        force_resample=True,
        copy_header=True,
    )
    return np.asarray(resampled.get_fdata())


def slab_slices(slab: Slab | None) -> tuple[slice, slice, slice]:
    """Index that cuts the slab out of a volume."""
    whole = slice(None)
    if slab is None:
        return whole, whole, whole
    cut = slice(slab.start, slab.stop)
    x, y, z = (cut if axis == slab.axis else whole for axis in range(3))
    return x, y, z


def slab_affine(affine: np.ndarray, slab: Slab | None) -> np.ndarray:
    """(4, 4) affine of a volume -> that of the slab, whose first voxel is the volume's `start`."""
    first = np.array([0.0, 0.0, 0.0, 1.0])
    if slab is not None:
        first[slab.axis] = slab.start
    shifted = np.array(affine, dtype=np.float64)
    shifted[:, 3] = shifted @ first
    return shifted


def slab_facts(
    affine: np.ndarray, shape: tuple[int, ...], slab: Slab | None
) -> dict[str, Any] | None:
    """The slab in voxels, and in mm the centres of its first and last slice; None without slab."""
    if slab is None:
        return None
    centre = (np.array(shape) - 1) / 2
    ends = np.array([centre, centre])
    ends[:, slab.axis] = slab.start, slab.stop - 1
    millimetres = ends @ affine[:3, :3].T + affine[:3, 3]
    return {
        "axis": slab.axis,
        "start": slab.start,
        "stop": slab.stop,
        "first_slice_mm": millimetres[0].tolist(),
        "last_slice_mm": millimetres[1].tolist(),
    }


def orientation(affine: np.ndarray) -> str:
    """(4, 4) affine -> where the three axes lead to, such as LAS: left, anterior, superior."""
    import nibabel

    return "".join(nibabel.aff2axcodes(affine))
