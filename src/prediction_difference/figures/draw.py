"""From stores to a figure: reads what a figure shows and draws it by its kind."""

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from prediction_difference.classifiers.card import read_card
from prediction_difference.classifiers.loading import load_linear
from prediction_difference.errors import StoreError
from prediction_difference.evaluation.table import read_table
from prediction_difference.figures import captions, style
from prediction_difference.figures.clear_panels import (
    ClearLayout,
    Responses,
    clear_panels,
    read_responses,
)
from prediction_difference.figures.compared_methods import (
    compare,
    compared_areas,
    compared_curves,
)
from prediction_difference.figures.complexity import complexity
from prediction_difference.figures.consistency import consistency
from prediction_difference.figures.continuity_arrows import continuity_arrows
from prediction_difference.figures.drawing import Drawing
from prediction_difference.figures.feature_maps import feature_maps
from prediction_difference.figures.heatmap_panels import Layout, heatmap_panels
from prediction_difference.figures.kind import Figure
from prediction_difference.figures.kinds.aggregation import RegionShares
from prediction_difference.figures.kinds.clear import ClearPanels
from prediction_difference.figures.kinds.compared import ComparedMethods
from prediction_difference.figures.kinds.compared_curves import ComparedCurves
from prediction_difference.figures.kinds.complexity import ComplexityPlots
from prediction_difference.figures.kinds.consistency import ConsistencyPlots
from prediction_difference.figures.kinds.continuity import ContinuityArrows
from prediction_difference.figures.kinds.feature_maps import FeatureMaps
from prediction_difference.figures.kinds.heatmaps import HeatmapPanels, ShownPanel
from prediction_difference.figures.kinds.image_specificity import TurnedImages
from prediction_difference.figures.kinds.location import LocationPoints
from prediction_difference.figures.kinds.perturbation_curves import PerturbationCurves
from prediction_difference.figures.kinds.strong_features import StrongFeatureCurves
from prediction_difference.figures.kinds.training_curves import TrainingCurves
from prediction_difference.figures.kinds.volume_slices import VolumeSlices
from prediction_difference.figures.location import location_points
from prediction_difference.figures.losses import losses
from prediction_difference.figures.maps import Map, read_layers, read_map, zoomed
from prediction_difference.figures.panels import Block, Panel, with_limits
from prediction_difference.figures.perturbation_curves import perturbation_curves
from prediction_difference.figures.region_shares import region_shares
from prediction_difference.figures.strong_features import strong_features
from prediction_difference.figures.training_curves import Moment, training_curves
from prediction_difference.figures.turned_images import turned_images
from prediction_difference.figures.volume_slices import (
    ShownMap,
    SliceLayout,
    Weights,
    volume_slices,
)


def draw(
    settings: Figure,
    name: str,
    explanations: Mapping[str, Sequence[Path]],
    evaluations: Mapping[str, Path],
    classifiers: Mapping[str, Path],
    setting: str = "",
    clinical: bool = False,
) -> Drawing:
    """Draw a figure of the config.

    explanations: attribution stores by explanation, in the order of their images. evaluations:
    tables by name. classifiers: folders by name; weights of a linear one are drawn beside volumes.
    setting: what captions say of the settings. clinical: whether they say what it is not for.

    Raises:
        StoreError: a store or table is missing, incomplete, or does not fit the figure.
    """
    with style.context():
        match settings:
            case HeatmapPanels():
                drawing = _heatmaps(settings, explanations)
            case FeatureMaps():
                drawing = _feature_maps(settings, explanations)
            case PerturbationCurves():
                drawing = _curves(_table(evaluations, settings.evaluation))
            case ComparedMethods():
                drawing = _compared(settings, evaluations)
            case TrainingCurves():
                moments = [_moment(evaluations, e, classifiers) for e in settings.evaluations]
                drawing = training_curves(moments, settings.labels)
            case ComplexityPlots():
                table = _table(evaluations, settings.evaluation)
                drawing = complexity(table, settings.explanation, settings.explanations)
            case ContinuityArrows():
                drawing = continuity_arrows(_table(evaluations, settings.evaluation))
            case TurnedImages():
                drawing = turned_images(_table(evaluations, settings.evaluation))
            case ClearPanels():
                drawing = _clear(settings, explanations)
            case StrongFeatureCurves():
                drawing = strong_features(_table(evaluations, settings.evaluation))
            case ConsistencyPlots():
                drawing = consistency(_table(evaluations, settings.evaluation), settings.labels)
            case RegionShares():
                drawing = region_shares(_table(evaluations, settings.evaluation))
            case LocationPoints():
                drawing = location_points(_table(evaluations, settings.evaluation))
            case VolumeSlices():
                drawing = _volumes(settings, explanations, classifiers)
    caption = f"{captions.NOT_CLINICAL} {drawing.caption}" if clinical else drawing.caption
    caption = f"Setting: {setting}.\n{caption}" if setting else caption
    title = settings.title or name
    return dataclasses.replace(drawing, name=name, title=title, caption=caption)


def _heatmaps(settings: HeatmapPanels, explanations: Mapping[str, Sequence[Path]]) -> Drawing:
    columns = {
        panel: _read(explanations, panel.explanation, panel.node, 2) for panel in settings.panels
    }
    slots = [one.slot for one in next(iter(columns.values()))]
    blocks = [
        _block(settings, {panel: _of_slot(maps, slot) for panel, maps in columns.items()})
        for slot in slots
    ]
    titles = [title for title, _ in settings.panel_rows]
    layout = Layout(titles, settings.columns, settings.across, settings.size)
    return heatmap_panels(with_limits(blocks, settings.limit), layout, settings.limit)


def _clear(settings: ClearPanels, explanations: Mapping[str, Sequence[Path]]) -> Drawing:
    columns = {
        name: [read_responses(path) for path in _stores(explanations, name)]
        for name in settings.explanation_names
    }
    rows = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    for row in rows:
        first, *others = row.values()
        for other in others:
            _refuse_another_image(first, other)
    layout = ClearLayout(
        settings.parts,
        settings.titles,
        settings.across,
        settings.size,
        settings.palette,
        settings.binary_from,
        settings.full_at,
    )
    return clear_panels(rows, layout)


def _block(settings: HeatmapPanels, maps: Mapping[ShownPanel, Map]) -> Block:
    """The panels of one image; the image in a row is that of the row's first map."""
    first = next(iter(maps.values()))
    for one in maps.values():
        _refuse_another_image(first, one)
    rows = []
    for _, row in settings.panel_rows:
        of_row = next((maps[p] for p in row if isinstance(p, ShownPanel)), first)
        rows.append([_panel(settings, panel, maps, of_row) for panel in row])
    return Block(rows)


def _panel(
    settings: HeatmapPanels,
    panel: ShownPanel | str | None,
    maps: Mapping[ShownPanel, Map],
    of_row: Map,
) -> Panel | None:
    match panel:
        case None:
            return None
        case ShownPanel():
            shown = maps[panel] if panel.zoom is None else zoomed(maps[panel], panel.zoom)
            return Panel(shown, panel.show, top=settings.top)
        case _:
            return Panel(of_row, "image")


def _refuse_another_image(first: Map | Responses, other: Map | Responses) -> None:
    if other.image_name != first.image_name:
        raise StoreError(
            f"explanation {other.explanation}",
            f"has image {other.image_name!r} as {first.slot}, {first.explanation} has "
            f"{first.image_name!r}",
            "name the images of both explanations",
        )


def _feature_maps(settings: FeatureMaps, explanations: Mapping[str, Sequence[Path]]) -> Drawing:
    layers: dict[str, list[Map]] = {}
    for name in settings.explanation_names:
        (path, *_) = _stores(explanations, name)
        layers |= read_layers(path)
    missing = [layer for layer in settings.layers if layer not in layers]
    if missing:
        raise StoreError(
            f"explanation {', '.join(settings.explanation_names)}",
            f"has no maps of {', '.join(missing)}, but of {', '.join(layers)}",
            "correct the figure's layers, or add nodes to the explanation",
        )
    chosen = [layers[layer] for layer in settings.layers or layers]
    for maps in chosen:
        _refuse_another_image(chosen[0][0], maps[0])
    return feature_maps(chosen, settings.limit)


def _curves(table: Any) -> Drawing:
    return perturbation_curves(losses(table, table.attrs["settings"]["output"]), table.attrs)


def _compared(settings: ComparedMethods, evaluations: Mapping[str, Path]) -> Drawing:
    panels = [
        compare(title, _table(evaluations, name), settings.labels, settings.baseline)
        for title, name in settings.evaluations.items()
    ]
    if isinstance(settings, ComparedCurves):
        return compared_curves(panels, settings.across)
    return compared_areas(panels)


def _table(evaluations: Mapping[str, Path], name: str) -> Any:
    if name not in evaluations:
        raise StoreError(f"evaluation {name}", "no table of it is given", "give one")
    table = read_table(evaluations[name])
    if "settings" not in table.attrs:
        remedy = "make the evaluation again"
        raise StoreError(evaluations[name], "does not say how it was measured", remedy)
    return table


def _moment(evaluations: Mapping[str, Path], name: str, classifiers: Mapping[str, Path]) -> Moment:
    table = _table(evaluations, name)
    classifier = table.attrs["classifier"]
    if classifier not in classifiers:
        raise StoreError(f"classifier {classifier}", "its folder is not given", "give it")
    return Moment(read_card(classifiers[classifier]), table)


def _volumes(
    settings: VolumeSlices,
    explanations: Mapping[str, Sequence[Path]],
    classifiers: Mapping[str, Path],
) -> Drawing:
    shown = [
        ShownMap(one, settings.titles.get(name, name), settings.share_hidden(name))
        for name in settings.explanation_names
        for one in _read(explanations, name, settings.node, 3)
    ]
    first = shown[0].map
    is_wanted = settings.weights and first.classifier in classifiers
    weights = _linear_weights(classifiers[first.classifier], first) if is_wanted else None
    layout = SliceLayout(
        settings.axes, settings.slices, settings.grounds, settings.limit, settings.across
    )
    return volume_slices(shown, weights, layout)


def _linear_weights(classifier: Path, one: Map) -> Weights | None:
    """The plane that explains a subject, fitted without it; None for classifiers without one."""
    card = read_card(classifier)
    if card.kind != "logistic-regression":
        return None
    split = str(one.attributes["split"])
    return Weights(load_linear(classifier, card, split).weight, card.class_names[1], split)


def _read(
    explanations: Mapping[str, Sequence[Path]], name: str, node: int | str, dimensions: int
) -> list[Map]:
    return [read_map(path, node, dimensions) for path in _stores(explanations, name)]


def _stores(explanations: Mapping[str, Sequence[Path]], name: str) -> Sequence[Path]:
    stores = explanations.get(name, ())
    if not stores:
        raise StoreError(f"explanation {name}", "no attribution stores are given", "give them")
    return stores


def _of_slot(maps: Sequence[Map], slot: str) -> Map:
    for one in maps:
        if one.slot == slot:
            return one
    raise StoreError(
        f"explanation {maps[0].explanation}",
        f"has no map of image {slot}, which another explanation of the figure has",
        "explain the same images with both",
    )
