"""Making a classifier of any kind: fitting or loading it, trying it, publishing its files."""

import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from prediction_difference import provenance, randomness
from prediction_difference.classifiers import unseen
from prediction_difference.classifiers.card import (
    CARD,
    CHECKPOINTS,
    HISTORY,
    PREDICTIONS,
    WEIGHTS,
    Card,
    checkpoint_file,
)
from prediction_difference.classifiers.fitted import Fitted
from prediction_difference.classifiers.kind import Classifier, Making
from prediction_difference.classifiers.measures import held_out_measures
from prediction_difference.data.dataset import TRAIN, UNLABELLED, Dataset
from prediction_difference.errors import DataError, telling_faults
from prediction_difference.files import (
    folder_of,
    publishing,
    remove,
    write_json,
)
from prediction_difference.manifest import Origin, withdraw, write_manifest
from prediction_difference.progress import say


def make_classifier(
    settings: Classifier,
    name: str,
    dataset: Dataset,
    seed: int,
    device: str,
    folder: Path,
    trained: Path | None = None,
    origin: Origin | None = None,
) -> Card:
    """Fit or load a classifier and publish its files: weights, history, predictions, card.

    `folder` may also be the card.json in it. trained: that of the trained classifier, for a
    checkpoint. origin: what it is made from.

    Raises:
        DataError: the dataset or the weights do not fit the classifier.
    """
    key = randomness.key(seed, "classifier", name)
    fitted = fitted_by(settings, dataset, Making(key, seed, device, trained))
    labels = labels_in(fitted.class_names, dataset)
    _tell_of_strange_classes(name, labels, dataset)
    card = _card(settings, name, dataset, seed, fitted, labels)
    _write(folder_of(folder), card, fitted, dataset, labels, origin)
    return card


def fitted_by(settings: Classifier, dataset: Dataset, making: Making) -> Fitted:
    """What a kind of classifier fits or loads, if it is what the protocol says.

    Raises:
        DataError: the dataset or the weights do not fit; a user's own kind fails, or returns
            something else.
    """
    where = f"classifier of kind {settings.kind}"
    with telling_faults(where, settings.kind, "fit"):
        fitted = settings.fit(dataset, making)
    if not isinstance(fitted, Fitted):
        raise DataError(where, f"returns {type(fitted).__name__}", "return a Fitted")
    wanted = (len(dataset.names), len(fitted.class_names))
    if fitted.scores.shape != wanted:
        what = f"returns scores of shape {fitted.scores.shape}, not {wanted}"
        raise DataError(where, what, "return a score for each image and class")
    if np.isinf(fitted.scores).any():
        raise DataError(where, "returns scores that are infinite", "return finite scores")
    return fitted


def _card(
    settings: Classifier,
    name: str,
    dataset: Dataset,
    seed: int,
    fitted: Fitted,
    labels: np.ndarray,
) -> Card:
    held_out = ~dataset.in_split(TRAIN) & (labels != UNLABELLED)
    correct = _predicted(fitted.scores) == labels
    return Card(
        name=name,
        kind=settings.kind,
        settings=settings.model_dump(mode="json"),
        dataset=settings.dataset,
        dataset_digest=dataset.digest,
        class_names=fitted.class_names,
        input_shape=tuple(dataset.images.shape[1:]),
        training_instances=fitted.instances,
        normalisation={s: n.model_dump(mode="json") for s, n in fitted.normalisation.items()},
        accuracy=float(correct[held_out].mean()) if held_out.any() else None,
        held_out_images=int(held_out.sum()),
        seed=seed,
        provenance={"versions": provenance.versions()},
        checkpoints=tuple(fitted.checkpoints),
        trained=fitted.trained,
        measures={
            **held_out_measures(fitted.scores[held_out], labels[held_out]),
            **fitted.measures,
        },
    )


def labels_in(class_names: tuple[str, ...], dataset: Dataset) -> np.ndarray:
    """(n,) labels as numbers of a classifier's classes; -1 where it has no such class."""
    numbers = {name: number for number, name in enumerate(class_names)}
    own = np.array([numbers.get(n, UNLABELLED) for n in dataset.class_names] + [UNLABELLED])
    return own[dataset.labels]


def _tell_of_strange_classes(name: str, labels: np.ndarray, dataset: Dataset) -> None:
    """Say which classes of the images a classifier does not have: these count as unlabelled."""
    strange = np.unique(dataset.labels[(labels == UNLABELLED) & (dataset.labels != UNLABELLED)])
    if len(strange):
        few = ", ".join(repr(dataset.class_names[number]) for number in strange[:5])
        few += ", ..." if len(strange) > 5 else ""
        say(f"classifier {name} has no class {few} of the dataset; class_names may name them alike")


def _write(
    folder: Path,
    card: Card,
    fitted: Fitted,
    dataset: Dataset,
    labels: np.ndarray,
    origin: Origin | None,
) -> None:
    """Write the card and its manifest last: a folder with them is complete."""
    import pandas
    from scipy.special import softmax

    folder.mkdir(parents=True, exist_ok=True)
    withdraw(folder / CARD)
    (folder / CARD).unlink(missing_ok=True)
    remove(folder / CHECKPOINTS)
    predictions = pandas.DataFrame(
        {
            "image": dataset.names,
            "split": dataset.split,
            "label": labels,
            "predicted": _predicted(fitted.scores),
            "probabilities": list(softmax(fitted.scores, axis=1).astype(np.float32)),
        }
    )
    _write_weights(folder / WEIGHTS, fitted.weights)
    for epoch, kept in fitted.checkpoints.items():
        _write_weights(checkpoint_file(folder, epoch), kept)
    with publishing(folder / HISTORY) as temporary:
        columns = None if fitted.history else ["split", "training_accuracy", "test_accuracy"]
        pandas.DataFrame(fitted.history, columns=columns).to_csv(temporary, index=False)
    with publishing(folder / PREDICTIONS) as temporary:
        predictions.to_parquet(temporary, index=False)
    write_json(folder / CARD, json.loads(json.dumps(card.to_json())))
    files = [folder / name for name in (CARD, WEIGHTS, HISTORY, PREDICTIONS)]
    files += [checkpoint_file(folder, epoch) for epoch in fitted.checkpoints]
    write_manifest(folder / CARD, files, origin)
    accuracy = "unknown" if card.accuracy is None else f"{card.accuracy:.1%}"
    images = f"{card.held_out_images} {unseen.noun({unseen.WEIGHTS_FROM: card.weights_from})}s"
    say(f"classifier {card.name}: accuracy on {images} {accuracy}")


def _predicted(scores: np.ndarray) -> np.ndarray:
    """(n, K) scores -> (n,) class numbers, -1 where there are none."""
    return np.where(np.isnan(scores).any(1), UNLABELLED, scores.argmax(1))


def _write_weights(file: Path, weights: Mapping[str, np.ndarray]) -> None:
    from safetensors.numpy import save

    with publishing(file) as temporary:
        temporary.write_bytes(save({n: np.ascontiguousarray(a) for n, a in weights.items()}))
