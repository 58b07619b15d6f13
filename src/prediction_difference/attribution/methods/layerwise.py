"""What methods that redistribute relevance layer by layer leave open."""

from typing import ClassVar

from pydantic import Field

from prediction_difference.attribution.method import Method
from prediction_difference.choices import Bias, MaxPooling, Normalising, StartOfRelevance


class LayerwiseRelevance(Method):
    """What both rules of layer-wise relevance propagation leave open."""

    unit: ClassVar[str] = "activation"
    has_sign: ClassVar[bool] = True

    bias: Bias = Field(
        "ignored",
        description="absorbs: a bias is one of the contributions, and what it receives is lost",
    )
    max_pool: MaxPooling = Field(
        "winner",
        description="who receives relevance: the largest value, or all in proportion to their "
        "activations",
    )
    normalisation: Normalising = Field(
        "passed",
        description="local response normalisation passes relevance on, or shares it as its "
        "first-order expansion",
    )

    @property
    def policies(self) -> str:
        """These choices in words."""
        bias = {"ignored": "biases left out", "absorbs": "biases keep their share"}
        pool = {"winner": "largest value", "proportional": "all in proportion"}
        norm = {"passed": "passed on", "expanded": "expanded to first order"}
        return (
            f"{bias[self.bias]}, max pooling: {pool[self.max_pool]}, local response "
            f"normalisation: {norm[self.normalisation]}"
        )


class RelevanceOfScore(LayerwiseRelevance):
    """What the rules that pass negative relevance leave open."""

    start: StartOfRelevance = Field(
        "score",
        description="what is passed back: the score; or nothing where it is negative, for CLEAR "
        "maps, since what speaks against a class would else respond in the map of an unlikely one",
    )
