"""A folder of NIfTI volumes with participants.tsv (BIDS names)."""

from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pydantic import Field, model_validator

from prediction_difference.data.source import Slab, Volumes
from prediction_difference.errors import Problem
from prediction_difference.settings import UserPath

if TYPE_CHECKING:
    from prediction_difference.data.dataset import Catalogue, Dataset


class NiftiCohort(Volumes):
    """A folder of NIfTI volumes with participants.tsv (BIDS names)."""

    source: Literal["nifti-cohort"]
    root: UserPath = Field(description="the folder that holds participants.tsv")
    label: str = Field("group", description="column of participants.tsv with the class")
    pattern: str = Field(
        "{participant_id}.nii.gz", description="file of a participant, relative to root"
    )
    mask: UserPath | None = Field(
        None, description="NIfTI mask; null: the voxels that are non-zero in every subject"
    )
    value_range: Literal["auto", "any"] | tuple[float, float] = Field(
        "auto",
        description="lowest and highest value that a voxel may have; any: whatever it is; auto: "
        "for a pattern with _FA, -0.1 to 1.3 (FA is 0 to 1, but for noise and resampling); for "
        "others any",
    )
    slab: Slab | None = Field(None, description="null for the whole volume")
    folds: int | None = Field(10, ge=2, description="cross-validation folds, by class")

    @property
    def expected_values(self) -> tuple[float, float] | None:
        """Lowest and highest value of a voxel; None: any."""
        if isinstance(self.value_range, tuple):
            return self.value_range
        is_fa = "_FA." in self.pattern or self.pattern.startswith("FA")
        return (-0.1, 1.3) if is_fa and self.value_range == "auto" else None

    @model_validator(mode="after")
    def _range_holds_something(self) -> "NiftiCohort":
        if isinstance(self.value_range, tuple) and self.value_range[0] >= self.value_range[1]:
            raise ValueError("value_range is empty; give the lowest value, then the highest one")
        return self

    def check(self, name: str, seed: int) -> list[Problem]:
        from prediction_difference.data import nifti_cohort

        return nifti_cohort.check(self, name)

    def catalogue(self, name: str, seed: int) -> "Catalogue | None":
        from prediction_difference.data import nifti_cohort

        return nifti_cohort.catalogue(self)

    def shape(self, name: str, seed: int) -> tuple[int, ...] | None:
        from prediction_difference.data import nifti_cohort

        return nifti_cohort.shape(self)

    def files_behind(self, name: str, seed: int) -> list[Path]:
        volumes = sorted(path for path in self.root.rglob("*") if path.is_file())
        return volumes if self.mask is None else [*volumes, self.mask]

    def read(self, name: str, seed: int) -> "Dataset":
        from prediction_difference.data import nifti_cohort

        return nifti_cohort.load(self, name, seed)
