"""What follows from a configuration alone, known before any job has run."""

from prediction_difference.figures.kind import Figure
from prediction_difference.run import Config


def is_clinical(config: Config, figure: Figure) -> bool:
    """Whether a figure shows something of images that are marked as clinical."""
    measured = (config.evaluations[name] for name in figure.evaluation_names)
    shown = (config.dataset_of(name) for name in figure.explanation_names)
    return any(one.is_clinical(config) for one in measured) or any(d.is_clinical for d in shown)


def windows_of_prior(config: Config, prior: str) -> list[int]:
    """Sides of the windows for which explanations and evaluations use a prior."""
    users = (*config.explanations.values(), *config.evaluations.values())
    return sorted({side for one in users for side in one.windows_of(prior)})
