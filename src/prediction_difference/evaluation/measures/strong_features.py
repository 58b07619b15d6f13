"""Accuracy with only the strong features of the label, and without [kumar2017, Table 1]."""

from collections.abc import Iterator
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from prediction_difference.costs import Work
from prediction_difference.errors import Problem
from prediction_difference.evaluation.checks import check_classes, check_same_images
from prediction_difference.evaluation.measure import Inputs, Measure, Summary, work_of_maps
from prediction_difference.lookup import Lookup, Shapes
from prediction_difference.run import Config
from prediction_difference.settings import Name, Section


class PublishedAccuracies(Section):
    """A column of a table of a paper, as shares."""

    full: float = Field(ge=0, le=1, description="of the full images")
    only: float = Field(ge=0, le=1, description="with only the strong features")
    without: float = Field(ge=0, le=1, description="without the strong features")


class StrongFeatures(Measure):
    """Accuracy with only the strong features of the label, and without [kumar2017, Table 1]."""

    runs_classifier: ClassVar[bool] = True

    measure: Literal["strong-features"]
    explanations: Annotated[tuple[Name, ...], Field(min_length=1)] = Field(
        description="with a node of the label's class, such as nodes: [{classes: all}]"
    )
    thresholds: Annotated[tuple[Annotated[float, Field(ge=0, le=1)], ...], Field(min_length=1)] = (
        Field(
            (0.0, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9),
            description="share of a map's largest value from which a pixel is a strong feature; 0: "
            "all that are positive",
        )
    )
    fill: float = Field(
        0.0, ge=0, le=1, description="value of the pixels that are taken away: 0 black, 0.5 grey"
    )
    published: PublishedAccuracies | None = Field(
        None, description="what a paper found, to be shown beside"
    )

    def problems(self, where: str, lookup: Lookup) -> Iterator[Problem]:
        where = f"{where}.explanations"
        yield from check_same_images(where, self.explanations, lookup)
        yield from check_classes(where, self.explanations, lookup, wants_label=True)

    def work(self, name: str, config: Config, shapes: Shapes) -> Work:
        each = len(self.explanations) * (2 * len(self.thresholds) + 1)
        return work_of_maps(name, self, config, each)

    def measure_maps(self, inputs: Inputs) -> Any:
        from prediction_difference.evaluation.strong_features import measure_strong_features

        return measure_strong_features(
            self, inputs.name, inputs.stores, inputs.config, inputs.classifier, inputs.device
        )

    def summary(self, table: Any) -> Summary:
        from prediction_difference.classifiers import unseen
        from prediction_difference.evaluation.strong_features import summarise_strong_features

        fill = table.attrs["settings"]["fill"]
        meaning = (
            "Share of images that are classified correctly with only the strong features of the "
            f"true class (other pixels: {fill:g}), and without them (these: {fill:g}), by the "
            "share of the map's largest value from which a pixel is strong; with Wilson's 95 % "
            "intervals."
        )
        if table.attrs["accuracy"] is not None:
            accuracy = table.attrs["accuracy"]
            meaning += f" Of all {unseen.noun(table.attrs)}s, {accuracy:.2%} are right."
        published = table.attrs["settings"].get("published")
        rows = []
        for row in summarise_strong_features(table).to_dict("records"):
            accuracy = f"{row['accuracy']:.1%} ({row['low']:.1%} to {row['high']:.1%})"
            is_full = row["part"] == "full"
            threshold = "" if is_full else f"{row['threshold']:g}"
            share = "" if is_full else f"{row['share']:.1%}"
            part = {"full": "full image", "only": "only strong", "without": "without strong"}
            # The paper removes all that responds, which is threshold 0.
            is_comparable = published is not None and row["threshold"] == 0
            in_paper = f"{published[row['part']]:.2%}" if is_comparable else ""
            rows.append(
                [
                    row["explanation"],
                    row["method"],
                    str(row["images"]),
                    part[row["part"]],
                    threshold,
                    share,
                    accuracy,
                    *([in_paper] if published else []),
                ]
            )
        columns = ["images", "part", "threshold", "strong pixels", "accuracy"]
        return Summary(meaning, [*columns, *(["paper"] if published else [])], rows)
