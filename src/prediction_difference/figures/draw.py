"""From stores to a figure: a figure draws itself, and what all figures say is added."""

import dataclasses

from prediction_difference.errors import DataError, telling_faults
from prediction_difference.figures import captions, style
from prediction_difference.figures.drawing import Drawing
from prediction_difference.figures.inputs import Inputs
from prediction_difference.figures.kind import Figure


def draw(
    settings: Figure, name: str, inputs: Inputs, setting: str = "", clinical: bool = False
) -> Drawing:
    """Draw a figure of the config.

    setting: what captions say of the settings. clinical: whether they say what it is not for.

    Raises:
        StoreError: a store or table is missing, incomplete, or does not fit the figure.
        DataError: the figure is of a user's own kind, and does not draw.
    """
    with style.context():
        drawing = _drawn(settings, inputs)
    caption = f"{captions.NOT_CLINICAL} {drawing.caption}" if clinical else drawing.caption
    caption = f"Setting: {setting}.\n{caption}" if setting else caption
    title = settings.title or name
    return dataclasses.replace(drawing, name=name, title=title, caption=caption)


def _drawn(settings: Figure, inputs: Inputs) -> Drawing:
    where = f"figure of kind {settings.kind}"
    with telling_faults(where, settings.kind, "draw"):
        drawing = settings.draw(inputs)
    if not isinstance(drawing, Drawing):
        raise DataError(where, f"returns {type(drawing).__name__}", "return a Drawing")
    if not drawing.numbers:
        raise DataError(where, "returns no numbers", "return the numbers that it draws")
    return drawing
