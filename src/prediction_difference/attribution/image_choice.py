"""Which images are explained, as explanations choose them."""

import hashlib
from typing import Annotated, Protocol
from urllib.parse import quote

from pydantic import Discriminator, Field, Tag, model_validator

from prediction_difference.settings import Section


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


SORTS = ("correct", "misclassified", "hardest", "random")
_LONGEST = 120
"""Letters of a quoted name that are kept; longer ones end with a digest of all."""


class _Explained(Protocol):
    """What chooses images, and how many a job works on."""

    @property
    def images(self) -> Images: ...

    @property
    def images_per_job(self) -> int: ...


def slots(explanation: _Explained) -> list[str]:
    """One name per explained image: the image's own, or its sort and number (`correct-1`).

    The class stands before the sort where so many of each of some classes are explained.
    Which image fills a numbered slot is settled once the classifier is there. Names can be used
    as file names: characters outside letters, digits, `_.-~` are percent-encoded.
    """
    images = explanation.images
    if isinstance(images, ImageChoice):
        classes = [f"{slot_of(label)}-" for label in images.labels] or [""]
        return [
            f"{label}{sort}-{n}"
            for label in classes
            for sort in SORTS
            for n in range(1, getattr(images, sort) + 1)
        ]
    return [slot_of(name) for name in images]


def slot_of(name: str) -> str:
    """The slot of a named image; a sort with its number, such as correct-1, is its own."""
    quoted = quote(name, safe="")
    if len(quoted) > _LONGEST:
        # A file's name has at most 255 bytes, and results add to it.
        mark = hashlib.sha256(name.encode()).hexdigest()[:16]
        quoted = f"{quoted[:_LONGEST]}~{mark}"
    # A leading dot would hide the file, and "." and ".." are folders.
    return quoted.replace(".", "%2E", 1) if quoted.startswith(".") else quoted


def batches(explanation: _Explained) -> list[list[str]]:
    """The slots, in groups that one job works on."""
    return groups(slots(explanation), explanation.images_per_job)


def groups(names: list[str], size: int) -> list[list[str]]:
    """Names in groups of a size, the last of which may be smaller."""
    return [names[start : start + size] for start in range(0, len(names), size)]
