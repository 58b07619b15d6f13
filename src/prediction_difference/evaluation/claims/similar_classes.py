"""Maps of the classes' scores correlate more with each other than those of probabilities."""

from typing import TYPE_CHECKING, Any, Literal

from prediction_difference.errors import StoreError
from prediction_difference.evaluation.claim import (
    ClaimOfMaps,
)

if TYPE_CHECKING:
    import numpy as np

    from prediction_difference.evaluation.findings import Measured, Opened


class SimilarClasses(ClaimOfMaps):
    """Maps of the classes' scores correlate more with each other than those of probabilities."""

    claim: Literal["similar-classes"]

    def measured(self, opened: "Opened") -> "Measured":
        import numpy as np

        from prediction_difference.evaluation.findings import Measured

        values = []
        for store in opened[self.explanation]:
            by_score, by_probability = (
                _mean_correlation(_class_maps(store, kind)) for kind in ("score", "probability")
            )
            values.append(by_score - by_probability)
        quantity = "mean correlation between classes, of scores less that of probabilities"
        return Measured(np.array(values), quantity, "")


def _class_maps(store: Any, kind: str) -> "np.ndarray":
    import numpy as np

    numbers = [n for n, node in enumerate(store.attrs["nodes"]) if node["kind"] == kind]
    if len(numbers) < 2:
        raise StoreError(
            store.attrs["explanation"],
            f"has {len(numbers)} nodes of the kind {kind}",
            "explain at least two classes by score and by probability",
        )
    found: np.ndarray = store["relevance"].values[numbers]
    return found


def _mean_correlation(maps: "np.ndarray") -> float:
    import itertools

    import numpy as np

    from prediction_difference.evaluation.map_numbers import correlation

    both = itertools.combinations(maps, 2)
    return float(np.mean([correlation(one, other) for one, other in both]))
