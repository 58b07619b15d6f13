"""A multivariate normal distribution over patches."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal

from pydantic import Field, model_validator

from prediction_difference.choices import Channels, Count, Location, Regularisation
from prediction_difference.priors.kind import Prior
from prediction_difference.settings import Name

if TYPE_CHECKING:
    import numpy as np

    from prediction_difference.priors.gaussian import GaussianPatchPrior
    from prediction_difference.priors.kind import Fitted

_MOST_BYTES = 2**26
"""Of conditionals of one split that are kept."""


class GaussianPrior(Prior):
    """A multivariate normal distribution over patches."""

    kind: Literal["gaussian"] = "gaussian"
    dataset: Name = Field(description="where the patches come from")
    patch: int = Field(14, ge=2, description="side l of a patch, in pixels or voxels")
    channels: Channels = Field(
        "joint", description="independent: no correlation between channels, as in the 2017 code"
    )
    patches: int = Field(25_000, ge=100, description="number of patches drawn")
    regularisation: Regularisation = Field(
        "ridge", description="ledoit-wolf: shrinks the covariance by as much as the patches ask for"
    )
    ridge: float = Field(
        1e-4, gt=0, description="added to the diagonal, times its mean; for regularisation: ridge"
    )
    location: Literal["auto", Location] = Field(
        "auto",
        description="what the place alone tells, taken off before the fit: a mean that is linear "
        "in the indices of a grid's cells, the mean of each cell, or of each pixel; auto: "
        "voxel-mean for volumes, whose voxels mean the same in all subjects, none for other images",
    )
    cells: Count = Field(
        20, description="cells of that grid along each axis; for the grid's locations"
    )

    @model_validator(mode="after")
    def _keys_fit(self) -> "GaussianPrior":
        # Defaults pass, so that a configuration that is written out in full can be read again.
        default = {name: field.default for name, field in type(self).model_fields.items()}
        if self.regularisation == "ledoit-wolf" and self.ridge != default["ridge"]:
            raise ValueError("ledoit-wolf takes no ridge; remove the key ridge")
        if not self.location.startswith("grid") and self.cells != default["cells"]:
            raise ValueError(f"location: {self.location} has no grid; remove the key cells")
        return self

    def depends_on_place(self, volumes: bool) -> bool:
        return self.location_for(volumes) != "none"

    def location_for(self, volumes: bool) -> Location:
        """What is taken off the images, of volumes or of others."""
        if self.location == "auto":
            return "voxel-mean" if volumes else "none"
        return self.location

    def fit(self, images: "np.ndarray", mask: "np.ndarray | None", seed: int) -> "Fitted":
        from prediction_difference.priors.gaussian import GaussianPatchPrior

        return GaussianPatchPrior.fit(
            images,
            self.patch,
            self.channels,
            self.ridge,
            self.patches,
            mask,
            seed,
            regularisation=self.regularisation,
            location=self.location_for(images.ndim == 5),
            cells=self.cells,
        )

    def restored(
        self, arrays: "Mapping[str, np.ndarray]", kept: "Mapping[int, Mapping[str, np.ndarray]]"
    ) -> "Fitted":
        from prediction_difference.priors.gaussian import Conditionals, GaussianPatchPrior

        conditionals = {window: Conditionals(**parts) for window, parts in kept.items()}
        patches = int(arrays["patches"])
        mean, covariance, location = arrays["mean"], arrays["covariance"], arrays.get("location")
        return GaussianPatchPrior(mean, covariance, patches, conditionals, location)

    def keeps(self, fitted: "Fitted", window: int) -> bool:
        """Unless whoever needs the conditionals computes them in less time than reading takes."""
        return _gaussian(fitted).bytes_of_conditionals(window) <= _MOST_BYTES

    def kept_for(self, fitted: "Fitted", window: int) -> "dict[str, np.ndarray]":
        return _gaussian(fitted).compact_conditionals(window)

    def dimensions(self, name: str, array: "np.ndarray") -> tuple[str, ...]:
        if name == "patches":
            return ()
        if name == "covariance":
            return "feature", "feature_2"
        axes = ("y", "x") if array.ndim == 3 else ("x", "y", "z")
        return "channel", *(f"patch_{axis}" if name == "mean" else axis for axis in axes)


def _gaussian(fitted: "Fitted") -> "GaussianPatchPrior":
    from prediction_difference.priors.gaussian import GaussianPatchPrior

    assert isinstance(fitted, GaussianPatchPrior)
    return fitted
