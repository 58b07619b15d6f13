"""Where results lie below results/<run>/, for the stages that read many of them."""

from pathlib import Path

from prediction_difference.config import Config, slots


def attribution_stores(config: Config, results: Path, explanation: str) -> list[Path]:
    """The attribution stores of an explanation, in the order of its images."""
    folder = results / "attributions" / explanation
    return [folder / f"{slot}.zarr" for slot in slots(config.explanations[explanation])]


def classifier_folder(config: Config, results: Path, explanation: str) -> Path:
    """The folder of the classifier that an explanation explains."""
    return results / "classifiers" / config.explanations[explanation].classifier


def evaluation_table(results: Path, evaluation: str) -> Path:
    """The table of an evaluation."""
    return results / "evaluations" / f"{evaluation}.parquet"


def figure_files(config: Config, results: Path) -> list[Path]:
    """The JSON files of all figures; the pictures lie beside them."""
    return [
        results / "figures" / (figure.paper or config.run.name) / f"{name}.json"
        for name, figure in config.figures.items()
    ]
