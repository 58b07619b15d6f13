"""The object and nothing of the classifier: 1 on its pixels, else 0 [samek2017, Fig. 1]."""

from typing import Literal

from pydantic import Field

from prediction_difference.attribution.method import Method
from prediction_difference.choices import Foreground


class Segmentation(Method):
    """The object and nothing of the classifier: 1 on its pixels, else 0 [samek2017, Fig. 1]."""

    method: Literal["segmentation"]
    foreground: Foreground = Field(
        "bright", description="the object's side of Otsu's threshold on the mean of the channels"
    )
