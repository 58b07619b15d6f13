"""A run as its configuration describes it: its own settings, and entries by name in sections."""

from typing import Annotated, Any

from pydantic import Field

from prediction_difference.families import (
    CLASSIFIERS,
    FIGURES,
    MEASURES,
    METHODS,
    PRIORS,
    SOURCES,
)
from prediction_difference.registry import OneOf
from prediction_difference.settings import Name, Section


class Run(Section):
    """What holds for the whole run."""

    name: Name = Field("run", description="results lie in results/<name>/")
    seed: int = Field(0, ge=0, lt=2**63, description="of everything random in the run")
    device: str = Field(
        "auto", pattern=r"^(auto|cpu|cuda(:\d+)?)$", description="auto, cpu, cuda or cuda:<number>"
    )
    paper: Name | None = Field(
        None, description="the paper whose figures these are: their subfolder, and a target's name"
    )
    setting: str = Field(
        "", description="what figures are to say of the settings, such as small: stride 8, S = 4"
    )


class Config(Section):
    """The whole configuration of a run; families check the entries of their sections."""

    run: Run = Run()
    datasets: dict[Name, Annotated[Any, OneOf(SOURCES)]] = Field(min_length=1)
    priors: dict[Name, Annotated[Any, OneOf(PRIORS)]] = Field({})
    classifiers: dict[Name, Annotated[Any, OneOf(CLASSIFIERS)]] = Field({})
    explanations: dict[Name, Annotated[Any, OneOf(METHODS)]] = Field({})
    evaluations: dict[Name, Annotated[Any, OneOf(MEASURES)]] = Field({})
    figures: dict[Name, Annotated[Any, OneOf(FIGURES)]] = Field({})

    def dataset_of(self, explanation: str) -> Any:
        """The source of the images that an explanation is about."""
        return self.datasets[self.classifiers[self.explanations[explanation].classifier].dataset]


SECTIONS = {
    "datasets": SOURCES,
    "priors": PRIORS,
    "classifiers": CLASSIFIERS,
    "explanations": METHODS,
    "evaluations": MEASURES,
    "figures": FIGURES,
}
"""The sections of a configuration, and the families of their entries."""
