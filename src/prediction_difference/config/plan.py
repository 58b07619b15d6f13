"""What follows from a configuration alone, known before any job has run."""

from urllib.parse import quote

from prediction_difference.config.model import (
    Config,
    Explanation,
    ImageChoice,
    PredictionDifference,
)

SORTS = ("correct", "misclassified", "random")


def slots(explanation: Explanation) -> list[str]:
    """One name per explained image: the image's own, or its sort and number (`correct-1`).

    Which image fills a numbered slot is settled once the classifier is there. Names can be used
    as file names: characters outside letters, digits, `_.-~` are percent-encoded.
    """
    images = explanation.images
    if isinstance(images, ImageChoice):
        return [f"{sort}-{n}" for sort in SORTS for n in range(1, getattr(images, sort) + 1)]
    return [_file_name(name) for name in images]


def _file_name(name: str) -> str:
    quoted = quote(name, safe="")
    # A leading dot would hide the file, and "." and ".." are folders.
    return quoted.replace(".", "%2E", 1) if quoted.startswith(".") else quoted


def batches(explanation: Explanation) -> list[list[str]]:
    """The slots, in groups that one job works on."""
    names, size = slots(explanation), explanation.images_per_job
    return [names[start : start + size] for start in range(0, len(names), size)]


def windows_of_prior(config: Config, prior: str) -> list[int]:
    """Sides of the windows for which explanations use a prior."""
    return sorted(
        {
            explanation.window
            for explanation in config.explanations.values()
            if isinstance(explanation, PredictionDifference) and explanation.prior == prior
        }
    )
