"""Nothing is said of what weights were trained on, unless the pipeline itself fitted them."""

import pytest

from prediction_difference.classifiers import unseen
from prediction_difference.classifiers.card import Card

KINDS = {
    "train": "here",
    "checkpoint": "here",
    "detection-pooling": "here",
    "logistic-regression": "here",
    "scikit-learn": "here",
    "fine-tuned": "partly here",
    "torchvision": "elsewhere",
    "efficientnet-lite0": "elsewhere",
    "torch": "elsewhere",
}


def card_of(kind: str) -> Card:
    facts = dict.fromkeys(Card.__dataclass_fields__)
    return Card(**(facts | {"name": "net", "kind": kind}))


def test_a_kind_of_classifier_says_where_its_weights_are_from() -> None:
    assert {kind: card_of(kind).weights_from for kind in KINDS} == KINDS


@pytest.mark.parametrize("weights_from", ["elsewhere", "partly here", None])
def test_of_weights_from_elsewhere_nothing_is_claimed(weights_from: str | None) -> None:
    facts = {unseen.WEIGHTS_FROM: weights_from}
    assert not unseen.is_unseen(facts)
    assert unseen.noun(facts) == "image"
    words = unseen.of_image(facts, "subject", "fold-01")
    assert "out of fold" not in words
    assert words.endswith("trained on this subject is not known")
    assert ("fitted without fold-01" in words) == (weights_from == "partly here")
    assert "it is not known whether" in unseen.of_images(facts, "net")


def test_what_the_pipeline_fitted_is_out_of_fold() -> None:
    facts = {unseen.WEIGHTS_FROM: "here"}
    assert unseen.noun(facts) == "held-out image"
    words = unseen.of_image(facts, "subject", "fold-01")
    assert words == "out of fold: by a classifier fitted without fold-01"
    assert unseen.of_images(facts, "net") == ""
