"""Classifiers: what is published is complete, honest about held-out images, and loads again."""

import dataclasses

import numpy as np
import pandas
import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from example_networks import weights_sum
from prediction_difference.classifiers.card import read_card
from prediction_difference.classifiers.kinds.logistic_regression import LogisticRegression
from prediction_difference.classifiers.kinds.torch import TorchNetwork
from prediction_difference.classifiers.kinds.train import TrainedNetwork
from prediction_difference.classifiers.loading import (
    load_linear,
    load_module,
    read_predictions,
)
from prediction_difference.classifiers.making import make_classifier
from prediction_difference.classifiers.normalisation import Normalisation
from prediction_difference.data.dataset import Dataset
from prediction_difference.data.source import Split
from prediction_difference.data.splits import assign_splits
from prediction_difference.errors import DataError, StoreError
from prediction_difference.manifest import digest_of, write_manifest


def stripes(count=60, folds=None, seed=0) -> Dataset:
    """Two classes: a bright left or a bright right half, in noise."""
    generator = np.random.default_rng(seed)
    labels = np.arange(count) % 2
    images = generator.uniform(0, 0.6, size=(count, 1, 8, 8)).astype(np.float32)
    images[labels == 0, :, :, :4] += 0.4
    images[labels == 1, :, :, 4:] += 0.4
    splitting = Split(folds=folds, test_fraction=None if folds else 0.3)
    return Dataset(
        images,
        tuple(f"image-{n}" for n in range(count)),
        labels,
        assign_splits(labels, splitting, seed, "stripes"),
        ("left", "right"),
        digest=f"stripes {count} {folds} {seed}",
    )


NETWORK = TrainedNetwork(kind="train", dataset="stripes", width=4, epochs=6, batch_size=8)
REGRESSION = LogisticRegression(kind="logistic-regression", dataset="stripes")


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("trained")
    dataset = stripes()
    return folder, dataset, make_classifier(NETWORK, "network", dataset, 0, "cpu", folder)


def test_a_trained_network_has_all_its_files_and_learnt_the_task(trained):
    folder, dataset, card = trained
    files = {"weights.safetensors", "card.json", "history.csv", "predictions.parquet"}
    files.add("card.sha256")
    assert {p.name for p in folder.iterdir()} == files
    assert card.accuracy is not None
    assert card.accuracy > 0.9
    assert card.held_out_images == dataset.in_split("test").sum()
    assert card.training_instances == {"test": int(dataset.in_split("train").sum())}
    history = pandas.read_csv(folder / "history.csv")
    assert list(history["epoch"]) == [1, 2, 3, 4, 5, 6]
    assert history["test_accuracy"].iloc[-1] == pytest.approx(card.accuracy)


def test_a_loaded_network_predicts_what_was_published(trained):
    folder, dataset, card = trained
    assert read_card(folder) == card
    module = load_module(folder, card, "test")
    with torch.inference_mode():
        p = module(torch.from_numpy(dataset.images)).softmax(1).numpy()
    predictions = read_predictions(folder)
    np.testing.assert_allclose(np.stack(predictions["probabilities"]), p, atol=1e-5)
    assert list(predictions["predicted"]) == list(p.argmax(1))


def test_training_again_gives_the_same_weights(trained, tmp_path):
    folder, dataset, card = trained
    assert make_classifier(NETWORK, "network", dataset, 0, "cpu", tmp_path) == card
    assert digest_of(tmp_path / "card.json") == digest_of(folder / "card.json")
    make_classifier(NETWORK, "network", dataset, 1, "cpu", tmp_path)
    assert weights_sum(tmp_path) != weights_sum(folder)


def test_test_images_do_not_influence_the_weights(trained, tmp_path):
    folder, dataset, _ = trained
    altered = dataset.images.copy()
    altered[dataset.in_split("test")] = 0.5
    twin = Dataset(altered, dataset.names, dataset.labels, dataset.split, dataset.class_names)
    make_classifier(NETWORK, "network", twin, 0, "cpu", tmp_path)
    assert weights_sum(tmp_path) == weights_sum(folder)


def test_every_fold_is_predicted_by_weights_that_did_not_see_it(tmp_path):
    dataset = stripes(40, folds=4)
    card = make_classifier(REGRESSION, "regression", dataset, 0, "cpu", tmp_path)
    assert card.training_instances == {f"fold-{n:02d}": 30 for n in range(4)}
    predictions = read_predictions(tmp_path)
    for split in dataset.held_out_splits:
        out = dataset.in_split(split)
        linear = load_linear(tmp_path, card, split)
        expected = linear.scores(dataset.images[out]).argmax(1)
        assert list(predictions["predicted"][out]) == list(expected)
        altered = dataset.images.copy()
        altered[out] = 0
        twin = Dataset(altered, dataset.names, dataset.labels, dataset.split, dataset.class_names)
        make_classifier(REGRESSION, "regression", twin, 0, "cpu", tmp_path / split)
        other = load_linear(tmp_path / split, read_card(tmp_path / split), split)
        np.testing.assert_array_equal(other.weight, linear.weight)


def test_folds_of_a_network_are_normalised_without_their_held_out_images(tmp_path):
    dataset = stripes(24, folds=2)
    settings = NETWORK.model_copy(update={"epochs": 1})
    card = make_classifier(settings, "network", dataset, 0, "cpu", tmp_path)
    for split in ("fold-00", "fold-01"):
        seen = dataset.images[~dataset.in_split(split)].astype(float)
        assert card.normalisation[split]["mean"] == pytest.approx([seen.mean()])
        assert card.normalisation[split]["std"] == pytest.approx([seen.std()], rel=1e-5)
        module = load_module(tmp_path, card, split)
        assert float(module.preprocessing.mean[0]) == pytest.approx(seen.mean())


def test_layers_keep_the_names_of_the_bare_network(trained):
    folder, _, card = trained
    module = load_module(folder, card, "test")
    assert isinstance(module.get_submodule("0"), nn.Conv2d)


def factory() -> nn.Module:
    return nn.Sequential(nn.Flatten(), nn.Linear(64, 2))


def own_network(tmp_path, **changes) -> TorchNetwork:
    save_file(factory().state_dict(), tmp_path / "own.safetensors")
    given = {"dataset": "stripes", "factory": f"{__name__}:factory", "training_instances": 5}
    return TorchNetwork.model_validate(
        {"kind": "torch", "weights": tmp_path / "own.safetensors", **given, **changes}
    )


def test_a_users_network_is_taken_as_it_is(tmp_path):
    dataset = stripes()
    settings = own_network(tmp_path, normalisation={"mean": [0.5], "std": [0.25]})
    card = make_classifier(settings, "own", dataset, 0, "cpu", tmp_path / "own")
    module = load_module(tmp_path / "own", card, "test")
    network = factory()
    from safetensors.torch import load_file

    network.load_state_dict(load_file(tmp_path / "own.safetensors"))
    x = torch.from_numpy(dataset.images)
    assert torch.allclose(module(x), network((x - 0.5) / 0.25))
    assert card.weights_for("any split at all") == "any"


class Doubled(nn.Sequential):
    def forward(self, x):
        return 2 * super().forward(x)


def doubled_factory() -> nn.Module:
    return Doubled(*factory())


def test_whatever_changes_a_map_changes_the_digest_of_the_classifier(tmp_path):
    """Also what leaves the weights as they are: the network's code, its class names, N."""
    dataset = stripes()
    (tmp_path / "names.txt").write_text("cat\ndog\n")
    given = own_network(tmp_path)
    variants = [
        {},
        {"factory": f"{__name__}:doubled_factory"},
        {"class_names": tmp_path / "names.txt"},
        {"training_instances": 6},
        {"normalisation": Normalisation(mean=(0.5,), std=(1.0,))},
    ]

    def digest_with(number, changes):
        settings = given.model_copy(update=changes)
        folder = tmp_path / str(number)
        make_classifier(settings, "own", dataset, 0, "cpu", folder)
        return digest_of(folder / "card.json")

    digests = [digest_with(number, changes) for number, changes in enumerate(variants)]
    assert len(set(digests)) == len(variants)
    assert digest_with("again", {}) == digests[0]


def test_class_names_must_be_as_many_as_scores(tmp_path):
    (tmp_path / "names.txt").write_text("a\nb\nc\n")
    settings = own_network(tmp_path, class_names=tmp_path / "names.txt")
    with pytest.raises(DataError, match="returns 2 scores, but there are 3 class names"):
        make_classifier(settings, "own", stripes(), 0, "cpu", tmp_path / "own")
    assert not (tmp_path / "own" / "card.json").exists()


def test_images_that_the_network_does_not_take_are_named(tmp_path):
    dataset = stripes()
    wide = Dataset(
        dataset.images[..., :7], dataset.names, dataset.labels, dataset.split, dataset.class_names
    )
    with pytest.raises(DataError, match=r"images of shape \(1, 8, 7\): the network does not take"):
        make_classifier(own_network(tmp_path), "own", wide, 0, "cpu", tmp_path / "own")


def test_weights_of_another_card_are_refused(trained, tmp_path):
    folder, _, card = trained
    for file in folder.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    save_file({"test/x": torch.zeros(1)}, tmp_path / "weights.safetensors")
    with pytest.raises(
        StoreError, match=r"weights\.safetensors: is damaged: it does not hold what was"
    ):
        load_module(tmp_path, card, "test")
    (tmp_path / "card.json").write_text("{}")
    with pytest.raises(StoreError, match=r"card\.json: is damaged: it does not hold what was wri"):
        read_card(tmp_path)
    write_manifest(tmp_path / "card.json", [tmp_path / "card.json"])
    with pytest.raises(StoreError, match="is not the card of a classifier"):
        read_card(tmp_path)
    (tmp_path / "card.sha256").unlink()
    with pytest.raises(StoreError, match=r"card\.sha256, which is written last, is missing"):
        read_card(tmp_path)
    with pytest.raises(StoreError, match="there is no classifier here"):
        read_card(tmp_path / "nowhere")


def test_a_dataset_without_training_images_is_refused(tmp_path):
    dataset = stripes()
    unsplit = Dataset(
        dataset.images, dataset.names, dataset.labels, ("test",) * 60, dataset.class_names
    )
    with pytest.raises(DataError, match="no images are left to train on; set test_fraction"):
        make_classifier(NETWORK, "network", unsplit, 0, "cpu", tmp_path)


@pytest.mark.parametrize("settings", [NETWORK, REGRESSION])
def test_a_class_without_training_images_is_refused(tmp_path, settings):
    dataset = stripes(8, folds=2)
    split = tuple("fold-00" if label == 1 else "fold-01" for label in dataset.labels)
    apart = dataclasses.replace(dataset, split=split)
    message = "split 'fold-00': all images of class 'right' are in it, none is left to train on"
    with pytest.raises(DataError, match=message):
        make_classifier(settings, "network", apart, 0, "cpu", tmp_path)


def test_classes_that_the_network_does_not_have_are_told(tmp_path, capsys):
    (tmp_path / "names.txt").write_text("n00000001 left\nn00000002 raven\n")
    settings = own_network(tmp_path, class_names=tmp_path / "names.txt")
    card = make_classifier(settings, "own", stripes(), 0, "cpu", tmp_path / "own")
    assert card.class_names == ("left", "raven")
    assert "classifier own has no class 'right' of the dataset" in capsys.readouterr().err
    labels = read_predictions(tmp_path / "own")["label"]
    assert set(labels) == {0, -1}
    assert card.held_out_images == (labels[stripes().in_split("test")] == 0).sum()
