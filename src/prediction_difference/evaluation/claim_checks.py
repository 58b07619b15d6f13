"""What papers say of their maps, measured: one number an image, and whether the claim held.

Every claim is turned into a number of each image that is larger, or smaller, than a limit where it
holds. It held if an interval of the mean over the images lies on the right side of the limit,
did not if it lies on the other side, and is undecided otherwise.
"""

import itertools
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from scipy import stats

from prediction_difference.attribution.publishing import open_attribution
from prediction_difference.classifiers.card import read_card
from prediction_difference.classifiers.loading import read_predictions
from prediction_difference.classifiers.unseen import WEIGHTS_FROM
from prediction_difference.data.dataset import TRAIN, UNLABELLED
from prediction_difference.errors import StoreError
from prediction_difference.evaluation import cohort_claims
from prediction_difference.evaluation.claims.cheaper import Cheaper
from prediction_difference.evaluation.claims.consistent import Consistent
from prediction_difference.evaluation.claims.dominant_class import DominantClass
from prediction_difference.evaluation.claims.enough_samples import EnoughSamples
from prediction_difference.evaluation.claims.follows_accuracy import FollowsAccuracy
from prediction_difference.evaluation.claims.larger_aopc import LargerAopc
from prediction_difference.evaluation.claims.less_outside import LessOutside
from prediction_difference.evaluation.claims.less_scattered import LessScattered
from prediction_difference.evaluation.claims.measurable_effect import MeasurableEffect
from prediction_difference.evaluation.claims.more_concentrated import MoreConcentrated
from prediction_difference.evaluation.claims.similar_classes import SimilarClasses
from prediction_difference.evaluation.claims.simpler import Simpler
from prediction_difference.evaluation.claims.sparser_layer import SparserLayer
from prediction_difference.evaluation.claims.strong_features import StrongFeaturesSuffice
from prediction_difference.evaluation.findings import Finding, Measured, Opened, find
from prediction_difference.evaluation.map_numbers import (
    correlation,
    entropy,
    sparsity,
    top_share,
)
from prediction_difference.evaluation.measures.claims import Claims
from prediction_difference.evaluation.table import aopc_by_image, image_names, read_table
from prediction_difference.progress import track
from prediction_difference.run import Run
from prediction_difference.seals import break_seal, read_sealed, write_seal
from prediction_difference.stores import write_json

_SIGNIFICANT = 0.05
"""Share of windows without any effect whose change chance alone makes significant."""


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
        measured = _MEASURES[claim.claim](claim, opened)
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
    facts: Mapping[str, str] = {},
) -> None:
    """Publish what was found, and by which setting of which paper; facts: for its seal."""
    break_seal(path)
    write_json(path, {"paper": run.paper, "setting": run.setting, "claims": list(records)})
    write_seal(path, [path], facts)


def read_claims(path: Path) -> dict[str, Any]:
    """Read what was found.

    Raises:
        StoreError: it is missing or damaged.
    """
    again = "make the evaluation again"
    try:
        content: dict[str, Any] = json.loads(read_sealed(path, path, again))
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


# --- claims -----------------------------------------------------------------------------------


def _more_concentrated(claim: MoreConcentrated, opened: Opened) -> Measured:
    pairs = _pairs(claim, opened)
    if claim.by == "entropy":
        values = [entropy(_first(that)) - entropy(_first(this)) for this, that in pairs]
        return Measured(np.array(values), f"entropy of {claim.than} less that of this", "bits")
    values = [
        top_share(_first(this), claim.top) - top_share(_first(that), claim.top)
        for this, that in pairs
    ]
    quantity = f"share of relevance in the top {claim.top:.0%} less that of {claim.than}"
    return Measured(np.array(values), quantity, "")


def _similar_classes(claim: SimilarClasses, opened: Opened) -> Measured:
    values = []
    for store in opened[claim.explanation]:
        by_score, by_probability = (
            _mean_correlation(_class_maps(store, kind)) for kind in ("score", "probability")
        )
        values.append(by_score - by_probability)
    quantity = "mean correlation between classes, of scores less that of probabilities"
    return Measured(np.array(values), quantity, "")


def _class_maps(store: Any, kind: str) -> np.ndarray:
    numbers = [n for n, node in enumerate(store.attrs["nodes"]) if node["kind"] == kind]
    if len(numbers) < 2:
        raise StoreError(
            store.attrs["explanation"],
            f"has {len(numbers)} nodes of the kind {kind}",
            "explain at least two classes by score and by probability",
        )
    found: np.ndarray = store["relevance"].values[numbers]
    return found


def _mean_correlation(maps: np.ndarray) -> float:
    pairs = itertools.combinations(maps, 2)
    return float(np.mean([correlation(one, other) for one, other in pairs]))


def _measurable_effect(claim: MeasurableEffect, opened: Opened) -> Measured:
    values = []
    for store in opened[claim.explanation]:
        score, error = _windows(store)
        # Of few draws, the standard error is itself uncertain: Student's quantile, not a normal's.
        reach = float(stats.t.isf(_SIGNIFICANT / 2, store.attrs["settings"]["samples"] - 1))
        values.append(float((np.abs(score) > reach * error).mean()))
    quantity = f"share of windows with a significant change, at {_SIGNIFICANT:.0%}"
    return Measured(np.array(values), quantity, "", limit=_SIGNIFICANT)


def _windows(store: Any) -> tuple[np.ndarray, np.ndarray]:
    if "window_score" not in store:
        raise StoreError(
            store.attrs["explanation"], "has no windows", "use method: prediction-difference"
        )
    score, error = store["window_score"].values[0], store["window_standard_error"].values[0]
    if not np.isfinite(error).all():
        raise StoreError(
            store.attrs["explanation"], "has no sampling error", "use a sampled engine"
        )
    return score, error


def _sparser_layer(claim: SparserLayer, opened: Opened) -> Measured:
    values = []
    for store in opened[claim.explanation]:
        layers = (claim.layer, claim.than_layer)
        this, that = (_layer_sparsity(store, layer, claim.across) for layer in layers)
        values.append(this - that)
    quantity = f"sparsity across {claim.across} of {claim.layer} less that of {claim.than_layer}"
    return Measured(np.array(values), quantity, "")


def _layer_sparsity(store: Any, layer: str, across: str) -> float:
    numbers = [n for n, node in enumerate(store.attrs["nodes"]) if node["layer"] == layer]
    if not numbers:
        raise StoreError(
            store.attrs["explanation"], f"has no node of layer {layer!r}", "explain its maps"
        )
    maps = store["relevance"].values[numbers]
    if across == "maps":
        return sparsity(np.abs(maps).mean(axis=(1, 2)))
    return float(np.mean([sparsity(one) for one in maps]))


def _enough_samples(claim: EnoughSamples, opened: Opened) -> Measured:
    pairs = _pairs(claim, opened)
    if claim.by == "correlation":
        values = [correlation(_first(this), _first(that)) for this, that in pairs]
        return Measured(np.array(values), f"correlation with {claim.than}", "", claim.limit)
    values = [_relative_difference(this, that) for this, that in pairs]
    quantity = f"difference of windows from {claim.than}, root mean square"
    return Measured(np.array(values), quantity, "standard errors", claim.limit, sense="below")


def _relative_difference(this: Any, that: Any) -> float:
    (score, error), (other, other_error) = _windows(this), _windows(that)
    if score.shape != other.shape:
        raise StoreError(this.attrs["explanation"], "has other windows", "use the same stride")
    variance = error.astype(np.float64) ** 2 + other_error.astype(np.float64) ** 2
    known = variance > 0
    return float(np.sqrt(np.mean((score - other)[known] ** 2 / variance[known])))


def _cheaper(claim: Cheaper, opened: Opened) -> Measured:
    values = [
        np.log2(that.attrs["seconds"] / this.attrs["seconds"])
        for this, that in _pairs(claim, opened)
    ]
    return Measured(np.array(values), f"doublings of time to {claim.than}", "doublings")


def _larger_aopc(claim: LargerAopc, opened: Opened) -> Measured:
    table = opened[claim.evaluation]
    output = str(table.attrs["settings"]["output"])
    values = _differences(claim, aopc_by_image(table, output))
    return Measured(values, f"AOPC less that of {claim.than}", f"of the {output}")


def _follows_accuracy(claim: FollowsAccuracy, opened: Opened) -> Measured:
    _refuse_other_images(claim, opened)
    tables = [opened[name] for name in claim.evaluations]
    accuracy = np.array([table.attrs["accuracy"] for table in tables], dtype=np.float64)
    if not np.isfinite(accuracy).all():
        remedy = "evaluate classifiers with labelled held-out images"
        raise StoreError(f"evaluations {', '.join(claim.evaluations)}", "know no accuracy", remedy)
    measured = list(zip(tables, claim.evaluations, claim.explanations, strict=True))
    has_random = all((table["method"] == "random").any() for table in tables)
    columns = [_areas(*one, above_random=has_random).sort_index() for one in measured]
    areas = np.stack([column.to_numpy() for column in columns], axis=1)
    values = [correlation(one, accuracy) for one in areas]
    above = " above random order" if has_random else ""
    quantity = f"correlation of an image's AOPC{above} with test accuracy, over checkpoints"
    return Measured(np.array(values), quantity, "")


def _areas(table: Any, evaluation: str, explanation: str, above_random: bool) -> Any:
    """AOPC of every image; scores grow while a network learns, and with them what chance takes."""
    areas = aopc_by_image(table, table.attrs["settings"]["output"])
    found = _column(areas, evaluation, explanation)
    if not above_random:
        return found
    random = table.loc[table["method"] == "random", "explanation"].iloc[0]
    return found - areas[random]


def _refuse_other_images(claim: FollowsAccuracy, opened: Opened) -> None:
    """A slot is the same image for every checkpoint, or numbers of two images are mixed."""
    first, *others = claim.evaluations
    expected = image_names(opened[first])
    for name in others:
        if image_names(opened[name]) != expected:
            what = f"was measured on other images than {first}"
            raise StoreError(f"evaluation {name}", what, "name the images, or take random ones")


def _simpler(claim: Simpler, opened: Opened) -> Measured:
    columns = opened[claim.evaluation].pivot(index="image", columns="explanation", values=claim.by)
    unit = "bits" if claim.by == "entropy" else "bytes"
    name = {"entropy": "entropy", "png_bytes": "PNG", "jpeg_bytes": "JPEG"}[claim.by]
    values = _differences(claim, columns)
    return Measured(values, f"{name} less that of {claim.than}", unit, sense="below")


def _consistent(claim: Consistent, opened: Opened) -> Measured:
    columns = opened[claim.evaluation].pivot(index="image", columns="explanation", values=claim.by)
    values = np.asarray(_column(columns, claim.evaluation, claim.explanation))
    quantity = {
        "conservation": "error of the sum of relevance, as a share of the score",
        "negative": "share of negative relevance",
        "difference": "difference from maps begun elsewhere, as a share of their strength",
    }[claim.by]
    return Measured(values, quantity, "", claim.limit, sense="above" if claim.denied else "below")


def _less_outside(claim: LessOutside, opened: Opened) -> Measured:
    columns = opened[claim.evaluation].pivot(index="image", columns="explanation", values="outside")
    quantity = f"share of relevance outside less that of {claim.than}"
    return Measured(_differences(claim, columns), quantity, "", sense="below")


def _strong_features(claim: StrongFeaturesSuffice, opened: Opened) -> Measured:
    table = opened[claim.evaluation]
    is_chosen = table["explanation"] == claim.explanation
    is_chosen &= np.isclose(table["threshold"], claim.threshold) & (table["part"] != "full")
    if not is_chosen.any():
        what = f"did not measure {claim.explanation!r} at threshold {claim.threshold:g}"
        raise StoreError(f"evaluation {claim.evaluation}", what, "choose one of its thresholds")
    parts = table[is_chosen].pivot(index="image", columns="part", values="correct").astype(float)
    quantity = "share that is right with only strong features, less that without them"
    return Measured(np.asarray(parts["only"] - parts["without"]), quantity, "")


def _dominant_class(claim: DominantClass, opened: Opened) -> Measured:
    table = opened[claim.evaluation]
    is_chosen = table["explanation"] == claim.explanation
    is_chosen &= table["right"] == (claim.decisions == "right")
    if not is_chosen.any():
        what = f"has no {claim.decisions} decision explained by {claim.explanation!r}"
        raise StoreError(f"evaluation {claim.evaluation}", what, "explain some")
    part = table[is_chosen]
    values = (part[claim.by] == part["predicted"]).to_numpy().astype(float)
    if claim.decisions == "right":
        quantity = "share of maps whose dominant class is the predicted one"
        return Measured(values, quantity, "", limit=0.5, is_share=True)
    of_label = (part[claim.by] == part["label"]).to_numpy().astype(float)
    quantity = "share of maps that the predicted class dominates, less that of the label's"
    return Measured(values - of_label, quantity, "")


def _differences(claim: Any, columns: Any) -> np.ndarray:
    """columns: a number of each image (row) for each explanation."""
    first, second = (_column(columns, claim.evaluation, name) for name in claim.compared)
    return np.asarray(first - second)


def _column(columns: Any, evaluation: str, explanation: str) -> Any:
    if explanation not in columns:
        remedy = f"it has {', '.join(columns)}; make the evaluation again"
        raise StoreError(f"evaluation {evaluation}", f"did not measure {explanation!r}", remedy)
    return columns[explanation]


def _pairs(claim: Any, opened: Opened) -> list[tuple[Any, Any]]:
    """Stores of the same images by both explanations."""
    others = {store.attrs["image_name"]: store for store in opened[claim.than]}
    pairs = []
    for store in opened[claim.explanation]:
        name = store.attrs["image_name"]
        if name not in others:
            raise StoreError(
                f"explanation {claim.than}", f"has no map of {name}", "explain the same images"
            )
        pairs.append((store, others[name]))
    return pairs


def _less_scattered(claim: LessScattered, opened: Opened) -> Measured:
    return cohort_claims.less_scattered(claim, _pairs(claim, opened))


def _first(store: Any) -> np.ndarray:
    found: np.ndarray = store["relevance"].values[0]
    return found


_MEASURES: Mapping[str, Callable[[Any, Opened], Measured]] = {
    "more-concentrated": _more_concentrated,
    "similar-classes": _similar_classes,
    "measurable-effect": _measurable_effect,
    "sparser-layer": _sparser_layer,
    "enough-samples": _enough_samples,
    "cheaper": _cheaper,
    "larger-aopc": _larger_aopc,
    "simpler": _simpler,
    "consistent": _consistent,
    "less-outside": _less_outside,
    "strong-features": _strong_features,
    "dominant-class": _dominant_class,
    "follows-accuracy": _follows_accuracy,
    "accuracy": cohort_claims.accuracy,
    "finds-damage": cohort_claims.finds_damage,
    "within-time": cohort_claims.within_time,
    "less-scattered": _less_scattered,
    "specific-to-image": cohort_claims.image_specific,
    "distinct-classes": cohort_claims.distinct_classes,
}
