"""What is said below figures: every parameter, in sentences."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from prediction_difference.attribution.method import described
from prediction_difference.classifiers import unseen
from prediction_difference.figures.maps import Map
from prediction_difference.typesetting import count as count
from prediction_difference.typesetting import number

NOT_CLINICAL = "Not for clinical use."
_MOST_NODES = 6


def subject(maps: Sequence[Map]) -> str:
    """Which images, of which dataset, are explained for which classifier."""
    least = min((one.attributes for one in maps), key=unseen.is_unseen)
    shown = images(len({m.slot for m in maps}), least)
    datasets = _listed(str(one.attributes["dataset"]) for one in maps)
    classifiers = _listed(one.classifier for one in maps)
    explained = f"{shown} of dataset {datasets}, explained for classifier {classifiers}."
    return paragraphs([explained, *dict.fromkeys(not_known(one.attributes) for one in maps)])


def not_known(facts: Mapping[str, Any]) -> str:
    """Of a table or a store: that nobody here knows whether its classifier had seen the images."""
    return unseen.of_images(facts, str(facts["classifier"]))


def images(number: int, facts: Mapping[str, Any]) -> str:
    """So many images of a table or a store, held-out ones if the classifier never saw them."""
    return count(number, unseen.noun(facts))


def method(maps: Sequence[Map]) -> str:
    """How one explanation was made; `maps` are those of its images and nodes."""
    some = maps[0]
    words = described(some.attributes["settings"]).in_words(maps)
    return f"{some.explanation}: {words}; {_nodes(maps)}{_cost(maps)}."


def _nodes(maps: Sequence[Map]) -> str:
    """The explained nodes with their units; of many the first and the last."""
    units = {one.node_name: one.unit for one in maps}
    names = [name + (f", in {unit}" if unit != "none" else "") for name, unit in units.items()]
    if len(names) == 1:
        return f"node: {names[0]}"
    if len(names) > _MOST_NODES:
        return f"{len(names)} nodes, from {names[0]}, to {names[-1]}"
    return f"nodes: {'; '.join(names)}"


def _listed(names: Iterable[str]) -> str:
    """Different names, in the order in which they first appear."""
    *first, last = dict.fromkeys(names)
    return f"{', '.join(first)} and {last}" if first else last


def signs(maps: Sequence[Map]) -> str:
    """What the colours of signed maps mean."""
    subjects = {described(one.attributes["settings"]).subject for one in maps}
    subject = subjects.pop() if len(subjects) == 1 else "Signed maps"
    if not any(one.is_of_class for one in maps):
        return (
            f"{subject}: red pixels raise the explained map or unit, blue ones lower it, white is "
            "zero"
        )
    what = "the explained class" if all(one.is_of_class for one in maps) else "what is explained"
    return f"{subject}: red is evidence for {what}, blue is evidence against it, white is zero"


def uncertainty(maps: Iterable[Map]) -> str:
    """Largest standard error of the maps in each unit, or that there is none."""
    largest: dict[str, float] = {}
    for one in maps:
        if one.largest_error is not None:
            largest[one.unit] = max(largest.get(one.unit, 0.0), one.largest_error)
    if not largest:
        return ""
    errors = " and ".join(f"{number(error)} {unit}" for unit, error in largest.items())
    return f"Largest standard error of a pixel, from the finite number of draws: {errors}."


def seeds(maps: Iterable[Map]) -> str:
    """The seed or seeds of the draws."""
    found = sorted({int(one.attributes["seed"]) for one in maps})
    return f"Seed {', '.join(map(str, found))}."


def squares(side: int) -> str:
    """What the numbers beside a figure are where maps have too many values."""
    words = f"The numbers beside the figure are means over squares of {side} x {side} pixels."
    return words if side > 1 else ""


def paragraphs(*parts: Iterable[str]) -> str:
    """Paragraphs of sentences, one on each line; empty sentences are left out."""
    return "\n".join(" ".join(sentence for sentence in part if sentence) for part in parts)


def by_explanation(maps: Iterable[Map]) -> list[list[Map]]:
    """Maps grouped by their explanation, in the order in which explanations first appear."""
    groups: dict[str, list[Map]] = {}
    for one in maps:
        groups.setdefault(one.explanation, []).append(one)
    return list(groups.values())


def short_method(one: Map) -> str:
    """The method and its main parameters in two short lines."""
    return described(one.attributes["settings"]).in_short(one)


def grids(maps: Iterable[Map]) -> str:
    """What the grid of a removed layer's map is, beside images of pixels."""
    sides = {
        one.removed_layer: " x ".join(map(str, one.relevance.shape))
        for one in maps
        if one.removed_layer is not None
    }
    layers = ", ".join(f"{layer} ({side})" for layer, side in sides.items())
    return f"Maps of removed layers show the layer's own places, not pixels: {layers}." * bool(
        sides
    )


def _cost(maps: Sequence[Map]) -> str:
    """Forward passes for an image; random numbers and closed forms need none worth telling."""
    if not described(maps[0].attributes["settings"]).uses_classifier:
        return ""
    passes = sorted({int(one.attributes["forwards"]) for one in maps})
    if passes[-1] == 0:
        return "; no forward passes"
    numbers = f"{passes[0]:,}" if len(passes) == 1 else f"{passes[0]:,} to {passes[-1]:,}"
    return f"; {numbers} forward pass{'' if passes == [1] else 'es'} an image"


def with_settings(explanation: str, settings: Mapping[str, Any]) -> str:
    """An explanation's name, its method and all parameters, where no map is at hand."""
    return f"{explanation}: {described(settings).in_words(())}"
