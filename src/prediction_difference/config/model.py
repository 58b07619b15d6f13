"""The configuration, as a model: every key with its meaning, unit, bounds and default."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Discriminator, Field, Tag, model_validator

from prediction_difference.config.classifiers import NORMALISATIONS as NORMALISATIONS
from prediction_difference.config.classifiers import Classifier as Classifier
from prediction_difference.config.classifiers import LogisticRegression as LogisticRegression
from prediction_difference.config.classifiers import Normalisation as Normalisation
from prediction_difference.config.classifiers import TorchNetwork as TorchNetwork
from prediction_difference.config.classifiers import TorchvisionNetwork as TorchvisionNetwork
from prediction_difference.config.classifiers import TrainedNetwork as TrainedNetwork
from prediction_difference.config.nodes import AnyNode as AnyNode
from prediction_difference.config.nodes import LayerMaps as LayerMaps
from prediction_difference.config.nodes import LayerUnit as LayerUnit
from prediction_difference.config.nodes import NodeChoice as NodeChoice
from prediction_difference.config.nodes import RemovedLayer as RemovedLayer
from prediction_difference.config.section import Name as Name
from prediction_difference.config.section import Section as Section

Side = Annotated[int, Field(ge=1)]
"""Number of pixels along one side of an image."""


class Run(Section):
    """What holds for the whole run."""

    name: Name = Field("run", description="results lie in results/<name>/")
    seed: int = Field(0, ge=0, lt=2**63, description="of everything random in the run")
    device: str = Field(
        "auto", pattern=r"^(auto|cpu|cuda(:\d+)?)$", description="auto, cpu, cuda or cuda:<number>"
    )


# --- datasets ---------------------------------------------------------------------------------


class Split(Section):
    """How images are set apart: what is explained was not seen by classifier or prior."""

    test_fraction: float | None = Field(
        None, gt=0, lt=1, description="share of the images held out for testing, by class"
    )
    folds: int | None = Field(
        None, ge=2, description="cross-validation: every image is held out once, by class"
    )

    @model_validator(mode="after")
    def _one_of_both(self) -> "Split":
        if self.test_fraction is not None and self.folds is not None:
            raise ValueError("test_fraction and folds exclude each other; set one of them to null")
        return self


class SklearnDigits(Split):
    """scikit-learn's bundled UCI digits: 1797 scans of 8 x 8 pixels."""

    source: Literal["sklearn-digits"]
    test_fraction: float | None = Field(
        0.3, gt=0, lt=1, description="share of the images held out for testing, by class"
    )


class Slab(Section):
    """A range of slices, counted in voxels from 0 in the order in which the file stores them."""

    axis: int = Field(0, ge=0, le=2, description="axis of the volume that the slices are on")
    start: int = Field(ge=0, description="first slice")
    stop: int = Field(ge=1, description="the slice after the last one")

    @model_validator(mode="after")
    def _not_empty(self) -> "Slab":
        if self.stop <= self.start:
            raise ValueError(f"slices {self.start} to {self.stop} are none; set stop above start")
        return self


class SimulatedFA(Split):
    """A simulated cohort of fractional-anisotropy volumes, 91 x 109 x 91 voxels of 2 mm."""

    source: Literal["simulated-fa"]
    patients: int = Field(24, ge=2, description="number of patients")
    controls: int = Field(24, ge=2, description="number of controls")
    effect: float = Field(
        0.2,
        ge=0,
        description="mean decrease in a hit region, in nominal standard deviations of the voxel",
    )
    slab: Slab | None = Field(Slab(start=29, stop=41), description="null for the whole brain")
    folds: int | None = Field(8, ge=2, description="cross-validation folds, by class")


class ImageFolder(Split):
    """A folder of photographs, flat or with one subfolder per class."""

    source: Literal["image-folder"]
    root: Path = Field(description="the folder")
    size: tuple[Side, Side] | None = Field(
        None,
        description="height and width after scaling the shorter side and cropping the centre; "
        "null if all images have one size",
    )
    channels: Literal[1, 3] = Field(3, description="1 for grey, 3 for colour")


class NiftiCohort(Split):
    """A folder of NIfTI volumes with participants.tsv (BIDS names)."""

    source: Literal["nifti-cohort"]
    root: Path = Field(description="the folder that holds participants.tsv")
    label: str = Field("group", description="column of participants.tsv with the class")
    pattern: str = Field(
        "{participant_id}.nii.gz", description="file of a participant, relative to root"
    )
    mask: Path | None = Field(
        None, description="NIfTI mask; null: the voxels that are non-zero in every subject"
    )
    slab: Slab | None = Field(None, description="null for the whole volume")
    folds: int | None = Field(10, ge=2, description="cross-validation folds, by class")


class TorchvisionSet(Split):
    """A data set that torchvision knows by name, with its own training and test split."""

    source: Literal["mnist", "fashion-mnist", "kmnist", "cifar10", "cifar100", "svhn"]
    root: Path | None = Field(
        None, description="folder; null: $PDA_DATA, then ~/.cache/prediction-difference"
    )
    download: bool = Field(False, description="fetch it if it is not there")
    images: int | None = Field(
        None, ge=1, description="seeded draw of so many images of each split; null: all"
    )


Dataset = Annotated[
    SklearnDigits | SimulatedFA | ImageFolder | NiftiCohort | TorchvisionSet,
    Field(discriminator="source"),
]

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

# --- evaluations ------------------------------------------------------------------------------


class RegionPerturbation(Section):
    """Area over the perturbation curve [samek2017, eqs. 9-12]."""

    measure: Literal["aopc"]
    explanations: Annotated[tuple[Name, ...], Field(min_length=1)]
    region: int = Field(9, ge=1, description="side of a region, in pixels")
    steps: int = Field(100, ge=1, description="regions perturbed, L")
    repeats: int = Field(10, ge=1, description="perturbed copies of each image")
    order: Literal["morf", "lerf"] = Field("morf", description="most or least relevant first")
    output: Literal["score", "probability"] = "score"


Evaluation = Annotated[RegionPerturbation, Field()]

# --- figures ----------------------------------------------------------------------------------


class HeatmapPanels(Section):
    """Images in rows, their heatmaps by several methods in columns."""

    kind: Literal["heatmaps"]
    paper: Name | None = Field(None, description="subfolder of figures/; null: the run's name")
    title: str = ""
    explanations: Annotated[tuple[Name, ...], Field(min_length=1)]
    node: int = Field(0, ge=0, description="which of the explanations' nodes")


class PerturbationCurves(Section):
    """Curves of a region perturbation, one per method, and their AOPC."""

    kind: Literal["perturbation-curves"]
    paper: Name | None = Field(None, description="subfolder of figures/; null: the run's name")
    title: str = ""
    evaluation: Name


class VolumeSlices(Section):
    """Evidence over the slices of volumes [zintgraf2017, Figs. 9-11]."""

    kind: Literal["volume-slices"]
    paper: Name | None = Field(None, description="subfolder of figures/; null: the run's name")
    title: str = ""
    explanation: Name
    node: int = Field(0, ge=0, description="which of the explanation's nodes")
    axis: int = Field(0, ge=0, le=2, description="axis that the slices are on")
    slices: int = Field(4, ge=1, description="number of slices, evenly spaced")
    hide_below: float = Field(
        0.15, ge=0, lt=1, description="hide values below this share of the largest absolute one"
    )


Figure = Annotated[HeatmapPanels | PerturbationCurves | VolumeSlices, Field(discriminator="kind")]


class Config(Section):
    """The whole configuration of a run."""

    run: Run = Run()
    datasets: dict[Name, Dataset] = Field(min_length=1)
    priors: dict[Name, Prior] = Field({})
    classifiers: dict[Name, Classifier] = Field({})
    explanations: dict[Name, ExplanationSettings] = Field({})
    evaluations: dict[Name, Evaluation] = Field({})
    figures: dict[Name, Figure] = Field({})
