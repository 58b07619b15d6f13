"""Where images come from, as the configuration names it."""

from typing import Annotated, Any, ClassVar, Literal

from pydantic import Discriminator, Field, Tag, model_validator

from prediction_difference.config.section import Section, UserPath

Side = Annotated[int, Field(ge=1)]
"""Number of pixels along one side of an image."""

_CROP = (
    "height and width of the crop of the centre; null: none is made, so that all images must have "
    "one size after scaling"
)
DATASET_TAGS = ("file-list", "list-file", "one-side", "two-sides")


def _sort_of_files(files: Any) -> str:
    return "file-list" if isinstance(files, list | tuple) else "list-file"


def _sort_of_sides(resize: Any) -> str:
    return "two-sides" if isinstance(resize, list | tuple) else "one-side"


FileList = (
    Annotated[
        Annotated[tuple[str, ...], Field(min_length=1), Tag("file-list")]
        | Annotated[UserPath, Tag("list-file")],
        Discriminator(_sort_of_files),
    ]
    | None
)
Resize = (
    Annotated[
        Annotated[Side, Tag("one-side")] | Annotated[tuple[Side, Side], Tag("two-sides")],
        Discriminator(_sort_of_sides),
    ]
    | None
)


class Split(Section):
    """How images are set apart: priors, and classifiers that are fitted here, never see these."""

    test_fraction: float | None = Field(
        None, gt=0, lt=1, description="share of the images held out for testing, by class"
    )
    folds: int | None = Field(
        None,
        ge=2,
        description="cross-validation: every image is held out once; by class, but for classes "
        "with fewer images",
    )

    @property
    def is_clinical(self) -> bool:
        """Whether pages and figures of the images say that they are not for clinical use."""
        return False

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


class Volumes(Split):
    """3-D images, which are of patients, or look so."""

    @property
    def is_clinical(self) -> bool:
        return True


class SimulatedFA(Volumes):
    """A simulated cohort of fractional-anisotropy volumes, 91 x 109 x 91 voxels of 2 mm."""

    source: Literal["simulated-fa"]
    patients: int = Field(24, ge=2, description="number of patients")
    controls: int = Field(24, ge=2, description="number of controls")
    effect: float = Field(
        0.2,
        ge=0,
        description="mean decrease in a hit region, in nominal standard deviations of the voxel",
    )
    template: UserPath | None = Field(
        None,
        description="NIfTI file of FA in 0 to 1, in MNI space, whose brain is used; null: the "
        "standard brain that nilearn carries",
    )
    slab: Slab | None = Field(Slab(start=29, stop=41), description="null for the whole brain")
    folds: int | None = Field(8, ge=2, description="cross-validation folds, by class")


class Photographs(Split):
    """Which photographs of a folder are taken, and how they get one size."""

    files: FileList = Field(
        None,
        description="take these images only, named as below root, with or without suffix: a list, "
        "or a text file with one a line; null: all",
    )
    images: int | None = Field(
        None, ge=1, description="seeded draw of so many images; null: all of them"
    )
    per_class: int | None = Field(
        None, ge=1, description="seeded draw of so many images of each class; null: all of them"
    )
    size: tuple[Side, Side] | None = Field(None, description=_CROP)
    resize: Resize = Field(
        None,
        description="scaling before the crop: length of the shorter side, or height and width "
        "whatever the proportions; null: as much as the crop asks for",
    )
    interpolation: Literal["bicubic", "bilinear"] = Field(
        "bicubic", description="of scaling, both with antialiasing"
    )
    channels: Literal[1, 3] = Field(3, description="1 for grey, 3 for colour")

    @model_validator(mode="after")
    def _one_draw(self) -> "Photographs":
        if self.images is not None and self.per_class is not None:
            raise ValueError("images and per_class exclude each other; set one of them to null")
        return self

    @model_validator(mode="after")
    def _crop_fits(self) -> "Photographs":
        if self.size is None or self.resize is None:
            return self
        sides = self.resize if isinstance(self.resize, tuple) else (self.resize,)
        # Of an image whose shorter side is scaled, the other one is known only with the file.
        crop = self.size if len(sides) == 2 else (min(self.size),)
        if any(part > whole for part, whole in zip(crop, sides, strict=True)):
            height, width = self.size
            raise ValueError(
                f"a crop of {height} x {width} does not fit into images that are scaled to "
                f"{' x '.join(map(str, sides))}; raise resize, or lower size"
            )
        return self


class ImageFolder(Photographs):
    """A folder of photographs, flat or with one subfolder per class."""

    source: Literal["image-folder"]
    root: UserPath = Field(description="the folder")
    clinical: bool = Field(
        False,
        description="true for scans and the like: pages and figures of these images say that they "
        "are not for clinical use, as those of volumes always do; nothing is computed anew",
    )
    said_only: ClassVar[frozenset[str]] = frozenset({"clinical"})

    @property
    def is_clinical(self) -> bool:
        return self.clinical


class ImageNet(Photographs):
    """ImageNet (ILSVRC) as it lies on this machine: by class, or flat."""

    source: Literal["imagenet"]
    root: UserPath | None = Field(
        None,
        description="the folder: subfolders by WordNet id, a flat one, or one with either in train "
        "or val; null: imagenet or imagenet_sample in $PDA_DATA, then ~/.cache/"
        "prediction-difference. It cannot be downloaded",
    )
    ground_truth: UserPath | None = Field(
        None,
        description="classes of a flat folder: lines of a file's name and its WordNet id, or its "
        "class number in network order, from 0; or ILSVRC2012_validation_ground_truth.txt with "
        "meta.mat beside it; null: WordNet ids at the beginning of the names, or no classes",
    )
    class_names: UserPath | None = Field(
        None,
        description="classes in network order, one a line: a WordNet id and names, as in Caffe's "
        "synset_words.txt; null: synset_words.txt in root",
    )
    size: tuple[Side, Side] | None = Field((224, 224), description=_CROP)


class KnownPhotographs(Photographs):
    """Photographs that torchvision knows where to get, and how they are sorted."""

    source: str
    root: UserPath | None = Field(
        None, description="folder; null: $PDA_DATA, then ~/.cache/prediction-difference"
    )
    download: bool = Field(False, description="fetch it, some GB, if it is not there")
    size: tuple[Side, Side] | None = Field((224, 224), description=_CROP)


class Places365(KnownPhotographs):
    """MIT Places: scenes of 365 categories, with torchvision's names of files."""

    source: Literal["places365"]
    part: Literal["train-standard", "train-challenge", "val", "test"] = Field(
        "val", description="which of its parts; test is without classes"
    )
    small: bool = Field(True, description="the files of 256 x 256 pixels, not the large ones")


class SUN397(KnownPhotographs):
    """SUN397: 108 754 scenes of 397 categories, in a folder SUN397."""

    source: Literal["sun397"]


class Imagenette(KnownPhotographs):
    """Ten classes of ImageNet that are told apart easily, in a folder imagenette2-160 or so."""

    source: Literal["imagenette"]
    part: Literal["train", "val"] = Field("val", description="which of its parts")
    resolution: Literal["full", "320px", "160px"] = Field(
        "320px", description="of the files: the shorter side, or as in ImageNet"
    )


class StanfordDogs(Photographs):
    """Stanford Dogs: 120 breeds in a folder Images, and lists of its own split."""

    source: Literal["stanford-dogs"]
    root: UserPath | None = Field(
        None,
        description="the folder that holds Images, train_list.mat and test_list.mat; null: "
        "stanford_dogs in $PDA_DATA, then ~/.cache/prediction-difference. It is not downloaded",
    )
    breeds: tuple[str, ...] = Field(
        (), description="take these only, such as Chihuahua, in this order; none: all"
    )
    size: tuple[Side, Side] | None = Field((224, 224), description=_CROP)


class SkimageSamples(Photographs):
    """scikit-image's bundled photographs: ten, some of them grey, without classes."""

    source: Literal["skimage-samples"]
    size: tuple[Side, Side] | None = Field((224, 224), description=_CROP)


class NiftiCohort(Volumes):
    """A folder of NIfTI volumes with participants.tsv (BIDS names)."""

    source: Literal["nifti-cohort"]
    root: UserPath = Field(description="the folder that holds participants.tsv")
    label: str = Field("group", description="column of participants.tsv with the class")
    pattern: str = Field(
        "{participant_id}.nii.gz", description="file of a participant, relative to root"
    )
    mask: UserPath | None = Field(
        None, description="NIfTI mask; null: the voxels that are non-zero in every subject"
    )
    value_range: Literal["auto", "any"] | tuple[float, float] = Field(
        "auto",
        description="lowest and highest value that a voxel may have; any: whatever it is; auto: "
        "for a pattern with _FA, -0.1 to 1.3 (FA is 0 to 1, but for noise and resampling); for "
        "others any",
    )
    slab: Slab | None = Field(None, description="null for the whole volume")
    folds: int | None = Field(10, ge=2, description="cross-validation folds, by class")

    @property
    def expected_values(self) -> tuple[float, float] | None:
        """Lowest and highest value of a voxel; None: any."""
        if isinstance(self.value_range, tuple):
            return self.value_range
        is_fa = "_FA." in self.pattern or self.pattern.startswith("FA")
        return (-0.1, 1.3) if is_fa and self.value_range == "auto" else None

    @model_validator(mode="after")
    def _range_holds_something(self) -> "NiftiCohort":
        if isinstance(self.value_range, tuple) and self.value_range[0] >= self.value_range[1]:
            raise ValueError("value_range is empty; give the lowest value, then the highest one")
        return self


class TorchvisionSet(Split):
    """A data set that torchvision knows by name, with its own training and test split."""

    source: Literal["mnist", "fashion-mnist", "kmnist", "cifar10", "cifar100", "svhn"]
    root: UserPath | None = Field(
        None, description="folder; null: $PDA_DATA, then ~/.cache/prediction-difference"
    )
    download: bool = Field(False, description="fetch it if it is not there")
    images: int | None = Field(
        None, ge=1, description="seeded draw of so many images of each split; null: all"
    )


class DigitPairs(Split):
    """Two digits of MNIST side by side, one of which may be looked for [montavon2017, 6.1]."""

    source: Literal["mnist-pairs"]
    root: UserPath | None = Field(
        None, description="folder of MNIST; null: $PDA_DATA, then ~/.cache/prediction-difference"
    )
    download: bool = Field(False, description="fetch MNIST if it is not there")
    images: int = Field(60_000, ge=2, description="pairs of digits of the training split")
    test_images: int = Field(10_000, ge=2, description="pairs of digits of the test split")
    detected: Annotated[tuple[Annotated[int, Field(ge=0, le=9)], ...], Field(min_length=1)] = Field(
        (0, 1, 2, 3), description="what is looked for: half of the pairs hold one such digit"
    )
    shift: int = Field(
        2, ge=0, le=13, description="every digit is moved by up to so many pixels, at random"
    )

    @model_validator(mode="after")
    def _is_possible(self) -> "DigitPairs":
        if self.folds is not None or self.test_fraction is not None:
            raise ValueError("pairs share digits, so that only MNIST's own split sets them apart")
        if len(set(self.detected)) == 10:
            raise ValueError("all digits are looked for; leave some out of detected")
        return self


Dataset = Annotated[
    SklearnDigits
    | SkimageSamples
    | SimulatedFA
    | ImageFolder
    | ImageNet
    | Places365
    | SUN397
    | Imagenette
    | StanfordDogs
    | NiftiCohort
    | TorchvisionSet
    | DigitPairs,
    Field(discriminator="source"),
]
