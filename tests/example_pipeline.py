"""All stages of a configuration in this process, for data sets that a test stands in for."""

import json
from pathlib import Path
from typing import Any

from prediction_difference import layout
from prediction_difference.artifacts.table import Artifacts
from prediction_difference.attribution.image_choice import batches
from prediction_difference.cli import stages
from prediction_difference.config import parse_config


def run(raw: dict[str, Any], folder: Path) -> Path:
    """The folder of results, with everything but the report; raw: without priors and shards."""
    file, results = folder / "config.yaml", folder / "results"
    file.write_text(json.dumps(raw, default=str), encoding="utf-8")
    config = parse_config(raw)
    assert not config.priors
    stores = {name: results / "data" / f"{name}.zarr" for name in config.datasets}
    for name, store in stores.items():
        stages.data(file, name, store)
    for name, classifier in config.classifiers.items():
        stages.classifier(file, name, stores[classifier.dataset], results / "classifiers" / name)
    for name, explanation in config.explanations.items():
        classifier_folder = layout.classifier_folder(config, results, name)
        data = stores[config.classifiers[explanation.classifier].dataset]
        for batch in range(len(batches(explanation))):
            done = layout.done_file(results, name, batch, 0)
            work = layout.chunks_folder(results, name)
            stages.chunk(file, name, data, classifier_folder, work, done, batch=batch)
        stages.attribution(file, name, results)
    for name, evaluation in config.evaluations.items():
        suffix = "json" if evaluation.measure == "claims" else "parquet"
        stages.evaluation(file, name, results, results / "evaluations" / f"{name}.{suffix}")
    for path in (Artifacts(config, results).figure(name).main for name in config.figures):
        outputs = [path.with_suffix(f".{suffix}") for suffix in ("png", "pdf", "json")]
        stages.figure(file, path.stem, results, *outputs)
    return results
