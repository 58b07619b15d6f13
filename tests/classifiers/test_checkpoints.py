"""Checkpoints: classifiers as they were during their training."""

import dataclasses

import numpy as np
import pandas
import pytest
import torch

from example_networks import weights_sum
from prediction_difference import randomness
from prediction_difference.attribution.image_choice import ImageChoice, slots
from prediction_difference.attribution.methods.random import RandomOrder
from prediction_difference.attribution.selection import image_of_slot
from prediction_difference.classifiers import networks
from prediction_difference.classifiers.card import checkpoint_file, read_card
from prediction_difference.classifiers.kinds.checkpoint import Checkpoint
from prediction_difference.classifiers.kinds.train import TrainedNetwork
from prediction_difference.classifiers.loading import load_module, read_predictions
from prediction_difference.classifiers.making import make_classifier
from prediction_difference.classifiers.normalisation import Normalisation
from prediction_difference.data.dataset import Dataset
from prediction_difference.data.source import Split
from prediction_difference.data.splits import assign_splits
from prediction_difference.errors import DataError, StoreError

EPOCHS = 4
NETWORK = TrainedNetwork(
    kind="train", dataset="x", width=4, epochs=EPOCHS, batch_size=8, checkpoints=(0, 1, 4)
)


def halves(folds=None) -> Dataset:
    """Two classes: a bright left or a bright right half, in noise."""
    labels = np.arange(48) % 2
    images = np.random.default_rng(5).uniform(0, 0.6, (48, 1, 8, 8)).astype(np.float32)
    images[labels == 0, :, :, :4] += 0.4
    images[labels == 1, :, :, 4:] += 0.4
    splitting = Split(folds=folds, test_fraction=None if folds else 0.5)
    split = assign_splits(labels, splitting, 0, "x")
    names = tuple(f"image-{n}" for n in range(48))
    return Dataset(images, names, labels, split, ("left", "right"), digest=f"halves {folds}")


def checkpoint(epoch: int, of: str = "network") -> Checkpoint:
    return Checkpoint(kind="checkpoint", of=of, epoch=epoch, dataset="x")


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("trained")
    return folder, make_classifier(NETWORK, "network", halves(), 0, "cpu", folder)


def made(trained, epoch, folder, **changes):
    given = {"dataset": halves(), "seed": 0, **changes}
    settings = checkpoint(epoch)
    make_classifier(
        settings, "then", given["dataset"], given["seed"], "cpu", folder, trained=trained[0]
    )
    return read_card(folder)


def test_the_last_checkpoint_is_the_trained_network(trained, tmp_path):
    folder, card = trained
    last = made(trained, EPOCHS, tmp_path)
    assert weights_sum(tmp_path) == weights_sum(folder)
    assert last.accuracy == card.accuracy
    assert last.held_out_images == card.held_out_images
    theirs, ours = read_predictions(folder), read_predictions(tmp_path)
    out = halves().in_split("test")
    columns = ["image", "split", "label", "predicted"]
    assert ours[columns][out].equals(theirs[columns][out])
    expected = np.stack(theirs["probabilities"][out])
    np.testing.assert_array_equal(np.stack(ours["probabilities"][out]), expected)
    assert set(ours["predicted"][~out]) == {-1}
    assert np.isnan(np.stack(ours["probabilities"][~out])).all()


def test_a_checkpoint_has_the_accuracy_that_the_history_tells(trained, tmp_path):
    history = pandas.read_csv(trained[0] / "history.csv")
    card = made(trained, 1, tmp_path)
    assert card.accuracy == pytest.approx(history["test_accuracy"][0])
    assert list(pandas.read_csv(tmp_path / "history.csv")["epoch"]) == [1]
    assert (card.family, card.name) == ("network", "then")


def test_a_shorter_training_of_the_same_schedule_is_not_needed(trained, tmp_path):
    """Weights after an epoch do not depend on which checkpoints are kept."""
    other = NETWORK.model_copy(update={"checkpoints": (1,)})
    again = make_classifier(other, "network", halves(), 0, "cpu", tmp_path)
    assert again.checkpoints == (1,)
    kept = checkpoint_file(tmp_path, 1).read_bytes()
    assert kept == checkpoint_file(trained[0], 1).read_bytes()
    assert weights_sum(tmp_path) == weights_sum(trained[0])


def test_epoch_0_is_the_untrained_network(trained, tmp_path):
    card = made(trained, 0, tmp_path)
    with torch.random.fork_rng():
        torch.manual_seed(randomness.key(0, "classifier", "network"))
        bare = networks.build(NETWORK, (1, 8, 8), 2).eval()
    normalisation = Normalisation.model_validate(card.normalisation["test"])
    images = torch.from_numpy(halves().images)
    module = load_module(tmp_path, card, "test")
    with torch.inference_mode():
        expected = networks.with_preprocessing(bare, normalisation)(images)
        np.testing.assert_allclose(module(images), expected, atol=1e-6)
    assert len(pandas.read_csv(tmp_path / "history.csv")) == 0


def test_every_fold_has_its_own_checkpoint(tmp_path):
    dataset = halves(folds=2)
    settings = NETWORK.model_copy(update={"epochs": 1, "checkpoints": (1,)})
    card = make_classifier(settings, "network", dataset, 0, "cpu", tmp_path / "a")
    make_classifier(
        checkpoint(1), "then", dataset, 0, "cpu", tmp_path / "b", trained=tmp_path / "a"
    )
    then = read_card(tmp_path / "b")
    assert then.training_instances == card.training_instances == {"fold-00": 24, "fold-01": 24}
    assert then.accuracy == card.accuracy
    assert weights_sum(tmp_path / "a") == weights_sum(tmp_path / "b")


def test_random_images_are_the_same_for_all_checkpoints(trained, tmp_path):
    explanation = RandomOrder(method="random", classifier="x", images=ImageChoice(random=5))
    folders = [trained[0], tmp_path / "0", tmp_path / "1"]
    made(trained, 0, folders[1])
    made(trained, 1, folders[2])
    drawn = [
        [
            image_of_slot(f"random-{n}", explanation, halves(), read_predictions(f), read_card(f))
            for n in range(1, 6)
        ]
        for f in folders
    ]
    assert len(set(drawn[0])) == 5
    assert drawn[0] == drawn[1] == drawn[2]


def test_images_of_a_class_are_those_of_the_sort_in_order(trained):
    folder = trained[0]
    predictions, card = read_predictions(folder), read_card(folder)

    def drawn(label, count):
        images = ImageChoice(random=count, labels=(label,) if label else ())
        explanation = RandomOrder(method="random", classifier="x", images=images)
        return [
            image_of_slot(slot, explanation, halves(), predictions, card)
            for slot in slots(explanation)
        ]

    count = int((predictions["split"] != "train").sum())
    everything = drawn(None, count)
    name = card.class_names[1]
    of_class = [index for index in everything if predictions["label"][index] == 1]
    assert drawn(name, len(of_class)) == of_class
    with pytest.raises(DataError, match=f"has {len(of_class)} such held-out images of '{name}'"):
        drawn(name, len(of_class) + 1)
    with pytest.raises(DataError, match=r"images: labels: 'cow': .* has no such class"):
        drawn("cow", 1)


# --- what does not fit ------------------------------------------------------------------------


def test_checkpoints_of_an_earlier_training_do_not_stay(tmp_path):
    dataset = halves()
    settings = NETWORK.model_copy(update={"epochs": 1, "checkpoints": (0, 1)})
    make_classifier(settings, "network", dataset, 0, "cpu", tmp_path)
    fewer = settings.model_copy(update={"checkpoints": (1,)})
    make_classifier(fewer, "network", dataset, 0, "cpu", tmp_path)
    assert [path.name for path in (tmp_path / "checkpoints").iterdir()] == ["epoch-1.safetensors"]


def test_an_epoch_that_was_not_kept_is_refused(trained, tmp_path):
    message = "'network' keeps no checkpoint of epoch 2, but of 0, 1, 4; add it to its checkpoints"
    with pytest.raises(StoreError, match=message):
        made(trained, 2, tmp_path)


def test_the_folder_of_the_training_must_be_given(tmp_path):
    with pytest.raises(DataError, match=r"--trained: is missing; give the folder of 'network'"):
        make_classifier(checkpoint(1), "then", halves(), 0, "cpu", tmp_path)


@pytest.mark.parametrize(
    ("changes", "key"),
    [({"seed": 1}, "seed"), ({"dataset": dataclasses.replace(halves(), digest="y")}, "dataset")],
)
def test_another_training_is_refused(trained, tmp_path, changes, key):
    with pytest.raises(StoreError, match=f"comes from another config: it was made with {key}="):
        made(trained, 1, tmp_path, **changes)


def test_damaged_checkpoints_are_refused(trained, tmp_path):
    for file in trained[0].rglob("*"):
        if file.is_file():
            copy = tmp_path / file.relative_to(trained[0])
            copy.parent.mkdir(exist_ok=True)
            copy.write_bytes(file.read_bytes())
    file = checkpoint_file(tmp_path, 1)
    file.write_bytes(checkpoint_file(tmp_path, 0).read_bytes())
    with pytest.raises(StoreError, match=r"epoch-1\.safetensors: is damaged"):
        made((tmp_path,), 1, tmp_path / "then")
    file.unlink()
    with pytest.raises(StoreError, match=r"epoch-1\.safetensors: cannot be read"):
        made((tmp_path,), 1, tmp_path / "then")
