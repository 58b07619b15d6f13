"""Relevance for the feature maps of a layer is sparser than for those of another one."""

from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from prediction_difference.errors import StoreError
from prediction_difference.evaluation.claim import ClaimOfMaps

if TYPE_CHECKING:
    from prediction_difference.evaluation.findings import Measured, Opened


class SparserLayer(ClaimOfMaps):
    """Relevance for the feature maps of a layer is sparser than for those of another one."""

    claim: Literal["sparser-layer"]
    layer: str = Field(min_length=1, description="whose maps are sparser")
    than_layer: str = Field(min_length=1, description="than those of this layer")
    across: Literal["maps", "pixels"] = Field(
        "maps",
        description="maps: few maps have any; pixels: the pixels of each map, in the mean",
    )

    def measured(self, opened: "Opened") -> "Measured":
        import numpy as np

        from prediction_difference.evaluation.findings import Measured

        values = []
        for store in opened[self.explanation]:
            layers = (self.layer, self.than_layer)
            this, that = (_layer_sparsity(store, layer, self.across) for layer in layers)
            values.append(this - that)
        quantity = f"sparsity across {self.across} of {self.layer} less that of {self.than_layer}"
        return Measured(np.array(values), quantity, "")


def _layer_sparsity(store: Any, layer: str, across: str) -> float:
    import numpy as np

    from prediction_difference.evaluation.map_numbers import sparsity

    numbers = [n for n, node in enumerate(store.attrs["nodes"]) if node["layer"] == layer]
    if not numbers:
        raise StoreError(
            store.attrs["explanation"], f"has no node of layer {layer!r}", "explain its maps"
        )
    maps = store["relevance"].values[numbers]
    if across == "maps":
        return sparsity(np.abs(maps).mean(axis=(1, 2)))
    return float(np.mean([sparsity(one) for one in maps]))
