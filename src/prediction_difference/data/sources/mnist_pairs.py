"""Two digits of MNIST side by side, one of which may be looked for [montavon2017, 6.1]."""

from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field, model_validator

from prediction_difference.data.source import Source
from prediction_difference.errors import Problem
from prediction_difference.settings import UserPath

if TYPE_CHECKING:
    from prediction_difference.data.dataset import Dataset


class DigitPairs(Source):
    """Two digits of MNIST side by side, one of which may be looked for [montavon2017, 6.1]."""

    has_own_split: ClassVar[bool] = True

    source: Literal["mnist-pairs"]
    root: UserPath | None = Field(
        None, description="folder of MNIST; null: $PDA_DATA, then ~/.cache/prediction-difference"
    )
    download: bool = Field(False, description="fetch MNIST if it is not there")
    images: int = Field(60_000, ge=2, description="pairs of digits of the training split")
    test_images: int = Field(10_000, ge=2, description="pairs of digits of the test split")
    detected: Annotated[tuple[Annotated[int, Field(ge=0, le=9)], ...], Field(min_length=1)] = Field(
        (0, 1, 2, 3), description="what is looked for: half of the pairs hold one such digit"
    )
    shift: int = Field(
        2, ge=0, le=13, description="every digit is moved by up to so many pixels, at random"
    )

    @model_validator(mode="after")
    def _is_possible(self) -> "DigitPairs":
        if self.folds is not None or self.test_fraction is not None:
            raise ValueError("pairs share digits, so that only MNIST's own split sets them apart")
        if len(set(self.detected)) == 10:
            raise ValueError("all digits are looked for; leave some out of detected")
        return self

    @property
    def known_shape(self) -> tuple[int, ...]:
        return 28, 56

    @property
    def known_classes(self) -> tuple[str, ...]:
        return "absent", "present"

    def check(self, name: str, seed: int) -> list[Problem]:
        from prediction_difference.data import digit_pairs

        return digit_pairs.check(self, name)

    def read(self, name: str, seed: int) -> "Dataset":
        from prediction_difference.data import digit_pairs

        return digit_pairs.load(self, name, seed)
