"""The protocol of priors: distributions over patches that are fitted to a dataset."""

from collections.abc import Iterator
from typing import ClassVar

from pydantic import Field

from prediction_difference.errors import Problem
from prediction_difference.lookup import Lookup, by
from prediction_difference.settings import Concept, Name


class Prior(Concept):
    """A distribution over patches."""

    chosen_by: ClassVar[str] = "kind"

    kind: str
    dataset: Name = Field(description="where the patches come from")
    patch: int = Field(14, ge=2, description="side l of a patch, in pixels or voxels")

    def depends_on_place(self, volumes: bool) -> bool:
        """Whether what is drawn depends on where a window lies, in volumes or in other images."""
        return False

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
