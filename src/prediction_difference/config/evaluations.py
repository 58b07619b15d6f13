"""What is measured about heatmaps, as the configuration describes it."""

from typing import Annotated, Literal, get_args

from pydantic import Field, model_validator

from prediction_difference.choices import Count, Order, Perturbation, Precision
from prediction_difference.config.claims import Claims
from prediction_difference.config.section import Name, Section


class RegionPerturbation(Section):
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


class PublishedAccuracies(Section):
    """A column of a table of a paper, as shares."""

    full: float = Field(ge=0, le=1, description="of the full images")
    only: float = Field(ge=0, le=1, description="with only the strong features")
    without: float = Field(ge=0, le=1, description="without the strong features")


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
        0.0, ge=0, le=1, description="value of the pixels that are taken away: 0 black, 0.5 grey"
    )
    published: PublishedAccuracies | None = Field(
        None, description="what a paper found, to be shown beside"
    )


class Dominance(Section):
    """Whether the class that dominates a CLEAR map is the predicted one [kumar2017]."""

    measure: Literal["dominance"]
    explanations: Annotated[tuple[Name, ...], Field(min_length=1)] = Field(
        description="with nodes of several classes, such as nodes: [{classes: all}]"
    )
    least_response: float = Field(
        0.1,
        ge=0,
        lt=1,
        description="share of a map's largest response from which a pixel counts as a class's",
    )


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


class LocationStudy(Section):
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


class CohortAccuracy(Section):
    """Accuracy of a logistic regression over cohorts of other seeds [zintgraf2017, section 4.2]."""

    measure: Literal["cohort-accuracy"]
    classifier: Name = Field(
        description="of kind: logistic-regression, on a dataset of source: simulated-fa"
    )
    cohorts: int = Field(
        10, ge=2, description="seeds: run.seed, which the run itself has, and those after it"
    )
    C: tuple[Annotated[float, Field(gt=0)], ...] = Field(
        (), description="strengths to try beside each other; none: the classifier's own"
    )
    effects: tuple[Annotated[float, Field(ge=0)], ...] = Field(
        (), description="effects to try beside each other; none: the dataset's own"
    )

    @property
    def explanations(self) -> tuple[str, ...]:
        """None: no maps are needed."""
        return ()


Evaluation = Annotated[
    RegionPerturbation
    | HeatmapComplexity
    | Continuity
    | ImageSpecificity
    | Aggregation
    | Consistency
    | StrongFeatures
    | Dominance
    | LocationStudy
    | CohortAccuracy
    | Claims,
    Field(discriminator="measure"),
]
