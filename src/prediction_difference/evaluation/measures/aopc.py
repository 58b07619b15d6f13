"""Area over the perturbation curve [samek2017, eqs. 9-12]."""

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field, model_validator

from prediction_difference.attribution.image_choice import groups, slots
from prediction_difference.attribution.method import Method
from prediction_difference.choices import Count, Order, Perturbation, Precision
from prediction_difference.evaluation.measure import Measure
from prediction_difference.settings import Name


class RegionPerturbation(Measure):
    """Area over the perturbation curve [samek2017, eqs. 9-12]."""

    measure: Literal["aopc"]
    explanations: Annotated[tuple[Name, ...], Field(min_length=1)]
    region: Count = Field(9, description="side of a region, in pixels")
    steps: Count = Field(100, description="regions perturbed, L")
    repeats: Count = Field(10, description="perturbed copies of each image")
    order: Order = Field(
        "morf",
        description="most or least relevant first; also MoRF and LeRF, as in papers",
    )
    output: Literal["score", "probability"] = Field(
        "score", description="what f is in figures and claims; tables have both"
    )
    perturbation: Perturbation = Field(
        "uniform",
        description="what comes in place of a region: a draw for every pixel, the blurred image, "
        "the mean of each channel, or draws from a prior given what is around",
    )
    prior: Name | None = Field(None, description="for perturbation: conditional")
    precision: Precision = Field(
        "float32",
        description="of the classifier; bfloat16 is faster where the processor has it, and changed "
        "AOPC by at most 4 % of its standard error over ten photographs (GoogLeNet, SqueezeNet)",
    )
    images_per_job: int = Field(8, ge=1, description="images that one job perturbs")

    def windows_of(self, prior: str) -> set[int]:
        return {self.region} if prior == self.prior else set()

    def shards(self, explanations: Mapping[str, Method]) -> list[list[str]]:
        """The slots of its images, in groups that one job perturbs."""
        return groups(slots(explanations[self.explanations[0]]), self.images_per_job)

    @model_validator(mode="after")
    def _prior_fits(self) -> "RegionPerturbation":
        if (self.perturbation == "conditional") != (self.prior is not None):
            raise ValueError(
                f"perturbation: {self.perturbation} goes "
                + ("without a prior; remove it" if self.prior else "with a prior; name one")
            )
        return self
