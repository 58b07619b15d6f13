"""Explanations, as the configuration describes them."""

from typing import Annotated, Literal

from pydantic import Discriminator, Field, Tag, model_validator

from prediction_difference.choices import (
    Bias,
    Count,
    Draws,
    EngineName,
    Favours,
    Foreground,
    Fraction,
    LayerRule,
    MaxPooling,
    Natural,
    Normalising,
    Positive,
    Precision,
    Start,
    StartOfRelevance,
)
from prediction_difference.config.nodes import (
    AnyNode,
    ClassNodes,
    NodeChoice,
    RemovedLayer,
    node_names,
)
from prediction_difference.config.section import Name, Section


class ImageChoice(Section):
    """How many held-out images of each sort, drawn with the run's seed."""

    random: int = Field(0, ge=0, description="any held-out images")
    correct: int = Field(0, ge=0, description="held-out images that are classified correctly")
    misclassified: int = Field(0, ge=0, description="held-out images that are not")
    hardest: int = Field(
        0,
        ge=0,
        description="held-out images with the least probability of their label, misclassified ones "
        "first; not drawn",
    )
    labels: tuple[str, ...] = Field(
        (), description="so many of each of these classes; none: of all classes together"
    )

    @model_validator(mode="after")
    def _some(self) -> "ImageChoice":
        if self.random + self.by_label == 0:
            raise ValueError("no image is chosen; set random, correct, misclassified or hardest")
        return self

    @property
    def by_label(self) -> int:
        """How many are chosen by how the classifier does on them, so that they need labels."""
        return self.correct + self.misclassified + self.hardest


def _counts_or_names(images: object) -> str:
    return "counts" if isinstance(images, dict | ImageChoice) else "names"


Images = Annotated[
    Annotated[ImageChoice, Tag("counts")]
    | Annotated[tuple[str, ...], Field(min_length=1), Tag("names")],
    Discriminator(_counts_or_names),
]


class Explanation(Section):
    """What every method of explanation needs."""

    classifier: Name
    images: Images = Field(description="names of images, or how many of each sort")
    nodes: Annotated[tuple[AnyNode, ...], Field(min_length=1)] = Field(
        (NodeChoice(),), description="what is explained, in one pass"
    )
    images_per_job: int = Field(
        2048,
        ge=1,
        description="images that one job works on; many for a method that takes less than a second "
        "an image, so that starting a job is a small part of it",
    )

    @property
    def chunk_count(self) -> int:
        """Jobs that share one image."""
        return 1

    @property
    def node_count(self) -> int | None:
        """How many nodes are explained; None where classes or maps are not yet counted."""
        names = [node_names(node, "") for node in self.nodes]
        return None if None in names else sum(len(some) for some in names if some is not None)


class PredictionDifference(Explanation):
    """Prediction difference analysis [zintgraf2017, Algorithm 1]."""

    method: Literal["prediction-difference"]
    images_per_job: int = Field(8, ge=1, description="images that one job works on")
    sampler: Literal["conditional", "marginal"] = "conditional"
    prior: Name | None = Field(None, description="for the conditional sampler")
    reference: Name | None = Field(
        None, description="dataset of the marginal sampler; null: the classifier's"
    )
    window: Count = Field(10, description="side k of a window, in pixels or voxels")
    stride: Count = Field(1, description="step between windows, in pixels or voxels")
    samples: Draws = Field(10, description="draws per window, S")
    clip: bool = Field(False, description="clip draws to the range of the dataset's images")
    standard_error: Positive | None = Field(
        None,
        description="draw for a window, `samples` at a time, until its standard error is at most "
        "this, in the relevance's unit; null: draw `samples` times",
    )
    max_samples: Draws = Field(1000, description="draws per window, with standard_error")
    removed: RemovedLayer | None = Field(
        None, description="a hidden layer, on whose output windows are taken; null: the image"
    )
    engine: EngineName = Field(
        "auto",
        description="dense: whole forward passes; incremental: only what a window changes; linear: "
        "none, for logistic regression; auto: the fastest that fits, all with the same values",
    )
    batch_size: Count | None = Field(
        None, description="images per forward pass; null: sized to memory"
    )
    precision: Precision = Field(
        "float32",
        description="of forward passes; bfloat16 where it costs less than half the sampling error",
    )
    chunks: int = Field(1, ge=1, description="jobs that share one image; each takes whole rows")

    @property
    def chunk_count(self) -> int:
        return self.chunks

    @model_validator(mode="after")
    def _keys_fit(self) -> "PredictionDifference":
        if self.removed is None and self.sampler == "conditional" and self.prior is None:
            raise ValueError("the conditional sampler needs a prior; name one of the priors")
        if self.sampler == "marginal" and self.prior is not None:
            raise ValueError("the marginal sampler takes no prior; remove the key prior")
        is_of_pixels = self.sampler == "conditional" and self.removed is None
        if is_of_pixels and self.reference is not None:
            raise ValueError("the conditional sampler takes no reference; remove the key")
        if self.stride > self.window:
            raise ValueError(
                f"stride={self.stride} leaves pixels between windows of side {self.window}; "
                f"set stride to at most {self.window}"
            )
        return self

    @model_validator(mode="after")
    def _samples_suffice(self) -> "PredictionDifference":
        if self.standard_error is None:
            return self
        if self.max_samples < self.samples:
            raise ValueError(
                f"max_samples={self.max_samples} is less than samples={self.samples}; raise it"
            )
        classes = NodeChoice | ClassNodes
        bits = {isinstance(node, classes) and node.output != "score" for node in self.nodes}
        if len(bits) > 1:
            raise ValueError(
                "standard_error is for nodes of one unit, some are in bits and some activations; "
                "explain them apart"
            )
        return self

    @model_validator(mode="after")
    def _removed_layer_fits(self) -> "PredictionDifference":
        removed = self.removed
        if removed is None:
            return self
        if self.prior is not None:
            raise ValueError(
                "a removed layer takes no prior, its activations are fitted; remove the key prior"
            )
        if self.clip or self.precision != "float32" or self.engine not in ("auto", "dense"):
            raise ValueError(
                "clip, precision and engine are for windows of images, not for removed layers; "
                "leave them at their defaults"
            )
        if removed.features == "units" and self.window != 1:
            raise ValueError("units are removed one by one; set window to 1")
        is_window = removed.features == "windows" and self.sampler == "conditional"
        if is_window and removed.neighbourhood(self.window) <= self.window:
            raise ValueError(
                f"window={self.window} does not fit inside removed.patch={removed.patch}; "
                f"set patch to at least {self.window + 1}"
            )
        return self


class Sensitivity(Explanation):
    """Norm of the gradient over channels [samek2017, eq. 3; simonyan2013]."""

    method: Literal["sensitivity"]
    norm: Literal["l2", "linf", "squared"] = Field(
        "l2", description="squared: the square of l2 [montavon2017, section 2.2]"
    )


class Deconvolution(Explanation):
    """Norm over channels of rectified signals on their way back [samek2017, section II-B]."""

    method: Literal["deconvolution"]
    norm: Literal["l2", "linf", "sum"] = Field(
        "l2", description="sum: the sum over channels, which has a sign [kumar2017]"
    )
    start: Start = Field(
        "slope",
        description="what is passed back: 1 at the class score; or where the last layer has a map "
        "for each class, as in all-convolutional networks, what is positive in it, and else the "
        "score [kumar2017, eq. 3]",
    )


class GuidedBackpropagation(Explanation):
    """Norm over channels of gradients that rectifiers also rectify [springenberg2015]."""

    method: Literal["guided_backprop"]
    norm: Literal["l2", "linf"] = "l2"


class GradientTimesInput(Explanation):
    """Gradient by the normalised image, times it, summed over channels [shrikumar2016]."""

    method: Literal["gradient_times_input"]


class IntegratedGradients(Explanation):
    """Mean gradient on the way from a plain image, times the way [sundararajan2017]."""

    method: Literal["integrated_gradients"]
    images_per_job: int = Field(128, ge=1, description="images that one job works on")
    steps: Count = Field(32, description="gradients on the way")
    baseline: float = Field(0.0, description="value of all pixels of the plain image")


class LayerwiseRelevance(Explanation):
    """What both rules of layer-wise relevance propagation leave open."""

    bias: Bias = Field(
        "ignored",
        description="absorbs: a bias is one of the contributions, and what it receives is lost",
    )
    max_pool: MaxPooling = Field(
        "winner",
        description="who receives relevance: the largest value, or all in proportion to their "
        "activations",
    )
    normalisation: Normalising = Field(
        "passed",
        description="local response normalisation passes relevance on, or shares it as its "
        "first-order expansion",
    )


class RelevanceOfScore(LayerwiseRelevance):
    """What the rules that pass negative relevance leave open."""

    start: StartOfRelevance = Field(
        "score",
        description="what is passed back: the score; or nothing where it is negative, for CLEAR "
        "maps, since what speaks against a class would else respond in the map of an unlikely one",
    )


class EpsilonRelevance(RelevanceOfScore):
    """Relevance in proportion to contributions, stabilised [samek2017, eq. 7]."""

    method: Literal["lrp_epsilon"]
    epsilon: Positive = Field(0.01, description="added to the size of every denominator")
    relative: bool = Field(
        False,
        description="epsilon is a multiple of the layer's root mean square, and so does not depend "
        "on the input's scale; the papers' values are for inputs of 0 to 255",
    )


class AlphaBetaRelevance(RelevanceOfScore):
    """Relevance of positive and negative contributions apart [samek2017, eq. 8]."""

    method: Literal["lrp_alpha_beta"]
    alpha: float = Field(2.0, description="share of the positive contributions")
    beta: float = Field(-1.0, description="share of the negative ones; alpha + beta = 1")

    @model_validator(mode="after")
    def _conserves(self) -> "AlphaBetaRelevance":
        if abs(self.alpha + self.beta - 1) > 1e-6:
            raise ValueError(
                f"alpha + beta is {self.alpha + self.beta:g}; set beta to {1 - self.alpha:g}"
            )
        return self


class DeepTaylor(LayerwiseRelevance):
    """Relevance that keeps its sum and its sign, from layer to layer [montavon2017, section 5]."""

    method: Literal["deep_taylor"]
    first: LayerRule = Field(
        "zB",
        description="rule of the layers that take pixels, by the paper's names: zB for inputs in a "
        "box, w2 for any, z+ for inputs that are not negative; z+ is that of all other layers",
    )
    layers: dict[str, LayerRule] = Field(
        {}, description="rules of single layers, by their names, in place of these"
    )
    lowest: float = Field(0.0, description="least value of images, before normalisation")
    highest: float = Field(1.0, description="largest value of images, before normalisation")
    relevance_model: Natural | None = Field(
        None,
        description="number of a min-max relevance model of a classifier of kind: "
        "detection-pooling; null: training-free",
    )
    bias: Bias = Field(
        "absorbs",
        description="absorbs: a positive bias is one of the contributions, and what it receives is "
        "lost",
    )
    max_pool: MaxPooling = Field(
        "proportional",
        description="who receives relevance: the largest value, or all in proportion to their "
        "activations",
    )

    @model_validator(mode="after")
    def _is_box(self) -> "DeepTaylor":
        _refuse_empty_box(self.lowest, self.highest)
        if self.relevance_model is not None and self.layers:
            raise ValueError("a relevance model has one layer, of pixels; remove the key layers")
        return self


def _refuse_empty_box(lowest: float, highest: float) -> None:
    if lowest >= highest:
        raise ValueError(f"lowest={lowest:g} is not below highest={highest:g}; raise highest")


class Taylor(Explanation):
    """Gradient at a nearby root of the score, times the way from there [montavon2017, eq. 5]."""

    method: Literal["taylor"]
    images_per_job: int = Field(8, ge=1, description="images that one job works on")
    reached: Fraction = Field(0.1, description="share of the score that a root may have")
    lowest: float = Field(0.0, description="least value of images, before normalisation")
    highest: float = Field(1.0, description="largest value of images, before normalisation")
    start: Natural = Field(
        0,
        description="where the search begins: 0 is the image, other numbers are random points of "
        "the box; another start may find another root",
    )
    starts: Count = Field(
        1, description="searches from this start and the next ones; the nearest root counts"
    )
    steps: Count = Field(100, description="of a round of the search for a root")

    @model_validator(mode="after")
    def _is_box(self) -> "Taylor":
        _refuse_empty_box(self.lowest, self.highest)
        return self


class Occlusion(Explanation):
    """What the score loses under a plain window [zeiler2014]."""

    method: Literal["occlusion"]
    images_per_job: int = Field(8, ge=1, description="images that one job works on")
    window: Count = Field(9, description="side of a window, in pixels or voxels")
    stride: Count = Field(3, description="step between windows, in pixels or voxels")
    fill: float = Field(0.5, description="value of the window")

    @model_validator(mode="after")
    def _windows_cover(self) -> "Occlusion":
        if self.stride > self.window:
            raise ValueError(
                f"stride={self.stride} leaves pixels between windows of side {self.window}; "
                f"set stride to at most {self.window}"
            )
        return self


class RandomOrder(Explanation):
    """Uniform random numbers: the baseline of every comparison."""

    method: Literal["random"]


class Segmentation(Explanation):
    """The object and nothing of the classifier: 1 on its pixels, else 0 [samek2017, Fig. 1]."""

    method: Literal["segmentation"]
    foreground: Foreground = Field(
        "bright", description="the object's side of Otsu's threshold on the mean of the channels"
    )


class LinearWeights(Explanation):
    """Weights of a linear classifier: the same map for every image."""

    method: Literal["weights"]


class HaufePattern(Explanation):
    """Covariance of the training images times the weights, by the log odds' variance [haufe2014].

    The same map for every image of a fold: where voxels rise and fall with the log odds.
    """

    method: Literal["pattern"]


class DeviationFromMean(Explanation):
    """How far every voxel is from the mean of the training images; for linear classifiers."""

    method: Literal["deviation"]
    favours: Favours = Field(
        "lower", description="values that speak for the second class, such as low FA for patients"
    )
    weighted: bool = Field(
        False, description="times the weights: what each voxel adds to the log odds"
    )


ExplanationSettings = Annotated[
    PredictionDifference
    | Sensitivity
    | Deconvolution
    | GuidedBackpropagation
    | GradientTimesInput
    | IntegratedGradients
    | EpsilonRelevance
    | AlphaBetaRelevance
    | DeepTaylor
    | Taylor
    | Occlusion
    | RandomOrder
    | Segmentation
    | LinearWeights
    | HaufePattern
    | DeviationFromMean,
    Field(discriminator="method"),
]
