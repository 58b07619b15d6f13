"""What follows from a configuration alone, known before any job has run."""

from prediction_difference.evaluation.measures.location import LocationStudy
from prediction_difference.figures.kind import Figure
from prediction_difference.run import Config


def is_clinical(config: Config, figure: Figure) -> bool:
    """Whether a figure shows something of images that are marked as clinical."""
    measured = [config.evaluations[name] for name in figure.evaluation_names]
    names = [*figure.explanation_names, *(n for entry in measured for n in entry.explanations)]
    datasets = {config.classifiers[config.explanations[n].classifier].dataset for n in names}
    datasets |= {entry.dataset for entry in measured if isinstance(entry, LocationStudy)}
    return any(config.datasets[name].is_clinical for name in datasets)


def windows_of_prior(config: Config, prior: str) -> list[int]:
    """Sides of the windows for which explanations and evaluations use a prior."""
    users = (*config.explanations.values(), *config.evaluations.values())
    return sorted({side for one in users for side in one.windows_of(prior)})
