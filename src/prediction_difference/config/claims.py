"""What papers say of their maps, as the configuration describes it."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from prediction_difference.config.figures import NodeOfStore
from prediction_difference.config.section import Name, Section


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
    def classifier_names(self) -> tuple[str, ...]:
        """The classifiers whose predictions the claim is about."""
        return ()

    @property
    def measured_by(self) -> str | tuple[str, ...]:
        """The measure of these evaluations, or several that fit."""
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


class ReachesAccuracy(Claim):
    """A classifier has the published accuracy: an interval of ours holds it."""

    claim: Literal["accuracy"]
    classifier: Name | None = Field(None, description="whose held-out images are counted")
    evaluation: Name | None = Field(
        None,
        description="in its place: of measure cohort-accuracy or location, for the mean of cohorts",
    )
    published: float = Field(gt=0, lt=1, description="share of images that are right")

    @model_validator(mode="after")
    def _one_of_both(self) -> "ReachesAccuracy":
        if (self.classifier is None) == (self.evaluation is None):
            raise ValueError("accuracy is that of a classifier or of an evaluation; name one")
        return self

    @property
    def classifier_names(self) -> tuple[str, ...]:
        return () if self.classifier is None else (self.classifier,)

    @property
    def evaluation_names(self) -> tuple[str, ...]:
        return () if self.evaluation is None else (self.evaluation,)

    @property
    def measured_by(self) -> tuple[str, ...]:
        return ("cohort-accuracy", "location")


class FindsDamage(Claim):
    """Maps tell better than others which subjects were hit in a region, in simulated cohorts."""

    claim: Literal["finds-damage"]
    evaluation: Name = Field(description="of measure location")
    method: Name = Field(description="one of its methods")
    than: Name = Field(description="another one")

    @property
    def evaluation_names(self) -> tuple[str, ...]:
        return (self.evaluation,)

    @property
    def measured_by(self) -> str:
        return "location"

    @property
    def compared(self) -> tuple[str, ...]:
        return (self.method, self.than)


class WithinTime(ClaimOfMaps):
    """An image takes at most so long."""

    claim: Literal["within-time"]
    seconds: float = Field(gt=0, description="that are published for an image")


class ClaimOfNode(ClaimOfMaps):
    """A claim about the maps of one node."""

    node: NodeOfStore = Field(0, description="by number from 0 or by name")


class LessScattered(ClaimOfNode):
    """Relevance is smoother, or lies in fewer pieces, than another explanation's."""

    claim: Literal["less-scattered"]
    than: Name = Field(description="the other explanation, of the same images")
    by: Literal["neighbours", "clusters"] = Field(
        "neighbours",
        description="correlation of neighbouring pixels where the image is not 0; or clusters of "
        "strong pixels of one sign, for 100 of them",
    )
    hide_below: float = Field(
        0.15, ge=0, lt=1, description="share of the largest absolute value; for clusters"
    )


class SpecificToImage(ClaimOfNode):
    """Maps of images of one label are less alike than those of another explanation."""

    claim: Literal["specific-to-image"]
    than: Name = Field(description="the other explanation, of the same images")


class DistinctClasses(ClaimOfNode):
    """Maps of images of one label are more alike than those of images of different labels."""

    claim: Literal["distinct-classes"]


class ClaimOfTable(Claim):
    """A claim about two explanations that an evaluation measured on the same images."""

    evaluation: Name
    explanation: Name
    than: Name = Field(description="the other explanation")

    @property
    def evaluation_names(self) -> tuple[str, ...]:
        return (self.evaluation,)


class ClaimOfMeasured(Claim):
    """A claim about one explanation that an evaluation measured."""

    evaluation: Name
    explanation: Name

    @property
    def evaluation_names(self) -> tuple[str, ...]:
        return (self.evaluation,)

    @property
    def compared(self) -> tuple[str, ...]:
        return (self.explanation,)


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


class Consistent(ClaimOfMeasured):
    """A property of heatmaps has, or has not, the smallest value that there is."""

    claim: Literal["consistent"]
    by: Literal["conservation", "negative", "difference"] = Field(
        description="relative error of the sum of relevance; share of negative relevance; or "
        "difference from maps that were begun elsewhere"
    )
    limit: float = Field(0.01, gt=0, description="below which the property counts as there")
    denied: bool = Field(False, description="the claim is that it is not there")

    @property
    def measured_by(self) -> str:
        return "consistency"


class LessOutside(ClaimOfTable):
    """Less relevance than another explanation's lies outside of what the label is about."""

    claim: Literal["less-outside"]

    @property
    def measured_by(self) -> str:
        return "consistency"


class StrongFeaturesSuffice(ClaimOfMeasured):
    """More images are right with only the strong features of their class than without them."""

    claim: Literal["strong-features"]
    threshold: float = Field(ge=0, le=1, description="one of the evaluation's")

    @property
    def measured_by(self) -> str:
        return "strong-features"


class DominantClass(ClaimOfMeasured):
    """The class that dominates a CLEAR map is the predicted one.

    Of right decisions, in more than half of the maps; of wrong ones, more often than the label.
    """

    claim: Literal["dominant-class"]
    by: Literal["area", "sum"] = Field(
        "sum", description="the class with most pixels, or with most summed response"
    )
    decisions: Literal["right", "wrong"]

    @property
    def measured_by(self) -> str:
        return "dominance"


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
    | ReachesAccuracy
    | FindsDamage
    | WithinTime
    | LessScattered
    | SpecificToImage
    | DistinctClasses
    | LargerAopc
    | Simpler
    | Consistent
    | LessOutside
    | StrongFeaturesSuffice
    | DominantClass
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

    @property
    def classifiers(self) -> tuple[str, ...]:
        """All classifiers whose predictions claims are about."""
        names = [name for claim in self.claims for name in claim.classifier_names]
        return tuple(dict.fromkeys(names))

    @model_validator(mode="after")
    def _compares_two(self) -> "Claims":
        for number, claim in enumerate(self.claims):
            if len(set(claim.compared)) < len(claim.compared):
                raise ValueError(
                    f"claim {number} compares {claim.compared[0]} with itself; name two"
                )
        return self
