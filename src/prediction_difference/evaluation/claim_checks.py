"""What papers say of their maps, measured: one number an image, and whether the claim held.

Every claim is turned into a number of each image that is larger, or smaller, than a limit where it
holds. It held if an interval of the mean over the images lies on the right side of the limit,
did not if it lies on the other side, and is undecided otherwise.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from prediction_difference.attribution.reading import open_attribution
from prediction_difference.classifiers.card import read_card
from prediction_difference.classifiers.loading import read_predictions
from prediction_difference.classifiers.unseen import WEIGHTS_FROM
from prediction_difference.data.dataset import TRAIN, UNLABELLED
from prediction_difference.errors import DataError, StoreError, telling_faults
from prediction_difference.evaluation.claim import Claim
from prediction_difference.evaluation.findings import Finding, Measured, Opened, find
from prediction_difference.evaluation.measures.claims import Claims
from prediction_difference.evaluation.table import read_table
from prediction_difference.files import write_json
from prediction_difference.manifest import Origin, read_file, withdraw, write_manifest
from prediction_difference.progress import track
from prediction_difference.run import Run

Stores = Mapping[str, Sequence[Path]]
"""Attribution stores by explanation, in the order of their images."""


def check_claims(
    settings: Claims,
    stores: Stores,
    tables: Mapping[str, Path] | None = None,
    classifiers: Mapping[str, Path] | None = None,
) -> list[dict[str, Any]]:
    """One record for each claim, JSON-like: its place and words, numbers, and whether it held.

    tables: of evaluations, by name. classifiers: folders by name.

    Raises:
        StoreError: a store or table lacks what a claim is about, or images differ.
    """
    records = []
    for claim in track(settings.claims, "claims"):
        opened: dict[str, Any] = {
            n: [open_attribution(path) for path in stores[n]] for n in claim.explanation_names
        }
        opened |= {n: read_table((tables or {})[n]) for n in claim.evaluation_names}
        opened |= {n: _held_out((classifiers or {})[n]) for n in claim.classifier_names}
        measured = _measured(claim, opened)
        records.append(_record(claim, find(measured, settings.confidence), settings, opened))
    return records


def _held_out(classifier: Path) -> Any:
    """A classifier's predictions for the images of held-out splits, where labels are known.

    Raises:
        StoreError: the classifier is missing or damaged.
    """
    predictions = read_predictions(classifier)
    known = (predictions["split"] != TRAIN) & (predictions["label"] != UNLABELLED)
    found = predictions[known]
    card = read_card(classifier)
    found.attrs |= {"settings": card.settings, WEIGHTS_FROM: card.weights_from}
    return found


def write_claims(
    records: Sequence[Mapping[str, Any]],
    run: Run,
    path: Path,
    origin: Origin | None = None,
) -> None:
    """Publish what was found, and by which setting of which paper; origin: what it is made from."""
    withdraw(path)
    write_json(path, {"paper": run.paper, "setting": run.setting, "claims": list(records)})
    write_manifest(path, [path], origin)


def read_claims(path: Path) -> dict[str, Any]:
    """Read what was found.

    Raises:
        StoreError: it is missing or damaged.
    """
    again = "make the evaluation again"
    try:
        content: dict[str, Any] = json.loads(read_file(path, path, again))
        return content | {"claims": content["claims"]}
    except (ValueError, KeyError, TypeError) as error:
        raise StoreError(path, f"cannot be read ({error})", again) from error


def _record(claim: Any, found: Finding, settings: Claims, opened: Opened) -> dict[str, Any]:
    measured = found.measured
    return {
        "where": claim.where,
        "statement": claim.statement,
        "quantity": measured.quantity,
        "unit": measured.unit,
        "number": found.mean,
        "required": measured.required,
        "confidence": settings.confidence,
        "interval": found.interval,
        "deviation": found.deviation,
        "images": len(measured.values),
        "held": found.held,
        "values": measured.values.tolist(),
        "settings": {
            name: dict((some[0] if isinstance(some, list) else some).attrs["settings"])
            for name, some in opened.items()
        },
        "claim": claim.model_dump(mode="json"),
    }


def _measured(claim: Claim, opened: Opened) -> Measured:
    """Raises DataError where a user's own claim fails, or measures nothing finite."""
    where = f"claim {claim.claim}"
    with telling_faults(where, claim.claim, "measured"):
        measured = claim.measured(opened)
    if not isinstance(measured, Measured):
        raise DataError(where, f"returns {type(measured).__name__}", "return a Measured")
    is_own = ":" in claim.claim
    if is_own and not (len(measured.values) and np.isfinite(measured.values).all()):
        raise DataError(where, "has no values, or some that are not finite", "measure every image")
    return measured
