"""Do maps find the damage? Samplers and comparators on simulated cohorts with known damage.

For each of several cohorts, logistic regression is fitted by fold, and every subject is explained
out of fold. A map is useful where it tells, of two patients, which of them was hit in a region; and
where it is not the same for everybody.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from scipy import stats

from prediction_difference import randomness
from prediction_difference.attribution.heatmaps import heatmaps
from prediction_difference.attribution.nodes import Node
from prediction_difference.attribution.prediction_difference import PredictionDifference
from prediction_difference.choices import Location
from prediction_difference.classifiers.logistic_regression import LinearClassifier, fit
from prediction_difference.data import anatomy, simulated_fa
from prediction_difference.data.dataset import Dataset
from prediction_difference.data.sources.simulated_fa import SimulatedFA
from prediction_difference.errors import DataError
from prediction_difference.evaluation.measures.location import LocationStudy
from prediction_difference.evaluation.table import read_table
from prediction_difference.intervals import interval_of_mean
from prediction_difference.priors.draws import ConditionalSampler, MarginalSampler, Sampler
from prediction_difference.priors.gaussian import GaussianPatchPrior
from prediction_difference.progress import track
from prediction_difference.run import Config

_PATIENT = 1
"""Number of the class whose evidence is mapped."""
_SMALLEST_REGION = 50
"""Voxels of a region inside the slab, below which it is left out."""
_LOCATIONS: Mapping[str, Location] = {
    "gaussian": "none",
    "grid-index": "grid-index",
    "grid-cell": "grid-cell",
    "voxel-mean": "voxel-mean",
}
"""What the samplers that are conditional know of a place."""
AUC, WITHIN, ACROSS, ACCURACY = "auc", "within", "across", "accuracy"
"""Quantities of the table; see `measure_cohort`."""


@dataclass(frozen=True)
class Fold:
    """A held-out part of a cohort, and the plane that was fitted without it."""

    dataset: Dataset
    split: str
    linear: LinearClassifier

    @property
    def held_out(self) -> np.ndarray:
        """Numbers of the subjects that it explains."""
        return np.flatnonzero(self.dataset.in_split(self.split))

    @cached_property
    def training(self) -> np.ndarray:
        """(n, C, *spatial) volumes that the plane was fitted to."""
        return self.dataset.images[~self.dataset.in_split(self.split)]


Mapper = Callable[[np.ndarray], np.ndarray]
"""(C, *spatial) volume -> (*spatial) evidence for the class of the patients."""


def measure_cohort(config: Config, name: str, number: int) -> Any:
    """A data frame of one simulated cohort: cohort, method, quantity, region, value.

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
    entry = config.datasets[settings.dataset]
    assert isinstance(entry, SimulatedFA)
    seed = randomness.key(config.run.seed, "location", number)
    dataset = simulated_fa.load(entry, settings.dataset, seed)
    regions = _regions(dataset, entry)
    hits = {subject.name: subject.severities for subject in simulated_fa.cohort(entry, seed)}
    folds = [_fold(dataset, split, settings.C) for split in dataset.held_out_splits]
    rows = [("", ACCURACY, "", _accuracy(folds))]
    for method in track(settings.methods, f"{name}, cohort {number}"):
        maps = _maps(method, folds, settings, seed)
        found = (*_aucs(maps, dataset, regions, hits), *_correlations(maps, dataset))
        rows += [(method, *one) for one in found]
    table = pandas.DataFrame(rows, columns=["method", "quantity", "region", "value"])
    table.insert(0, "cohort", number)
    table.attrs = {
        "evaluation": name,
        "settings": settings.model_dump(mode="json"),
        "dataset_settings": entry.model_dump(mode="json"),
        "dataset": settings.dataset,
        "seed": config.run.seed,
    }
    return table


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
    """Mean over regions of a quantity; rows: cohorts, columns: methods, in the table's order."""
    chosen = table[table["quantity"] == quantity]
    means = chosen.groupby(["cohort", "method"], sort=False)["value"].mean().unstack("method")
    return means[list(dict.fromkeys(chosen["method"]))]


def summarise_location(table: Any) -> Any:
    """A data frame with one row per method: method, cohorts, and means over cohorts.

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
    return pandas.DataFrame(found).rename_axis("method").reset_index()


# --- maps -------------------------------------------------------------------------------------


def _fold(dataset: Dataset, split: str, penalty: float) -> Fold:
    seen = ~dataset.in_split(split)
    return Fold(
        dataset, split, fit(dataset.images[seen], dataset.labels[seen], dataset.mask, penalty)
    )


def _accuracy(folds: Sequence[Fold]) -> float:
    right = [
        fold.linear.scores(fold.dataset.images[fold.held_out]).argmax(1)
        == fold.dataset.labels[fold.held_out]
        for fold in folds
    ]
    return float(np.concatenate(right).mean())


def _maps(method: str, folds: Sequence[Fold], settings: LocationStudy, seed: int) -> np.ndarray:
    """(n, *spatial) float32 evidence for patients, of every subject by its own fold."""
    images = folds[0].dataset.images
    found = np.empty((images.shape[0], *images.shape[2:]), dtype=np.float32)
    for fold in folds:
        mapper = mapper_of(method, fold, settings, seed)
        for index in fold.held_out:
            found[index] = mapper(images[index])
    return found


def mapper_of(method: str, fold: Fold, settings: LocationStudy, seed: int) -> Mapper:
    """What makes the maps of a fold, by the name of a sampler or a comparator."""
    if method in _LOCATIONS or method == "marginal":
        return _prediction_difference(method, fold, settings, seed)
    options: dict[str, Any] = {}
    match method:
        case "pattern" | "deviation":
            options = {"training": fold.training}
        case "weighted-deviation":
            method, options = "deviation", {"training": fold.training, "weighted": True}
        case "occlusion":
            options = {"window": settings.window, "stride": settings.stride}
            inside = fold.training if fold.dataset.mask is None else _inside(fold)
            options["fill"] = float(inside.mean(dtype=np.float64))
    node = Node.score(_PATIENT)
    return lambda image: heatmaps(method, fold.linear, image[None], [node], **options)[0]


def _inside(fold: Fold) -> np.ndarray:
    assert fold.dataset.mask is not None
    return fold.training[:, :, fold.dataset.mask]


def _prediction_difference(method: str, fold: Fold, settings: LocationStudy, seed: int) -> Mapper:
    analysis = PredictionDifference(
        fold.linear,
        _sampler(method, fold, settings, seed),
        settings.window,
        settings.stride,
        settings.samples,
        training_instances=len(fold.training),
        seed=seed,
    )
    node = Node.probability(_PATIENT)
    return lambda image: analysis.attribute_quietly(image, [node]).relevance[0]


def _sampler(method: str, fold: Fold, settings: LocationStudy, seed: int) -> Sampler:
    if method == "marginal":
        return MarginalSampler(fold.training, settings.window)
    prior = GaussianPatchPrior.fit(
        fold.training,
        settings.patch,
        patches=settings.patches,
        mask=fold.dataset.mask,
        seed=randomness.key(seed, fold.split),
        location=_LOCATIONS[method],
        cells=settings.cells,
    )
    return ConditionalSampler(prior, settings.window)


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
