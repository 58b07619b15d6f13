"""Whether a decision can be read off a CLEAR map: is the dominant class the predicted one?"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from scipy import stats

from prediction_difference import provenance
from prediction_difference.attribution.clear import clear
from prediction_difference.attribution.publishing import open_attribution
from prediction_difference.config import model
from prediction_difference.errors import StoreError

MEASURES = ("area", "sum")


def measure_dominance(
    settings: model.Dominance, name: str, stores: Mapping[str, Sequence[Path]], seed: int
) -> Any:
    """A data frame with one row per explanation and image.

    stores: attribution stores by explanation, with nodes of several classes. Columns: explanation,
    method, image (its slot), image_name, label, predicted, right (whether these agree), area and
    sum (the class that is dominant by the number of pixels, and by summed response; empty where no
    class responds).

    Raises:
        StoreError: a store explains fewer than two classes.
    """
    import pandas

    rows = []
    for paths in stores.values():
        for path in paths:
            store = open_attribution(path)
            classes = [node["class"] for node in store.attrs["nodes"]]
            if len(set(classes)) < 2 or None in classes:
                where = f"{store.attrs['explanation']}, {store.attrs['slot']}"
                raise StoreError(where, "does not explain classes", "explain {classes: all}")
            found = clear(store["relevance"].values)
            totals = {"area": found.areas(len(classes)), "sum": found.sums(len(classes))}
            rows.append(
                {
                    "explanation": store.attrs["explanation"],
                    "method": store.attrs["method"],
                    "image": store.attrs["slot"],
                    "image_name": store.attrs["image_name"],
                    "label": store.attrs["label"],
                    "predicted": store.attrs["predicted"],
                    "right": store.attrs["label"] == store.attrs["predicted"],
                    **{
                        measure: classes[int(total.argmax())] if total.any() else ""
                        for measure, total in totals.items()
                    },
                }
            )
    table = pandas.DataFrame(rows)
    table.attrs = {
        "evaluation": name,
        "settings": settings.model_dump(mode="json"),
        "classes": len(classes),
        "classifier": store.attrs["classifier"],
        "dataset": store.attrs["dataset"],
        "seed": seed,
        "code_digest": provenance.source_digest("attribution", "evaluation"),
    }
    return table


def summarise_dominance(table: Any, confidence: float = 0.95) -> Any:
    """A data frame with one row per explanation, measure, and right or wrong decisions.

    Columns: explanation, method, measure (area, sum), right, images, agreement (share of images
    whose dominant class is the predicted one), low, high (Wilson's interval of it), label (share
    whose dominant class is the label).
    """
    import pandas

    rows = []
    for (explanation, method, right), part in table.groupby(
        ["explanation", "method", "right"], sort=False
    ):
        for measure in MEASURES:
            agree = int((part[measure] == part["predicted"]).sum())
            interval = stats.binomtest(agree, len(part)).proportion_ci(confidence, method="wilson")
            of_label = float((part[measure] == part["label"]).mean())
            share = (agree / len(part), interval.low, interval.high, of_label)
            rows.append((explanation, method, measure, bool(right), len(part), *share))
    columns = ["explanation", "method", "measure", "right", "images"]
    return pandas.DataFrame(rows, columns=[*columns, "agreement", "low", "high", "label"])
