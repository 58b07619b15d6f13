"""L2-regularised logistic regression on the voxels inside the mask."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import Discriminator, Field, Tag, model_validator

from prediction_difference.classifiers.kind import Classifier
from prediction_difference.errors import Problem, nearest
from prediction_difference.settings import Name

if TYPE_CHECKING:
    from torch import nn

    from prediction_difference.classifiers.card import Card
    from prediction_difference.classifiers.fitted import Fitted
    from prediction_difference.classifiers.kind import Making
    from prediction_difference.data.dataset import Catalogue, Dataset


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


class LogisticRegression(Classifier):
    """L2-regularised logistic regression on the voxels inside the mask."""

    is_linear: ClassVar[bool] = True
    is_network: ClassVar[bool] = False
    is_of_two: ClassVar[bool] = True

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

    def fit(self, dataset: "Dataset", making: "Making") -> "Fitted":
        from prediction_difference.classifiers.fold_fitting import fit_planes

        return fit_planes(self, dataset, making.key)

    def module(self, folder: Path, card: "Card", split: str, image: int | None) -> "nn.Module":
        from prediction_difference.classifiers.linear_module import LinearModule
        from prediction_difference.classifiers.loading import load_linear

        return LinearModule(load_linear(folder, card, split, image)).eval()

    def check_catalogue(self, where: str, known: "Catalogue", dataset: Any) -> list[Problem]:
        return self._check_columns(where, known) or super().check_catalogue(where, known, dataset)

    def _check_columns(self, where: str, known: "Catalogue") -> list[Problem]:
        """Columns that are named and the dataset does not have, or not for all images."""
        problems = []
        for key in ("confounds", "also_predict"):
            for column in getattr(self, key):
                place = f"{where}.{key}"
                if column not in known.columns:
                    what = f"{self.dataset!r} has no column {column!r}"
                    problems.append(Problem(place, what, nearest(column, tuple(known.columns))))
                    continue
                pairs = zip(known.names, known.columns[column], strict=True)
                missing = [name for name, value in pairs if value is None]
                if missing:
                    few = ", ".join(missing[:5]) + (", ..." if len(missing) > 5 else "")
                    what = f"column {column!r} has no value for {few}"
                    remedy = "fill it in, or remove these subjects"
                    problems.append(Problem(place, what, remedy))
        return problems
