"""What the interactive page says of a map, and what a person chooses it by; JSON-like."""

from typing import Any

import numpy as np

from prediction_difference.attribution.method import described
from prediction_difference.classifiers import unseen
from prediction_difference.figures import captions
from prediction_difference.figures.drawing import rounded
from prediction_difference.figures.maps import Map

OUTPUT = "classes"
"""The layer of nodes that are classes."""
_OF_OTHER_MAPS = {"images", "nodes", "images_per_job"}
"""Settings of an explanation that say nothing about a single map."""
_MORE_PARAMETERS = ("patch", "seed", "split", "precision", "forwards")
"""Attributes of a store that are parameters of its maps beside the settings."""


def node_key(one: Map) -> str:
    """The node, alike for all images and explanations of a classifier and for no other node."""
    if not one.is_of_class:
        return one.node_name
    return f"{one.node['kind']} {one.node['unit']} {one.explained}"


def layer(one: Map) -> str:
    """The layer that the node belongs to."""
    return str(one.node["layer"] or OUTPUT)


def method(one: Map) -> str:
    """The method, with the sampler where there is one."""
    return described(one.attributes["settings"]).name


def facets(one: Map) -> dict[str, str | None]:
    """What a map is chosen by, beside its image; None where a method has no such thing."""
    window = one.attributes["settings"].get("window")
    return {
        "network": str(one.attributes["classifier"]),
        "method": method(one),
        "window": None if window is None else str(window),
        "layer": layer(one),
        "node": node_key(one),
        "explanation": one.explanation,
    }


def of_map(one: Map) -> dict[str, Any]:
    """What is known of the node and of the values; `kind` says what the values mean."""
    finite = one.relevance[np.isfinite(one.relevance)]
    node = one.node
    return {
        "kind": "signed" if one.is_signed else "unsigned",
        "unit": "" if one.unit == "none" else one.unit,
        "node": one.node_name,
        "output": node["kind"],
        "class": node["class"],
        "number": node["unit"],
        "rank": node["rank"],
        "probability": rounded(node["probability"]),
        "value": rounded(node["score"] if one.is_of_class else node["value"]),
        "smallest": rounded(finite.min(initial=np.inf)),
        "largest": rounded(finite.max(initial=-np.inf)),
        "largest_error": rounded(one.largest_error),
        "made": captions.method([one]),
    }


def of_store(one: Map, link: str) -> dict[str, Any]:
    """What is known of the image and of how all maps of its store were made."""
    nodes = one.attributes["nodes"]
    return {
        "link": link,
        "dataset": str(one.attributes["dataset"]),
        "slot": one.slot,
        "label": one.label,
        "predicted": one.predicted,
        "predicted_probability": rounded(one.predicted_probability),
        "misclassified": one.is_misclassified,
        "classes": len({node["unit"] for node in nodes if node["class"] is not None}),
        "seen": {
            "Classifier": unseen.of_image(one.attributes, "subject", str(one.attributes["split"])),
            "Prior": _prior(one),
        },
        "shape": list(one.relevance.shape),
        "parameters": [*map(list, _parameters(one))],
    }


def _prior(one: Map) -> str | None:
    """What the prior was fitted without, which the pipeline sees to; None without one."""
    has_prior = one.attributes["settings"].get("prior") is not None
    return f"fitted without {one.attributes['split']}" if has_prior else None


def _parameters(one: Map) -> list[tuple[str, str]]:
    settings = {k: v for k, v in one.attributes["settings"].items() if k not in _OF_OTHER_MAPS}
    more = {k: one.attributes[k] for k in _MORE_PARAMETERS if one.attributes.get(k) is not None}
    return [(key, _words(value)) for key, value in (settings | more).items()]


def _words(value: Any) -> str:
    """A setting as the configuration has it."""
    match value:
        case None:
            return "none"
        case bool():
            return "yes" if value else "no"
        case dict():
            return ", ".join(f"{key}: {_words(some)}" for key, some in value.items())
        case _:
            return str(value)
