"""A simulated cohort of fractional-anisotropy volumes, 91 x 109 x 91 voxels of 2 mm."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from prediction_difference.data.source import Slab, Volumes
from prediction_difference.errors import Problem
from prediction_difference.lookup import Lookup
from prediction_difference.settings import UserPath

if TYPE_CHECKING:
    from prediction_difference.data.dataset import Catalogue, Dataset


SHAPE = (91, 109, 91)
"""Voxels of 2 mm of a whole brain."""


class SimulatedFA(Volumes):
    """A simulated cohort of fractional-anisotropy volumes, 91 x 109 x 91 voxels of 2 mm."""

    source: Literal["simulated-fa"]
    patients: int = Field(24, ge=2, description="number of patients")
    controls: int = Field(24, ge=2, description="number of controls")
    effect: float = Field(
        0.2,
        ge=0,
        description="mean decrease in a hit region, in nominal standard deviations of the voxel",
    )
    template: UserPath | None = Field(
        None,
        description="NIfTI file of FA in 0 to 1, in MNI space, whose brain is used; null: the "
        "standard brain that nilearn carries",
    )
    slab: Slab | None = Field(Slab(start=29, stop=41), description="null for the whole brain")
    folds: int | None = Field(8, ge=2, description="cross-validation folds, by class")

    @property
    def known_shape(self) -> tuple[int, ...]:
        return self.cut(SHAPE)

    @property
    def known_classes(self) -> tuple[str, ...]:
        return "control", "patient"

    def problems(self, where: str, lookup: Lookup) -> Iterator[Problem]:
        if self.slab is not None and self.slab.stop > SHAPE[self.slab.axis]:
            what = f"{self.slab.stop} is beyond the {SHAPE[self.slab.axis]} slices"
            yield Problem(f"{where}.slab.stop", what, "lower it")
        fewest = min(self.patients, self.controls)
        if self.folds is not None and self.folds > fewest:
            yield Problem(
                f"{where}.folds",
                f"{self.folds} folds need as many subjects of a class, the smaller has {fewest}",
                f"set folds to {fewest} or less",
            )

    def check(self, name: str, seed: int) -> list[Problem]:
        from prediction_difference.data import simulated_fa

        return simulated_fa.check(self, name)

    def catalogue(self, name: str, seed: int) -> "Catalogue":
        from prediction_difference.data import simulated_fa

        return simulated_fa.catalogue(self)

    def files_behind(self, name: str, seed: int) -> list[Path]:
        return [] if self.template is None else [self.template]

    def read(self, name: str, seed: int) -> "Dataset":
        from prediction_difference.data import simulated_fa

        return simulated_fa.load(self, name, seed)
