"""A figure of one's own: `kind: config.examples.plugins.figures:BorderBars`."""

from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from config.examples.plugins.measures import EdgeShare
from prediction_difference.figures.kind import MeasuredFigure

if TYPE_CHECKING:
    from prediction_difference.evaluation.measure import Measure
    from prediction_difference.figures.drawing import Drawing
    from prediction_difference.figures.inputs import Inputs


class BorderBars(MeasuredFigure):
    """A bar for every explanation: the share of its relevance on the border."""

    measured_by: ClassVar["type[Measure]"] = EdgeShare

    width: float = Field(3.0, gt=0, description="of the figure, in inches")

    def draw(self, inputs: "Inputs") -> "Drawing":
        """The bars, and their lengths as numbers."""
        from matplotlib.figure import Figure

        from prediction_difference.figures.drawing import Drawing

        table = inputs.table(self.evaluation)
        shares = table.groupby("explanation", sort=False)["share"].mean()
        figure = Figure(figsize=(self.width, 0.5 + 0.3 * len(shares)), layout="constrained")
        axes = figure.subplots()
        axes.barh(list(shares.index), shares.to_numpy())
        axes.set_xlabel("share of relevance on the border")
        caption = f"Share of absolute relevance on the border, mean over {len(table)} maps."
        return Drawing(figure, {"shares": shares.to_dict()}, caption)
