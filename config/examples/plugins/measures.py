"""A measure of one's own: `measure: config.examples.plugins.measures:EdgeShare`."""

from typing import Annotated, Any

from pydantic import Field

from prediction_difference.evaluation.measure import Inputs, Measure, Summary
from prediction_difference.settings import Name


class EdgeShare(Measure):
    """Share of absolute relevance that lies on the border of an image."""

    explanations: Annotated[tuple[Name, ...], Field(min_length=1)]
    width: int = Field(1, ge=1, description="of the border, in pixels")

    def measure_maps(self, inputs: Inputs) -> Any:
        """One row for each explanation and image: explanation, method, image, share."""
        import numpy as np
        import pandas

        import prediction_difference as pda

        rows = []
        for explanation, paths in inputs.stores.items():
            for path in paths:
                store = pda.open_attribution(path)
                relevance = np.abs(store["relevance"].values[0])
                inside = (slice(self.width, -self.width),) * relevance.ndim
                share = 1 - relevance[inside].sum() / relevance.sum()
                method, image = store.attrs["method"], store.attrs["image_name"]
                rows.append((explanation, method, image, float(share)))
        return pandas.DataFrame(rows, columns=["explanation", "method", "image", "share"])

    def summary(self, table: Any) -> Summary:
        """The mean share of every explanation."""
        meaning = f"Share of absolute relevance in a border of {self.width} pixel(s), mean."
        means = table.groupby(["explanation", "method"], sort=False)["share"].mean()
        rows = [[name, method, f"{share:.1%}"] for (name, method), share in means.items()]
        return Summary(meaning, ["on the border"], rows)
