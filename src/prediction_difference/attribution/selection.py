"""Which image fills a slot of an explanation, and which node is meant."""

from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import unquote

import numpy as np

from prediction_difference import randomness
from prediction_difference.attribution.image_choice import ImageChoice, slot_of
from prediction_difference.attribution.method import Method
from prediction_difference.attribution.node_choices import (
    ClassNodes,
    LayerMaps,
    LayerUnit,
    NodeChoice,
)
from prediction_difference.attribution.nodes import Node, node_values
from prediction_difference.classifiers.card import Card
from prediction_difference.data.dataset import TRAIN, UNLABELLED, Dataset
from prediction_difference.errors import DataError


def image_of_slot(
    slot: str,
    explanation: Method,
    dataset: Dataset,
    predictions: Any,
    card: Card,
) -> int:
    """Position in the dataset of the image that a slot stands for.

    Images of a sort are drawn in an order that depends on the run's seed and on the classifier,
    so all explanations of one classifier explain the same ones; those of sort random are the same
    for all checkpoints of a training. The hardest are not drawn but sorted.

    Raises:
        DataError: there is no image of this name, it is not held out, or too few of the sort.
    """
    images = explanation.images
    if not isinstance(images, ImageChoice):
        name = _named(slot, images)
        index = dataset.index(name)
        if dataset.split[index] == TRAIN:
            raise DataError(
                f"image {name!r}",
                "the classifier was trained on it",
                "choose an image of another split",
            )
        return index
    sort_of_class, _, number = slot.rpartition("-")
    label, _, sort = sort_of_class.rpartition("-")
    candidates = np.flatnonzero(_is_of_sort(sort, predictions))
    order = candidates[_order(sort, predictions.iloc[candidates], card)]
    if label:
        label = _named(label, images.labels)
        wanted = _class_named(label, "images: labels", card)
        order = order[predictions["label"].to_numpy()[order] == wanted]
    if int(number) > len(order):
        raise DataError(
            f"images: {sort}",
            f"{getattr(explanation.images, sort)} are asked for, classifier {card.name!r} has "
            f"{len(order)} such held-out images" + (f" of {label!r}" if label else ""),
            f"set {sort} to at most {len(order)}",
        )
    return int(order[int(number) - 1])


def _named(slot: str, names: Iterable[str]) -> str:
    """The one of these names that a slot stands for; slots of long names do not tell it."""
    return next((name for name in names if slot_of(name) == slot), unquote(slot))


def _is_of_sort(sort: str, predictions: Any) -> np.ndarray:
    held_out = (predictions["split"] != TRAIN).to_numpy()
    labelled = (predictions["label"] != UNLABELLED).to_numpy()
    right = (predictions["label"] == predictions["predicted"]).to_numpy()
    sorts = {
        "random": held_out,
        "correct": held_out & labelled & right,
        "misclassified": held_out & labelled & ~right,
        "hardest": held_out & labelled,
    }
    return sorts[sort]


def _order(sort: str, candidates: Any, card: Card) -> np.ndarray:
    """(n,) positions among the candidates: drawn, or the wrong and improbable ones first."""
    if sort != "hardest":
        generator = randomness.generator(randomness.key(card.seed, card.family, sort))
        return generator.permutation(len(candidates))
    right = (candidates["label"] == candidates["predicted"]).to_numpy()
    probabilities = np.stack(candidates["probabilities"].to_list())
    of_label = probabilities[np.arange(len(candidates)), candidates["label"]]
    return np.lexsort((of_label, right))


def resolve_nodes(
    explanation: Method,
    default_output: str,
    scores: np.ndarray,
    label: int,
    card: Card,
    layers: Mapping[str, tuple[int, ...]],
) -> tuple[list[Node], list[str]]:
    """The nodes that are meant for an image with these class scores (K,) and this label.

    layers: shapes (units, *spatial) of the outputs of layers all of whose maps are asked for.
    Returns the nodes and their names, which hold for all images of the explanation.

    Raises:
        DataError: the class or the rank does not exist, or the image has no label.
    """
    named: list[tuple[Node, str]] = []
    for choice in explanation.nodes:
        match choice:
            case NodeChoice():
                node = _class_node(choice, default_output, scores, label, card)
                named.append((node, f"{choice.output or default_output} of {choice.which}"))
            case ClassNodes():
                named += _class_nodes(choice, default_output, scores, card)
            case LayerMaps(layer=layer, maps=maps):
                numbers = range(layers[layer][0]) if maps == "all" else maps
                nodes = [Node.feature_map(layer, number) for number in numbers]
                named += [(node, node.title) for node in nodes]
            case LayerUnit(layer=layer, unit=unit, position=position):
                node = Node.unit(layer, unit, position)
                named.append((node, node.title))
    return [node for node, _ in named], [name for _, name in named]


def counted_layers(explanation: Method) -> list[str]:
    """Layers all of whose maps are explained, so that they have to be counted."""
    choices = [n for n in explanation.nodes if isinstance(n, LayerMaps)]
    return list(dict.fromkeys(n.layer for n in choices if n.maps == "all"))


def _class_node(
    choice: NodeChoice, default_output: str, scores: np.ndarray, label: int, card: Card
) -> Node:
    index = _class_number(choice, scores, label, card)
    output = choice.output or default_output
    return Node.probability(index) if output == "probability" else Node.score(index)


def _class_nodes(
    choice: ClassNodes, default_output: str, scores: np.ndarray, card: Card
) -> list[tuple[Node, str]]:
    """Nodes of many classes, and names that hold for every image."""
    output = choice.output or default_output
    if choice.classes == "all":
        names = dict(enumerate(card.class_names))
    else:
        ranks = range(1, choice.classes + 1)
        names = {_class_of_rank(rank, scores, card): f"rank {rank}" for rank in ranks}
    make = Node.probability if output == "probability" else Node.score
    return [(make(number), f"{output} of {name}") for number, name in names.items()]


def _class_number(choice: NodeChoice, scores: np.ndarray, label: int, card: Card) -> int:
    match choice.of:
        case None:
            return _class_of_rank(choice.rank or 1, scores, card)
        case "predicted":
            return int(scores.argmax())
        case "label":
            if label == UNLABELLED:
                raise DataError("nodes: label", "the image has no label", "explain predicted")
            return label
        case int() as number if 0 <= number < len(card.class_names):
            return number
        case name:
            return _class_named(name, "nodes", card)


def _class_named(name: object, where: str, card: Card) -> int:
    if name in card.class_names:
        return card.class_names.index(str(name))
    few = ", ".join(card.class_names[:10])
    raise DataError(
        f"{where}: {name!r}",
        f"classifier {card.name!r} has no such class",
        f"its {len(card.class_names)} classes are {few}"
        + (", ..." if len(card.class_names) > 10 else ""),
    )


def _class_of_rank(rank: int, scores: np.ndarray, card: Card) -> int:
    """Number of the class with the n-th highest score; of equal scores the first class counts."""
    if rank > len(scores):
        raise DataError(
            f"nodes: rank {rank}",
            f"classifier {card.name!r} has {len(scores)} classes",
            f"set rank to at most {len(scores)}",
        )
    return int(np.argsort(-scores, kind="stable")[rank - 1])


def describe_node(node: Node, value: float, scores: np.ndarray, card: Card) -> dict[str, Any]:
    """Facts about a node for a store's attributes; of a class also probability, rank from 1."""
    facts: dict[str, Any] = {
        "kind": node.kind,
        "layer": node.layer,
        "unit": node.index,
        "position": list(node.position),
        "value": value,
    }
    if node.layer is not None:
        return facts | {"class": None, "score": None, "probability": None, "rank": None}
    return facts | {
        "class": card.class_names[node.index],
        "score": float(scores[node.index]),
        "probability": float(node_values([Node.probability(node.index)], scores)[0]),
        "rank": int((scores > scores[node.index]).sum()) + 1,
    }
