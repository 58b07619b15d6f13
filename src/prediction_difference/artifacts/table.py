"""The table of artifacts: what a configuration makes, from what, by which rule and at what cost."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from prediction_difference import layout
from prediction_difference.attribution.image_choice import batches
from prediction_difference.config import is_clinical, windows_of_prior
from prediction_difference.dependencies import BRAINS, REPORT, code_of
from prediction_difference.files import folder_of
from prediction_difference.manifest import Origin, digest_of, manifest_path
from prediction_difference.run import Config


@dataclass(frozen=True)
class Resources:
    """What one job reserves at its first attempt; both double with every attempt.

    memory: in MB. minutes: of time.
    """

    memory: int
    minutes: int


RESOURCES = {
    "data": Resources(4000, 60),
    "prior": Resources(4000, 60),
    "classifier": Resources(4000, 240),
    "chunk": Resources(4000, 240),
    "attribution": Resources(2000, 60),
    "shard": Resources(4000, 240),
    "cohort": Resources(4000, 120),
    "evaluation": Resources(4000, 120),
    "claims": Resources(2000, 30),
    "figure": Resources(2000, 30),
    "brains": Resources(4000, 60),
    "report": Resources(2000, 60),
}
"""By rule; a profile may set others with set-resources."""


@dataclass(frozen=True)
class Artifact:
    """What one job makes.

    rule: of the workflow, which calls the command of that name. section, name: of the entry in the
    configuration, or of a page. main: the file that is written last, or that stands for all. place:
    of its log and benchmark, below the run's folders. inputs: main files of other artifacts, by
    role. contents: what it is made from, file by file, where its manifest notes that. settings:
    what the configuration says of it, JSON-like. of_content: those of the settings that the content
    depends on, if these are not all. published: kinds and main files of what people
    read; empty for the notes of jobs. group: of jobs that progress counts together. uses_gpu:
    whether torch runs a network. exported: NIfTI files and what lies beside them.
    """

    rule: str
    section: str
    name: str
    main: Path
    place: str
    settings: Mapping[str, Any]
    inputs: Mapping[str, tuple[Path, ...]] = field(default_factory=dict)
    contents: tuple[Path, ...] = ()
    published: tuple[tuple[str, Path], ...] = ()
    group: str = ""
    uses_gpu: bool = False
    exported: tuple[Path, ...] = ()
    of_content: Mapping[str, Any] = field(default_factory=dict)

    @property
    def outputs(self) -> tuple[Path, ...]:
        """What Snakemake is told of the published files, the main one first."""
        stores = [manifest_path(path) for _, path in self.published if path.suffix == ".zarr"]
        return (self.main, *(path for path in stores if path != self.main), *self.exported)

    @property
    def resources(self) -> Resources:
        """What the job reserves."""
        return RESOURCES[self.rule]

    @property
    def text(self) -> str:
        """The settings as text: the job is run again when it changes."""
        return json.dumps(self.settings, sort_keys=True, default=str)


class Artifacts:
    """All artifacts of a configuration; results: the folder of the run.

    `of` takes a rule of the workflow with its wildcards. Iterating gives everything that the report
    needs, in the order in which data flows.
    """

    def __init__(self, config: Config, results: Path):
        self.config = config
        self.results = results
        self._codes: dict[tuple[str, str], str] = {}

    def of(self, rule: str, **wildcards: str) -> Artifact:
        """What a rule makes with these wildcards."""
        numbers = {"batch", "chunk", "shard", "cohort"}
        taken = {k: int(v) if k in numbers else v for k, v in wildcards.items() if k != "paper"}
        make = {"claims": self.evaluation}.get(rule) or getattr(self, rule)
        found: Artifact = make(*taken.values())  # type: ignore[arg-type]
        return found

    def code_of(self, artifact: Artifact) -> str:
        """Digest of the code that makes an artifact from its inputs."""
        key = (artifact.section, artifact.name)
        if key not in self._codes:
            self._codes[key] = code_of(self.config, *key)
        return self._codes[key]

    def origin(self, artifact: Artifact, given: Sequence[Path] | None = None) -> Origin:
        """What an artifact is made from, as its manifest notes it.

        given: where its contents lie, in their order; None: where the table has them.

        Raises:
            StoreError: one of them is not complete.
        """
        places = [self._place(path) for path in artifact.contents]
        there = artifact.contents if given is None else given
        inputs = {place: digest_of(path) for place, path in zip(places, there, strict=False)}
        return replace(self.known_origin(artifact), inputs=inputs)

    def known_origin(self, artifact: Artifact) -> Origin:
        """The same without the inputs."""
        return Origin(artifact.of_content or artifact.settings, code=self.code_of(artifact))

    def _place(self, path: Path) -> str:
        return folder_of(path).relative_to(self.results).as_posix()

    def __iter__(self) -> Iterator[Artifact]:
        for name in self._used_datasets:
            yield self.data(name)
        for name in self._used_priors:
            yield self.prior(name)
        yield from map(self.classifier, self.config.classifiers)
        for name in self.config.explanations:
            yield from self.chunks(name)
            yield self.attribution(name)
        for name in self.config.evaluations:
            yield from self.parts(name)
            yield self.evaluation(name)
        yield from map(self.figure, self.config.figures)
        yield from map(self.brains, self.explained_cohorts)
        yield self.report()

    # --- data, priors, classifiers --------------------------------------------------------------

    def data(self, name: str) -> Artifact:
        """The images of a dataset."""
        store = layout.dataset_store(self.results, name)
        return Artifact(
            "data",
            "datasets",
            name,
            manifest_path(store),
            f"data/{name}",
            self._settings("datasets", name),
            published=(("data", store),),
            group="data",
        )

    def prior(self, name: str) -> Artifact:
        """A distribution over patches, with what it keeps for the windows that are asked for."""
        store = layout.prior_store(self.results, name)
        settings = self._settings("priors", name) | {"windows": windows_of_prior(self.config, name)}
        return Artifact(
            "prior",
            "priors",
            name,
            manifest_path(store),
            f"priors/{name}",
            settings,
            {"data": self._data(self.config.priors[name].dataset)},
            self._data(self.config.priors[name].dataset),
            published=(("priors", store),),
            group="prior",
        )

    def classifier(self, name: str) -> Artifact:
        """A classifier's weights, card, history and predictions."""
        entry = self.config.classifiers[name]
        card = layout.card_file(self.results, name)
        trained = self._cards([entry.trained] if entry.trained else [])
        return Artifact(
            "classifier",
            "classifiers",
            name,
            manifest_path(card),
            f"classifiers/{name}",
            self._settings("classifiers", name),
            {"data": self._data(entry.dataset), "trained": trained},
            (*self._data(entry.dataset), *trained),
            (("classifiers", card),),
            "classifier",
            entry.is_network,
        )

    # --- maps -----------------------------------------------------------------------------------

    def chunk(self, name: str, batch: int, chunk: int) -> Artifact:
        """A share of the parts of a batch of images."""
        entry = self.config.explanations[name]
        classifier = self.config.classifiers[entry.classifier]
        done = layout.done_file(self.results, name, batch, chunk)
        return Artifact(
            "chunk",
            "explanations",
            name,
            done,
            f"attributions/{name}/{done.stem}",
            self._settings("explanations", name),
            {
                "data": self._data(classifier.dataset),
                "classifier": self._cards([entry.classifier]),
                "prior": self._prior(entry.prior_name),
                "reference": self._data(entry.reference_name),
            },
            group=f"chunk of {name}",
            uses_gpu=classifier.is_network,
        )

    def chunks(self, name: str) -> Iterator[Artifact]:
        """All chunks of all batches of an explanation."""
        entry = self.config.explanations[name]
        for batch in range(len(batches(entry))):
            for number in range(entry.chunk_count):
                yield self.chunk(name, batch, number)

    def attribution(self, name: str) -> Artifact:
        """The maps of all images of an explanation, and the listing that stands for them."""
        stores = layout.attribution_stores(self.config, self.results, name)
        exported = layout.exported_files(self.config, self.results, name)
        listing = layout.listing(self.results, name)
        entry = self.config.explanations[name]
        return Artifact(
            "attribution",
            "explanations",
            name,
            listing,
            f"attributions/{name}",
            {},
            {"done": tuple(one.main for one in self.chunks(name))},
            (
                *self._data(self.config.classifiers[entry.classifier].dataset),
                *self._cards([entry.classifier]),
                *self._prior(entry.prior_name),
                *self._data(entry.reference_name),
            ),
            published=(
                *(("attributions", store) for store in stores),
                *(("volumes", file) for file in exported if file.suffix == ".json"),
                ("listings", listing),
            ),
            group=f"attribution {name}",
            exported=tuple(exported),
            of_content={"entry": entry.of_map, "seed": self.config.run.seed},
        )

    @property
    def lost_files(self) -> list[Path]:
        """Attribution stores, and files beside them, that are gone although they were listed."""
        lost: list[Path] = []
        for name in self.config.explanations:
            if layout.listing(self.results, name).is_file():
                folder = self.results / "attributions" / name
                there = {path.name for path in folder.iterdir()} if folder.is_dir() else set()
                stores = layout.attribution_stores(self.config, self.results, name)
                files = layout.exported_files(self.config, self.results, name)
                lost += [manifest_path(store) for store in stores if store.name not in there]
                lost += [file for file in files if file.name not in there]
        return lost

    # --- evaluations ----------------------------------------------------------------------------

    def shard(self, name: str, number: int) -> Artifact:
        """The curves of a batch of images that are perturbed."""
        entry = self.config.evaluations[name]
        prior = self._prior(entry.prior_name)
        dataset = self.config.classifiers[self._measured_classifier(name)].dataset
        done = layout.shard_file(self.results, name, number)
        return Artifact(
            "shard",
            "evaluations",
            name,
            done,
            f"evaluations/{name}/{done.stem}",
            self._settings("evaluations", name),
            {
                "attributions": self._listings(entry.explanation_names),
                "classifier": self._cards([self._measured_classifier(name)]),
                "prior": prior,
                "data": self._data(dataset) if prior else (),
            },
            group=f"shard of {name}",
            uses_gpu=self.config.classifiers[self._measured_classifier(name)].is_network,
        )

    def cohort(self, name: str, number: int) -> Artifact:
        """What was measured of a simulated cohort."""
        entry = self.config.evaluations[name]
        table = layout.cohort_table(self.results, name, number)
        behind = [one.content for one in entry.behind(self.config)]
        return Artifact(
            "cohort",
            "evaluations",
            name,
            table,
            f"evaluations/{name}/{table.stem}",
            {"entry": entry.of_part(), "behind": behind, "seed": self.config.run.seed},
            published=(("cohorts", table),),
            group=f"cohort of {name}",
        )

    def parts(self, name: str) -> Iterator[Artifact]:
        """What other jobs make for the one that makes the table of an evaluation."""
        entry = self.config.evaluations[name]
        make = {"shard": self.shard, "cohort": self.cohort}
        for number in range(entry.parts(self.config)):
            yield make[entry.parts_are](name, number)

    def evaluation(self, name: str) -> Artifact:
        """The table of an evaluation, or what was found about claims."""
        entry = self.config.evaluations[name]
        output = layout.evaluation_file(self.config, self.results, name)
        runs = [self._measured_classifier(name)] if entry.runs_classifier else []
        classifiers = [*entry.classifier_names, *runs]
        read = entry.explanation_names if entry.reads_maps else ()
        parts = tuple(one.main for one in self.parts(name))
        is_table = output.suffix == ".parquet"
        return Artifact(
            "evaluation" if is_table else "claims",
            "evaluations",
            name,
            output,
            f"evaluations/{name}",
            self._settings("evaluations", name)
            | {
                "behind": [one.content for one in entry.behind(self.config)],
                "setting": "" if is_table else self.config.run.setting,
            },
            {
                "done": parts if entry.parts_are == "shard" else (),
                "cohorts": parts if entry.parts_are == "cohort" else (),
                "attributions": self._listings(read),
                "tables": self._tables(entry.evaluation_names),
                "classifiers": self._cards(classifiers),
            },
            self._contents_of_evaluation(name, parts),
            (("evaluations", output),),
            "evaluation",
            bool(runs) and self.config.classifiers[runs[0]].is_network,
        )

    def _contents_of_evaluation(self, name: str, parts: tuple[Path, ...]) -> tuple[Path, ...]:
        entry = self.config.evaluations[name]
        if entry.parts_are == "cohort":
            return parts
        reads = entry.reads_maps or entry.parts_are is not None
        runs = entry.runs_classifier or entry.parts_are is not None
        run = [self._measured_classifier(name)] if runs else []
        classifiers = [*entry.classifier_names, *run]
        return (
            *(self._stores(entry.explanation_names) if reads else ()),
            *self._tables(entry.evaluation_names),
            *self._cards(classifiers),
        )

    def _measured_classifier(self, name: str) -> str:
        first = self.config.evaluations[name].explanation_names[0]
        classifier: str = self.config.explanations[first].classifier
        return classifier

    # --- figures and pages ----------------------------------------------------------------------

    def figure(self, name: str) -> Artifact:
        """A figure's numbers and caption; its pictures lie beside them."""
        entry = self.config.figures[name]
        paper = entry.paper or self.config.run.paper or self.config.run.name
        file = self.results / "figures" / paper / f"{name}.json"
        shown = layout.figure_stores(self.config, self.results, entry).values()
        tables = self._tables(entry.evaluation_names)
        return Artifact(
            "figure",
            "figures",
            name,
            file,
            f"figures/{paper}/{name}",
            {
                "entry": entry.content,
                "setting": self.config.run.setting,
                "clinical": is_clinical(self.config, entry),
            },
            {"tables": tables, "attributions": self._listings(entry.explanation_names)},
            (*(store for some in shown for store in some), *tables),
            (("figures", file),),
            "figure",
        )

    @cached_property
    def explained_cohorts(self) -> list[str]:
        """The datasets of volumes that explanations are about; each has a page of its own."""
        volumes = [name for name, entry in self.config.datasets.items() if entry.is_volume]
        return [name for name in volumes if self.explanations_of(name)]

    def explanations_of(self, dataset: str) -> list[str]:
        """The explanations of a dataset's images, in the order of the configuration."""
        classifiers = self.config.classifiers
        entries = self.config.explanations.items()
        return [name for name, one in entries if classifiers[one.classifier].dataset == dataset]

    def brains(self, dataset: str) -> Artifact:
        """The interactive page of a cohort's volumes."""
        page = layout.brains_page(self.results, dataset)
        listings = self._listings(self.explanations_of(dataset))
        return Artifact(
            "brains",
            BRAINS,
            dataset,
            page,
            f"report/brains-{dataset}",
            {},
            {"dataset": self._data(dataset), "attributions": listings},
            group="brains",
        )

    def report(self) -> Artifact:
        """The first page of the report."""
        page = layout.report_page(self.results)
        cards = self._cards(self.config.classifiers)
        evaluations = tuple(self.evaluation(name).main for name in self.config.evaluations)
        figures = tuple(self.figure(name).main for name in self.config.figures)
        return Artifact(
            "report",
            REPORT,
            "",
            page,
            "report/index",
            self.config.model_dump(mode="json"),
            {
                "classifiers": cards,
                "attributions": self._listings(self.config.explanations),
                "evaluations": evaluations,
                "figures": figures,
                "brains": tuple(self.brains(name).main for name in self.explained_cohorts),
            },
            (*cards, *self._stores(self.config.explanations), *evaluations, *figures),
            (("report", page),),
            "report",
        )

    # --- files of others ------------------------------------------------------------------------

    def _settings(self, section: str, name: str) -> dict[str, Any]:
        content = getattr(self.config, section)[name].content
        return {"entry": content, "seed": self.config.run.seed}

    @property
    def _used_datasets(self) -> list[str]:
        names = [classifier.dataset for classifier in self.config.classifiers.values()]
        names += [self.config.priors[name].dataset for name in self._used_priors]
        explained = self.config.explanations.values()
        names += [one.reference_name for one in explained if one.reference_name]
        return list(dict.fromkeys(names))

    @property
    def _used_priors(self) -> list[str]:
        users = (*self.config.explanations.values(), *self.config.evaluations.values())
        return list(dict.fromkeys(one.prior_name for one in users if one.prior_name))

    def _data(self, name: str | None) -> tuple[Path, ...]:
        return () if name is None else (manifest_path(layout.dataset_store(self.results, name)),)

    def _prior(self, name: str | None) -> tuple[Path, ...]:
        return () if name is None else (manifest_path(layout.prior_store(self.results, name)),)

    def _cards(self, names: Iterable[str]) -> tuple[Path, ...]:
        return tuple(manifest_path(layout.card_file(self.results, name)) for name in names)

    def _listings(self, names: Iterable[str]) -> tuple[Path, ...]:
        return tuple(layout.listing(self.results, name) for name in names)

    def _tables(self, names: Iterable[str]) -> tuple[Path, ...]:
        return tuple(layout.evaluation_table(self.results, name) for name in names)

    def _stores(self, names: Iterable[str]) -> tuple[Path, ...]:
        found = (layout.attribution_stores(self.config, self.results, name) for name in names)
        return tuple(store for some in found for store in some)
