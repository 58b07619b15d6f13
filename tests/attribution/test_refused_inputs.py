"""Every heatmap method refuses wrong options, images and nodes, and says how to mend them."""

import numpy as np
import pytest
from torch import nn

import prediction_difference as pda
from example_networks import at_random
from example_options import is_said, wrong_values
from prediction_difference.attribution.heatmaps import heatmaps, options_of
from prediction_difference.errors import DataError
from prediction_difference.families import METHODS as FAMILY

METHODS = {word: one for word, one in FAMILY.classes().items() if one.explains_anew}
"""Of whole maps: all but prediction difference analysis."""
OF_PLANES = {word for word, one in METHODS.items() if one.takes_plane}
WRONG = [
    pytest.param(method, option, value, words, id=f"{method}-{option}-{number}")
    for method, its in METHODS.items()
    for option, annotation in options_of(its).items()
    for number, (value, words) in enumerate(wrong_values(annotation))
]
IGNORE_CLASSES = {"random", "segmentation"}
"""They make the same map, whatever is explained."""
SCORE = pda.Node.score(0)


def network(channels: int = 3) -> nn.Module:
    return at_random(nn.Sequential(
        nn.Conv2d(channels, 4, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(4 * 16, 3),
    ))  # fmt: skip


@pytest.fixture
def image(generator: np.random.Generator) -> np.ndarray:
    return generator.uniform(size=(3, 8, 8)).astype(np.float32)


def explained_by(method: str, image: np.ndarray, node: pda.Node = SCORE, **options):
    """The map of an image by a method, with a classifier that suits it."""
    if method in OF_PLANES and method != "occlusion":
        classifier = pda.LinearClassifier(np.ones((3, 8, 8)), 0.0)
    else:
        classifier = network()
    if METHODS[method].needs_training:
        options = {"training": np.stack([image, 1 - image]), **options}
    if method == "occlusion":
        options = {"window": 3, **options}
    return pda.heatmap(method, classifier, image, node, **options)


# --- options ----------------------------------------------------------------------------------


@pytest.mark.parametrize("method", METHODS)
def test_every_option_of_a_method_says_what_it_can_be(method):
    annotations = options_of(METHODS[method])
    assert "device" in annotations
    assert [name for name, one in annotations.items() if not is_said(one)] == []


@pytest.mark.parametrize(("method", "option", "value", "words"), WRONG)
def test_a_wrong_option_of_a_method_is_refused(image, method, option, value, words):
    with pytest.raises(DataError, match=rf"^{option}\b.*: .*; ") as refusal:
        pda.heatmap(method, None, image, SCORE, **{option: value})
    assert all(word in str(refusal.value) for word in words)
    if isinstance(value, int | float | str):
        assert str(refusal.value).startswith(f"{option}={value!r}: ")


@pytest.mark.parametrize("method", METHODS)
def test_an_unknown_option_of_a_method_is_refused_with_all_that_it_has(image, method):
    with pytest.raises(DataError, match=rf"^eps=1: {method} has no such option; ") as refusal:
        pda.heatmap(method, None, image, SCORE, eps=1)
    assert all(option in str(refusal.value) for option in options_of(METHODS[method]))


@pytest.mark.parametrize(
    ("method", "options", "message"),
    [
        ("lrp_epsilon", {"bias": "absorb"}, r"bias='absorb': is unknown; .*mean 'absorbs'\? "),
        ("lrp_alpha_beta", {"max_pool": "win"}, r"max_pool='win': is unknown; .*mean 'winner'"),
        ("deep_taylor", {"normalisation": "pass"}, r"normalisation='pass': .*mean 'passed'"),
        (
            "sensitivity",
            {"norm": "l1"},
            r"norm='l1': .*of l2, linf, squared$|norm='l1': .* choices are l2, linf, squared$",
        ),
        ("lrp_epsilon", {"start": "pos"}, r"start='pos': .*mean 'positive'"),
        ("deconvolution", {"start": "resp"}, r"start='resp': .*mean 'response'"),
        ("segmentation", {"foreground": "light"}, r"foreground='light': .*mean 'bright'"),
        ("deep_taylor", {"first": "zb"}, r"first='zb': is unknown; .*mean 'zB'\? .* z\+, zB, w2$"),
        ("deep_taylor", {"layers": {"0": "zb"}}, r"layers\['0'\]='zb': is unknown; .*mean 'zB'"),
        ("integrated_gradients", {"steps": 0}, "steps=0: is less than 1; set it to 1 or more"),
        ("lrp_epsilon", {"eps": 1}, r"eps=1: lrp_epsilon has no such option; .*mean 'epsilon'"),
        (
            "lrp_alpha_beta",
            {"alpha": 3, "beta": 1},
            r"lrp_alpha_beta: alpha \+ beta is 4; set beta to -2",
        ),
        (
            "deep_taylor",
            {"lowest": 1, "highest": 0},
            "lowest=1 is not below highest=0; raise highest",
        ),
        ("taylor", {"lowest": 2}, "lowest=2 is not below highest=1; raise highest"),
        (
            "occlusion",
            {"stride": 4},
            "occlusion: stride=4 leaves pixels between windows .* at most 3",
        ),
        ("sensitivity", {"device": "gpu"}, "device='gpu': is unknown; choose one of cpu, cuda"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else None,
)
def test_what_took_another_policy_or_no_clear_error_is_refused(image, method, options, message):
    with pytest.raises(DataError, match=message):
        explained_by(method, image, **options)


def test_options_that_are_written_out_change_nothing(image):
    for method in METHODS:
        fields = METHODS[method].model_fields
        options = {n: fields[n].default for n in options_of(METHODS[method]) if n in fields}
        if method == "occlusion":
            options |= {"window": 3}
        node = pda.Node.score(int(network()(_tensor(image)).argmax()))
        node = SCORE if method in OF_PLANES else node
        plain = explained_by(method, image, node)
        np.testing.assert_array_equal(explained_by(method, image, node, **options), plain)


def _tensor(image):
    import torch

    return torch.from_numpy(image[None])


# --- images and nodes -------------------------------------------------------------------------


@pytest.mark.parametrize("value", [np.nan, np.inf], ids=["nan", "inf"])
@pytest.mark.parametrize("method", METHODS)
def test_an_image_with_nan_or_infinity_is_refused_by_every_method(image, method, value):
    image[1, 2, 3] = value
    with pytest.raises(DataError, match="image: holds NaN or infinity at 1 of 192 places; give"):
        explained_by(method, image)
    with pytest.raises(DataError, match="images: holds NaN or infinity at 1 of 384 places; give"):
        heatmaps(method, None, np.stack([image, np.ones_like(image)]), [SCORE] * 2)


def test_prediction_differences_of_nan_are_refused(image):
    sampler = pda.MarginalSampler(np.stack([image, 1 - image]), 3)
    analysis = pda.PredictionDifference(network(), sampler, 3, samples=2)
    image = image.copy()
    image[0, 0, 0] = np.nan
    for explain in (analysis.attribute, analysis.attribute_quietly):
        with pytest.raises(DataError, match="image: holds NaN or infinity at 1 of 192 places"):
            explain(image, [SCORE])
    with pytest.raises(DataError, match="images: holds NaN or infinity at 1 of 192 places"):
        pda.layer_activations(network(), "0", image[None])


@pytest.mark.parametrize("method", ["pattern", "deviation"])
def test_training_images_with_nan_are_refused(image, method):
    training = np.stack([image, 1 - image])
    training[1, 0, 0, 0] = np.nan
    with pytest.raises(DataError, match="training: holds NaN or infinity at 1 of 192 places"):
        explained_by(method, image, training=training)


@pytest.mark.parametrize("method", sorted(METHODS.keys() - IGNORE_CLASSES))
def test_a_class_that_the_classifier_does_not_have_is_refused(image, method):
    classes = 2 if method in OF_PLANES - {"occlusion"} else 3
    message = f"node score 7: there are {classes} classes; choose a number from 0 to {classes - 1}"
    with pytest.raises(DataError, match=message):
        explained_by(method, image, pda.Node.score(7))


@pytest.mark.parametrize("make", [pda.Node.probability, pda.Node.score])
def test_classes_are_whole_numbers_from_0(make):
    with pytest.raises(DataError, match="index=-1: is less than 0; set it to 0 or more"):
        make(-1)
    with pytest.raises(DataError, match=r"index=1.5: is of type float; give a whole number"):
        make(1.5)
    with pytest.raises(DataError, match="index='cat': is of type str; give a whole number"):
        make("cat")
    assert make(np.int64(2)) == make(2)


def test_units_and_positions_are_whole_numbers_from_0():
    with pytest.raises(DataError, match="unit=-1: is less than 0; set it to 0 or more"):
        pda.Node.feature_map("conv", -1)
    with pytest.raises(DataError, match=r"position\[1\]=-2: is less than 0; set it to 0 or more"):
        pda.Node.unit("conv", 0, (1, -2))


def test_images_and_nodes_of_other_types_and_numbers_are_refused(image):
    with pytest.raises(DataError, match="node=0: is of type int; give a Node"):
        pda.heatmap("sensitivity", network(), image, 0)
    with pytest.raises(DataError, match="image: is of type Tensor; give a numpy array"):
        pda.heatmap("sensitivity", network(), _tensor(image)[0], SCORE)
    with pytest.raises(DataError, match="nodes: there are 1 for 2 images; give one for each"):
        heatmaps("sensitivity", network(), np.stack([image, image]), [SCORE])


# --- what the network tells -------------------------------------------------------------------

OF_NETWORKS = [*sorted(METHODS.keys() - IGNORE_CLASSES - OF_PLANES), "occlusion"]


@pytest.mark.parametrize("method", OF_NETWORKS)
def test_the_remedy_is_that_of_the_fault(image, method):
    options = {"window": 3} if method == "occlusion" else {}

    def refused(message, module=None, given=image):
        with pytest.raises(DataError, match=message):
            pda.heatmap(method, module or network(), given, SCORE, **options)

    refused("has weights of float64, images are float32; call .float", network().double())
    refused("has 1 channel, the network takes 3; give it 3 channels", given=image[:1])
    refused("has 3 channels, the network takes 1; give it 1 channel$", network(1))
    refused(r"dimensions: 1, the network takes 2; give it as \(C, H, W\)", given=image[0])
    wide = np.pad(image, ((0, 0), (0, 2), (0, 0)))
    refused(r"shape \(3, 10, 8\): the classifier does not take it .*of the size", given=wide)


@pytest.mark.parametrize("method", sorted(set(OF_NETWORKS) - {"occlusion"}))
def test_linear_classifiers_are_no_networks(image, method):
    linear = pda.LinearClassifier(np.ones((3, 8, 8)), 0.0)
    with pytest.raises(DataError, match=r"classifier: is of type LinearClassifier, .*torch module"):
        pda.heatmap(method, linear, image, SCORE)


@pytest.mark.parametrize("method", ["weights", "pattern", "deviation"])
def test_images_of_another_shape_than_the_weights_are_refused(image, method):
    with pytest.raises(DataError, match=r"shape \(3, 7, 8\): the classifier takes \(3, 8, 8\)"):
        explained_by(method, image[:, 1:])


def test_a_network_that_became_float64_is_not_taken_for_what_it_was(image):
    module = network()
    pda.heatmap("lrp_epsilon", module, image, SCORE)
    with pytest.raises(DataError, match="has weights of float64"):
        pda.heatmap("lrp_epsilon", module.double(), image, SCORE)


def test_prediction_differences_and_activations_say_the_same_remedies(image):
    sampler = pda.MarginalSampler(np.stack([image, 1 - image]), 3)
    double = pda.PredictionDifference(network().double(), sampler, 3)
    with pytest.raises(DataError, match=r"has weights of float64, .*; call \.float\(\) on it"):
        double.attribute(image, [SCORE])
    with pytest.raises(DataError, match="has 3 channels, the network takes 1"):
        pda.PredictionDifference(network(1), sampler, 3).attribute(image, [SCORE])
    with pytest.raises(DataError, match="has 3 channels, the network takes 1"):
        pda.layer_activations(network(1), "0", image[None])
