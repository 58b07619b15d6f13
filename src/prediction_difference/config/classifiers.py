"""Classifiers, as the configuration describes them."""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal, get_args

from pydantic import BeforeValidator, Discriminator, Field, Tag, model_validator

from prediction_difference.config.section import Name, PathOrName, Section, UserPath

WeightsFrom = Literal["here", "partly here", "elsewhere"]
"""Where the weights of a classifier were fitted: in the pipeline, so without the images that they
explain; only those of new layers; or by somebody else, on images that nobody here knows."""


class Kind(Section):
    """What all classifiers have in common."""

    weights_from: ClassVar[WeightsFrom] = "here"


class TrainedNetwork(Kind):
    """A network of the package, trained in the pipeline."""

    kind: Literal["train"]
    dataset: Name
    architecture: Literal["all-convolutional", "volume-convolutional"] = Field(
        "all-convolutional", description="for 2-D images, or for volumes"
    )
    width: int = Field(32, ge=1, description="feature maps of the first block; others have 2x")
    halvings: int = Field(
        1,
        ge=1,
        description="times that the resolution is halved, each followed by two convolutions; 2 for "
        "images of 32 x 32 pixels",
    )
    pooling: Literal["strides", "max"] = Field(
        "strides",
        description="how the resolution is halved: by convolutions with a stride of 2, or by the "
        "largest of 2 x 2 values, whose places make deconvolution depend on the image",
    )
    dropout: float = Field(0.2, ge=0, lt=1)
    epochs: int = Field(30, ge=1)
    batch_size: int = Field(64, ge=1)
    learning_rate: float = Field(3e-3, gt=0, description="peak of the one-cycle schedule (AdamW)")
    weight_decay: float = Field(1e-2, ge=0)
    flip: bool = Field(False, description="mirror every training image with a chance of one half")
    shift: int = Field(
        0, ge=0, description="move every training image by up to so many pixels, edges repeated"
    )
    precision: Literal["float32", "bfloat16"] = Field(
        "float32",
        description="of the passes of training; on a CPU with AMX, bfloat16 took less than half "
        "the time",
    )
    checkpoints: tuple[Annotated[int, Field(ge=0)], ...] = Field(
        (),
        description="epochs after which the weights are kept, 0 for those before training; "
        "classifiers of kind: checkpoint are made of them",
    )

    @model_validator(mode="after")
    def _checkpoints_come(self) -> "TrainedNetwork":
        late = [epoch for epoch in self.checkpoints if epoch > self.epochs]
        if late:
            raise ValueError(
                f"there is no checkpoint after epoch {late[0]}, training ends with epoch "
                f"{self.epochs}; lower it, or raise epochs"
            )
        return self

    @model_validator(mode="after")
    def _volumes_have_fewer_keys(self) -> "TrainedNetwork":
        if self.architecture == "volume-convolutional":
            asked = {"pooling": self.pooling == "max", "flip": self.flip, "shift": self.shift > 0}
            wrong = [key for key, is_asked in asked.items() if is_asked]
            if wrong:
                raise ValueError(f"{wrong[0]} is for 2-D images, not for volumes; remove it")
        return self

    def moment(self, name: str) -> tuple[str, int]:
        """The training and the epoch that this classifier, of that name, is the state after."""
        return name, self.epochs


class Checkpoint(Kind):
    """A network as it was after an epoch of its training."""

    kind: Literal["checkpoint"]
    of: Name = Field(description="the classifier of kind: train that keeps it")
    epoch: int = Field(ge=0, description="one of its checkpoints; 0: the untrained network")
    dataset: Name = Field("", description="that of the trained classifier, which need not be said")

    def moment(self, name: str) -> tuple[str, int]:
        """The training and the epoch that this classifier is the state after."""
        return self.of, self.epoch


class DetectionPoolingNetwork(Kind):
    """Two layers of detection and pooling that detect one of two classes [montavon2017, 6.1]."""

    kind: Literal["detection-pooling"]
    dataset: Name = Field(description="of two classes; the second one is detected")
    detectors: int = Field(400, ge=1, description="of each of the two layers")
    pooled: int = Field(
        100, ge=1, description="units of the first layer, sums of as many detectors each"
    )
    target: float = Field(
        100.0, gt=0, description="output where the class is present; where it is absent, 0"
    )
    relevance_models: int = Field(
        0, ge=0, description="min-max relevance models trained beside it, from different weights"
    )
    iterations: int = Field(300_000, ge=1, description="steps of gradient descent, at most")
    batch_size: int = Field(20, ge=1)
    learning_rate: float = Field(2e-5, gt=0)
    relevance_learning_rate: float | None = Field(
        None, gt=0, description="of relevance models; null: learning_rate"
    )
    validation: float = Field(
        0.05,
        gt=0,
        lt=1,
        description="share of the training images, the last of each class, that only tell when to "
        "stop; of mnist-pairs at most 0.1, whose digits are in no other pair",
    )
    shift: int = Field(
        2, ge=0, description="move every training image by up to so many pixels, edges repeated"
    )
    check_every: int = Field(1000, ge=1, description="steps between looks at these images")
    patience: int | None = Field(
        None,
        ge=1,
        description="looks without improvement after which training stops; null: never. The best "
        "weights are kept anyway",
    )

    @model_validator(mode="after")
    def _pools(self) -> "DetectionPoolingNetwork":
        if self.detectors % self.pooled:
            raise ValueError(
                f"{self.detectors} detectors do not part into {self.pooled} pools; set pooled to a "
                "divisor of detectors"
            )
        return self


class Normalisation(Section):
    """(scale * image - mean) / std of each channel, before the network, with images in 0 to 1."""

    mean: tuple[float, ...] = Field(description="of each channel, in the network's order")
    std: tuple[float, ...] = Field(description="of each channel, in the network's order")
    scale: float = Field(1.0, gt=0, description="what white stands for, such as 255")
    order: Literal["rgb", "bgr"] = Field("rgb", description="of the channels the network takes")

    @model_validator(mode="after")
    def _agree(self) -> "Normalisation":
        if len(self.mean) != len(self.std):
            raise ValueError("mean and std have different lengths; give one number per channel")
        if any(s <= 0 for s in self.std):
            raise ValueError("std holds a number that is not positive; correct it")
        if self.order == "bgr" and len(self.mean) != 3:
            raise ValueError(f"bgr are three channels, not {len(self.mean)}; remove order")
        return self


NORMALISATIONS = {
    "imagenet": Normalisation(mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225)),
    "caffe": Normalisation(mean=(104.0, 117.0, 123.0), std=(1.0, 1.0, 1.0), scale=255, order="bgr"),
}
"""By name: what torchvision's weights of ImageNet, and BVLC's and other Caffe models, expect."""


def _named_normalisation(value: object) -> object:
    if not isinstance(value, str):
        return value
    if value not in NORMALISATIONS:
        raise ValueError(f"there is no {value!r}; choose from {', '.join(NORMALISATIONS)}")
    return NORMALISATIONS[value]


AnyNormalisation = Annotated[
    Normalisation,
    BeforeValidator(
        _named_normalisation, json_schema_input_type=Literal["imagenet", "caffe"] | Normalisation
    ),
]
"""Numbers, or the name of known ones."""


class TorchvisionNetwork(Kind):
    """A classifier of torchvision by name."""

    weights_from: ClassVar[WeightsFrom] = "elsewhere"

    kind: Literal["torchvision"]
    dataset: Name = Field(description="the images to classify")
    model: str = Field(description="torchvision's name, such as googlenet")
    weights: PathOrName = Field(description="an enum entry, such as DEFAULT, or a local file")
    normalisation: AnyNormalisation = Field(
        NORMALISATIONS["imagenet"],
        description="default: what torchvision's weights were trained with; imagenet, caffe, or "
        "numbers",
    )
    training_instances: int = Field(1_281_167, ge=1, description="N of the Laplace correction")
    class_names: UserPath | None = Field(
        None, description="text file, one class a line; null: those of the weights' enum entry"
    )


class EfficientNetLite0(Kind):
    """EfficientNet-Lite0 with weights of ImageNet, which come with the package [tan2019].

    Images are to have 224 x 224 pixels, cut from the middle of photographs that are scaled to a
    shorter side of 256: `size: [224, 224]` and `resize: 256` of the dataset.
    """

    kind: Literal["efficientnet-lite0"]
    dataset: Name = Field(description="the images to classify")

    weights_from: ClassVar[WeightsFrom] = "elsewhere"
    normalisation: ClassVar[Normalisation] = Normalisation(
        mean=(127.0, 127.0, 127.0), std=(128.0, 128.0, 128.0), scale=255
    )
    training_instances: ClassVar[int] = 1_281_167
    class_names: ClassVar[None] = None
    """Those of ImageNet."""


class FineTunedNetwork(Kind):
    """Layers of torchvision's, and two new convolutions that are trained [kumar2017, 4.1].

    The last convolution has a map for each class, whose mean is the score.
    """

    weights_from: ClassVar[WeightsFrom] = "partly here"

    kind: Literal["fine-tuned"]
    dataset: Name
    model: str = Field("vgg16", description="torchvision's name")
    weights: PathOrName = Field(description="an enum entry, such as DEFAULT, or a local file")
    layer: str = Field(
        "features", description="the part that takes the images and is kept as it is, with places"
    )
    normalisation: AnyNormalisation = Field(
        NORMALISATIONS["imagenet"], description="what the weights were trained with"
    )
    width: int = Field(512, ge=1, description="maps of the first new convolution, of 3 x 3")
    dropout: float = Field(0.5, ge=0, lt=1)
    epochs: int = Field(20, ge=1)
    batch_size: int = Field(32, ge=1)
    learning_rate: float = Field(1e-3, gt=0, description="peak of the one-cycle schedule (AdamW)")
    weight_decay: float = Field(1e-2, ge=0)


class TorchNetwork(Kind):
    """A user's own network: a function that returns a torch module, and its weights."""

    weights_from: ClassVar[WeightsFrom] = "elsewhere"

    kind: Literal["torch"]
    dataset: Name = Field(description="the images to classify")
    factory: str = Field(pattern=r"^[\w.]+:[\w.]+$", description="module:function, no arguments")
    weights: UserPath = Field(description="safetensors, or a file that torch loads weights-only")
    normalisation: AnyNormalisation | None = Field(
        None,
        description="imagenet, caffe, or numbers; null: the network takes images in 0 to 1 as "
        "they are",
    )
    training_instances: int = Field(ge=1, description="N of the Laplace correction")
    class_names: UserPath | None = Field(
        None, description="text file, one class a line; null: those of the dataset"
    )


Strength = Annotated[float, Field(gt=0)]


def _sort_of_strength(C: Any) -> str:
    if isinstance(C, list | tuple):
        return "several"
    return "nested" if isinstance(C, str) else "one"


Strengths = Annotated[
    Annotated[Strength, Tag("one")]
    | Annotated[Literal["nested"], Tag("nested")]
    | Annotated[Annotated[tuple[Strength, ...], Field(min_length=2)], Tag("several")],
    Discriminator(_sort_of_strength),
]


class LogisticRegression(Kind):
    """L2-regularised logistic regression on the voxels inside the mask."""

    kind: Literal["logistic-regression"]
    dataset: Name
    C: Strengths = Field(
        1.0,
        description="inverse strength of the penalty; of several, the one with the least log loss "
        "in an inner cross-validation of each fold's training images; nested: 0.001 to 100 in "
        "powers of ten",
    )
    scaling: bool = Field(
        False, description="divide each voxel by its standard deviation over the training images"
    )
    confounds: tuple[str, ...] = Field(
        (),
        description="columns, such as age or scanner, whose linear effect on the images is taken "
        "out within each fold; an explained image keeps its own subject's values of them",
    )
    categories: tuple[str, ...] = Field(
        (), description="those of the confounds whose numbers are codes, such as sites"
    )
    also_predict: tuple[str, ...] = Field(
        (),
        description="columns, such as scanner, that the same pipeline predicts out of fold; for "
        "the report only",
    )
    repeats: int = Field(
        1, ge=1, description="seeds of the folds that accuracy is measured over; weights have one"
    )
    permutations: int = Field(
        0, ge=0, description="shufflings of the classes that accuracy is tested against; 0: no test"
    )

    @model_validator(mode="after")
    def _categories_are_confounds(self) -> "LogisticRegression":
        strange = [name for name in self.categories if name not in self.confounds]
        if strange:
            raise ValueError(f"{strange[0]!r} of categories is no confound; add it to confounds")
        return self


class ScikitLearnClassifier(Kind):
    """Any classifier of scikit-learn's kind that has predict_proba, on voxels inside the mask.

    It is fitted anew, with a fixed seed, from the training images that are stored beside it:
    nothing is unpickled.
    """

    kind: Literal["scikit-learn"]
    dataset: Name
    estimator: str = Field(
        pattern=r"^[\w.]+:[\w.]+$",
        description="module:class or module:function that returns an estimator, such as "
        "sklearn.svm:SVC",
    )
    parameters: dict[str, Any] = Field(
        {},
        description="arguments; random_state is set from run.seed where it is taken and not said",
    )
    scaling: bool = Field(
        True, description="voxels standardised over the training images, before the estimator"
    )


Classifier = Annotated[
    TrainedNetwork
    | DetectionPoolingNetwork
    | Checkpoint
    | TorchvisionNetwork
    | EfficientNetLite0
    | FineTunedNetwork
    | TorchNetwork
    | LogisticRegression
    | ScikitLearnClassifier,
    Field(discriminator="kind"),
]


def weights_from(kind: str) -> WeightsFrom:
    """Where the weights of classifiers of a kind were fitted, as its model says it."""
    models: tuple[type[Kind], ...] = get_args(get_args(Classifier)[0])
    known = {get_args(one.model_fields["kind"].annotation)[0]: one for one in models}
    return known[kind].weights_from


def with_datasets(classifiers: Mapping[str, Any]) -> dict[str, Any]:
    """Classifiers by name; checkpoints that do not name a dataset have their classifier's."""
    return {name: _with_dataset(entry, classifiers) for name, entry in classifiers.items()}


def _with_dataset(entry: Any, classifiers: Mapping[str, Any]) -> Any:
    if not isinstance(entry, Checkpoint) or entry.dataset:
        return entry
    trained = classifiers.get(entry.of)
    known = trained.dataset if isinstance(trained, TrainedNetwork) else ""
    return entry.model_copy(update={"dataset": known})
