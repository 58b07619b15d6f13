"""AOPC of every image rises and falls with the accuracy of a network while it learns."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import Field, model_validator

from prediction_difference.attribution.method import is_baseline
from prediction_difference.errors import Problem, StoreError
from prediction_difference.evaluation.checks import check_over_training
from prediction_difference.evaluation.claim import Claim
from prediction_difference.evaluation.measure import Measure
from prediction_difference.evaluation.measures.aopc import RegionPerturbation
from prediction_difference.lookup import Lookup
from prediction_difference.settings import Name

if TYPE_CHECKING:
    from prediction_difference.evaluation.findings import Measured, Opened


class FollowsAccuracy(Claim):
    """AOPC of every image rises and falls with the accuracy of a network while it learns."""

    measured_by: ClassVar[tuple[type[Measure], ...]] = (RegionPerturbation,)

    claim: Literal["follows-accuracy"]
    evaluations: Annotated[tuple[Name, ...], Field(min_length=3)] = Field(
        description="of the same images, one for each checkpoint"
    )
    explanations: tuple[Name, ...] = Field(description="the explanation in each of them")

    @model_validator(mode="after")
    def _one_each(self) -> "FollowsAccuracy":
        if len(self.explanations) != len(self.evaluations):
            raise ValueError(
                f"{len(self.evaluations)} evaluations, but {len(self.explanations)} explanations; "
                "name one for each"
            )
        return self

    @property
    def evaluation_names(self) -> tuple[str, ...]:
        return self.evaluations

    @property
    def measured_explanations(self) -> list[tuple[str, tuple[str, ...]]]:
        pairs = zip(self.evaluations, self.explanations, strict=True)
        return [(name, (explanation,)) for name, explanation in pairs]

    def problems(self, where: str, lookup: Lookup) -> Iterator[Problem]:
        yield from super().problems(where, lookup)
        compared = self.measured_explanations
        yield from check_over_training(where, compared, RegionPerturbation, lookup)

    def measured(self, opened: "Opened") -> "Measured":
        import numpy as np

        from prediction_difference.evaluation.findings import Measured
        from prediction_difference.evaluation.map_numbers import correlation

        _refuse_other_images(self, opened)
        tables = [opened[name] for name in self.evaluations]
        accuracy = np.array([table.attrs["accuracy"] for table in tables], dtype=np.float64)
        if not np.isfinite(accuracy).all():
            remedy = "evaluate classifiers with labelled held-out images"
            raise StoreError(
                f"evaluations {', '.join(self.evaluations)}", "know no accuracy", remedy
            )
        measured = list(zip(tables, self.evaluations, self.explanations, strict=True))
        has_random = all(table["method"].map(is_baseline).any() for table in tables)
        columns = [_areas(*one, above_random=has_random).sort_index() for one in measured]
        areas = np.stack([column.to_numpy() for column in columns], axis=1)
        values = [correlation(one, accuracy) for one in areas]
        above = " above random order" if has_random else ""
        quantity = f"correlation of an image's AOPC{above} with test accuracy, over checkpoints"
        return Measured(np.array(values), quantity, "")


def _areas(table: Any, evaluation: str, explanation: str, above_random: bool) -> Any:
    """AOPC of every image; scores grow while a network learns, and with them what chance takes."""
    from prediction_difference.evaluation.claim_numbers import column
    from prediction_difference.evaluation.perturbed_table import aopc_by_image

    areas = aopc_by_image(table, table.attrs["settings"]["output"])
    found = column(areas, evaluation, explanation)
    if not above_random:
        return found
    random = table.loc[table["method"].map(is_baseline), "explanation"].iloc[0]
    return found - areas[random]


def _refuse_other_images(claim: FollowsAccuracy, opened: "Opened") -> None:
    """A slot is the same image for every checkpoint, or numbers of two images are mixed."""
    from prediction_difference.evaluation.table import image_names

    first, *others = claim.evaluations
    expected = image_names(opened[first])
    for name in others:
        if image_names(opened[name]) != expected:
            what = f"was measured on other images than {first}"
            raise StoreError(f"evaluation {name}", what, "name the images, or take random ones")
