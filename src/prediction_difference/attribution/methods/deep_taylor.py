"""Relevance that keeps its sum and its sign, from layer to layer [montavon2017, section 5]."""

from typing import ClassVar, Literal

from pydantic import Field, model_validator

from prediction_difference.attribution.methods.box import refuse_empty_box
from prediction_difference.attribution.methods.layerwise import LayerwiseRelevance
from prediction_difference.choices import Bias, LayerRule, MaxPooling, Natural


class DeepTaylor(LayerwiseRelevance):
    """Relevance that keeps its sum and its sign, from layer to layer [montavon2017, section 5]."""

    is_passed_back: ClassVar[bool] = True

    method: Literal["deep_taylor"]
    first: LayerRule = Field(
        "zB",
        description="rule of the layers that take pixels, by the paper's names: zB for inputs in a "
        "box, w2 for any, z+ for inputs that are not negative; z+ is that of all other layers",
    )
    layers: dict[str, LayerRule] = Field(
        {}, description="rules of single layers, by their names, in place of these"
    )
    lowest: float = Field(0.0, description="least value of images, before normalisation")
    highest: float = Field(1.0, description="largest value of images, before normalisation")
    relevance_model: Natural | None = Field(
        None,
        description="number of a min-max relevance model of a classifier of kind: "
        "detection-pooling; null: training-free",
    )
    bias: Bias = Field(
        "absorbs",
        description="absorbs: a positive bias is one of the contributions, and what it receives is "
        "lost",
    )
    max_pool: MaxPooling = Field(
        "proportional",
        description="who receives relevance: the largest value, or all in proportion to their "
        "activations",
    )

    @model_validator(mode="after")
    def _is_box(self) -> "DeepTaylor":
        refuse_empty_box(self.lowest, self.highest)
        if self.relevance_model is not None and self.layers:
            raise ValueError("a relevance model has one layer, of pixels; remove the key layers")
        return self
