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
    output: Literal["score", "probability"] = Field(
        "score", description="what f is in figures and claims; tables have both"
    )
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


class Continuity(Section):
    """How abruptly explanations of a function of x1 and x2 change with these [samek2017, Fig. 3b].

    Also the functions and explanations of [montavon2017, Fig. 1].
    """

    measure: Literal["continuity"]
    function: Literal["maximum", "rectifiers"] = Field(
        "maximum",
        description="maximum: max(x1, x2) on the unit square [samek2017]; rectifiers: max(0, x1) + "
        "max(0, x2) for numbers of -1 to 1 [montavon2017, section 2.1]",
    )
    explanations: Annotated[tuple[Name, ...], Field(min_length=1)] = Field(
        description="whose methods and options are measured; their images play no part"
    )
    steps: Annotated[tuple[Annotated[int, Field(ge=2, le=512)], ...], Field(min_length=1)] = Field(
        (8, 16, 32, 64, 128),
        description="points along a side of the grids; figures show the vectors of the first",
    )


class ImageSpecificity(Section):
    """Whether heatmaps change when images are turned [samek2017, Fig. 3c]."""

    measure: Literal["image-specificity"]
    explanations: Annotated[tuple[Name, ...], Field(min_length=1)]
    degrees: Annotated[tuple[float, ...], Field(min_length=1)] = Field(
        (15, 30, 45, 60, 75, 90), description="angles, counter-clockwise"
    )
    kept: int = Field(
        2, ge=0, description="images whose maps are kept in the table, for figures to show them"
    )

    @model_validator(mode="after")
    def _turns(self) -> "ImageSpecificity":
        if 0 in self.degrees:
            raise ValueError("an angle of 0 turns nothing; remove it, it is measured anyway")
        return self


class Aggregation(Section):
    """Relevance summed over regions and images, and how alike totals are [samek2017, Fig. 3e]."""

    measure: Literal["aggregation"]
    explanations: Annotated[tuple[Name, ...], Field(min_length=1)]
    regions: int = Field(3, ge=1, description="regions along each side of an image")


class Consistency(Section):
    """Whether heatmaps conserve the score, are positive and unique [montavon2017, Table 1]."""

    measure: Literal["consistency"]
    compared: Annotated[tuple[Name, ...], Field(min_length=1)] = Field(
        description="explanations of one class"
    )
    again: dict[Name, Annotated[tuple[Name, ...], Field(min_length=1)]] = Field(
        {},
        description="for each of some of these, explanations that begin elsewhere, or are computed "
        "again: where their maps differ, it has no unique solution",
    )

    @property
    def explanations(self) -> tuple[str, ...]:
        """All explanations whose maps are read."""
        others = [name for names in self.again.values() for name in names]
        return tuple(dict.fromkeys([*self.compared, *others]))

    @model_validator(mode="after")
    def _compares_what_it_has(self) -> "Consistency":
        strangers = [name for name in self.again if name not in self.compared]
        if strangers:
            raise ValueError(f"{strangers[0]!r} is repeated, but not among compared; add it there")
        return self


class StrongFeatures(Section):
    """Accuracy with only the strong features of the label, and without [kumar2017, Table 1]."""

    measure: Literal["strong-features"]
    explanations: Annotated[tuple[Name, ...], Field(min_length=1)] = Field(
        description="with a node of the label's class, such as nodes: [{classes: all}]"
    )
    thresholds: Annotated[tuple[Annotated[float, Field(ge=0, le=1)], ...], Field(min_length=1)] = (
        Field(
            (0.0, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9),
            description="share of a map's largest value from which a pixel is a strong feature; 0: "
            "all that are positive",
        )
    )
    fill: float = Field(
        0.0, description="value of the pixels that are taken away: 0 is black, 0.5 is grey"
    )


class Dominance(Section):
    """Whether the class that dominates a CLEAR map is the predicted one [kumar2017]."""

    measure: Literal["dominance"]
    explanations: Annotated[tuple[Name, ...], Field(min_length=1)] = Field(
        description="with nodes of several classes, such as nodes: [{classes: all}]"
    )


class Claim(Section):
    """What every claim of a paper has: its place and its words."""

    where: str = Field(min_length=1, description="figure, table or section of the paper")
    statement: str = Field(min_length=1, description="what is claimed, in words")

    @property
    def explanation_names(self) -> tuple[str, ...]:
        """The explanations whose maps the claim is about."""
        return ()

    @property
    def evaluation_names(self) -> tuple[str, ...]:
        """The evaluations whose tables the claim is about."""
        return ()

    @property
    def measured_by(self) -> str:
        """The measure of these evaluations."""
        return ""

    @property
    def compared(self) -> tuple[str, ...]:
        """Names of what is compared, if anything is."""
        than = getattr(self, "than", None)
        explanation: str = getattr(self, "explanation", "")
        return () if than is None else (explanation, than)


class ClaimOfMaps(Claim):
    """A claim about the maps of an explanation, maybe beside those of another one."""

    explanation: Name

    @property
    def explanation_names(self) -> tuple[str, ...]:
        return self.compared or (self.explanation,)


class MoreConcentrated(ClaimOfMaps):
    """Relevance of the first node is on fewer pixels than another explanation's."""

    claim: Literal["more-concentrated"]
    than: Name = Field(description="the other explanation, of the same images")
    by: Literal["entropy", "top-share"] = Field(
        "entropy",
        description="of absolute relevance: its entropy over the pixels, or the share of it in the "
        "pixels that have most",
    )
    top: float = Field(0.05, gt=0, lt=1, description="share of the pixels, for top-share")


class SimilarClasses(ClaimOfMaps):
    """Maps of the classes' scores correlate more with each other than those of probabilities."""

    claim: Literal["similar-classes"]


class MeasurableEffect(ClaimOfMaps):
    """Windows change the first node by more than what the draws explain."""

    claim: Literal["measurable-effect"]


class SparserLayer(ClaimOfMaps):
    """Relevance for the feature maps of a layer is sparser than for those of another one."""

    claim: Literal["sparser-layer"]
    layer: str = Field(min_length=1, description="whose maps are sparser")
    than_layer: str = Field(min_length=1, description="than those of this layer")
    across: Literal["maps", "pixels"] = Field(
        "maps",
        description="maps: few maps have any; pixels: the pixels of each map, in the mean",
    )


class EnoughSamples(ClaimOfMaps):
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


class Cheaper(ClaimOfMaps):
    """An explanation takes less time than another one."""

    claim: Literal["cheaper"]
    than: Name = Field(description="the other explanation, of the same images")


class ClaimOfTable(Claim):
    """A claim about two explanations that an evaluation measured on the same images."""

    evaluation: Name
    explanation: Name
    than: Name = Field(description="the other explanation")

    @property
    def evaluation_names(self) -> tuple[str, ...]:
        return (self.evaluation,)


class LargerAopc(ClaimOfTable):
    """Perturbed in the order of a heatmap, images lose more than in that of another one."""

    claim: Literal["larger-aopc"]

    @property
    def measured_by(self) -> str:
        return "aopc"


class Simpler(ClaimOfTable):
    """Heatmaps are less complex than those of another explanation."""

    claim: Literal["simpler"]
    by: Literal["png_bytes", "jpeg_bytes", "entropy"] = Field(
        "entropy", description="of 8-bit pictures of the heatmaps: size of the file, or entropy"
    )

    @property
    def measured_by(self) -> str:
        return "complexity"


class Consistent(Claim):
    """A property of heatmaps has, or has not, the smallest value that there is."""

    claim: Literal["consistent"]
    evaluation: Name
    explanation: Name
    by: Literal["conservation", "negative", "difference"] = Field(
        description="relative error of the sum of relevance; share of negative relevance; or "
        "difference from maps that were begun elsewhere"
    )
    limit: float = Field(0.01, gt=0, description="below which the property counts as there")
    denied: bool = Field(False, description="the claim is that it is not there")

    @property
    def evaluation_names(self) -> tuple[str, ...]:
        return (self.evaluation,)

    @property
    def compared(self) -> tuple[str, ...]:
        return (self.explanation,)

    @property
    def measured_by(self) -> str:
        return "consistency"


class LessOutside(ClaimOfTable):
    """Less relevance than another explanation's lies outside of what the label is about."""

    claim: Literal["less-outside"]

    @property
    def measured_by(self) -> str:
        return "consistency"


class FollowsAccuracy(Claim):
    """AOPC of every image rises and falls with the accuracy of a network while it learns."""

    claim: Literal["follows-accuracy"]
    evaluations: Annotated[tuple[Name, ...], Field(min_length=3)] = Field(
        description="of the same images, one for each checkpoint"
    )
    explanations: tuple[Name, ...] = Field(description="the explanation in each of them")

    @model_validator(mode="after")
    def _one_each(self) -> "FollowsAccuracy":
        if len(self.explanations) != len(self.evaluations):
            raise ValueError(
                f"{len(self.evaluations)} evaluations, but {len(self.explanations)} explanations; "
                "name one for each"
            )
        return self

    @property
    def evaluation_names(self) -> tuple[str, ...]:
        return self.evaluations

    @property
    def measured_by(self) -> str:
        return "aopc"


AnyClaim = Annotated[
    MoreConcentrated
    | SimilarClasses
    | MeasurableEffect
    | SparserLayer
    | EnoughSamples
    | Cheaper
    | LargerAopc
    | Simpler
    | Consistent
    | LessOutside
    | FollowsAccuracy,
    Field(discriminator="claim"),
]


class Claims(Section):
    """What a paper says of its maps, put to the test on the images that are explained here."""

    measure: Literal["claims"]
    claims: Annotated[tuple[AnyClaim, ...], Field(min_length=1)]
    confidence: float = Field(0.95, gt=0.5, lt=1, description="of intervals of the mean")

    @property
    def explanations(self) -> tuple[str, ...]:
        """All explanations whose maps claims are about."""
        names = [name for claim in self.claims for name in claim.explanation_names]
        return tuple(dict.fromkeys(names))

    @property
    def evaluations(self) -> tuple[str, ...]:
        """All evaluations whose tables claims are about."""
        names = [name for claim in self.claims for name in claim.evaluation_names]
        return tuple(dict.fromkeys(names))

    @model_validator(mode="after")
    def _compares_two(self) -> "Claims":
        for number, claim in enumerate(self.claims):
            if len(set(claim.compared)) < len(claim.compared):
                raise ValueError(
                    f"claim {number} compares {claim.compared[0]} with itself; name two"
                )
        return self


Evaluation = Annotated[
    RegionPerturbation
    | HeatmapComplexity
    | Continuity
    | ImageSpecificity
    | Aggregation
    | Consistency
    | StrongFeatures
    | Dominance
    | Claims,
    Field(discriminator="measure"),
]
