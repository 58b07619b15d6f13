"""The object and nothing of the classifier: 1 on its pixels, else 0 [samek2017, Fig. 1]."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field

from prediction_difference.attribution.method import Method
from prediction_difference.choices import Foreground

if TYPE_CHECKING:
    import numpy as np

    from prediction_difference.attribution.method import Given
    from prediction_difference.attribution.nodes import Node

_GREY_LEVELS = 256
"""Of the histogram in which a threshold is found."""


class Segmentation(Method):
    """The object and nothing of the classifier: 1 on its pixels, else 0 [samek2017, Fig. 1]."""

    uses_classifier: ClassVar[bool] = False

    method: Literal["segmentation"]
    foreground: Foreground = Field(
        "bright", description="the object's side of Otsu's threshold on the mean of the channels"
    )

    def forwards_of_map(self, spatial: Sequence[int] | None) -> int | None:
        return 0

    def in_short(self, one: Any) -> str:
        return f"segmentation\n{self.foreground} pixels"

    def in_words(self, maps: Sequence[Any]) -> str:
        return f"segmentation, 1 on pixels on the {self.foreground} side of Otsu's threshold"

    def maps(
        self, classifier: Any, images: "np.ndarray", nodes: "Sequence[Node]", given: "Given"
    ) -> "np.ndarray":
        import numpy as np

        is_bright = np.stack([one > _threshold(one) for one in images.mean(1)])
        return (is_bright if self.foreground == "bright" else ~is_bright).astype(np.float32)


def _threshold(brightness: "np.ndarray") -> float:
    """The level that parts dark from bright pixels [otsu1979]."""
    import numpy as np
    from skimage.filters import threshold_otsu

    # scikit-image returns the middle of the histogram's last dark bin, which is dark as a whole.
    half_bin = np.ptp(brightness) / _GREY_LEVELS / 2
    return float(threshold_otsu(brightness, _GREY_LEVELS) + half_bin)
