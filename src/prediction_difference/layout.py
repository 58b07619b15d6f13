"""Where results lie below results/<run>/, for the stages that read many of them."""

from pathlib import Path
from typing import Any

from prediction_difference.attribution.image_choice import slots
from prediction_difference.files import folder_of
from prediction_difference.run import Config


def dataset_store(results: Path, dataset: str) -> Path:
    """The store of a dataset."""
    return results / "data" / f"{dataset}.zarr"


def prior_store(results: Path, prior: str) -> Path:
    """The store of a prior."""
    return results / "priors" / f"{prior}.zarr"


def classifier_place(results: Path, classifier: str) -> Path:
    """The folder of a classifier."""
    return results / "classifiers" / classifier


def card_file(results: Path, classifier: str) -> Path:
    """The card of a classifier, beside its weights."""
    return classifier_place(results, classifier) / "card.json"


def attribution_stores(config: Config, results: Path, explanation: str) -> list[Path]:
    """The attribution stores of an explanation, in the order of its images."""
    return _stores(results, explanation, slots(config.explanations[explanation]))


def brains_page(results: Path, dataset: str) -> Path:
    """The interactive page of a cohort's volumes."""
    return results / "report" / f"brains-{dataset}.html"


def figure_stores(config: Config, results: Path, figure: Any) -> dict[str, list[Path]]:
    """The attribution stores that a figure shows, by explanation, in the order of its images."""
    shown = figure.shown_slots(config.explanations)
    return {name: _stores(results, name, some) for name, some in shown.items()}


def _stores(results: Path, explanation: str, some: list[str]) -> list[Path]:
    return [attribution_store(results, explanation, slot) for slot in some]


def chunks_folder(results: Path, explanation: str) -> Path:
    """Where the chunks of an explanation leave what they have finished."""
    return results / "chunks" / explanation


def shards_folder(results: Path, evaluation: str) -> Path:
    """Where the shards of an evaluation leave what they have finished."""
    return results / "shards" / evaluation


def shard_file(results: Path, evaluation: str, number: int) -> Path:
    """What a shard of an evaluation leaves last."""
    return shards_folder(results, evaluation) / f"shard-{number}.json"


def cohort_table(results: Path, evaluation: str, number: int) -> Path:
    """What was measured of a simulated cohort."""
    return results / "cohorts" / evaluation / f"cohort-{number}.parquet"


def done_file(results: Path, explanation: str, batch: int, chunk: int) -> Path:
    """What a chunk of a batch of images leaves last."""
    return chunks_folder(results, explanation) / f"batch-{batch}.chunk-{chunk}.json"


def attribution_store(results: Path, explanation: str, slot: str) -> Path:
    """The attribution store of one image."""
    return results / "attributions" / explanation / f"{slot}.zarr"


def nifti_file(store: Path) -> Path:
    """The NIfTI file beside the attribution store of a volume."""
    folder = folder_of(store)
    return folder.with_name(f"{folder.name.removesuffix('.zarr')}.nii.gz")


def exported_files(config: Config, results: Path, explanation: str) -> list[Path]:
    """NIfTI files, and JSON files with what they mean, of an explanation of volumes."""
    settings = config.explanations[explanation]
    if not config.dataset_of(explanation).is_volume or settings.removes_layer:
        return []
    maps = [nifti_file(store) for store in attribution_stores(config, results, explanation)]
    return [file for one in maps for file in (one, sidecar_of(one))]


def sidecar_of(nifti: Path) -> Path:
    """The JSON file beside a NIfTI file, with what it means."""
    return nifti.with_name(f"{nifti.name.removesuffix('.nii.gz')}.json")


def listing(results: Path, explanation: str) -> Path:
    """What is written once all attribution stores of an explanation are there."""
    return results / "attributions" / f"{explanation}.json"


def classifier_folder(config: Config, results: Path, explanation: str) -> Path:
    """The folder of the classifier that an explanation explains."""
    return classifier_place(results, config.explanations[explanation].classifier)


def classifier_folders(config: Config, results: Path, figure: Any) -> dict[str, Path]:
    """The folders of the classifiers that a figure is about, by name."""
    measured = (config.evaluations[name] for name in figure.evaluation_names)
    names = [*figure.explanation_names, *(n for one in measured for n in one.explanation_names)]
    folders = (classifier_folder(config, results, name) for name in names)
    return {folder.name: folder for folder in folders}


def evaluation_table(results: Path, evaluation: str) -> Path:
    """The table of an evaluation."""
    return results / "evaluations" / f"{evaluation}.parquet"


def evaluation_file(config: Config, results: Path, evaluation: str) -> Path:
    """What an evaluation leaves: a table, or what was found about claims."""
    return evaluation_table(results, evaluation).with_suffix(config.evaluations[evaluation].suffix)


def cohort_tables(results: Path, evaluation: str, cohorts: int) -> list[Path]:
    """What was measured of each simulated cohort, by its number."""
    return [cohort_table(results, evaluation, number) for number in range(cohorts)]


def report_page(results: Path) -> Path:
    """The first page of the report."""
    return results / "report" / "index.html"
