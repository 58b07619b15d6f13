"""The protocol of data sources: where images come from, and how some are held out."""

from abc import abstractmethod
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from pydantic import Field, model_validator

from prediction_difference.errors import DataError, Problem, telling_faults
from prediction_difference.lookup import Lookup
from prediction_difference.settings import Concept, Section

if TYPE_CHECKING:
    from prediction_difference.data.dataset import Catalogue, Dataset


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

    @model_validator(mode="after")
    def _one_of_both(self) -> "Split":
        if self.test_fraction is not None and self.folds is not None:
            raise ValueError("test_fraction and folds exclude each other; set one of them to null")
        return self


class Source(Split, Concept):
    """Where images come from, and which of them priors and fitted classifiers never see."""

    chosen_by: ClassVar[str] = "source"

    is_volume: ClassVar[bool] = False
    """Whether its images are 3-D."""
    has_own_split: ClassVar[bool] = False
    """Whether it says by itself which images are for training."""

    source: str
    # --- what the settings alone tell -----------------------------------------------------------

    @property
    def is_clinical(self) -> bool:
        """Whether pages and figures of the images say that they are not for clinical use."""
        return False

    @property
    def channel_count(self) -> int:
        """Number of channels of its images."""
        return 1

    @property
    def known_shape(self) -> tuple[int, ...] | None:
        """Sides of its images, without channels; None where only the files tell."""
        return None

    @property
    def known_classes(self) -> tuple[str, ...] | None:
        """Names of the classes in the order of the scores; None where only the files tell."""
        return None

    @property
    def has_training_images(self) -> bool:
        """Whether other images are left when a held-out split is taken away."""
        return self.has_own_split or self.test_fraction is not None or self.folds is not None

    def problems(self, where: str, lookup: Lookup) -> Iterator[Problem]:
        """What only the whole configuration shows to be wrong."""
        yield from ()

    # --- what its files tell --------------------------------------------------------------------

    def check(self, name: str, seed: int) -> list[Problem]:
        """All problems of the files that the settings name; name: of the dataset."""
        return []

    def catalogue(self, name: str, seed: int) -> "Catalogue | None":
        """What a dataset without problems holds; None where only reading its images tells."""
        return None

    def shape(self, name: str, seed: int) -> tuple[int, ...] | None:
        """Sides of its images, by the settings or the header of a file; None: unknown."""
        return self.known_shape

    def files_behind(self, name: str, seed: int) -> list[Path]:
        """Files that the dataset is read from, as far as they are there."""
        return []

    def load(self, name: str, seed: int) -> "Dataset":
        """Read or simulate the images, and see that the dataset can be worked with.

        Raises:
            ConfigError: lists all problems of the files that the settings name.
            DataError: a file is damaged, or what was read cannot be worked with.
        """
        from prediction_difference.data.dataset import Dataset, check_dataset

        where = f"source {self.source}"
        with telling_faults(where, self.source, "read"):
            dataset = self.read(name, seed)
        if not isinstance(dataset, Dataset):
            raise DataError(where, f"returns {type(dataset).__name__}", "return a Dataset")
        check_dataset(dataset, f"datasets.{name}")
        return dataset

    @abstractmethod
    def read(self, name: str, seed: int) -> "Dataset":
        """The images, labels and splits; raises what `load` says."""


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

    def cut(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """Shape of a volume after the slab is cut out of it."""
        sides = list(shape)
        sides[self.axis] = self.stop - self.start
        return tuple(sides)


class Volumes(Source):
    """3-D images, which are of patients, or look so."""

    is_volume: ClassVar[bool] = True

    slab: Slab | None = None

    @property
    def is_clinical(self) -> bool:
        return True

    def cut(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """Shape of a volume after the slab is cut out of it, if there is one."""
        return shape if self.slab is None else self.slab.cut(shape)
