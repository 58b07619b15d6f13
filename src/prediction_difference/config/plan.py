"""What follows from a configuration alone, known before any job has run."""

import hashlib
from collections.abc import Mapping
from urllib.parse import quote

from prediction_difference.config.model import (
    Config,
    DrawnFigure,
    Explanation,
    FeatureMaps,
    Figure,
    ImageChoice,
    LocationStudy,
    PredictionDifference,
    RegionPerturbation,
)

SORTS = ("correct", "misclassified", "hardest", "random")
_LONGEST = 120
"""Letters of a quoted name that are kept; longer ones end with a digest of all."""


def slots(explanation: Explanation) -> list[str]:
    """One name per explained image: the image's own, or its sort and number (`correct-1`).

    The class stands before the sort where so many of each of some classes are explained.
    Which image fills a numbered slot is settled once the classifier is there. Names can be used
    as file names: characters outside letters, digits, `_.-~` are percent-encoded.
    """
    images = explanation.images
    if isinstance(images, ImageChoice):
        classes = [f"{slot_of(label)}-" for label in images.labels] or [""]
        return [
            f"{label}{sort}-{n}"
            for label in classes
            for sort in SORTS
            for n in range(1, getattr(images, sort) + 1)
        ]
    return [slot_of(name) for name in images]


def slot_of(name: str) -> str:
    """The slot of a named image; a sort with its number, such as correct-1, is its own."""
    quoted = quote(name, safe="")
    if len(quoted) > _LONGEST:
        # A file's name has at most 255 bytes, and results add to it.
        mark = hashlib.sha256(name.encode()).hexdigest()[:16]
        quoted = f"{quoted[:_LONGEST]}~{mark}"
    # A leading dot would hide the file, and "." and ".." are folders.
    return quoted.replace(".", "%2E", 1) if quoted.startswith(".") else quoted


def batches(explanation: Explanation) -> list[list[str]]:
    """The slots, in groups that one job works on."""
    return _groups(slots(explanation), explanation.images_per_job)


def shards(config: Config, evaluation: str) -> list[list[str]]:
    """The slots of the images of an evaluation, in groups that one job perturbs."""
    settings = config.evaluations[evaluation]
    assert isinstance(settings, RegionPerturbation)
    names = slots(config.explanations[settings.explanations[0]])
    return _groups(names, settings.images_per_job)


def _groups(names: list[str], size: int) -> list[list[str]]:
    return [names[start : start + size] for start in range(0, len(names), size)]


def shown_slots(
    figure: DrawnFigure, explanations: Mapping[str, Explanation]
) -> dict[str, list[str]]:
    """The slots that a figure shows of each of its explanations, in order."""
    if figure.shown_images is not None:
        shown = [slot_of(name) for name in figure.shown_images]
        return dict.fromkeys(figure.explanation_names, shown)
    found = {name: slots(explanations[name]) for name in figure.explanation_names}
    if isinstance(figure, FeatureMaps):
        return {name: some[:1] for name, some in found.items()}
    return found


def is_clinical(config: Config, figure: Figure) -> bool:
    """Whether a figure shows something of images that are marked as clinical."""
    measured = [config.evaluations[name] for name in figure.evaluation_names]
    names = [*figure.explanation_names, *(n for entry in measured for n in entry.explanations)]
    datasets = {config.classifiers[config.explanations[n].classifier].dataset for n in names}
    datasets |= {entry.dataset for entry in measured if isinstance(entry, LocationStudy)}
    return any(config.datasets[name].is_clinical for name in datasets)


def windows_of_prior(config: Config, prior: str) -> list[int]:
    """Sides of the windows for which explanations and evaluations use a prior."""
    explained = {
        explanation.window
        for explanation in config.explanations.values()
        if isinstance(explanation, PredictionDifference) and explanation.prior == prior
    }
    perturbed = {
        evaluation.region
        for evaluation in config.evaluations.values()
        if isinstance(evaluation, RegionPerturbation) and evaluation.prior == prior
    }
    return sorted(explained | perturbed)
