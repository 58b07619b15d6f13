"""The protocol of priors: distributions over patches that are fitted to a dataset."""

from abc import abstractmethod
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, ClassVar, Protocol

from pydantic import Field

from prediction_difference.errors import Problem
from prediction_difference.lookup import Lookup, by
from prediction_difference.settings import Concept, Name

if TYPE_CHECKING:
    import numpy as np

    from prediction_difference.priors.draws import Sampler


class Fitted(Protocol):
    """A distribution that was fitted."""

    @property
    def arrays(self) -> "Mapping[str, np.ndarray]":
        """All that it has to keep, to be restored from."""

    def sampler(self, window: int, clip: tuple[float, float] | None) -> "Sampler":
        """Draws contents of windows given what is around; clip: the range that draws keep to."""


class Prior(Concept):
    """A distribution over patches."""

    chosen_by: ClassVar[str] = "kind"

    kind: str
    dataset: Name = Field(description="where the patches come from")
    patch: int = Field(14, ge=2, description="side l of a patch, in pixels or voxels")

    def depends_on_place(self, volumes: bool) -> bool:
        """Whether what is drawn depends on where a window lies, in volumes or in other images."""
        return False

    def location_for(self, volumes: bool) -> str:
        """What is taken off the images for their place, of volumes or of others, in one word."""
        return "none"

    # --- the work -------------------------------------------------------------------------------

    @abstractmethod
    def fit(self, images: "np.ndarray", mask: "np.ndarray | None", seed: int) -> "Fitted":
        """A distribution fitted to images (n, C, *spatial); mask: (*spatial) where they matter.

        Raises:
            DataError: the images do not do for it.
        """

    @abstractmethod
    def restored(
        self, arrays: "Mapping[str, np.ndarray]", kept: "Mapping[int, Mapping[str, np.ndarray]]"
    ) -> "Fitted":
        """The distribution that had these arrays; kept: by window, what `kept_for` gave."""

    def keeps(self, fitted: "Fitted", window: int) -> bool:
        """Whether something is worth keeping for windows of a side."""
        return False

    def kept_for(self, fitted: "Fitted", window: int) -> "dict[str, np.ndarray]":
        """Arrays that are kept for windows of a side, where `keeps` says so."""
        return {}

    def dimensions(self, name: str, array: "np.ndarray") -> tuple[str, ...]:
        """Names of the axes of one of the arrays, in stores."""
        return tuple(f"{name}_{axis}" for axis in range(array.ndim))

    # --- checks ---------------------------------------------------------------------------------

    def problems(self, where: str, lookup: Lookup) -> Iterator[Problem]:
        """What only the whole configuration shows to be wrong."""
        yield from lookup.missing(f"{where}.dataset", "datasets", self.dataset)
        dataset = lookup.entry("datasets", self.dataset)
        shape = lookup.shape_of(dataset)
        if shape is not None and self.patch > min(shape):
            has_slab = getattr(dataset, "slab", None) is not None
            yield Problem(
                f"{where}.patch",
                f"patch={self.patch} does not fit inside images of {by(shape)}",
                f"set patch to at most {min(shape)}" + ", or take more slices" * has_slab,
            )
