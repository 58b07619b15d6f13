"""How abruptly explanations of a function of x1 and x2 change with these [samek2017, Fig. 3b]."""

from typing import Annotated, Literal

from pydantic import Field

from prediction_difference.evaluation.measure import Measure
from prediction_difference.settings import Name


class Continuity(Measure):
    """How abruptly explanations of a function of x1 and x2 change with these [samek2017, Fig. 3b].

    Also the functions and explanations of [montavon2017, Fig. 1].
    """

    measure: Literal["continuity"]
    function: Literal["maximum", "rectifiers"] = Field(
        "maximum",
        description="maximum: max(x1, x2) on the unit square [samek2017]; rectifiers: max(0, x1) + "
        "max(0, x2) for numbers of -1 to 1 [montavon2017, section 2.1]",
    )
    explanations: Annotated[tuple[Name, ...], Field(min_length=1)] = Field(
        description="whose methods and options are measured; their images play no part"
    )
    steps: Annotated[tuple[Annotated[int, Field(ge=2, le=512)], ...], Field(min_length=1)] = Field(
        (8, 16, 32, 64, 128),
        description="points along a side of the grids; figures show the vectors of the first",
    )
