"""Area over the perturbation curve [samek2017, eqs. 9-12]."""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, model_validator

from prediction_difference import layout
from prediction_difference.attribution.image_choice import groups, slots
from prediction_difference.attribution.method import Method
from prediction_difference.choices import Count, Order, Perturbation, Precision
from prediction_difference.costs import BYTES_OF_FLOAT, Work
from prediction_difference.errors import DataError, Problem
from prediction_difference.evaluation.checks import check_same_class, check_same_images
from prediction_difference.evaluation.measure import Inputs, Measure, Summary
from prediction_difference.lookup import Lookup, Shapes, by, dataset_of_explanations
from prediction_difference.run import Config
from prediction_difference.settings import Name


class RegionPerturbation(Measure):
    """Area over the perturbation curve [samek2017, eqs. 9-12]."""

    reads_maps: ClassVar[bool] = False
    parts_are: ClassVar[Literal["shard", "cohort"] | None] = "shard"

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

    @property
    def prior_name(self) -> str | None:
        return self.prior

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

    def parts(self, config: Config) -> int:
        return len(self.shards(config.explanations))

    def problems(self, where: str, lookup: Lookup) -> Iterator[Problem]:
        names = self.explanations
        yield from check_same_images(f"{where}.explanations", names, lookup)
        yield from check_same_class(f"{where}.explanations", names, lookup)
        yield from self._problems_of_prior(where, lookup)
        shape = lookup.shape_of(dataset_of_explanations(names, lookup))
        if shape is None:
            return
        regions = math.prod(side // self.region for side in shape)
        if regions == 0:
            yield Problem(
                f"{where}.region",
                f"region={self.region} does not fit inside images of {by(shape)}",
                f"set region to at most {min(shape)}",
            )
        elif self.steps > regions:
            yield Problem(
                f"{where}.steps",
                f"{self.steps} steps, but images of {by(shape)} have {regions} regions",
                f"set steps to at most {regions}, or make region smaller",
            )

    def _problems_of_prior(self, where: str, lookup: Lookup) -> Iterator[Problem]:
        yield from lookup.missing(f"{where}.prior", "priors", self.prior)
        prior = lookup.entry("priors", self.prior)
        if prior is not None and self.region >= prior.patch:
            yield Problem(
                f"{where}.region",
                f"region={self.region} does not fit inside patch={prior.patch} of prior "
                f"{self.prior!r}",
                f"set region to at most {prior.patch - 1}, or patch to at least {self.region + 1}",
            )

    def work(self, name: str, config: Config, shapes: Shapes) -> Work:
        methods = len(self.explanations)
        first = config.explanations[self.explanations[0]]
        curve = self.repeats * self.steps + 1
        # Score and probability, after every step of every curve.
        size = 2 * BYTES_OF_FLOAT * methods * self.repeats * (self.steps + 1)
        return Work(
            "evaluations",
            name,
            self.measure,
            first.classifier,
            "perturbation",
            len(slots(first)),
            self.parts(config) + 1,
            methods * curve,
            size,
            self.images_per_job,
            precision=self.precision,
        )

    def measure_maps(self, inputs: Inputs) -> Any:
        from prediction_difference.evaluation.perturbed_table import evaluate
        from prediction_difference.evaluation.shards import read_shards

        if not inputs.done:
            remedy = "run the shards, and name what they left"
            raise DataError("--done", "is missing", remedy)
        work = layout.shards_folder(inputs.results, inputs.name)
        return evaluate(self, inputs.name, inputs.results, read_shards(work, inputs.done))

    def summary(self, table: Any) -> Summary:
        from prediction_difference.evaluation.perturbed_summary import summary_of_aopc

        return summary_of_aopc(table)

    @classmethod
    def side_by_side(
        cls, tables: Mapping[str, Any], findings: Sequence[Mapping[str, Any]]
    ) -> list[Summary]:
        from prediction_difference.evaluation.perturbed_summary import summaries_by_region

        return summaries_by_region(tables, findings)
