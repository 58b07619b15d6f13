"""What a figure is drawn from: stores, tables and classifiers, read when they are asked for."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from prediction_difference.classifiers.card import Card, read_card
from prediction_difference.errors import StoreError
from prediction_difference.evaluation.table import read_table
from prediction_difference.figures.maps import Map, read_map

if TYPE_CHECKING:
    from prediction_difference.figures.volume_slices import Weights


@dataclass(frozen=True)
class Inputs:
    """Files by the names that a configuration gives them.

    explanations: attribution stores, in the order of their images. evaluations: tables.
    classifiers: folders.
    """

    explanations: Mapping[str, Sequence[Path]] = field(default_factory=dict)
    evaluations: Mapping[str, Path] = field(default_factory=dict)
    classifiers: Mapping[str, Path] = field(default_factory=dict)

    def stores(self, explanation: str) -> Sequence[Path]:
        """The attribution stores of an explanation.

        Raises:
            StoreError: none are given.
        """
        stores = self.explanations.get(explanation, ())
        if not stores:
            what = "no attribution stores are given"
            raise StoreError(f"explanation {explanation}", what, "give them")
        return stores

    def maps(self, explanation: str, node: int | str, dimensions: int) -> list[Map]:
        """The maps of a node, of images with so many dimensions; raises what `read_map` says."""
        return [read_map(path, node, dimensions) for path in self.stores(explanation)]

    def table(self, evaluation: str) -> Any:
        """The table of an evaluation.

        Raises:
            StoreError: it is not given, missing or damaged.
        """
        if evaluation not in self.evaluations:
            raise StoreError(f"evaluation {evaluation}", "no table of it is given", "give one")
        table = read_table(self.evaluations[evaluation])
        if "settings" not in table.attrs:
            what, remedy = "does not say how it was measured", "make the evaluation again"
            raise StoreError(self.evaluations[evaluation], what, remedy)
        return table

    def card(self, classifier: str) -> Card:
        """The card of a classifier.

        Raises:
            StoreError: its folder is not given, or holds none.
        """
        if classifier not in self.classifiers:
            raise StoreError(f"classifier {classifier}", "its folder is not given", "give it")
        return read_card(self.classifiers[classifier])

    def linear_weights(self, one: Map) -> "Weights | None":
        """The plane that explains a subject, fitted without it; None where there is none."""
        from prediction_difference.classifiers.loading import load_linear
        from prediction_difference.figures.volume_slices import Weights

        if one.classifier not in self.classifiers:
            return None
        card = self.card(one.classifier)
        if not card.is_linear:
            return None
        split = str(one.attributes["split"])
        plane = load_linear(self.classifiers[one.classifier], card, split)
        return Weights(plane.weight, card.class_names[1], split)


class OfImage(Protocol):
    """What is shown of an image of an explanation."""

    @property
    def image_name(self) -> str: ...

    @property
    def explanation(self) -> str: ...

    @property
    def slot(self) -> str: ...


def refuse_another_image(first: OfImage, other: OfImage) -> None:
    """Raise StoreError where two explanations have other images under one number."""
    if other.image_name != first.image_name:
        raise StoreError(
            f"explanation {other.explanation}",
            f"has image {other.image_name!r} as {first.slot}, {first.explanation} has "
            f"{first.image_name!r}",
            "name the images of both explanations",
        )
