"""A tiny run, made as the workflow makes it but in one process."""

from pathlib import Path
from typing import Any

import yaml

from prediction_difference import layout
from prediction_difference.artifacts.table import Artifacts
from prediction_difference.attribution.image_choice import batches
from prediction_difference.cli import stages
from prediction_difference.config import read_config
from prediction_difference.run import Config

IMAGES = {"random": 1}
TINY: dict[str, Any] = {
    "run": {"name": "tiny", "seed": 1, "device": "cpu"},
    "datasets": {"digits": {"source": "sklearn-digits"}},
    "priors": {"patches": {"dataset": "digits", "patch": 4, "patches": 500}},
    "classifiers": {"network": {"kind": "train", "dataset": "digits", "width": 4, "epochs": 1}},
    "explanations": {
        "evidence": {
            "method": "prediction-difference",
            "classifier": "network",
            "prior": "patches",
            "window": 2,
            "samples": 4,
            "images": IMAGES,
        },
        "chance": {"method": "random", "classifier": "network", "images": IMAGES},
    },
    "evaluations": {"sums": {"measure": "aggregation", "explanations": ["chance"]}},
    "figures": {"maps": {"kind": "heatmaps", "explanations": ["evidence", "chance"]}},
}


def make_run(raw: dict[str, Any], results: Path) -> Config:
    """Every stage of a configuration, in the order in which data flows; no aopc, no reference."""
    file = results / "config.yaml"
    results.mkdir(parents=True, exist_ok=True)
    file.write_text(yaml.safe_dump(raw))
    config = read_config(file)
    for name in config.datasets:
        stages.data(file, name, layout.dataset_store(results, name))
    for name, prior in config.priors.items():
        data = layout.dataset_store(results, prior.dataset)
        stages.prior(file, name, data, layout.prior_store(results, name))
    for name, classifier in config.classifiers.items():
        data = layout.dataset_store(results, classifier.dataset)
        stages.classifier(file, name, data, layout.card_file(results, name))
    for name in config.explanations:
        explain(config, file, name, results)
    for name in config.evaluations:
        output = layout.evaluation_file(config, results, name)
        stages.evaluation(file, name, results, output)
    artifacts = Artifacts(config, results)
    for name in config.figures:
        path = artifacts.figure(name).main
        png, pdf = path.with_suffix(".png"), path.with_suffix(".pdf")
        stages.figure(file, name, results, png, pdf, path)
    make_report(file, results)
    return config


def explain(config: Config, file: Path, name: str, results: Path) -> None:
    """The chunks of an explanation, and its attribution stores."""
    explanation = config.explanations[name]
    card = layout.card_file(results, explanation.classifier)
    data = layout.dataset_store(results, config.classifiers[explanation.classifier].dataset)
    prior = getattr(explanation, "prior", None)
    for batch in range(len(batches(explanation))):
        for chunk in range(explanation.chunk_count):
            stages.chunk(
                file,
                name,
                data,
                card,
                layout.chunks_folder(results, name),
                layout.done_file(results, name, batch, chunk),
                prior and layout.prior_store(results, prior),
                batch=batch,
                chunk=chunk,
            )
    stages.attribution(file, name, results)


def make_report(file: Path, results: Path) -> None:
    """All pages."""
    for name in Artifacts(read_config(file), results).explained_cohorts:
        stages.brains(file, name, results, layout.brains_page(results, name))
    page = layout.report_page(results)
    stages.report(file, results, page, page.with_name("maps.html"))
