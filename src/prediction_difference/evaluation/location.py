"""Which maps find the damage of simulated cohorts, where it is known.

For each of several cohorts, logistic regression is fitted by fold, and every subject is explained
out of fold. A map is useful where it tells, of two patients, which of them was hit in a region; and
where it is not the same for everybody.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy import stats

from prediction_difference import randomness
from prediction_difference.attribution.heatmaps import maps_of
from prediction_difference.attribution.method import Given, Method
from prediction_difference.attribution.nodes import Node
from prediction_difference.classifiers.fold_fitting import fit_planes
from prediction_difference.classifiers.kinds.logistic_regression import LogisticRegression
from prediction_difference.classifiers.linear_module import LinearModule
from prediction_difference.classifiers.logistic_regression import LinearClassifier
from prediction_difference.data import anatomy, simulated_fa
from prediction_difference.data.dataset import Dataset
from prediction_difference.data.sources.simulated_fa import SimulatedFA
from prediction_difference.errors import DataError
from prediction_difference.evaluation.measures.location import LocationStudy
from prediction_difference.evaluation.table import read_table
from prediction_difference.intervals import interval_of_mean
from prediction_difference.priors.kind import Fitted
from prediction_difference.priors.store import fit_priors
from prediction_difference.progress import track
from prediction_difference.run import Config

_PATIENT = 1
"""Number of the class whose evidence is mapped."""
_SMALLEST_REGION = 50
"""Voxels of a region inside the slab, below which it is left out."""
AUC, WITHIN, ACROSS, ACCURACY = "auc", "within", "across", "accuracy"
"""Quantities of the table; see `measure_cohort`."""


@dataclass(frozen=True)
class Cohort:
    """A cohort and its classifier, a plane for each fold, fitted without the fold's subjects.

    planes: by split. accuracy: share of subjects that the plane of their fold is right for.
    """

    dataset: Dataset
    planes: Mapping[str, LinearClassifier]
    accuracy: float

    @classmethod
    def fitted(cls, dataset: Dataset, settings: LogisticRegression, key: int) -> "Cohort":
        """Fit the classifier without what its settings ask for beside the planes."""
        alone = {"repeats": 1, "permutations": 0, "also_predict": ()}
        found = fit_planes(settings.model_copy(update=alone), dataset, key)
        planes = {
            split: LinearClassifier(
                found.weights[f"{split}/weight"], float(found.weights[f"{split}/intercept"])
            )
            for split in dataset.held_out_splits
        }
        is_right = found.scores.argmax(1) == dataset.labels
        return cls(dataset, planes, float(is_right.mean()))

    def maps(self, explanation: Method, priors: Mapping[str, Fitted], seed: int) -> np.ndarray:
        """(n, *spatial) float32 evidence for patients, of every subject by its own fold.

        priors: by split, for a method that draws from one.
        """
        is_of_probability = explanation.default_output == "probability"
        node = Node.probability(_PATIENT) if is_of_probability else Node.score(_PATIENT)
        dataset = self.dataset
        found = np.empty((len(dataset.names), *dataset.images.shape[2:]), dtype=np.float32)
        for split, plane in self.planes.items():
            is_held_out = dataset.in_split(split)
            images = dataset.images[is_held_out]
            training, prior = dataset.images[~is_held_out], priors.get(split)
            given = Given("cpu", seed, training, prior, dataset.value_range)
            classifier = plane if explanation.takes_plane else LinearModule(plane).eval()
            nodes = [node] * len(images)
            found[is_held_out] = maps_of(explanation, classifier, images, nodes, given)
        return found


def measure_cohort(config: Config, name: str, number: int) -> Any:
    """A data frame of one simulated cohort: cohort, explanation, quantity, region, value.

    Quantities: accuracy (of the classifier, out of fold); auc, for each region how well the mean
    relevance in it tells patients who were hit there from those of their fold who were not; within
    and across, mean correlation of the maps of two subjects of one class, or of both.

    Raises:
        DataError: there is no cohort of this number, or no region to ask for.
    """
    import pandas

    settings = config.evaluations[name]
    assert isinstance(settings, LocationStudy)
    if not 0 <= number < settings.cohorts:
        what = f"evaluation {name!r} has {settings.cohorts}, counted from 0"
        raise DataError(f"--cohort {number}", what, f"choose 0 to {settings.cohorts - 1}")
    explanations = {one: config.explanations[one] for one in settings.explanations}
    classifier = config.classifiers[explanations[settings.explanations[0]].classifier]
    entry = config.datasets[classifier.dataset]
    assert isinstance(entry, SimulatedFA)
    assert isinstance(classifier, LogisticRegression)
    seed = randomness.key(config.run.seed, settings.measure, number)
    dataset = simulated_fa.load(entry, classifier.dataset, seed)
    regions = _regions(dataset, entry)
    hits = {subject.name: subject.severities for subject in simulated_fa.cohort(entry, seed)}
    cohort = Cohort.fitted(dataset, classifier, randomness.key(seed, "classifier"))
    rows = [("", ACCURACY, "", cohort.accuracy)]
    for one in track(settings.explanations, f"{name}, cohort {number}"):
        prior = explanations[one].prior_name
        fitted = {} if prior is None else fit_priors(dataset, config.priors[prior], prior, seed)
        maps = cohort.maps(explanations[one], fitted, seed)
        found = (*_aucs(maps, dataset, regions, hits), *_correlations(maps, dataset))
        rows += [(one, *values) for values in found]
    table = pandas.DataFrame(rows, columns=["explanation", "quantity", "region", "value"])
    table.insert(0, "cohort", number)
    table.attrs = _facts(config, explanations.values())
    return table


def _facts(config: Config, explanations: Iterable[Method]) -> dict[Any, Any]:
    """What captions say of the cohorts, of their classifier and of the priors."""
    some = list(explanations)
    classifier = config.classifiers[some[0].classifier]
    priors = {name: config.priors[name] for e in some if (name := e.prior_name) is not None}
    return {
        "priors": {
            name: {"patch": prior.patch, "location": prior.location_for(True)}
            for name, prior in priors.items()
        },
        "classifier_settings": classifier.model_dump(mode="json"),
        "dataset_settings": config.datasets[classifier.dataset].model_dump(mode="json"),
    }


def join_cohorts(tables: Sequence[Path]) -> Any:
    """One table of all cohorts' tables.

    Raises:
        StoreError: one is missing or damaged.
    """
    import pandas

    parts = [read_table(file) for file in tables]
    attributes = parts[0].attrs
    for part in parts:
        part.attrs = {}
    joined = pandas.concat(parts, ignore_index=True)
    joined.attrs = attributes
    return joined


def by_cohort(table: Any, quantity: str) -> Any:
    """Mean over regions of a quantity; rows are cohorts, columns explanations in their order."""
    chosen = table[table["quantity"] == quantity]
    means = chosen.groupby(["cohort", "explanation"], sort=False)["value"].mean()
    return means.unstack("explanation")[list(dict.fromkeys(chosen["explanation"]))]


def summarise_location(table: Any) -> Any:
    """A data frame with one row per explanation: its name, cohorts, and means over cohorts.

    The means are of auc, within and across; with the ends of bootstrap intervals of them, such as
    auc_low and auc_high.
    """
    import pandas

    found: dict[str, Any] = {}
    for quantity in (AUC, WITHIN, ACROSS):
        values = by_cohort(table, quantity)
        low, high = interval_of_mean(values.to_numpy())
        found["cohorts"] = pandas.Series(len(values), index=values.columns)
        found[quantity] = values.mean()
        found[f"{quantity}_low"] = pandas.Series(low, index=values.columns)
        found[f"{quantity}_high"] = pandas.Series(high, index=values.columns)
    return pandas.DataFrame(found).rename_axis("explanation").reset_index()


# --- what they are worth ----------------------------------------------------------------------


def _regions(dataset: Dataset, settings: SimulatedFA) -> dict[str, np.ndarray]:
    """(*spatial) bool by name, of the regions that lie in the slab."""
    cut = anatomy.slab_slices(settings.slab)
    inside = {
        name: whole[cut] for name, whole in anatomy.load_anatomy(settings.template).regions.items()
    }
    found = {n: region for n, region in inside.items() if region.sum() >= _SMALLEST_REGION}
    if not found:
        what = "no damaged region lies in the slab"
        raise DataError(f"datasets.{settings.source}.slab", what, "choose other slices")
    return found


def _aucs(
    maps: np.ndarray,
    dataset: Dataset,
    regions: Mapping[str, np.ndarray],
    hits: Mapping[str, Mapping[str, float]],
) -> Iterator[tuple[str, str, float]]:
    patients = np.flatnonzero(dataset.labels == _PATIENT)
    folds = np.array([dataset.split[n] for n in patients])
    for name, region in regions.items():
        is_hit = np.array([name in hits[dataset.names[n]] for n in patients])
        area = area_within(maps[patients][:, region].mean(1), is_hit, folds)
        if not np.isnan(area):
            yield AUC, name, area


def area_within(values: np.ndarray, is_true: np.ndarray, groups: np.ndarray) -> float:
    """(n,), (n,) bool, (n,) -> how often a true one's value is above a false one's of its group.

    Ties count half; NaN where no group has both.

    Notes: with groups, folds are not compared with each other. The more patients of a fold were
    hit in a region, the fewer were among those that its plane was fitted to, so that even weights
    by themselves would seem to know who was hit.
    """
    above = pairs = 0.0
    for group in np.unique(groups):
        mine, which = values[groups == group], is_true[groups == group]
        true, false = int(which.sum()), int((~which).sum())
        above += stats.rankdata(mine)[which].sum() - true * (true + 1) / 2
        pairs += true * false
    return float(above / pairs) if pairs else float("nan")


def _correlations(maps: np.ndarray, dataset: Dataset) -> Iterator[tuple[str, str, float]]:
    within, across = mean_correlations(
        maps[:, dataset.mask] if dataset.mask is not None else maps.reshape(len(maps), -1),
        dataset.labels,
    )
    yield WITHIN, "", within
    yield ACROSS, "", across


def mean_correlations(values: np.ndarray, labels: np.ndarray) -> tuple[float, float]:
    """(n, voxels), (n,) classes -> mean correlation of pairs of one class, and of two classes."""
    correlations = np.corrcoef(values)
    is_same = labels[:, None] == labels
    is_pair = np.triu(np.ones_like(is_same), 1)
    means = (correlations[is_pair & which].mean() for which in (is_same, ~is_same))
    within, across = (float(mean) for mean in means)
    return within, across
