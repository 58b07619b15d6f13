"""Relevance that keeps its sum and its sign, from layer to layer [montavon2017, section 5]."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field, model_validator

from prediction_difference.attribution.methods.box import refuse_empty_box
from prediction_difference.attribution.methods.layerwise import LayerwiseRelevance
from prediction_difference.attribution.methods.wording import values_in_words
from prediction_difference.choices import Bias, LayerRule, MaxPooling, Natural

if TYPE_CHECKING:
    import numpy as np

    from prediction_difference.attribution.method import Given
    from prediction_difference.attribution.nodes import Node


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

    def in_short(self, one: Any) -> str:
        return "deep Taylor\n" + (
            "training-free" if self.relevance_model is None else "min-max model"
        )

    def in_words(self, maps: Sequence[Any]) -> str:
        return f"deep Taylor decomposition, {self._rules}, {values_in_words(self)}, {self.policies}"

    @property
    def _rules(self) -> str:
        rules = [f"{self.first} on pixels"]
        rules += [f"{rule} in {layer}" for layer, rule in self.layers.items()]
        said = ", ".join([*rules, "z+ above"])
        number = self.relevance_model
        return said if number is None else f"{said}, min-max relevance model {number}"

    def maps(
        self, classifier: Any, images: "np.ndarray", nodes: "Sequence[Node]", given: "Given"
    ) -> "np.ndarray":
        from prediction_difference.attribution.deep_taylor import deep_taylor

        return deep_taylor(
            classifier,
            images,
            nodes,
            first=self.first,
            layers=self.layers,
            lowest=self.lowest,
            highest=self.highest,
            relevance_model=self.relevance_model,
            bias=self.bias,
            max_pool=self.max_pool,
            normalisation=self.normalisation,
            device=given.device,
        )
