"""scikit-learn's bundled UCI digits: 1797 scans of 8 x 8 pixels."""

from typing import TYPE_CHECKING, Literal

from pydantic import Field

from prediction_difference.data.source import Source

if TYPE_CHECKING:
    from prediction_difference.data.dataset import Catalogue, Dataset


class SklearnDigits(Source):
    """scikit-learn's bundled UCI digits: 1797 scans of 8 x 8 pixels."""

    source: Literal["sklearn-digits"]
    test_fraction: float | None = Field(
        0.3, gt=0, lt=1, description="share of the images held out for testing, by class"
    )

    @property
    def known_shape(self) -> tuple[int, ...]:
        return 8, 8

    @property
    def known_classes(self) -> tuple[str, ...]:
        return tuple("0123456789")

    def catalogue(self, name: str, seed: int) -> "Catalogue":
        from prediction_difference.data import digits

        return digits.catalogue()

    def read(self, name: str, seed: int) -> "Dataset":
        from prediction_difference.data import digits

        return digits.load(self, name, seed)
