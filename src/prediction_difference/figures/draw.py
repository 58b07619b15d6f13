"""From stores to a figure: reads what a figure shows and draws it by its kind."""

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path

from prediction_difference.classifiers.card import read_card
from prediction_difference.classifiers.loading import load_linear
from prediction_difference.config import model
from prediction_difference.errors import StoreError
from prediction_difference.evaluation.table import read_table
from prediction_difference.figures import style
from prediction_difference.figures.drawing import Drawing
from prediction_difference.figures.heatmap_panels import colour_limits, heatmap_panels
from prediction_difference.figures.maps import Map, read_map
from prediction_difference.figures.perturbation_curves import losses, perturbation_curves
from prediction_difference.figures.volume_slices import Weights, volume_slices


def draw(
    settings: model.Figure,
    name: str,
    explanations: Mapping[str, Sequence[Path]],
    evaluation: Path | None,
    classifier: Path | None,
) -> Drawing:
    """Draw a figure of the config.

    explanations: attribution stores by explanation, in the order of their images. evaluation: its
    table, for curves. classifier: its folder; weights of a linear one are drawn beside volumes.

    Raises:
        StoreError: a store or table is missing, incomplete, or does not fit the figure.
    """
    with style.context():
        match settings:
            case model.HeatmapPanels():
                drawing = _heatmaps(settings, explanations)
            case model.PerturbationCurves():
                drawing = _curves(name, evaluation)
            case model.VolumeSlices():
                drawing = _volumes(settings, explanations, classifier)
    return dataclasses.replace(drawing, name=name, title=settings.title or name)


def _heatmaps(settings: model.HeatmapPanels, explanations: Mapping[str, Sequence[Path]]) -> Drawing:
    columns = [_read(explanations, one, settings.node, 2) for one in settings.explanations]
    rows = [[_of_slot(column, one.slot) for column in columns] for one in columns[0]]
    return heatmap_panels(rows, [colour_limits(row) for row in rows])


def _curves(name: str, evaluation: Path | None) -> Drawing:
    if evaluation is None:
        raise StoreError(f"figure {name}", "no table of an evaluation is given", "give one")
    table = read_table(evaluation)
    if "settings" not in table.attrs:
        raise StoreError(
            evaluation, "does not say how it was measured", "make the evaluation again"
        )
    return perturbation_curves(losses(table), table.attrs)


def _volumes(
    settings: model.VolumeSlices,
    explanations: Mapping[str, Sequence[Path]],
    classifier: Path | None,
) -> Drawing:
    maps = _read(explanations, settings.explanation, settings.node, 3)
    return volume_slices(
        maps,
        limit=style.largest(one.relevance for one in maps),
        weights=_linear_weights(classifier, maps[0]),
        axis=settings.axis,
        slices=settings.slices,
        hide_below=settings.hide_below,
    )


def _linear_weights(classifier: Path | None, one: Map) -> Weights | None:
    """The plane that explains a subject, fitted without it; None for classifiers without one."""
    if classifier is None:
        return None
    card = read_card(classifier)
    if card.kind != "logistic-regression":
        return None
    split = str(one.attributes["split"])
    return Weights(load_linear(classifier, card, split).weight, card.class_names[1], split)


def _read(
    explanations: Mapping[str, Sequence[Path]], name: str, node: int, dimensions: int
) -> list[Map]:
    stores = explanations.get(name, ())
    if not stores:
        raise StoreError(f"explanation {name}", "no attribution stores are given", "give them")
    return [read_map(path, node, dimensions) for path in stores]


def _of_slot(maps: Sequence[Map], slot: str) -> Map:
    for one in maps:
        if one.slot == slot:
            return one
    raise StoreError(
        f"explanation {maps[0].explanation}",
        f"has no map of image {slot}, which another explanation of the figure has",
        "explain the same images with both",
    )
