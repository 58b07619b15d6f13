"""AOPC and accuracy over a training: numbers are those of tables and cards, epochs in order."""

import dataclasses

import numpy as np
import pandas
import pytest

from prediction_difference.classifiers.card import Card
from prediction_difference.errors import StoreError
from prediction_difference.figures import style
from prediction_difference.figures.drawing import rounded
from prediction_difference.figures.training_curves import Moment, training_curves
from prediction_difference.intervals import correlation_with_means

ACCURACIES = {0: 0.1, 2: 0.55, 4: 0.7, 10: 0.8}
METHODS = ("lrp_alpha_beta", "sensitivity", "random")
IMAGES = {"random-1": "cat", "random-2": "dog", "random-3": "frog"}


def card_of(epoch: int) -> Card:
    settings = {"architecture": "all-convolutional", "width": 8, "halvings": 2, "dropout": 0.1}
    settings |= {"flip": True, "shift": 2, "batch_size": 64, "learning_rate": 0.003}
    settings |= {"precision": "bfloat16", "epochs": 10}
    return Card(
        name=f"after-{epoch}",
        kind="checkpoint",
        settings={"of": "net", "epoch": epoch},
        dataset="animals",
        dataset_digest="0",
        class_names=("cat", "dog"),
        input_shape=(3, 8, 8),
        training_instances={"test": 50_000},
        normalisation={},
        accuracy=ACCURACIES[epoch],
        held_out_images=10_000,
        seed=0,
        provenance={},
        trained=settings,
    )


def table_of(generator: np.random.Generator, epoch: int, methods=METHODS) -> pandas.DataFrame:
    """Two repeats, three steps; losses that grow with the accuracy, but for noise."""
    rows = [
        {
            "explanation": f"{method}-{epoch}",
            "method": method,
            "image": image,
            "image_name": name,
            "repeat": repeat,
            "step": step,
            "score": -step * (ACCURACIES[epoch] + generator.normal(0, 0.2)),
            "probability": float(generator.uniform()),
        }
        for method in methods
        for image, name in IMAGES.items()
        for repeat in range(2)
        for step in range(4)
    ]
    table = pandas.DataFrame(rows)
    settings = {"region": 2, "steps": 3, "repeats": 2, "order": "morf", "output": "score"}
    settings |= {
        "perturbation": "uniform",
        "precision": "float32",
        "explanations": [f"{m}-{epoch}" for m in methods],
    }
    classifier = f"after-{epoch}"
    table.attrs = {"evaluation": "e", "classifier": classifier, "seed": 5, "settings": settings}
    table.attrs["weights_from"] = "here"
    return table


@pytest.fixture
def moments(generator: np.random.Generator) -> list[Moment]:
    """In no order."""
    return [Moment(card_of(epoch), table_of(generator, epoch)) for epoch in (4, 0, 10, 2)]


def area_by_hand(moment: Moment, method: str, image: str, output: str) -> float:
    table, epoch = moment.table, moment.epoch
    rows = table[(table["explanation"] == f"{method}-{epoch}") & (table["image"] == image)]
    first = rows[rows["step"] == 0][output].mean()
    return float(first - rows[output].mean())


@pytest.mark.parametrize("output", ["score", "probability"])
def test_areas_are_those_above_random_in_the_order_of_epochs(
    moments: list[Moment], output: str
) -> None:
    numbers = training_curves(moments, ("LRP", "gradient", "chance")).numbers
    assert numbers["epochs"] == [0, 2, 4, 10]
    assert numbers["accuracy"] == list(ACCURACIES.values())
    assert (numbers["images"], numbers["held_out_images"]) == (3, 10_000)
    assert [one["explanation"] for one in numbers[output]] == ["LRP", "gradient"]
    by_epoch = {moment.epoch: moment for moment in moments}
    for one, method in zip(numbers[output], METHODS, strict=False):
        areas = np.array(
            [
                [
                    area_by_hand(by_epoch[e], method, i, output)
                    - area_by_hand(by_epoch[e], "random", i, output)
                    for e in ACCURACIES
                ]
                for i in IMAGES
            ]
        )
        np.testing.assert_allclose(one["aopc"], areas.mean(0), rtol=1e-5)
        expected = correlation_with_means(areas, np.array(list(ACCURACIES.values())))
        assert one["correlation"] == pytest.approx(expected[0], rel=1e-5)
        assert one["correlation_interval"] == pytest.approx(rounded(expected[1]))
        trained, _ = correlation_with_means(areas[:, 1:], np.array([0.55, 0.7, 0.8]))
        found = numbers["correlation_of_trained"][output][one["explanation"]]
        assert found == pytest.approx(trained, rel=1e-5)


def test_without_a_random_order_areas_are_as_they_are(generator: np.random.Generator) -> None:
    moments = [Moment(card_of(e), table_of(generator, e, METHODS[:2])) for e in (2, 10)]
    drawing = training_curves(moments, ())
    assert [one["explanation"] for one in drawing.numbers["score"]] == [
        "lrp_alpha_beta-2",
        "sensitivity-2",
    ]
    area = np.mean([area_by_hand(moments[1], "sensitivity", i, "score") for i in IMAGES])
    assert drawing.numbers["score"][1]["aopc"][1] == pytest.approx(area, rel=1e-5)
    assert "correlation_of_trained" not in drawing.numbers
    assert "random order" not in drawing.caption
    assert drawing.figure.axes[0].get_ylabel() == "AOPC, class score"


def test_both_panels_have_accuracy_on_their_right(moments: list[Moment]) -> None:
    drawing = training_curves(moments, ("LRP", "gradient", "chance"))
    first, right, second, other = drawing.figure.axes
    for axes in (right, other):
        (line,) = axes.get_lines()
        np.testing.assert_allclose(line.get_xydata(), list(ACCURACIES.items()))
        assert axes.get_ylim() == (0, 1)
    assert first.get_ylabel() == "AOPC above random, class score"
    assert second.get_ylabel() == "AOPC above random, class probability"
    texts = [text.get_text() for text in first.get_legend().get_texts()]
    found = drawing.numbers["score"][0]["correlation"]
    assert texts[0].startswith(f"LRP: r = {style.number(found, 2)} (")
    assert texts[-1] == "test accuracy, right axis"


def test_the_caption_has_every_parameter(moments: list[Moment]) -> None:
    caption = training_curves(moments, ("LRP", "gradient", "chance")).caption
    for part in (
        "Classifier net after epochs 0, 2, 4, 10 of its training: AOPC of 3 held-out images",
        "accuracy on 10,000 held-out images",
        "f is the class score. b: the same, f is the class probability.",
        f"2 {style.TIMES} 2 pixels without overlap; L = 3 steps; 2 draws",
        "less that of the random order, image by image",
        "Without the untrained network, epoch 0, r is a: LRP (",
        "width 8, 2 halvings of the resolution, dropout 0.1; trained on 50,000 images, mirrored "
        "and moved by up to 2 pixels at random, batches of 64, learning rate up to 0.003, bfloat16",
        "Seed 5.",
    ):
        assert part in caption


def test_what_does_not_belong_together_is_refused(
    moments: list[Moment], generator: np.random.Generator
) -> None:
    other = dataclasses.replace(moments[0].card, settings={"of": "other", "epoch": 4})
    with pytest.raises(StoreError, match="after-4: is of the training of other, not of net"):
        training_curves([*moments[1:], Moment(other, moments[0].table)], ())
    table = table_of(generator, 4)
    table["image_name"] = table["image_name"].replace("dog", "ship")
    with pytest.raises(StoreError, match="after-4: was measured on other images than after-0"):
        training_curves([*moments[1:], Moment(moments[0].card, table)], ())
    plane = dataclasses.replace(other, kind="logistic-regression", settings={"C": 1.0})
    with pytest.raises(StoreError, match="after-4: has no epochs, or no held-out images; name"):
        training_curves([*moments[1:], Moment(plane, moments[0].table)], ())
