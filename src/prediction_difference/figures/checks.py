"""Whether figures fit the explanations that they show."""

from collections.abc import Iterator

from prediction_difference.attribution.image_choice import slot_of, slots
from prediction_difference.attribution.node_choices import has_node, node_names
from prediction_difference.errors import Problem
from prediction_difference.evaluation.checks import draw_the_same
from prediction_difference.figures.kind import Figure
from prediction_difference.lookup import Lookup, check_equal, dataset_of_explanations


def check_shown_images(
    where: str,
    figure: Figure,
    lookup: Lookup,
) -> Iterator[Problem]:
    """Every explanation must have the images, and a numbered one must be the same for all."""
    names = figure.explanation_names
    entries = {n: e for n in names if (e := lookup.entry("explanations", n)) is not None}
    if figure.shown_images is None and figure.shows_all_images:
        yield from check_equal(where, ("images",), names, lookup)
    for name, entry in entries.items():
        known = slots(entry)
        for image in figure.shown_images or ():
            if slot_of(image) not in known:
                what = f"{name!r} does not explain image {image!r}"
                yield Problem(where, what, "add it to the images of the explanation, or leave it")
    if not draw_the_same(list(entries.values()), lookup):
        yield Problem(
            where,
            "its explanations are of several classifiers, which draw images by number anew",
            "name the images of the explanations",
        )


def check_form(
    where: str, names: tuple[str, ...], wants_volumes: bool, lookup: Lookup
) -> Iterator[Problem]:
    """Its explanations are of volumes, or of other images, and of pixels."""
    datasets = (dataset_of_explanations((name,), lookup) for name in names)
    if any(dataset is not None and dataset.is_volume != wants_volumes for dataset in datasets):
        images = "2-D images" if wants_volumes else "volumes"
        yield Problem(f"{where}.kind", f"the images are {images}", f"use a kind for {images}")
    for name in names:
        entry = lookup.entry("explanations", name)
        if entry is None or not entry.removes_layer:
            continue
        if wants_volumes or entry.removed.features == "units":
            yield Problem(
                where,
                f"{name!r} has relevance of a hidden layer's units or volumes, which no figure "
                "shows",
                "read its attribution store, or remove windows of a layer of 2-D images",
            )


def check_node(where: str, name: str, node: int | str, lookup: Lookup) -> Iterator[Problem]:
    """An explanation has the node that is shown."""
    entry = lookup.entry("explanations", name)
    if entry is None:
        return
    if isinstance(node, str):
        default = entry.default_output
        if not has_node(entry.nodes, node, default):
            known = [n for choice in entry.nodes for n in node_names(choice, default) or ()]
            few = ", ".join(known[:5]) + (", ..." if len(known) > 5 else "")
            what = f"{name!r} has no node {node!r}"
            yield Problem(f"{where}.node", what, f"its nodes are {few or 'maps of layers'}")
    elif entry.node_count is not None and node >= entry.node_count:
        yield Problem(
            f"{where}.node",
            f"{name!r} has {entry.node_count} node(s), counted from 0, not node {node}",
            f"set node to at most {entry.node_count - 1}",
        )
