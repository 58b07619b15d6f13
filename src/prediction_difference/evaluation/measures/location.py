"""Which sampler finds the damage, over many simulated cohorts [zintgraf2017, section 4.2]."""

from typing import Annotated, Literal, get_args

from pydantic import Field, model_validator

from prediction_difference.evaluation.measure import Measure
from prediction_difference.settings import Name

LocationMethod = Literal[
    "gaussian",
    "grid-index",
    "grid-cell",
    "voxel-mean",
    "marginal",
    "weights",
    "pattern",
    "deviation",
    "weighted-deviation",
    "occlusion",
]


class LocationStudy(Measure):
    """Which sampler finds the damage, over many simulated cohorts [zintgraf2017, section 4.2]."""

    measure: Literal["location"]
    dataset: Name = Field(
        description="of source: simulated-fa; every cohort is made as it is, with a seed of its own"
    )
    cohorts: int = Field(20, ge=2, description="simulated cohorts, one job each")
    methods: Annotated[tuple[LocationMethod, ...], Field(min_length=1)] = Field(
        get_args(LocationMethod),
        description="gaussian, the two grids and voxel-mean: prediction differences with a prior "
        "whose location is none, or that; marginal: with the empirical distribution; weights, "
        "pattern, deviation, occlusion: other methods; weighted-deviation: deviation times weights",
    )
    C: float = Field(1.0, gt=0, description="inverse strength of the L2 penalty of the classifier")
    window: int = Field(3, ge=1, description="side k of a window, in voxels")
    patch: int = Field(7, ge=2, description="side l of a patch, in voxels")
    stride: int = Field(1, ge=1, description="step between windows, in voxels")
    samples: int = Field(10, ge=2, description="draws per window of the marginal sampler, S")
    patches: int = Field(10_000, ge=100, description="that priors are fitted to")
    cells: int = Field(20, ge=1, description="cells of the grids along each axis")

    @property
    def explanations(self) -> tuple[str, ...]:
        """It makes its own."""
        return ()

    @model_validator(mode="after")
    def _sides_fit(self) -> "LocationStudy":
        if self.window >= self.patch:
            raise ValueError(
                f"window={self.window} does not fit inside patch={self.patch}; set patch to at "
                f"least {self.window + 1}"
            )
        if self.stride > self.window:
            raise ValueError(f"stride={self.stride} leaves voxels out; set it to {self.window}")
        return self
