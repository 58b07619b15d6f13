"""Heatmaps by any method but prediction difference analysis, for images that are at hand."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np

from prediction_difference.attribution.bench import Bench, Explained
from prediction_difference.attribution.description import describe, describe_nodes
from prediction_difference.attribution.method import Given, Method
from prediction_difference.attribution.nodes import Node, node_values
from prediction_difference.attribution.task import Task
from prediction_difference.choices import Device
from prediction_difference.errors import DataError, EntryError, choose_among, telling_faults
from prediction_difference.families import METHODS
from prediction_difference.images import check_image, check_images
from prediction_difference.options import checked, refuse_wrong, said
from prediction_difference.parsing import parse

if TYPE_CHECKING:
    from torch import nn

    from prediction_difference.classifiers.logistic_regression import LinearClassifier

_ANY = {"classifier": "any", "images": ["any"]}
"""What an explanation of a configuration has beside options."""


@checked
def heatmaps(
    method: str | type,
    classifier: "nn.Module | LinearClassifier",
    images: np.ndarray,
    nodes: Sequence[Node],
    **options: Any,
) -> np.ndarray:
    """(N, *spatial) relevance of images (N, C, *spatial), for a node each.

    method: its word, `module:Class`, or a class. options: the keys that the method has in a
    configuration; device; where the method is random, seed; where it needs them, training, the
    (n, C, *spatial) images that the classifier was fitted to.

    Raises:
        DataError: there is no such method, an option is unknown or not what it can be, an image
            holds NaN or infinity or does not fit the classifier, a node is none of its classes,
            or the method cannot look into the classifier.
    """
    check_images(images)
    if len(nodes) != len(images):
        what = f"there are {len(nodes)} for {len(images)} images"
        raise DataError("nodes", what, "give one for each image")
    settings, given = with_options(method, options)
    return maps_of(settings, classifier, images, nodes, given)


@checked
def heatmap(
    method: str | type,
    classifier: "nn.Module | LinearClassifier",
    image: np.ndarray,
    node: Node,
    **options: Any,
) -> np.ndarray:
    """(*spatial) relevance of one image (C, *spatial); see `heatmaps`.

    Raises:
        DataError: as of `heatmaps`.
    """
    check_image(image)
    settings, given = with_options(method, options)
    return np.asarray(maps_of(settings, classifier, image[None], [node], given)[0])


def with_options(method: str | type, options: Mapping[str, Any]) -> tuple[Method, Given]:
    """A method with options as Python gives them, checked by its settings.

    Raises:
        DataError: there is no such method, or an option is unknown or not what it can be.
    """
    found, word = _found(method)
    allowed = options_of(found)
    for name, value in options.items():
        if name not in allowed:
            remedy = choose_among(name, allowed) if allowed else "leave it out"
            raise DataError(said(name, value), f"{word} has no such option", remedy)
        refuse_wrong(name, value, allowed[name])
    own = {name: value for name, value in options.items() if name in found.model_fields}
    others = {name: value for name, value in options.items() if name not in own}
    plain = {name: v.item() if isinstance(v, np.generic) else v for name, v in own.items()}
    try:
        settings = parse(found, {"method": word, **_ANY, **plain})
    except EntryError as error:
        problem = error.problems[0]
        raise DataError(problem.where or word, problem.what, problem.remedy) from error
    assert isinstance(settings, Method)
    return settings, Given(**others)


def _found(method: str | type) -> tuple[type[Method], str]:
    """The class that is meant, and what a configuration calls it."""
    if not isinstance(method, str):
        if not issubclass(method, Method):
            raise DataError(f"method {method.__name__}", "is no Method", "let it extend Method")
        words = method.words()
        return method, words[0] if words else f"{method.__module__}:{method.__qualname__}"
    try:
        found = METHODS.find(method)
    except EntryError as error:
        (problem,) = error.problems
        known = sorted(word for word, one in METHODS.classes().items() if _is_plain(one))
        remedy = problem.remedy if ":" in method else choose_among(method, known)
        what = problem.what if ":" in method else "is unknown"
        raise DataError(f"method={method!r}", what, remedy) from error
    if not _is_plain(found):
        raise DataError(f"method={method!r}", "is no plain heatmap", "use pda.PredictionDifference")
    assert issubclass(found, Method)
    return found, method


def _is_plain(method: type) -> bool:
    """Whether a method makes whole maps, of images that are at hand."""
    return issubclass(method, Method) and method.explains_anew


def options_of(method: type[Method]) -> dict[str, Any]:
    """Names of a method's options in Python, with annotations of what they can be."""
    fields = {n: f for n, f in method.model_fields.items() if n not in Method.model_fields}
    own = {n: Annotated[f.annotation, *f.metadata] for n, f in fields.items() if f.metadata}
    plain = {n: f.annotation for n, f in fields.items() if not f.metadata}
    found = {name: {**own, **plain}[name] for name in fields}
    if method.is_random:
        found["seed"] = int
    if method.needs_training:
        found["training"] = np.ndarray | None
    return found | {"device": Device}


def maps_of(
    method: Method,
    classifier: "nn.Module | LinearClassifier",
    images: np.ndarray,
    nodes: Sequence[Node],
    given: Given,
) -> np.ndarray:
    """(N, *spatial) relevance of images (N, C, *spatial) that are right by themselves.

    Raises:
        DataError: see `Method.maps`; or a user's own method fails, or returns something else.
    """
    for node in nodes:
        if node.layer is not None:
            what = f"{method.method} explains classes"
            raise DataError(f"layer {node.layer!r}", what, "name a class")
    where = f"method {method.method}"
    with telling_faults(where, method.method, "maps"):
        found = np.asarray(method.maps(classifier, images, nodes, given))
    wanted = (len(images), *images.shape[2:])
    if found.shape != wanted:
        what = f"returns an array of shape {found.shape}, not {wanted}"
        raise DataError(where, what, "return a map for each image")
    if not np.isfinite(found).all():
        what = "returns values that are not finite"
        raise DataError(where, what, "return finite relevance")
    return found


def task_of_maps(method: Method, bench: Bench, one: Explained) -> Task:
    """The work of a method that makes whole maps; all nodes of the image are its only part."""
    classifier, scores = bench.classifier_for(one)
    nodes, names = bench.nodes(scores, one.label, {})
    given = bench.given(one)
    spatial = one.image.shape[1:]
    each = method.forwards_of_map(spatial) or 0

    def compute(_part: int) -> tuple[dict[str, np.ndarray], int]:
        images = np.repeat(one.image[None], len(nodes), axis=0)
        check_images(images)
        return {"relevance": maps_of(method, classifier, images, nodes, given)}, each * len(nodes)

    attributes = describe(bench, one)
    attributes |= describe_nodes(bench, nodes, names, node_values(nodes, scores), scores)
    return Task(one.image, attributes, {"relevance": (len(nodes), 1, *spatial)}, compute)
