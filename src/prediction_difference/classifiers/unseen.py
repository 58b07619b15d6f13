"""What can be said of whether a classifier had seen an image; pages, figures and files ask here.

`facts` are attributes of a store or of a table, with `WEIGHTS_FROM` as the classifier's card says
it. Where they do not say it, nothing is claimed.
"""

from collections.abc import Mapping
from typing import Any

WEIGHTS_FROM = "weights_from"
"""Attribute: here, partly here, or elsewhere; see `config.classifiers.WeightsFrom`."""


def is_unseen(facts: Mapping[str, Any]) -> bool:
    """Whether every image is classified by weights that the pipeline fitted without it."""
    return facts.get(WEIGHTS_FROM) == "here"


def noun(facts: Mapping[str, Any]) -> str:
    """What an explained image is called."""
    return "held-out image" if is_unseen(facts) else "image"


def of_image(facts: Mapping[str, Any], image: str, left_out: str) -> str:
    """Whether the classifier had seen one image; left_out: what a fit here is without."""
    match facts.get(WEIGHTS_FROM):
        case "here":
            return f"out of fold: by a classifier fitted without {left_out}"
        case "partly here":
            return (
                f"by a classifier whose new layers were fitted without {left_out}; whether its "
                f"other layers were trained on this {image} is not known"
            )
    return f"whether the classifier was trained on this {image} is not known"


def of_images(facts: Mapping[str, Any], classifier: str) -> str:
    """Whether the classifier had seen any of some images, where that is not known; or nothing."""
    if is_unseen(facts):
        return ""
    layers = "the layers that it took over were" if is_partly_seen(facts) else "it was"
    return f"Of classifier {classifier} it is not known whether {layers} trained on such images."


def is_partly_seen(facts: Mapping[str, Any]) -> bool:
    """Whether only new layers were fitted in the pipeline."""
    return facts.get(WEIGHTS_FROM) == "partly here"
