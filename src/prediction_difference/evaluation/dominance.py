"""Whether a decision can be read off a CLEAR map: is the dominant class the predicted one?"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from prediction_difference.attribution.clear import class_maps, clear
from prediction_difference.attribution.reading import open_attribution
from prediction_difference.errors import StoreError
from prediction_difference.evaluation.measures.dominance import Dominance
from prediction_difference.intervals import interval_of_share

MEASURES = ("area", "sum")


def measure_dominance(
    settings: Dominance, name: str, stores: Mapping[str, Sequence[Path]], seed: int
) -> Any:
    """A data frame with one row per explanation and image.

    stores: attribution stores by explanation, with nodes of several classes. Columns: explanation,
    method, image (its slot), image_name, label, predicted, right (whether these agree), classes
    (how many are explained), area and sum (the class that is dominant by the number of pixels, and
    by summed response; empty where no class responds).

    Raises:
        StoreError: a store explains fewer than two classes, or an image has no label.
    """
    import pandas

    rows = []
    for paths in stores.values():
        for path in paths:
            store = open_attribution(path)
            if store.attrs["label"] is None:
                where = f"{store.attrs['explanation']}, {store.attrs['slot']}"
                remedy = "explain images with a label that the classifier knows"
                raise StoreError(where, "has no label, so no decision is right or wrong", remedy)
            some = class_maps(store)
            found, count = clear(some.maps), len(some.names)
            totals = {
                "area": found.areas(count, settings.least_response),
                "sum": found.sums(count),
            }
            rows.append(
                {
                    "explanation": store.attrs["explanation"],
                    "method": store.attrs["method"],
                    "image": store.attrs["slot"],
                    "image_name": store.attrs["image_name"],
                    "label": store.attrs["label"],
                    "predicted": store.attrs["predicted"],
                    "right": store.attrs["label"] == store.attrs["predicted"],
                    "classes": count,
                    **{
                        measure: some.names[int(total.argmax())] if total.any() else ""
                        for measure, total in totals.items()
                    },
                }
            )
    return pandas.DataFrame(rows)


def summarise_dominance(table: Any, confidence: float = 0.95) -> Any:
    """A data frame with one row per explanation, measure, and right or wrong decisions.

    Columns: explanation, method, measure (area, sum), right, images, agreement (share of images
    whose dominant class is the predicted one), low, high (Wilson's interval of it), chance (what it
    would be if every explained class were dominant as often), label (share whose dominant class is
    the label).
    """
    import pandas

    rows = []
    for (explanation, method, right), part in table.groupby(
        ["explanation", "method", "right"], sort=False
    ):
        for measure in MEASURES:
            agree = int((part[measure] == part["predicted"]).sum())
            interval = interval_of_share(agree, len(part), confidence)
            of_label = float((part[measure] == part["label"]).mean())
            chance = float((1 / part["classes"]).mean())
            share = (agree / len(part), *interval, chance, of_label)
            rows.append((explanation, method, measure, bool(right), len(part), *share))
    columns = ["explanation", "method", "measure", "right", "images"]
    return pandas.DataFrame(rows, columns=[*columns, "agreement", "low", "high", "chance", "label"])
