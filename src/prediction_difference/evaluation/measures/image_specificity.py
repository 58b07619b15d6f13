"""Whether heatmaps change when images are turned [samek2017, Fig. 3c]."""

from collections.abc import Iterator
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, model_validator

from prediction_difference.costs import Work
from prediction_difference.errors import Problem
from prediction_difference.evaluation.checks import check_same_class_of_pictures
from prediction_difference.evaluation.measure import Inputs, Measure, Summary, work_of_maps
from prediction_difference.lookup import Lookup, Shapes
from prediction_difference.run import Config
from prediction_difference.settings import Name


class ImageSpecificity(Measure):
    """Whether heatmaps change when images are turned [samek2017, Fig. 3c]."""

    runs_classifier: ClassVar[bool] = True

    measure: Literal["image-specificity"]
    explanations: Annotated[tuple[Name, ...], Field(min_length=1)]
    degrees: Annotated[tuple[float, ...], Field(min_length=1)] = Field(
        (15, 30, 45, 60, 75, 90), description="angles, counter-clockwise"
    )
    kept: int = Field(
        2, ge=0, description="images whose maps are kept in the table, for figures to show them"
    )

    @model_validator(mode="after")
    def _turns(self) -> "ImageSpecificity":
        if 0 in self.degrees:
            raise ValueError("an angle of 0 turns nothing; remove it, it is measured anyway")
        return self

    def problems(self, where: str, lookup: Lookup) -> Iterator[Problem]:
        where = f"{where}.explanations"
        yield from check_same_class_of_pictures(where, self.explanations, lookup)
        for name in self.explanations:
            entry = lookup.entry("explanations", name)
            if entry is not None and not entry.explains_anew:
                what = f"{name!r} has method: {entry.method}, which is not made for turned images"
                yield Problem(where, what, "name explanations with other methods")

    def work(self, name: str, config: Config, shapes: Shapes) -> Work:
        angles = len(self.degrees) + 1
        each = sum(_of_turned(config, one, angles, shapes) for one in self.explanations)
        return work_of_maps(name, self, config, each)

    def measure_maps(self, inputs: Inputs) -> Any:
        from prediction_difference.evaluation.image_specificity import measure_image_specificity

        return measure_image_specificity(
            self, inputs.name, inputs.stores, inputs.config, inputs.classifier, inputs.device
        )

    def summary(self, table: Any) -> Summary:
        from prediction_difference.evaluation.image_specificity import summarise_specificity
        from prediction_difference.typesetting import with_error

        summary = summarise_specificity(table)
        degrees = sorted(angle for angle in table["degrees"].unique() if angle)
        angles = ", ".join(f"{angle:g}" for angle in degrees)
        meaning = (
            f"Correlation of the maps of images that are turned by {angles} degrees with the "
            "unturned image's map, and with that map turned alike: means over angles and images ± "
            "standard errors over images. A method that does not look at the image has 1 in the "
            "first column."
        )
        rows = []
        for explanation, part in summary.groupby("explanation", sort=False):
            values = [
                with_error(part[measure].mean(), part[measure].sem())
                for measure in ("correlation", "following")
            ]
            rows.append([str(explanation), str(part["method"].iloc[0]), str(len(part)), *values])
        return Summary(meaning, ["images", "with the unturned map", "with the turned map"], rows)


def _of_turned(config: Config, name: str, angles: int, shapes: Shapes) -> int:
    """Forward passes of the maps of an image at some angles, and of the scores there."""
    explanation = config.explanations[name]
    dataset = config.classifiers[explanation.classifier].dataset
    spatial = config.datasets[dataset].known_shape or shapes.get(dataset)
    forwards: int | None = explanation.forwards_of_map(spatial)
    return angles * (1 + forwards) if forwards is not None else angles
