"""What a configuration asks for in numbers, before anything is computed: forwards, jobs, disk."""

from prediction_difference.costs import Work
from prediction_difference.lookup import Shapes
from prediction_difference.run import Config


def count(config: Config, shapes: Shapes = {}) -> list[Work]:
    """The work of every explanation and of every evaluation that runs a classifier or simulates.

    shapes: of datasets whose files were looked at.
    """
    sections = (config.explanations, config.evaluations)
    found = [one.work(n, config, shapes) for section in sections for n, one in section.items()]
    return [work for work in found if work is not None]
