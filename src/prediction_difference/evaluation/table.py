"""Evaluations of explanations as tidy tables."""

from collections.abc import Callable, Mapping, Sequence
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from prediction_difference import provenance
from prediction_difference.attribution.publishing import open_attribution
from prediction_difference.classifiers.card import read_card
from prediction_difference.classifiers.loading import classifier_digest, load_module
from prediction_difference.config import model
from prediction_difference.errors import StoreError
from prediction_difference.evaluation.perturbation import aopc, perturbation_curves
from prediction_difference.progress import track
from prediction_difference.stores import publishing

if TYPE_CHECKING:
    from torch import Tensor, nn


def evaluate(
    settings: model.RegionPerturbation,
    name: str,
    stores: Mapping[str, Sequence[Path]],
    classifier: Path,
    seed: int,
    device: str,
) -> Any:
    """Perturbation curves of explanations, by name with their attribution stores.

    Returns a data frame with one row per explanation, image, step and repeat: explanation, method,
    image (its slot), image_name, class, step, repeat, value (f of the explained class).

    Raises:
        StoreError: an attribution belongs to another classifier.
    """
    import pandas

    card = read_card(classifier)
    module_of = cache(partial(load_module, classifier, card))
    work = [(explanation, path) for explanation, paths in stores.items() for path in paths]
    frames = []
    for explanation, path in track(work, name):
        store = open_attribution(path)
        if store.attrs["classifier_digest"] != classifier_digest(card):
            raise StoreError(path, f"does not explain {card.name!r} as it is now", "make it again")
        module = module_of(store.attrs["split"])
        curves = perturbation_curves(
            _class_value(module, store.attrs["nodes"][0]["unit"], settings.output, device),
            store["image"].values,
            store["relevance"].values[0],
            region=settings.region,
            steps=settings.steps,
            repeats=settings.repeats,
            order=settings.order,
            value_range=tuple(store.attrs["value_range"]),
            seed=seed,
        )
        frames.append(_tidy(curves, explanation, store.attrs))
    table = pandas.concat(frames, ignore_index=True)
    table.attrs = {
        "evaluation": name,
        "settings": settings.model_dump(mode="json"),
        "classifier": card.name,
        "seed": seed,
        "code_digest": provenance.source_digest("evaluation"),
    }
    return table


def _class_value(
    module: "nn.Module", index: int, output: str, device: str
) -> Callable[["Tensor"], "Tensor"]:
    """f: (N, C, *spatial) images on the device -> (N,) score or probability of a class."""
    module = module.to(device).eval()

    def value(images: "Tensor") -> "Tensor":
        scores: Tensor = module(images)
        return (scores.softmax(1) if output == "probability" else scores)[:, index]

    return value


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
