"""Small runs of the pipeline, up to its attributions."""

from collections.abc import Callable
from pathlib import Path

import pytest

from prediction_difference import layout
from prediction_difference.attribution.bench import Inputs
from prediction_difference.attribution.image_choice import slots
from prediction_difference.attribution.job import run_chunk
from prediction_difference.attribution.publishing import publish
from prediction_difference.classifiers.making import make_classifier
from prediction_difference.data import digits
from prediction_difference.data.dataset import read_dataset, write_dataset
from prediction_difference.manifest import Origin
from prediction_difference.run import Config

RunMaker = Callable[[Config, Path], Path]


@pytest.fixture(scope="session")
def run_digits() -> RunMaker:
    """Make the only dataset, the classifiers and the attributions of a configuration of digits."""

    def run(config: Config, folder: Path) -> Path:
        ((name, entry),) = config.datasets.items()
        data = folder / "d.zarr"
        seed = config.run.seed
        write_dataset(digits.load(entry, name, seed), data, Origin({"entry": entry.content}))
        dataset = read_dataset(data)
        for name, classifier in config.classifiers.items():
            place = folder / "classifiers" / name
            make_classifier(classifier, name, dataset, seed, "cpu", place)
        for name, explanation in config.explanations.items():
            done = folder / f"{name}.json"
            inputs = Inputs(data, folder / "classifiers" / explanation.classifier)
            run_chunk(config, name, inputs, 0, 0, folder / "work", done, "cpu")
            for slot in slots(explanation):
                store = layout.attribution_store(folder, name, slot)
                publish(config, name, slot, folder / "work", [done], store)
        return folder

    return run
