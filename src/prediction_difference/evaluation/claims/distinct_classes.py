"""Maps of images of one label are more alike than those of images of different labels."""

from typing import TYPE_CHECKING, Any, Literal

from prediction_difference.evaluation.claim import (
    ClaimOfNode,
)

if TYPE_CHECKING:
    from prediction_difference.evaluation.findings import Measured, Opened


class DistinctClasses(ClaimOfNode):
    """Maps of images of one label are more alike than those of images of different labels."""

    claim: Literal["distinct-classes"]

    def measured(self, opened: "Opened") -> "Measured":
        from prediction_difference.evaluation.claim_numbers import alike
        from prediction_difference.evaluation.findings import Measured

        stores = opened[self.explanation]
        values = alike(self, stores, True) - alike(self, stores, False)
        quantity = "mean correlation with maps of the same label, less that with maps of others"
        return Measured(values, f"{quantity}, {_named(stores[0], self.node)}", "")


def _named(store: Any, node: int | str) -> str:
    return node if isinstance(node, str) else str(store["node"].values[node])
