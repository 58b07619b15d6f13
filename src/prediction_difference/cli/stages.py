"""One command for each stage of the workflow; its libraries are imported when it is called."""

from pathlib import Path
from typing import Annotated, Any

import typer

from prediction_difference.cli.options import (
    ClassifierFolder,
    ConfigFile,
    DatasetStore,
    Name,
    Output,
)
from prediction_difference.errors import ConfigError, Problem
from prediction_difference.progress import say


def data(config: ConfigFile, name: Name, output: Output) -> None:
    """Prepare a dataset: choose and read, or simulate, its images, split them, write the store."""
    from prediction_difference.artifacts.table import Artifacts
    from prediction_difference.data.dataset import write_dataset

    settings, entry = _entry(config, "datasets", name)
    dataset = entry.load(name, settings.run.seed)
    artifacts = Artifacts(settings, Path())
    write_dataset(dataset, output, artifacts.origin(artifacts.data(name)))
    say(f"dataset {name}: {len(dataset.names)} images of {dataset.images.shape[1:]}")


def prior(config: ConfigFile, name: Name, data: DatasetStore, output: Output) -> None:
    """Fit a prior over patches, and its conditionals for the windows that the config uses."""
    from prediction_difference.artifacts.table import Artifacts
    from prediction_difference.config import windows_of_prior
    from prediction_difference.data.dataset import read_dataset
    from prediction_difference.priors.store import fit_priors, write_priors

    settings, entry = _entry(config, "priors", name)
    dataset = read_dataset(data)
    priors = fit_priors(dataset, entry, name, settings.run.seed)
    windows = windows_of_prior(settings, name)
    artifacts = Artifacts(settings, Path())
    origin = artifacts.origin(artifacts.prior(name), [data])
    write_priors(priors, windows, dataset, entry, output, origin)


def classifier(
    config: ConfigFile,
    name: Name,
    data: DatasetStore,
    output: Output,
    trained: Annotated[
        Path | None, typer.Option(help="Folder of the trained classifier, for a checkpoint.")
    ] = None,
) -> None:
    """Train or load a classifier, and write its weights, card, history and predictions."""
    from prediction_difference.artifacts.table import Artifacts
    from prediction_difference.classifiers.device import choose_device
    from prediction_difference.classifiers.making import make_classifier
    from prediction_difference.data.dataset import read_dataset

    settings, entry = _entry(config, "classifiers", name)
    device = choose_device(settings.run.device) if entry.is_network else "cpu"
    dataset = read_dataset(data)
    made_from = [path for path in (data, trained) if path is not None]
    artifacts = Artifacts(settings, Path())
    origin = artifacts.origin(artifacts.classifier(name), made_from)
    make_classifier(entry, name, dataset, settings.run.seed, device, output, trained, origin)


Prior = Annotated[Path | None, typer.Option(help="Store of the prior, for conditional sampling.")]
Reference = Annotated[
    Path | None, typer.Option(help="Store of the dataset that marginal sampling draws from.")
]
Work = Annotated[Path, typer.Option(help="Folder of the working stores.")]


def chunk(
    config: ConfigFile,
    name: Name,
    data: DatasetStore,
    classifier: ClassifierFolder,
    work: Work,
    done: Annotated[Path, typer.Option(help="File that is written once the chunk is finished.")],
    prior: Prior = None,
    reference: Reference = None,
    batch: Annotated[int, typer.Option(help="Which batch of images, from 0.")] = 0,
    chunk: Annotated[int, typer.Option(help="Which chunk of their rows, from 0.")] = 0,
) -> None:
    """Explain: compute one chunk of the rows of every image of a batch; resumes where it was."""
    from prediction_difference.attribution.bench import Inputs
    from prediction_difference.attribution.job import run_chunk
    from prediction_difference.classifiers.card import read_card
    from prediction_difference.classifiers.device import choose_device

    settings, _ = _entry(config, "explanations", name)
    is_network = read_card(classifier).is_network
    device = choose_device(settings.run.device) if is_network else "cpu"
    inputs = Inputs(data, classifier, prior, reference)
    run_chunk(settings, name, inputs, batch, chunk, work, done, device)


Results = Annotated[Path, typer.Option(help="Folder of the run, results/<run>.")]


def attribution(config: ConfigFile, name: Name, results: Results) -> None:
    """Explain: average the windows of images over their pixels, write the attribution stores."""
    from prediction_difference.attribution.publishing import publish_all

    settings, _ = _entry(config, "explanations", name)
    publish_all(settings, name, results)


def nifti(
    store: Annotated[
        Path, typer.Argument(help="Attribution store of a volume.", show_default=False)
    ],
    output: Annotated[
        Path | None,
        typer.Option(help="The NIfTI file.", show_default="beside the store, ending in .nii.gz"),
    ] = None,
) -> None:
    """Write maps of a volume as NIfTI, on the grid of the input, with a JSON file beside."""
    from prediction_difference import layout
    from prediction_difference.attribution.nifti import write_nifti
    from prediction_difference.attribution.reading import open_attribution

    files = write_nifti(open_attribution(store), output or layout.nifti_file(store))
    say(f"wrote {', '.join(str(file) for file in files)}")


def shard(
    config: ConfigFile,
    name: Name,
    results: Results,
    work: Work,
    done: Annotated[Path, typer.Option(help="File that is written once the shard is finished.")],
    shard: Annotated[int, typer.Option(help="Which shard of the images, from 0.")] = 0,
    data: Annotated[
        Path | None, typer.Option(help="Store of the images, for conditional perturbation.")
    ] = None,
    prior: Prior = None,
) -> None:
    """Measure: perturb the images of one shard by every heatmap; resumes where it was."""
    from prediction_difference.classifiers.device import choose_device
    from prediction_difference.evaluation.shards import run_shard

    settings, _ = _entry(config, "evaluations", name)
    device = choose_device(settings.run.device)
    run_shard(settings, name, results, shard, work, done, device, data, prior)


def cohort(
    config: ConfigFile,
    name: Name,
    output: Output,
    number: Annotated[int, typer.Option("--cohort", help="Which of the cohorts, from 0.")] = 0,
) -> None:
    """Measure: simulate one cohort of a location study, explain it, see what finds the damage."""
    from prediction_difference.artifacts.table import Artifacts
    from prediction_difference.evaluation.location import measure_cohort
    from prediction_difference.evaluation.table import write_table

    settings, _ = _entry(config, "evaluations", name)
    artifacts = Artifacts(settings, Path())
    origin = artifacts.origin(artifacts.cohort(name, number))
    write_table(measure_cohort(settings, name, number), output, origin)


def evaluation(
    config: ConfigFile,
    name: Name,
    results: Results,
    output: Output,
    done: Annotated[
        list[Path] | None, typer.Option(help="Done-file of a shard; once for each shard.")
    ] = None,
) -> None:
    """Measure heatmaps, by what the evaluation's `measure` says; or whether claims hold."""
    from prediction_difference.artifacts.table import Artifacts
    from prediction_difference.evaluation.measure import Inputs

    settings, entry = _entry(config, "evaluations", name)
    artifacts = Artifacts(settings, results)
    origin = artifacts.origin(artifacts.evaluation(name))
    entry.publish(Inputs(settings, name, results, done or ()), output, origin)


def figure(
    config: ConfigFile,
    name: Name,
    results: Results,
    png: Annotated[Path, typer.Option(help="The picture.")],
    pdf: Annotated[Path, typer.Option(help="The same as vectors.")],
    json: Annotated[Path, typer.Option(help="The numbers that were drawn, and the caption.")],
) -> None:
    """Draw a figure, and write the drawn numbers and the caption beside it."""
    from prediction_difference import layout
    from prediction_difference.artifacts.table import Artifacts
    from prediction_difference.config import is_clinical
    from prediction_difference.figures.draw import draw
    from prediction_difference.figures.drawing import save
    from prediction_difference.figures.inputs import Inputs

    settings, entry = _entry(config, "figures", name)
    artifacts = Artifacts(settings, results)
    origin = artifacts.origin(artifacts.figure(name))
    stores = layout.figure_stores(settings, results, entry)
    evaluations = {n: layout.evaluation_table(results, n) for n in entry.evaluation_names}
    classifiers = layout.classifier_folders(settings, results, entry)
    marked = is_clinical(settings, entry)
    inputs = Inputs(stores, evaluations, classifiers)
    drawing = draw(entry, name, inputs, settings.run.setting, marked)
    save(drawing, png, pdf, json, origin=origin)


def report(
    config: ConfigFile,
    results: Results,
    output: Output,
    maps: Annotated[Path, typer.Option(help="The interactive page of the maps.")],
) -> None:
    """Write the page with every figure, table and number of a run, and that of its maps."""
    from prediction_difference import layout
    from prediction_difference.artifacts.table import Artifacts
    from prediction_difference.config import read_config
    from prediction_difference.report.page import build

    settings = read_config(config)
    artifacts = Artifacts(settings, results)
    page = artifacts.report()
    build(
        settings,
        list(page.inputs["classifiers"]),
        dict(zip(settings.evaluations, page.inputs["evaluations"], strict=True)),
        list(page.inputs["figures"]),
        {e: layout.attribution_stores(settings, results, e) for e in settings.explanations},
        output,
        maps,
        dict(zip(artifacts.explained_cohorts, page.inputs["brains"], strict=True)),
        artifacts.origin(page),
    )


def brains(config: ConfigFile, name: Name, results: Results, output: Output) -> None:
    """Write the page that shows a cohort's volumes and their maps in slices and in 3-D."""
    from prediction_difference import layout
    from prediction_difference.artifacts.table import Artifacts
    from prediction_difference.report import brains_page

    settings, _ = _entry(config, "datasets", name)
    explanations = Artifacts(settings, results).explanations_of(name)
    brains_page.write(
        layout.dataset_store(results, name),
        [s for e in explanations for s in layout.attribution_stores(settings, results, e)],
        settings.run.name,
        results / "report" / "index.html",
        output,
    )


def _entry(config: Path, section: str, name: str) -> tuple[Any, Any]:
    """The configuration and one of its entries."""
    from prediction_difference.config import read_config

    settings = read_config(config)
    entries = getattr(settings, section)
    if name not in entries:
        known = ", ".join(entries) or "none"
        raise ConfigError([Problem(f"{section}.{name}", "is not in the config", f"it has {known}")])
    return settings, entries[name]
