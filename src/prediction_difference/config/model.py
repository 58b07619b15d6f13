"""The configuration, as a model: every key with its meaning, unit, bounds and default."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    StrictInt,
    StrictStr,
    Tag,
    model_validator,
)

Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", max_length=80)]
"""Names become file names, so they hold letters, digits, dots, dashes and underscores only."""


Side = Annotated[int, Field(ge=1)]
"""Number of pixels along one side of an image."""


class Section(BaseModel):
    """A part of the configuration; unknown keys are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


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
    ridge: float = Field(
        1e-4, gt=0, description="added to the diagonal of the covariance, times its mean"
    )


Prior = Annotated[GaussianPrior, Field()]

# --- classifiers ------------------------------------------------------------------------------


class TrainedNetwork(Section):
    """A network of the package, trained in the pipeline."""

    kind: Literal["train"]
    dataset: Name
    architecture: Literal["all-convolutional"] = "all-convolutional"
    width: int = Field(32, ge=1, description="feature maps of the first block; the second has 2x")
    dropout: float = Field(0.2, ge=0, lt=1)
    epochs: int = Field(30, ge=1)
    batch_size: int = Field(64, ge=1)
    learning_rate: float = Field(3e-3, gt=0, description="peak of the one-cycle schedule (AdamW)")
    weight_decay: float = Field(1e-2, ge=0)


class Normalisation(Section):
    """Per channel: (image - mean) / std, before the network, with images in 0 to 1."""

    mean: tuple[float, ...]
    std: tuple[float, ...]

    @model_validator(mode="after")
    def _agree(self) -> "Normalisation":
        if len(self.mean) != len(self.std):
            raise ValueError("mean and std have different lengths; give one number per channel")
        if any(s <= 0 for s in self.std):
            raise ValueError("std holds a number that is not positive; correct it")
        return self


class TorchvisionNetwork(Section):
    """A classifier of torchvision by name."""

    kind: Literal["torchvision"]
    dataset: Name = Field(description="the images to classify")
    model: str = Field(description="torchvision's name, such as googlenet")
    weights: str = Field(description="an enum entry, such as DEFAULT, or a local file")
    normalisation: Normalisation = Field(
        Normalisation(mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225)),
        description="default: what torchvision's weights were trained with",
    )
    training_instances: int = Field(1_281_167, ge=1, description="N of the Laplace correction")
    class_names: Path | None = Field(
        None, description="text file, one class a line; null: those of the weights' enum entry"
    )


class TorchNetwork(Section):
    """A user's own network: a function that returns a torch module, and its weights."""

    kind: Literal["torch"]
    dataset: Name = Field(description="the images to classify")
    factory: str = Field(pattern=r"^[\w.]+:[\w.]+$", description="module:function, no arguments")
    weights: Path = Field(description="safetensors, or a file that torch loads weights-only")
    normalisation: Normalisation | None = Field(
        None, description="null: the network takes images in 0 to 1 as they are"
    )
    training_instances: int = Field(ge=1, description="N of the Laplace correction")
    class_names: Path | None = Field(
        None, description="text file, one class a line; null: those of the dataset"
    )


class LogisticRegression(Section):
    """L2-regularised logistic regression on the voxels inside the mask."""

    kind: Literal["logistic-regression"]
    dataset: Name
    C: float = Field(1.0, gt=0, description="inverse strength of the penalty")


Classifier = Annotated[
    TrainedNetwork | TorchvisionNetwork | TorchNetwork | LogisticRegression,
    Field(discriminator="kind"),
]

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


class NodeChoice(Section):
    """What is explained."""

    of: Literal["predicted", "label"] | StrictStr | StrictInt = Field(
        "predicted", description="predicted, label, a class name, or a class number from 0"
    )
    output: Literal["probability", "score"] | None = Field(
        None, description="null: probability for prediction-difference, score for the others"
    )


class Explanation(Section):
    """What every method of explanation needs."""

    classifier: Name
    images: Images = Field(description="names of images, or how many of each sort")
    nodes: Annotated[tuple[NodeChoice, ...], Field(min_length=1)] = Field(
        (NodeChoice(),), description="what is explained, in one pass"
    )
    images_per_job: int = Field(8, ge=1, description="images that one job works on")

    @property
    def chunk_count(self) -> int:
        """Jobs that share one image."""
        return 1


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
    engine: Literal["auto", "dense", "linear"] = "auto"
    batch_size: int = Field(256, ge=1, description="images per forward pass of the dense engine")
    chunks: int = Field(1, ge=1, description="jobs that share one image; each takes whole rows")

    @property
    def chunk_count(self) -> int:
        return self.chunks

    @model_validator(mode="after")
    def _keys_fit(self) -> "PredictionDifference":
        if self.sampler == "conditional" and self.prior is None:
            raise ValueError("the conditional sampler needs a prior; name one of the priors")
        if self.sampler == "marginal" and self.prior is not None:
            raise ValueError("the marginal sampler takes no prior; remove the key prior")
        if self.sampler == "conditional" and self.reference is not None:
            raise ValueError("the conditional sampler takes no reference; remove the key")
        if self.stride > self.window:
            raise ValueError(
                f"stride={self.stride} leaves pixels between windows of side {self.window}; "
                f"set stride to at most {self.window}"
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
    priors: dict[Name, Prior] = {}
    classifiers: dict[Name, Classifier] = {}
    explanations: dict[Name, ExplanationSettings] = {}
    evaluations: dict[Name, Evaluation] = {}
    figures: dict[Name, Figure] = {}
