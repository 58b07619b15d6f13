"""Making a classifier of any kind: fitting or loading it, trying it, publishing its files."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from prediction_difference import provenance, randomness
from prediction_difference.classifiers import fold_fitting, unseen
from prediction_difference.classifiers.card import (
    ANY_SPLIT,
    CARD,
    CHECKPOINTS,
    HISTORY,
    PREDICTIONS,
    WEIGHTS,
    Card,
    checkpoint_file,
    read_card,
)
from prediction_difference.classifiers.fitted import Fitted, refuse_unfit
from prediction_difference.classifiers.kind import Classifier
from prediction_difference.classifiers.kinds.checkpoint import Checkpoint
from prediction_difference.classifiers.kinds.detection_pooling import DetectionPoolingNetwork
from prediction_difference.classifiers.kinds.efficientnet_lite0 import EfficientNetLite0
from prediction_difference.classifiers.kinds.fine_tuned import FineTunedNetwork
from prediction_difference.classifiers.kinds.logistic_regression import LogisticRegression
from prediction_difference.classifiers.kinds.scikit_learn import ScikitLearnClassifier
from prediction_difference.classifiers.kinds.torch import TorchNetwork
from prediction_difference.classifiers.kinds.torchvision import TorchvisionNetwork
from prediction_difference.classifiers.kinds.train import TrainedNetwork
from prediction_difference.classifiers.measures import held_out_measures
from prediction_difference.classifiers.normalisation import Normalisation
from prediction_difference.data.class_names import read_class_names
from prediction_difference.data.dataset import TRAIN, UNLABELLED, Dataset, channel_moments
from prediction_difference.errors import DataError
from prediction_difference.progress import say
from prediction_difference.seals import break_seal, write_seal
from prediction_difference.stores import (
    array_digest,
    folder_of,
    publishing,
    refuse_other_config,
    remove,
    settings_digest,
    write_json,
)

if TYPE_CHECKING:
    from torch import nn


def make_classifier(
    settings: Classifier,
    name: str,
    dataset: Dataset,
    seed: int,
    device: str,
    folder: Path,
    trained: Path | None = None,
    facts: Mapping[str, str] = {},
) -> Card:
    """Fit or load a classifier and publish its files: weights, history, predictions, card.

    `folder` may also be the card.json in it. trained: that of the trained classifier, for a
    checkpoint. facts: for the seal of the files.

    Raises:
        DataError: the dataset or the weights do not fit the classifier.
    """
    key = randomness.key(seed, "classifier", name)
    match settings:
        case TrainedNetwork() | DetectionPoolingNetwork():
            fitted = _fit_networks(settings, dataset, key, device)
        case FineTunedNetwork():
            fitted = _fine_tune(settings, dataset, key, device)
        case LogisticRegression():
            fitted = fold_fitting.fit_planes(settings, dataset, key)
        case ScikitLearnClassifier():
            fitted = fold_fitting.fit_estimators(settings, dataset, key)
        case Checkpoint():
            fitted = _load_checkpoint(settings, dataset, seed, device, trained)
        case _:
            fitted = _load_pretrained(settings, dataset, device)  # type: ignore[arg-type]
    labels = labels_in(fitted.class_names, dataset)
    _tell_of_strange_classes(name, labels, dataset)
    card = _card(settings, name, dataset, seed, fitted, labels)
    _write(folder_of(folder), card, fitted, dataset, labels, facts)
    return card


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
        weights_digest=array_digest(fitted.weights),
        scores_digest=array_digest({"scores": fitted.scores}),
        provenance={
            "code": provenance.source_digest("classifiers"),
            "config": settings_digest(settings.model_dump(mode="json")),
            "versions": provenance.versions(),
        },
        checkpoints={str(e): array_digest(kept) for e, kept in fitted.checkpoints.items()},
        trained=fitted.trained,
        measures={
            **held_out_measures(fitted.scores[held_out], labels[held_out]),
            **fitted.measures,
        },
    )


def _fit_networks(
    settings: TrainedNetwork | DetectionPoolingNetwork,
    dataset: Dataset,
    key: int,
    device: str,
) -> Fitted:
    """One network per held-out split, trained on all other images."""
    import torch

    from prediction_difference.classifiers import networks, training
    from prediction_difference.classifiers.detection_training import train_detection

    _refuse_undetected(settings, dataset)
    weights: dict[str, np.ndarray] = {}
    instances: dict[str, int] = {}
    history: list[dict[str, Any]] = []
    classes = len(dataset.class_names)
    scores = np.zeros((len(dataset.names), classes), dtype=np.float32)
    normalisation = {}
    checkpoints: dict[int, dict[str, np.ndarray]] = {}
    for split in dataset.held_out_splits:
        out = dataset.in_split(split)
        refuse_unfit(dataset, ~out, split)
        normalisation[split] = _normalisation_of(settings, dataset, ~out)
        learning = training.Examples(dataset.images[~out], dataset.labels[~out])
        testing = training.Examples(dataset.images[out], dataset.labels[out])
        with torch.random.fork_rng():
            torch.manual_seed(key)
            bare = networks.build(settings, dataset.images.shape[1:], classes)
            network = networks.with_preprocessing(bare, normalisation[split])
            if isinstance(settings, TrainedNetwork):
                trained = training.train(network, learning, testing, settings, key, device)
            else:
                trained = train_detection(network, learning, testing, settings, key, device)
        weights |= _named(split, training.tensors_of(network))
        for epoch, tensors in trained.kept.items():
            checkpoints.setdefault(epoch, {}).update(_named(split, tensors))
        instances[split] = int((~out).sum())
        history += [{"split": split, **record} for record in trained.history]
        scored = out | dataset.in_split(TRAIN)
        scores[scored] = training.class_scores(network, dataset.images[scored], device)
    return Fitted(
        weights, instances, scores, history, dataset.class_names, normalisation, checkpoints
    )


def _fine_tune(settings: FineTunedNetwork, dataset: Dataset, key: int, device: str) -> Fitted:
    """New layers behind those of a known network, trained on what these give, split by split."""
    import torch

    from prediction_difference.classifiers import fine_tuning, networks, training

    body = networks.with_preprocessing(fine_tuning.load_body(settings), settings.normalisation)
    features = _try_on(
        body, dataset, lambda: training.class_scores(body, dataset.images[:], device), places=True
    )
    weights: dict[str, np.ndarray] = {}
    instances: dict[str, int] = {}
    history: list[dict[str, Any]] = []
    scores = np.zeros((len(dataset.names), len(dataset.class_names)), dtype=np.float32)
    for split in dataset.held_out_splits:
        out = dataset.in_split(split)
        refuse_unfit(dataset, ~out, split)
        with torch.random.fork_rng():
            torch.manual_seed(key)
            head = fine_tuning.new_head(settings, features.shape[1], len(dataset.class_names))
            learning = training.Examples(features[~out], dataset.labels[~out])
            testing = training.Examples(features[out], dataset.labels[out])
            found = training.train(
                head, learning, testing, fine_tuning.of_head(settings), key, device
            )
        whole = networks.with_preprocessing(
            fine_tuning.FineTuned(fine_tuning.load_body(settings), head), settings.normalisation
        )
        weights |= _named(split, training.tensors_of(whole))
        instances[split] = int((~out).sum())
        history += [{"split": split, **record} for record in found.history]
        scored = out | dataset.in_split(TRAIN)
        scores[scored] = training.class_scores(head, features[scored], device)
    normalisation = dict.fromkeys(instances, settings.normalisation)
    return Fitted(weights, instances, scores, history, dataset.class_names, normalisation)


def _named(part: str, tensors: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {f"{part}/{name}": tensor for name, tensor in tensors.items()}


def _load_checkpoint(
    settings: Checkpoint, dataset: Dataset, seed: int, device: str, folder: Path | None
) -> Fitted:
    """The weights that a training kept after an epoch, tried on the held-out images."""
    from prediction_difference.classifiers import loading, training

    if folder is None:
        raise DataError("--trained", "is missing", f"give the folder of {settings.of!r}")
    card = read_card(folder)
    _refuse_another_training(card, settings, dataset, seed, folder)
    weights = loading.load_checkpoint(folder, card, settings.epoch)
    # Of training images, which are never explained, the history tells.
    scores = np.full((len(dataset.names), len(card.class_names)), np.nan, dtype=np.float32)
    for split in card.training_instances:
        network = loading.module_with(loading.part_of(weights, split), card, split)
        scored = dataset.in_split(split)
        scores[scored] = training.class_scores(network, dataset.images[scored], device)
    history = loading.read_history(folder)
    return Fitted(
        weights,
        card.training_instances,
        scores,
        history[history["epoch"] <= settings.epoch].to_dict("records"),
        card.class_names,
        {s: Normalisation.model_validate(n) for s, n in card.normalisation.items()},
        trained=card.settings,
    )


def _refuse_another_training(
    card: Card, settings: Checkpoint, dataset: Dataset, seed: int, folder: Path
) -> None:
    made_with = {"name": card.name, "dataset": card.dataset_digest, "seed": card.seed}
    wanted = {"name": settings.of, "dataset": dataset.digest, "seed": seed}
    refuse_other_config(folder, made_with, wanted)


def _load_pretrained(
    settings: TorchvisionNetwork | EfficientNetLite0 | TorchNetwork,
    dataset: Dataset,
    device: str,
) -> Fitted:
    from prediction_difference.classifiers import networks, pretrained, training

    bare, names = pretrained.load(settings)
    network = networks.with_preprocessing(bare, settings.normalisation)
    scores = _try_on(
        network, dataset, lambda: training.class_scores(network, dataset.images[:], device)
    )
    if settings.class_names is not None:
        names = read_class_names(settings.class_names).names
    class_names = names or dataset.class_names
    if len(class_names) != scores.shape[1]:
        raise DataError(
            f"classifier of kind {settings.kind!r}",
            f"returns {scores.shape[1]} scores, but there are {len(class_names)} class names",
            "set class_names to a file with one name a line",
        )
    weights = _named(ANY_SPLIT, training.tensors_of(network))
    instances = {ANY_SPLIT: settings.training_instances}
    normalisation = {ANY_SPLIT: settings.normalisation} if settings.normalisation else {}
    return Fitted(weights, instances, scores, [], class_names, normalisation)


def _try_on(
    network: "nn.Module", dataset: Dataset, attempt: Any, places: bool = False
) -> np.ndarray:
    """Run a network on the dataset and say what does not fit, in the words of the user.

    places: whether it is to return maps, (N, C, y, x), instead of scores.
    """
    try:
        scores: np.ndarray = attempt()
    except RuntimeError as error:
        reason = str(error).splitlines()[0]
        raise DataError(
            f"images of shape {tuple(dataset.images.shape[1:])}",
            f"the network does not take them ({reason})",
            "set size and channels of the dataset to what the network was trained with",
        ) from error
    if scores.ndim != (4 if places else 2) or not np.isfinite(scores).all():
        wanted = "maps of shape (images, maps, y, x); choose another layer" if places else ""
        raise DataError(
            "the network",
            f"returns an array of shape {scores.shape} or values that are not finite",
            f"return finite {wanted or 'class scores of shape (images, classes)'}",
        )
    return scores


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
    facts: Mapping[str, str],
) -> None:
    """Write the card and its seal last: a folder with them is complete."""
    import pandas
    from scipy.special import softmax

    folder.mkdir(parents=True, exist_ok=True)
    break_seal(folder / CARD)
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
    write_seal(folder / CARD, files, facts)
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


def _refuse_undetected(
    settings: TrainedNetwork | DetectionPoolingNetwork, dataset: Dataset
) -> None:
    count = len(dataset.class_names)
    if isinstance(settings, DetectionPoolingNetwork) and count != 2:
        what = f"detects one of two classes, the dataset has {count}"
        raise DataError(settings.kind, what, "choose another dataset, or kind: train")


def _normalisation_of(
    settings: TrainedNetwork | DetectionPoolingNetwork,
    dataset: Dataset,
    used: np.ndarray,
) -> Normalisation:
    if isinstance(settings, DetectionPoolingNetwork):
        # Black is -0.5 and white 1.5 [montavon2017, section 6.1].
        channels = dataset.channels
        return Normalisation(mean=(0.5,) * channels, std=(1.0,) * channels, scale=2)
    mean, std = channel_moments(dataset.images[:], used)
    return Normalisation(mean=tuple(mean.tolist()), std=tuple(np.maximum(std, 1e-6).tolist()))
