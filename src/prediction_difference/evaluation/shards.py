"""Perturbation curves of some images: a shard of an evaluation, which goes on where it was."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from prediction_difference import layout
from prediction_difference.attribution.finished import refuse_damaged, stores_of
from prediction_difference.attribution.job import fill
from prediction_difference.attribution.reading import open_attribution
from prediction_difference.attribution.task import Task
from prediction_difference.attribution.working_store import WorkingStore
from prediction_difference.classifiers.card import CARD, read_card
from prediction_difference.classifiers.loading import load_module
from prediction_difference.data.dataset import open_dataset
from prediction_difference.dependencies import code_of
from prediction_difference.errors import DataError, StoreError
from prediction_difference.evaluation.measures.aopc import RegionPerturbation
from prediction_difference.evaluation.perturbation import perturbation_curves
from prediction_difference.files import settings_digest, write_json
from prediction_difference.manifest import digest_of
from prediction_difference.priors.draws import Sampler
from prediction_difference.priors.store import read_fitted_on, read_prior
from prediction_difference.run import Config

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    from prediction_difference.attribution.engines.perturbed import PerturbedScores

_CURVES_OF_A_JOB = 32
OUTPUTS = ("score", "probability")
"""What f may be; curves of both are kept, as they come from the same forward passes."""
_NOT_OF_CURVES = ("images_per_job", "output")
"""Settings that no curve depends on."""


def run_shard(
    config: Config,
    name: str,
    results: Path,
    shard: int,
    work: Path,
    done: Path,
    device: str,
    data: Path | None = None,
    prior: Path | None = None,
) -> None:
    """Perturb the images of one shard by every explanation, and note where the curves lie.

    Curves that an earlier, interrupted run finished are kept. data, prior: stores, where what
    comes in place of regions is drawn from a prior. `done` is written last.

    Raises:
        DataError: there is no such shard; a store is missing, or explains another classifier.
    """
    settings = config.evaluations[name]
    assert isinstance(settings, RegionPerturbation)
    groups = config.evaluations[name].shards(config.explanations)
    if not 0 <= shard < len(groups):
        what = f"evaluation {name!r} has {len(groups)}, counted from 0"
        raise DataError(f"--shard {shard}", what, f"choose 0 to {len(groups) - 1}")
    bench = _Bench(config, name, settings, results, device, data, prior)
    places = {}
    for slot in groups[shard]:
        task = bench.task(slot)
        path = work / f"{slot}-{settings_digest(task.attributes)}.zarr"
        store = WorkingStore.open_or_create(path, task.image, task.shapes, task.attributes)
        fill(store, task, 0, 1, f"{name}, {slot}")
        places[slot] = path.name
    write_json(done, {"evaluation": name, "shard": shard, "stores": places})


@dataclass
class _Bench:
    """Everything that the images of a shard share."""

    config: Config
    name: str
    settings: RegionPerturbation
    results: Path
    device: str
    data: Path | None
    prior: Path | None

    @cached_property
    def _classifier(self) -> Path:
        return layout.classifier_folder(self.config, self.results, self.settings.explanations[0])

    @cached_property
    def _card(self) -> Any:
        return read_card(self._classifier)

    @cached_property
    def _classifier_digest(self) -> str:
        return digest_of(self._classifier / CARD)

    def task(self, slot: str) -> Task:
        """The work for one image; its parts are the explanations."""
        opened = {
            name: open_attribution(layout.attribution_store(self.results, name, slot))
            for name in self.settings.explanations
        }
        for store in opened.values():
            self._refuse_other_classifier(store)
        some = next(iter(opened.values()))
        image, node = some["image"].values, some.attrs["nodes"][0]
        attributes = self._attributes(slot, opened)
        maps = [store["relevance"].values[0] for store in opened.values()]
        scores = self._scores(some.attrs["split"])
        of_class = class_values(node["unit"])
        batch_size = scores.batch_size(image)
        sampler = self._sampler(some.attrs)
        s = self.settings

        def value(images: "Tensor") -> "Tensor":
            return of_class(scores(images))

        def along(*chains: Any) -> "Tensor | None":
            found = scores.along(*chains)
            return None if found is None else of_class(found)

        def compute(part: int) -> tuple[dict[str, np.ndarray], int]:
            curves = perturbation_curves(
                value,
                image,
                maps[part],
                region=s.region,
                steps=s.steps,
                repeats=s.repeats,
                order=s.order,
                perturbation=s.perturbation,
                value_range=tuple(some.attrs["value_range"]),
                sampler=sampler,
                seed=self.config.run.seed,
                device=self.device,
                batch_size=batch_size,
                along=along,
            )
            of_outputs = {name: curves[..., n] for n, name in enumerate(OUTPUTS)}
            return of_outputs, s.repeats * s.steps + 1

        shape = (s.repeats, len(maps), s.steps + 1)
        return Task(image, attributes, dict.fromkeys(OUTPUTS, shape), compute)

    def _refuse_other_classifier(self, store: Any) -> None:
        if self._classifier_digest not in store.attrs["inputs"].values():
            what = f"does not explain {self._card.name!r} as it is now"
            where = f"{store.attrs['explanation']}, {store.attrs['slot']}"
            raise StoreError(where, what, "make it again")

    def _attributes(self, slot: str, opened: Mapping[str, Any]) -> dict[str, Any]:
        settings = self.settings.model_dump(mode="json", exclude=set(_NOT_OF_CURVES))
        inputs = {
            "settings": settings,
            "attributions": {name: store.attrs["digest"] for name, store in opened.items()},
            "classifier": self._classifier_digest,
            "prior": None if self.prior is None else digest_of(self.prior),
            "seed": self.config.run.seed,
            "code": code_of(self.config, "evaluations", self.name),
        }
        return {"slot": slot, **inputs}

    def _scores(self, split: str) -> "PerturbedScores":
        from prediction_difference.attribution.engines.perturbed import PerturbedScores

        known = self.__dict__.setdefault("_known_scores", {})
        if split not in known:
            s = self.settings
            # Of about as many curves as a job has, but not of those that this one has: how the
            # network is run must not depend on who computes what.
            forwards = _CURVES_OF_A_JOB * s.repeats * s.steps
            module = load_module(self._classifier, self._card, split)
            known[split] = PerturbedScores(module, self.device, s.precision, forwards)
        scores: PerturbedScores = known[split]
        return scores

    def _sampler(self, attributes: Mapping[str, Any]) -> Sampler | None:
        """Draws of regions, from a prior that was fitted without the image."""
        if self.settings.perturbation != "conditional":
            return None
        if self.data is None or self.prior is None:
            raise DataError("--data and --prior", "are needed", "give the stores")
        dataset = open_dataset(self.data)
        read_fitted_on(self.prior).refuse(dataset, attributes["image_index"])
        split, region = attributes["split"], self.settings.region
        fitted = read_prior(self.prior, dataset, attributes["dataset"], split, region)
        return fitted.sampler(region, None)


def class_values(index: int) -> "Callable[[Tensor], Tensor]":
    """(..., K) class scores -> (..., 2) score and probability of a class, as in `OUTPUTS`."""

    def values(scores: "Tensor") -> "Tensor":
        import torch

        return torch.stack([scores, scores.softmax(-1)], dim=-1)[..., index, :]

    return values


@dataclass(frozen=True)
class Curves:
    """Curves of an image: (repeats, explanations, steps + 1) by output; seconds and forwards."""

    slot: str
    values: Mapping[str, np.ndarray]
    attributes: Mapping[str, Any]
    totals: Mapping[str, float]


def read_shards(work: Path, done: Sequence[Path]) -> list[Curves]:
    """What the shards computed, in their order.

    Raises:
        StoreError: a done-file or curves are missing or damaged.
    """
    found = []
    for file in done:
        for slot, place in stores_of(file).items():
            store = WorkingStore(work / place)
            refuse_damaged(store, [file])
            values = {name: store.read(name) for name in OUTPUTS}
            found.append(Curves(slot, values, store.attributes, store.totals()))
    return found
