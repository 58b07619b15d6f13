"""The configuration, as a model: every key with its meaning, unit, bounds and default."""

from typing import Annotated, Literal

from pydantic import Discriminator, Field, Tag, model_validator

from prediction_difference.config.classifiers import NORMALISATIONS as NORMALISATIONS
from prediction_difference.config.classifiers import Classifier as Classifier
from prediction_difference.config.classifiers import LogisticRegression as LogisticRegression
from prediction_difference.config.classifiers import Normalisation as Normalisation
from prediction_difference.config.classifiers import TorchNetwork as TorchNetwork
from prediction_difference.config.classifiers import TorchvisionNetwork as TorchvisionNetwork
from prediction_difference.config.classifiers import TrainedNetwork as TrainedNetwork
from prediction_difference.config.datasets import Dataset as Dataset
from prediction_difference.config.datasets import ImageFolder as ImageFolder
from prediction_difference.config.datasets import ImageNet as ImageNet
from prediction_difference.config.datasets import NiftiCohort as NiftiCohort
from prediction_difference.config.datasets import Photographs as Photographs
from prediction_difference.config.datasets import SimulatedFA as SimulatedFA
from prediction_difference.config.datasets import SkimageSamples as SkimageSamples
from prediction_difference.config.datasets import SklearnDigits as SklearnDigits
from prediction_difference.config.datasets import Slab as Slab
from prediction_difference.config.datasets import Split as Split
from prediction_difference.config.datasets import TorchvisionSet as TorchvisionSet
from prediction_difference.config.evaluations import AnyClaim as AnyClaim
from prediction_difference.config.evaluations import Cheaper as Cheaper
from prediction_difference.config.evaluations import Claims as Claims
from prediction_difference.config.evaluations import EnoughSamples as EnoughSamples
from prediction_difference.config.evaluations import Evaluation as Evaluation
from prediction_difference.config.evaluations import MeasurableEffect as MeasurableEffect
from prediction_difference.config.evaluations import MoreConcentrated as MoreConcentrated
from prediction_difference.config.evaluations import RegionPerturbation as RegionPerturbation
from prediction_difference.config.evaluations import SimilarClasses as SimilarClasses
from prediction_difference.config.evaluations import SparserLayer as SparserLayer
from prediction_difference.config.figures import DrawnFigure as DrawnFigure
from prediction_difference.config.figures import FeatureMaps as FeatureMaps
from prediction_difference.config.figures import Figure as Figure
from prediction_difference.config.figures import HeatmapPanels as HeatmapPanels
from prediction_difference.config.figures import Panel as Panel
from prediction_difference.config.figures import PerturbationCurves as PerturbationCurves
from prediction_difference.config.figures import ShownPanel as ShownPanel
from prediction_difference.config.figures import VolumeSlices as VolumeSlices
from prediction_difference.config.nodes import AnyNode as AnyNode
from prediction_difference.config.nodes import LayerMaps as LayerMaps
from prediction_difference.config.nodes import LayerUnit as LayerUnit
from prediction_difference.config.nodes import NodeChoice as NodeChoice
from prediction_difference.config.nodes import RemovedLayer as RemovedLayer
from prediction_difference.config.section import Name as Name
from prediction_difference.config.section import Section as Section


class Run(Section):
    """What holds for the whole run."""

    name: Name = Field("run", description="results lie in results/<name>/")
    seed: int = Field(0, ge=0, lt=2**63, description="of everything random in the run")
    device: str = Field(
        "auto", pattern=r"^(auto|cpu|cuda(:\d+)?)$", description="auto, cpu, cuda or cuda:<number>"
    )
    paper: Name | None = Field(
        None, description="the paper whose figures these are: their subfolder, and a target's name"
    )
    setting: str = Field(
        "", description="what figures are to say of the settings, such as small: stride 8, S = 4"
    )


# --- priors -----------------------------------------------------------------------------------


class GaussianPrior(Section):
    """A multivariate normal distribution over patches."""

    kind: Literal["gaussian"] = "gaussian"
    dataset: Name = Field(description="where the patches come from")
    patch: int = Field(14, ge=2, description="side l of a patch, in pixels or voxels")
    channels: Literal["joint", "independent"] = Field(
        "joint", description="independent: no correlation between channels, as in the 2017 code"
    )
    patches: int = Field(25_000, ge=100, description="number of patches drawn")
    regularisation: Literal["ridge", "ledoit-wolf"] = Field(
        "ridge", description="ledoit-wolf: shrinks the covariance by as much as the patches ask for"
    )
    ridge: float = Field(
        1e-4, gt=0, description="added to the diagonal, times its mean; for regularisation: ridge"
    )
    location: Literal["none", "grid-index", "grid-cell", "voxel-mean"] = Field(
        "none",
        description="what the place alone tells, taken off before the fit: a mean that is linear "
        "in the indices of a grid's cells, the mean of each cell, or of each pixel",
    )
    cells: int = Field(
        20, ge=1, description="cells of that grid along each axis; for the grid's locations"
    )

    @model_validator(mode="after")
    def _keys_fit(self) -> "GaussianPrior":
        # Defaults pass, so that a configuration that is written out in full can be read again.
        default = {name: field.default for name, field in type(self).model_fields.items()}
        if self.regularisation == "ledoit-wolf" and self.ridge != default["ridge"]:
            raise ValueError("ledoit-wolf takes no ridge; remove the key ridge")
        if self.location in ("none", "voxel-mean") and self.cells != default["cells"]:
            raise ValueError(f"location: {self.location} has no grid; remove the key cells")
        return self


Prior = Annotated[GaussianPrior, Field()]

# --- explanations -----------------------------------------------------------------------------


class ImageChoice(Section):
    """How many held-out images of each sort, drawn with the run's seed."""

    random: int = Field(0, ge=0, description="any held-out images")
    correct: int = Field(0, ge=0, description="held-out images that are classified correctly")
    misclassified: int = Field(0, ge=0, description="held-out images that are not")

    @model_validator(mode="after")
    def _some(self) -> "ImageChoice":
        if self.random + self.correct + self.misclassified == 0:
            raise ValueError("no image is chosen; set random, correct or misclassified")
        return self


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
    images_per_job: int = Field(8, ge=1, description="images that one job works on")

    @property
    def chunk_count(self) -> int:
        """Jobs that share one image."""
        return 1

    @property
    def node_count(self) -> int | None:
        """How many nodes are explained; None where a layer's maps are not yet counted."""
        maps = [node.maps for node in self.nodes if isinstance(node, LayerMaps)]
        if "all" in maps:
            return None
        return len(self.nodes) + sum(len(some) - 1 for some in maps)


class PredictionDifference(Explanation):
    """Prediction difference analysis [zintgraf2017, Algorithm 1]."""

    method: Literal["prediction-difference"]
    sampler: Literal["conditional", "marginal"] = "conditional"
    prior: Name | None = Field(None, description="for the conditional sampler")
    reference: Name | None = Field(
        None, description="dataset of the marginal sampler; null: the classifier's"
    )
    window: int = Field(10, ge=1, description="side k of a window, in pixels or voxels")
    stride: int = Field(1, ge=1, description="step between windows, in pixels or voxels")
    samples: int = Field(10, ge=2, description="draws per window, S")
    clip: bool = Field(False, description="clip draws to the range of the dataset's images")
    standard_error: float | None = Field(
        None,
        gt=0,
        description="draw for a window, `samples` at a time, until its standard error is at most "
        "this, in the relevance's unit; null: draw `samples` times",
    )
    max_samples: int = Field(1000, ge=2, description="draws per window, with standard_error")
    removed: RemovedLayer | None = Field(
        None, description="a hidden layer, on whose output windows are taken; null: the image"
    )
    engine: Literal["auto", "dense", "incremental", "linear"] = Field(
        "auto",
        description="dense: whole forward passes; incremental: only what a window changes; linear: "
        "none, for logistic regression; auto: the fastest that fits, all with the same values",
    )
    batch_size: int | None = Field(
        None, ge=1, description="images per forward pass; null: sized to memory"
    )
    precision: Literal["float32", "bfloat16"] = Field(
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
        bits = {isinstance(node, NodeChoice) and node.output != "score" for node in self.nodes}
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
    norm: Literal["l2", "linf"] = "l2"


class RandomOrder(Explanation):
    """Uniform random numbers: the baseline of every comparison."""

    method: Literal["random"]


ExplanationSettings = Annotated[
    PredictionDifference | Sensitivity | RandomOrder, Field(discriminator="method")
]


class Config(Section):
    """The whole configuration of a run."""

    run: Run = Run()
    datasets: dict[Name, Dataset] = Field(min_length=1)
    priors: dict[Name, Prior] = Field({})
    classifiers: dict[Name, Classifier] = Field({})
    explanations: dict[Name, ExplanationSettings] = Field({})
    evaluations: dict[Name, Evaluation] = Field({})
    figures: dict[Name, Figure] = Field({})
