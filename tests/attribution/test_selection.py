"""Classes that are chosen by what the classifier says of the image."""

from types import SimpleNamespace

import numpy as np
import pandas
import pytest

from prediction_difference.attribution.methods.sensitivity import Sensitivity
from prediction_difference.attribution.node_choices import (
    LayerMaps,
    LayerUnit,
    NodeChoice,
    has_node,
    node_names,
)
from prediction_difference.attribution.nodes import Node
from prediction_difference.attribution.selection import (
    describe_node,
    image_of_slot,
    resolve_nodes,
)
from prediction_difference.data.dataset import UNLABELLED
from prediction_difference.errors import DataError

CARD = SimpleNamespace(name="net", class_names=("ant", "bee", "cat", "dog", "elk"))
SCORES = np.array([0.5, 3.0, -1.0, 3.0, 2.0], dtype=np.float32)


def resolve(*choices, default="probability", scores=SCORES, label=2):
    nodes = tuple(NodeChoice(**choice) for choice in choices)
    explanation = Sensitivity(method="sensitivity", classifier="net", images=("a",))
    explanation = explanation.model_copy(update={"nodes": nodes})
    return resolve_nodes(explanation, default, scores, label, CARD, {})


def test_ranks_are_those_of_the_scores():
    """Every class has one rank, and describe_node counts it back, but for equal scores."""
    scores = np.random.default_rng(0).permutation(5).astype(np.float32)
    nodes, names = resolve(*({"rank": n} for n in range(1, 6)), scores=scores)
    assert [scores[node.index] for node in nodes] == [4, 3, 2, 1, 0]
    ranks = [describe_node(node, 0.0, scores, CARD)["rank"] for node in nodes]
    assert ranks == [1, 2, 3, 4, 5]
    assert names[1] == "probability of rank 2"


def test_of_equal_scores_the_first_class_has_the_higher_rank():
    nodes, _ = resolve(*({"rank": n} for n in range(1, 6)))
    assert [node.index for node in nodes] == [1, 3, 4, 0, 2]
    assert resolve({"rank": 1})[0] == resolve({"of": "predicted"})[0]


def test_a_rank_takes_the_output_as_other_classes_do():
    nodes, names = resolve({"rank": 3}, {"rank": 3, "output": "score"}, {"of": "label"})
    assert nodes == [Node.probability(4), Node.score(4), Node.probability(2)]
    assert names == ["probability of rank 3", "score of rank 3", "probability of label"]
    assert resolve({"rank": 3}, default="score")[0] == [Node.score(4)]


def test_nodes_are_named_as_the_configuration_knows_them():
    """Figures find them by these names."""
    choices = (
        NodeChoice(),
        NodeChoice(rank=2, output="score"),
        LayerMaps(layer="conv1", maps=(3, 1)),
        LayerUnit(layer="conv1", unit=5, position=(0, 2)),
        LayerUnit(layer="fc", unit=7),
    )
    explanation = Sensitivity(method="sensitivity", classifier="net", images=("a",))
    explanation = explanation.model_copy(update={"nodes": choices})
    _, names = resolve_nodes(explanation, "score", SCORES, 2, CARD, {})
    assert names == [name for choice in choices for name in node_names(choice, "score")]
    everything = (LayerMaps(layer="a", maps="all"), NodeChoice())
    assert node_names(everything[0], "score") is None
    for name in ("map 17 of a", "score of predicted"):
        assert has_node(everything, name, "score")
    for name in ("map 17 of b", "map x of a", "unit 17 of a", "score of label"):
        assert not has_node(everything, name, "score")


def test_a_rank_beyond_the_classes_is_refused():
    with pytest.raises(DataError, match="nodes: rank 6: classifier 'net' has 5 classes; set rank"):
        resolve({"rank": 6})


@pytest.mark.parametrize("keys", [{"rank": 1, "of": "cat"}, {"of": None}])
def test_a_class_has_one_name(keys):
    with pytest.raises(ValueError, match="either `of` or `rank`; give one of them"):
        NodeChoice(**keys)


@pytest.mark.parametrize("keys", [{}, {"rank": 2}, {"of": 3, "output": "score"}])
def test_a_choice_that_is_written_out_can_be_read_again(keys):
    choice = NodeChoice(**keys)
    assert NodeChoice(**choice.model_dump(mode="json")) == choice


def test_the_hardest_are_the_wrong_ones_and_then_those_with_improbable_labels():
    """By hand: image 3 is wrong, though its label is likelier than that of image 1."""
    rows = [
        ("train", 0, 1, (0.1, 0.9, 0.0)),
        ("test", 0, 0, (0.4, 0.3, 0.3)),
        ("test", 1, 1, (0.1, 0.8, 0.1)),
        ("test", 2, 0, (0.51, 0.04, 0.45)),
        ("test", 2, 1, (0.2, 0.7, 0.1)),
        ("test", UNLABELLED, 1, (0.3, 0.4, 0.3)),
    ]
    columns = ["split", "label", "predicted", "probabilities"]
    predictions = pandas.DataFrame(rows, columns=columns)
    explanation = Sensitivity(method="sensitivity", classifier="net", images={"hardest": 4})
    card = SimpleNamespace(name="net", seed=0, family="net", class_names=("ant", "bee", "cat"))
    found = [
        image_of_slot(f"hardest-{n}", explanation, None, predictions, card) for n in range(1, 5)
    ]
    assert found == [4, 3, 1, 2]
    assert image_of_slot("cat-hardest-2", explanation, None, predictions, card) == 3
    with pytest.raises(DataError, match="has 4 such held-out images"):
        image_of_slot("hardest-5", explanation, None, predictions, card)
