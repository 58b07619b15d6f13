"""What published files come from: settings, code and inputs, as their seals note it."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from prediction_difference import layout
from prediction_difference.classifiers.kind import Classifier
from prediction_difference.classifiers.kinds.checkpoint import Checkpoint
from prediction_difference.config import is_clinical
from prediction_difference.dependencies import REPORT as REPORT
from prediction_difference.dependencies import code_of
from prediction_difference.evaluation.measures.claims import Claims
from prediction_difference.run import Config
from prediction_difference.seals import read_seal
from prediction_difference.stores import digest, folder_of, read_attributes, settings_digest

SETTINGS, CODE, INPUTS = "settings", "code", "inputs"
"""Names of the facts in a seal; each is a digest."""


def facts(config: Config, section: str, name: str, inputs: Sequence[Path]) -> dict[str, str]:
    """Digests of the settings, the code and the inputs behind an entry of a section, or a report.

    Raises:
        StoreError: an input is not complete.
    """
    return {
        SETTINGS: settings_of(config, section, name),
        CODE: code_of(config, section, name),
        INPUTS: digest(*map(digest_of, inputs)),
    }


def settings_of(config: Config, section: str, name: str) -> str:
    """Digest of what the configuration says about an entry; of all of it for a report."""
    if section == REPORT:
        return settings_digest(config.model_dump(mode="json"))
    entry = getattr(config, section)[name]
    said: dict[str, Any] = {}
    if _says_setting(section, entry):
        said["setting"] = config.run.setting
    if section == "figures":
        said["clinical"] = is_clinical(config, entry)
    seed = {} if section == "figures" else {"seed": config.run.seed}
    behind = [one.content for one in entry.behind(config)] if section == "evaluations" else []
    return settings_digest({"entry": entry.content, "behind": behind, **said, **seed})


def _says_setting(section: str, entry: object) -> bool:
    """Whether a result says which of the settings of a paper it comes from."""
    return section == "figures" or isinstance(entry, Claims)


def inputs_of(config: Config, results: Path, section: str, name: str) -> list[Path]:
    """What an entry is made from, in a fixed order."""
    match section:
        case "classifiers":
            return _inputs_of_classifier(config.classifiers[name], results)
        case "evaluations":
            return _inputs_of_evaluation(config, results, name)
        case "figures":
            figure = config.figures[name]
            shown = layout.figure_stores(config, results, figure).values()
            tables = [layout.evaluation_table(results, n) for n in figure.evaluation_names]
            return [*(store for some in shown for store in some), *tables]
    stores = (layout.attribution_stores(config, results, e) for e in config.explanations)
    return [
        *(layout.card_file(results, name) for name in config.classifiers),
        *(store for some in stores for store in some),
        *(layout.evaluation_file(config, results, name) for name in config.evaluations),
        *layout.figure_files(config, results),
    ]


def _inputs_of_classifier(classifier: Classifier, results: Path) -> list[Path]:
    trained = [classifier.of] if isinstance(classifier, Checkpoint) else []
    cards = [layout.card_file(results, name) for name in trained]
    return [layout.dataset_store(results, classifier.dataset), *cards]


def _inputs_of_evaluation(config: Config, results: Path, name: str) -> list[Path]:
    evaluation = config.evaluations[name]
    if evaluation.parts_are == "cohort":
        return layout.cohort_tables(results, name, evaluation.parts(config))
    if not evaluation.reads_maps and evaluation.parts_are is None:
        return []
    found = [
        store
        for explanation in evaluation.explanation_names
        for store in layout.attribution_stores(config, results, explanation)
    ]
    found += [layout.evaluation_table(results, one) for one in evaluation.evaluation_names]
    found += [layout.card_file(results, one) for one in evaluation.classifier_names]
    if evaluation.runs_classifier or evaluation.parts_are is not None:
        classifier = config.explanations[evaluation.explanation_names[0]].classifier
        found.append(layout.card_file(results, classifier))
    return found


def digest_of(path: Path) -> str:
    """Of the content of a published store, or of the files under a seal.

    Raises:
        StoreError: it is not complete.
    """
    if folder_of(path).suffix == ".zarr":
        return str(read_attributes(path).get("digest"))
    return read_seal(path).digest
