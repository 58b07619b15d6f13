"""Evaluations of explanations as tidy tables."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from prediction_difference import layout
from prediction_difference.attribution.publishing import open_attribution
from prediction_difference.config import model
from prediction_difference.errors import StoreError
from prediction_difference.evaluation.perturbation import aopc
from prediction_difference.evaluation.shards import Curves
from prediction_difference.stores import publishing, refuse_other_config


def evaluate(
    settings: model.RegionPerturbation, name: str, results: Path, curves: Sequence[Curves]
) -> Any:
    """Perturbation curves of explanations, from what the shards of an evaluation computed.

    Returns a data frame with one row per explanation, image, step and repeat: explanation, method,
    image (its slot), image_name, class, step, repeat, value (f of the explained class).

    Raises:
        StoreError: curves were computed with other settings, or of other attributions.
    """
    import pandas

    frames = []
    for one in curves:
        _refuse_other_settings(one, settings)
        for number, explanation in enumerate(settings.explanations):
            store = open_attribution(layout.attribution_store(results, explanation, one.slot))
            if store.attrs["digest"] != one.attributes["attributions"][explanation]:
                what = f"was perturbed by another map of {explanation!r}"
                raise StoreError(one.slot, what, "run its shard again")
            frames.append(_tidy(one.values[:, number], explanation, store.attrs))
    table = pandas.concat(frames, ignore_index=True)
    table.attrs = {
        "evaluation": name,
        "settings": settings.model_dump(mode="json"),
        "classifier": store.attrs["classifier"],
        "seed": curves[0].attributes["seed"],
        "code_digest": curves[0].attributes["code"],
        "forwards": sum(int(one.totals["forwards"]) for one in curves),
        "seconds": sum(float(one.totals["seconds"]) for one in curves),
    }
    return table


def _refuse_other_settings(one: Curves, settings: model.RegionPerturbation) -> None:
    made_with = one.attributes["settings"]
    wanted = settings.model_dump(mode="json")
    refuse_other_config(Path(one.slot), made_with, {key: wanted[key] for key in made_with})


def _tidy(curves: np.ndarray, explanation: str, attributes: Mapping[str, Any]) -> Any:
    import pandas

    repeats, steps = curves.shape
    return pandas.DataFrame(
        {
            "explanation": explanation,
            "method": attributes["method"],
            "image": attributes["slot"],
            "image_name": attributes["image_name"],
            "class": attributes["nodes"][0]["class"],
            "step": np.tile(np.arange(steps), repeats),
            "repeat": np.repeat(np.arange(repeats), steps),
            "value": curves.ravel().astype(np.float64),
        }
    )


def summarise(table: Any) -> Any:
    """A data frame with one row per explanation: aopc, its standard error over images, images.

    aopc_above_random: the difference from the explanation by the method "random", image by image,
    averaged, where there is one.
    """
    import pandas

    per_image = _aopc_per_image(table)
    methods = table.drop_duplicates("explanation").set_index("explanation")["method"]
    random = [name for name in per_image.columns if methods[name] == "random"]
    rows = []
    for explanation in per_image.columns:
        values = per_image[explanation]
        row = {
            "explanation": explanation,
            "method": methods[explanation],
            "images": len(values),
            "aopc": values.mean(),
            "standard_error": values.std(ddof=1) / np.sqrt(len(values))
            if len(values) > 1
            else np.nan,
        }
        if random:
            row["aopc_above_random"] = (values - per_image[random[0]]).mean()
        rows.append(row)
    return pandas.DataFrame(rows).sort_values("aopc", ascending=False, ignore_index=True)


def _aopc_per_image(table: Any) -> Any:
    """Rows: images; columns: explanations."""
    order = ["explanation", "image", "repeat", "step"]
    table = table.sort_values(order)
    groups = table.groupby(["image", "explanation"], sort=True)
    per_image = groups[["repeat", "value"]].apply(
        lambda g: float(aopc(g["value"].to_numpy().reshape(g["repeat"].nunique(), -1)).mean())
    )
    return per_image.unstack("explanation")


def write_table(table: Any, path: Path) -> None:
    """Publish a table as parquet, with its attributes."""
    with publishing(path) as temporary:
        table.to_parquet(temporary, index=False)


def read_table(path: Path) -> Any:
    """Read a table.

    Raises:
        StoreError: it is missing or no parquet file.
    """
    import pandas

    try:
        return pandas.read_parquet(path)
    except (OSError, ValueError) as error:
        raise StoreError(path, f"cannot be read ({error})", "make the evaluation again") from error
