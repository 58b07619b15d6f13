"""Tables of perturbed regions: curves of every image, and what these sum up to."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from prediction_difference import layout
from prediction_difference.attribution.method import is_baseline
from prediction_difference.attribution.reading import open_attribution
from prediction_difference.classifiers.card import read_card
from prediction_difference.classifiers.unseen import WEIGHTS_FROM
from prediction_difference.errors import StoreError
from prediction_difference.evaluation.measures.aopc import RegionPerturbation
from prediction_difference.evaluation.perturbation import aopc
from prediction_difference.intervals import interval_of_mean
from prediction_difference.stores import refuse_other_config

if TYPE_CHECKING:
    from prediction_difference.evaluation.shards import Curves

COSTS = ("forwards", "seconds")
"""What a map costs, as attribution stores say it."""


def evaluate(
    settings: RegionPerturbation, name: str, results: Path, curves: "Sequence[Curves]"
) -> Any:
    """Perturbation curves of explanations, from what the shards of an evaluation computed.

    Returns a data frame with one row per explanation, image, step and repeat: explanation, method,
    image (its slot), image_name, class, step, repeat, score and probability (of the explained
    class). Its attributes hold the settings, the classifier's accuracy, and what a map of each
    explanation cost: medians, as the first map of a job takes longer.

    Raises:
        StoreError: curves were computed with other settings, or of other attributions.
    """
    import pandas

    frames = []
    cost: dict[str, list[Mapping[str, float]]] = {name: [] for name in settings.explanations}
    for one in curves:
        _refuse_other_settings(one, settings)
        for number, explanation in enumerate(settings.explanations):
            store = open_attribution(layout.attribution_store(results, explanation, one.slot))
            if store.attrs["digest"] != one.attributes["attributions"][explanation]:
                what = f"was perturbed by another map of {explanation!r}"
                raise StoreError(one.slot, what, "run its shard again")
            of_map = {output: values[:, number] for output, values in one.values.items()}
            frames.append(_tidy(of_map, explanation, store.attrs))
            cost[explanation].append({key: store.attrs[key] for key in COSTS})
    table = pandas.concat(frames, ignore_index=True)
    table.attrs = {
        "classifier": store.attrs["classifier"],
        WEIGHTS_FROM: store.attrs.get(WEIGHTS_FROM),
        "accuracy": read_card(results / "classifiers" / store.attrs["classifier"]).accuracy,
        "forwards": sum(int(one.totals["forwards"]) for one in curves),
        "seconds": sum(float(one.totals["seconds"]) for one in curves),
        "cost": {
            name: {key: float(np.median([one[key] for one in maps])) for key in COSTS}
            for name, maps in cost.items()
        },
    }
    return table


def _refuse_other_settings(one: "Curves", settings: RegionPerturbation) -> None:
    made_with = one.attributes["settings"]
    wanted = settings.model_dump(mode="json")
    refuse_other_config(Path(one.slot), made_with, {key: wanted[key] for key in made_with})


def _tidy(curves: Mapping[str, np.ndarray], explanation: str, attributes: Mapping[str, Any]) -> Any:
    """curves: (repeats, steps + 1) by output."""
    import pandas

    repeats, steps = next(iter(curves.values())).shape
    return pandas.DataFrame(
        {
            "explanation": explanation,
            "method": attributes["method"],
            "image": attributes["slot"],
            "image_name": attributes["image_name"],
            "class": attributes["nodes"][0]["class"],
            "step": np.tile(np.arange(steps), repeats),
            "repeat": np.repeat(np.arange(repeats), steps),
            **{name: values.ravel().astype(np.float64) for name, values in curves.items()},
        }
    )


def summarise(table: Any, output: str = "score") -> Any:
    """A data frame with one row per explanation, the largest AOPC first.

    output: score or probability, what f is. Columns: explanation, method, images, aopc, its
    standard_error over images, and the ends low and high of its bootstrap interval; where there is
    an explanation by a baseline, the same of the difference from it, image by image:
    aopc_above_random, above_random_low, above_random_high.
    """
    import pandas

    areas = aopc_by_image(table, output)
    methods = table.drop_duplicates("explanation").set_index("explanation")["method"]
    random = next((name for name in areas.columns if is_baseline(methods[name])), None)
    rows = []
    for explanation in areas.columns:
        values = areas[explanation].to_numpy()
        low, high = interval_of_mean(values)
        row = {
            "explanation": explanation,
            "method": methods[explanation],
            "images": len(values),
            "aopc": values.mean(),
            "standard_error": values.std(ddof=1) / np.sqrt(len(values))
            if len(values) > 1
            else np.nan,
            "low": low,
            "high": high,
        }
        if random is not None:
            above = values - areas[random].to_numpy()
            low, high = interval_of_mean(above)
            row |= {"aopc_above_random": above.mean()}
            row |= {"above_random_low": low, "above_random_high": high}
        rows.append(row)
    return pandas.DataFrame(rows).sort_values("aopc", ascending=False, ignore_index=True)


def aopc_by_image(table: Any, output: str = "score") -> Any:
    """AOPC of each image, mean over repeats; rows: images, columns: explanations."""
    import pandas

    curves = table.groupby(["image", "explanation", "step"])[output].mean().unstack("step")
    areas = aopc(curves.sort_index(axis=1).to_numpy())
    return pandas.Series(areas, index=curves.index).unstack("explanation")
