"""What is measured about heatmaps, as the configuration describes it."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from prediction_difference.config.section import Name, Section


class RegionPerturbation(Section):
    """Area over the perturbation curve [samek2017, eqs. 9-12]."""

    measure: Literal["aopc"]
    explanations: Annotated[tuple[Name, ...], Field(min_length=1)]
    region: int = Field(9, ge=1, description="side of a region, in pixels")
    steps: int = Field(100, ge=1, description="regions perturbed, L")
    repeats: int = Field(10, ge=1, description="perturbed copies of each image")
    order: Literal["morf", "lerf"] = Field("morf", description="most or least relevant first")
    output: Literal["score", "probability"] = "score"
    perturbation: Literal["uniform", "blur", "mean", "conditional"] = Field(
        "uniform",
        description="what comes in place of a region: a draw for every pixel, the blurred image, "
        "the mean of each channel, or draws from a prior given what is around",
    )
    prior: Name | None = Field(None, description="for perturbation: conditional")
    precision: Literal["float32", "bfloat16"] = Field(
        "float32",
        description="of the classifier; bfloat16 is faster where the processor has it, and changed "
        "AOPC by at most 4 % of its standard error over ten photographs (GoogLeNet, SqueezeNet)",
    )
    images_per_job: int = Field(8, ge=1, description="images that one job perturbs")

    @model_validator(mode="after")
    def _prior_fits(self) -> "RegionPerturbation":
        if (self.perturbation == "conditional") != (self.prior is not None):
            raise ValueError(
                f"perturbation: {self.perturbation} goes "
                + ("without a prior; remove it" if self.prior else "with a prior; name one")
            )
        return self


class HeatmapComplexity(Section):
    """Sizes of heatmaps as files, and their entropy [samek2017, Fig. 5]."""

    measure: Literal["complexity"]
    explanations: Annotated[tuple[Name, ...], Field(min_length=1)]


class Claim(Section):
    """What every claim of a paper has: its place and its words, and a map that it is about."""

    where: str = Field(min_length=1, description="figure, table or section of the paper")
    statement: str = Field(min_length=1, description="what is claimed, in words")
    explanation: Name

    @property
    def explanation_names(self) -> tuple[str, ...]:
        """All explanations that the claim is about."""
        than = getattr(self, "than", None)
        return (self.explanation,) if than is None else (self.explanation, than)


class MoreConcentrated(Claim):
    """Relevance of the first node is on fewer pixels than another explanation's."""

    claim: Literal["more-concentrated"]
    than: Name = Field(description="the other explanation, of the same images")
    by: Literal["entropy", "top-share"] = Field(
        "entropy",
        description="of absolute relevance: its entropy over the pixels, or the share of it in the "
        "pixels that have most",
    )
    top: float = Field(0.05, gt=0, lt=1, description="share of the pixels, for top-share")


class SimilarClasses(Claim):
    """Maps of the classes' scores correlate more with each other than those of probabilities."""

    claim: Literal["similar-classes"]


class MeasurableEffect(Claim):
    """Windows change the first node by more than what the draws explain."""

    claim: Literal["measurable-effect"]


class SparserLayer(Claim):
    """Relevance for the feature maps of a layer is sparser than for those of another one."""

    claim: Literal["sparser-layer"]
    layer: str = Field(min_length=1, description="whose maps are sparser")
    than_layer: str = Field(min_length=1, description="than those of this layer")
    across: Literal["maps", "pixels"] = Field(
        "maps",
        description="maps: few maps have any; pixels: the pixels of each map, in the mean",
    )


class EnoughSamples(Claim):
    """Few draws give the map of many: first node."""

    claim: Literal["enough-samples"]
    than: Name = Field(description="the explanation with more draws")
    by: Literal["correlation", "standard-error"] = Field(
        "correlation",
        description="of both maps; or their difference as a multiple of its standard error",
    )
    limit: float = Field(
        0.95, gt=0, description="correlation at least, or multiple of the standard error at most"
    )


class Cheaper(Claim):
    """An explanation takes less time than another one."""

    claim: Literal["cheaper"]
    than: Name = Field(description="the other explanation, of the same images")


AnyClaim = Annotated[
    MoreConcentrated | SimilarClasses | MeasurableEffect | SparserLayer | EnoughSamples | Cheaper,
    Field(discriminator="claim"),
]


class Claims(Section):
    """What a paper says of its maps, put to the test on the images that are explained here."""

    measure: Literal["claims"]
    claims: Annotated[tuple[AnyClaim, ...], Field(min_length=1)]
    confidence: float = Field(0.95, gt=0.5, lt=1, description="of intervals of the mean")

    @property
    def explanations(self) -> tuple[str, ...]:
        """All explanations that claims are about."""
        names = [name for claim in self.claims for name in claim.explanation_names]
        return tuple(dict.fromkeys(names))

    @model_validator(mode="after")
    def _compares_two(self) -> "Claims":
        for number, claim in enumerate(self.claims):
            if len(set(claim.explanation_names)) < len(claim.explanation_names):
                raise ValueError(
                    f"claim {number} compares {claim.explanation} with itself; name two"
                )
        return self


Evaluation = Annotated[
    RegionPerturbation | HeatmapComplexity | Claims, Field(discriminator="measure")
]
