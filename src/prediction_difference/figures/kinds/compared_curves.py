"""Perturbation curves above a baseline [samek2017, Figs. 4, 8]; a panel per evaluation."""

from typing import Literal

from pydantic import Field

from prediction_difference.figures.kinds.compared import ComparedMethods


class ComparedCurves(ComparedMethods):
    """Perturbation curves above a baseline [samek2017, Figs. 4, 8]; a panel per evaluation."""

    kind: Literal["compared-curves"]
    across: int = Field(3, ge=1, description="panels side by side")
