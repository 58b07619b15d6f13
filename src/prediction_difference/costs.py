"""How much work an entry of a configuration is, as a plan counts it."""

from dataclasses import dataclass
from typing import Literal

WorkKind = Literal["windows", "passes", "perturbation", "none"]
"""How a network is run: on draws of windows, on whole images, or on images perturbed in steps."""
BYTES_OF_FLOAT = 4


@dataclass(frozen=True)
class Work:
    """An explanation or an evaluation.

    section: of the configuration. word: its method or measure. forwards, bytes: of one image, None
    where only the data tell, for which `unknown` says why. jobs: with the one that publishes.
    share: of an image's work that one job does. passes_back: whether what is run forwards also goes
    back through the network. is_lower_bound: more draws may be needed.
    """

    section: Literal["explanations", "evaluations"]
    name: str
    word: str
    classifier: str | None
    kind: WorkKind
    images: int
    jobs: int
    forwards: int | None
    bytes: int | None
    images_per_job: int | None = None
    share: float = 1.0
    precision: Literal["float32", "bfloat16"] = "float32"
    passes_back: bool = False
    is_lower_bound: bool = False
    unknown: str = ""

    @property
    def total_forwards(self) -> int | None:
        """Images that the classifier is run on, for all images together."""
        return None if self.forwards is None else self.forwards * self.images
