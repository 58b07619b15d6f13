"""The rows of the report's tables, as words and numbers."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from prediction_difference.classifiers import unseen
from prediction_difference.classifiers.card import Card, read_card
from prediction_difference.evaluation.measure import Measure, Summary
from prediction_difference.figures.maps import Map, MapsOfStore, probability
from prediction_difference.files import folder_of
from prediction_difference.typesetting import UNKNOWN


@dataclass(frozen=True)
class Stored:
    """The maps of an attribution store, one for each of its nodes; read whenever they are used."""

    path: Path
    maps: Sequence[Map]

    @cached_property
    def attributes(self) -> dict[str, Any]:
        """Some of the store's attributes, which are kept."""
        known = self.maps[0].attributes
        return {key: known[key] for key in _KEPT}


@dataclass(frozen=True)
class ClassifierRow:
    """How good a classifier is, and on how many images that was found."""

    name: str
    kind: str
    dataset: str
    classes: int
    accuracy: str
    held_out_images: int
    training_instances: str
    link: str
    details: Sequence[str] = ()


@dataclass(frozen=True)
class MeasureTable:
    """What an evaluation found, in short; several that stand side by side have no link.

    link: to all numbers, which are of the format that is named.
    """

    title: str
    summary: Summary
    link: str = ""
    format: str = ""


@dataclass(frozen=True)
class MeasureSection:
    """Tables under one heading, and what is said of them all."""

    heading: str
    about: str
    tables: Sequence[MeasureTable]

    @property
    def key(self) -> str:
        """What links lead to."""
        return self.heading.lower()


_KEPT = ("slot", "explanation", "forwards", "seconds", "classifier", "dataset", "versions")
_FORMATS = {".parquet": "Parquet", ".json": "JSON"}
_ROWS_OF_A_LAYER = 16
"""As many nodes of a layer have rows of their own; more of them share one."""


@dataclass(frozen=True)
class MapRow:
    """A heatmap in numbers, or all those of a layer; relevance in `unit`."""

    explanation: str
    node: str
    unit: str
    total: float
    smallest: float
    largest: float
    error: float | None
    forwards: int
    seconds: float
    link: str


@dataclass(frozen=True)
class ImageRows:
    """An explained image and its heatmaps."""

    slot: str
    name: str
    label: str
    predicted: str
    probability: float
    is_misclassified: bool
    maps: Sequence[MapRow]


@dataclass(frozen=True)
class ExplainedTable:
    """The images that were explained for one classifier."""

    classifier: str
    dataset: str
    images: Sequence[ImageRows]


def read_cards(paths: Iterable[Path]) -> list[tuple[Path, Card]]:
    """Folder and card of each classifier.

    Raises:
        StoreError: a card is missing or damaged.
    """
    return [(folder_of(path), read_card(path)) for path in paths]


def read_attributions(attributions: Mapping[str, Sequence[Path]]) -> list[Stored]:
    """All stores.

    Raises:
        StoreError: a store is missing or incomplete.
    """
    return [Stored(path, MapsOfStore(path)) for paths in attributions.values() for path in paths]


def classifier_row(card: Card, link: str) -> ClassifierRow:
    """The row of a classifier; `link` leads to its folder."""
    counts = sorted(set(card.training_instances.values()))
    return ClassifierRow(
        card.name,
        card.kind,
        card.dataset,
        len(card.class_names),
        UNKNOWN if card.accuracy is None else f"{card.accuracy:.1%}",
        card.held_out_images,
        " to ".join(f"{count:,}" for count in counts[:1] + counts[1:][-1:])
        + (", as configured" if card.weights_from == "elsewhere" else ""),
        link,
        tuple(_classifier_details(card)),
    )


def accuracy_in_words(cards: Sequence[Card]) -> list[str]:
    """What accuracy is, and of which classifiers it is one on images that they had not seen."""
    facts = {card.name: {unseen.WEIGHTS_FROM: card.weights_from} for card in cards}
    known = [name for name, one in facts.items() if unseen.is_unseen(one)]
    of_known = f"{', '.join(known)}: each of them" if len(known) < len(facts) else "Each of them"
    fitted = f"{of_known} is classified by weights that were fitted without it."
    unknown = [doubt for name, one in facts.items() if (doubt := unseen.of_images(one, name))]
    caution = "If it was, its accuracy says less of other images." if unknown else ""
    return [
        "Accuracy is that on images with a label that the dataset sets apart.",
        *([fitted] if known else []),
        *unknown,
        *([caution] if caution else []),
        "The interval is Wilson's, for these weights and other images of the kind.",
    ]


def _classifier_details(card: Card) -> Iterator[str]:
    """What else the card says of how good the classifier is, one sentence each."""
    m = card.measures
    if "accuracy_interval" in m:
        yield f"95 % interval {_percents(m['accuracy_interval'])}"
    if m.get("largest_class", 0) > 1.1 / max(2, len(card.class_names)):
        yield f"balanced {m['balanced_accuracy']:.1%}; a guess {m['largest_class']:.1%}"
    if "area_under_curve" in m:
        yield f"area under the curve {m['area_under_curve']:.3f}"
    if "over_seeds" in m:
        s = m["over_seeds"]
        spread = _percents(s["interval"])
        yield f"{s['seeds']} seeds of the folds: mean {s['mean']:.1%}, 95 % of them {spread}"
    if "permutation_test" in m:
        test = m["permutation_test"]
        yield f"p = {test['p']:.2g} of {test['permutations']:,} permutations"
    if isinstance(card.settings.get("C"), str | list):
        chosen = sorted(set(m.get("C", {}).values()))
        yield f"C by inner folds: {', '.join(f'{c:g}' for c in chosen)}"
    if card.settings.get("confounds"):
        yield f"without what {', '.join(card.settings['confounds'])} explain(s)"
    for column, other in m.get("also_predicted", {}).items():
        yield (
            f"the same images tell {column}: {other['accuracy']:.1%}, balanced "
            f"{other['balanced_accuracy']:.1%}; a guess {other['largest_class']:.1%}"
        )


def _percents(interval: Sequence[float]) -> str:
    low, high = interval
    return f"{100 * low:.1f} to {100 * high:.1f} %"


def measure_sections(
    measures: Mapping[str, Measure], files: Mapping[str, Path], link: Callable[[Path], str]
) -> list[MeasureSection]:
    """All evaluations in short, by the headings of their measures; files: what they published.

    Raises:
        StoreError: a file is missing or damaged.
    """
    read = {name: measures[name].read(file) for name, file in files.items()}
    findings = [one for name, table in read.items() for one in measures[name].findings(table)]
    sections: dict[str, tuple[str, list[MeasureTable]]] = {}
    for kind in dict.fromkeys(type(measures[name]) for name in read):
        _, tables = sections.setdefault(kind.heading, (kind.about, []))
        mine = {name: table for name, table in read.items() if type(measures[name]) is kind}
        tables += [MeasureTable(one.title, one) for one in kind.side_by_side(mine, findings)]
        tables += [
            MeasureTable(found.title or name, found, link(files[name]), _FORMATS[kind.suffix])
            for name, table in mine.items()
            if (found := measures[name].summary(table)) is not None
        ]
    made = [MeasureSection(heading, *rest) for heading, rest in sections.items()]
    made.sort(key=lambda one: one.heading != Measure.heading)
    return [section for section in made if section.tables]


def cost(shown: Mapping[str, Sequence[str]], stored: Iterable[Stored]) -> str:
    """What the maps of a figure took, all together; empty without forward passes.

    shown: slots by explanation.
    """
    attributes = [
        one.attributes
        for one in stored
        if one.attributes["slot"] in shown.get(one.attributes["explanation"], ())
    ]
    forwards = sum(int(some["forwards"]) for some in attributes)
    seconds = sum(float(some["seconds"]) for some in attributes)
    minutes = f"{seconds / 60:.1f} min" if seconds >= 60 else f"{seconds:.1f} s"
    return f"{forwards:,} forward passes in {minutes}" if forwards else ""


def explained_tables(stored: Iterable[Stored], link: Callable[[Path], str]) -> list[ExplainedTable]:
    """One table per classifier, with the images in the order in which they first appear."""
    by_classifier: dict[tuple[str, str], dict[str, list[Stored]]] = {}
    for one in stored:
        attributes = one.attributes
        key = (str(attributes["classifier"]), str(attributes["dataset"]))
        by_classifier.setdefault(key, {}).setdefault(attributes["slot"], []).append(one)
    return [
        ExplainedTable(*key, [_image_rows(group, link) for group in images.values()])
        for key, images in by_classifier.items()
    ]


def _image_rows(group: Sequence[Stored], link: Callable[[Path], str]) -> ImageRows:
    some = group[0].maps[0]
    return ImageRows(
        some.slot,
        some.image_name,
        UNKNOWN if some.label is None else some.label,
        some.predicted,
        some.predicted_probability,
        some.is_misclassified,
        [row for stored in group for row in _map_rows(stored, link(stored.path))],
    )


def _map_rows(stored: Stored, link: str) -> list[MapRow]:
    """A row for every map; one for all maps of a layer that has many."""
    by_layer: dict[object, list[Map]] = {}
    for place, one in enumerate(stored.maps):
        by_layer.setdefault(place if one.is_of_class else one.node["layer"], []).append(one)
    rows: list[MapRow] = []
    for layer, maps in by_layer.items():
        if len(maps) > _ROWS_OF_A_LAYER:
            rows.append(_row(maps, f"{len(maps):,} nodes of {layer}", link))
        else:
            rows += [_row([one], _node(one), link) for one in maps]
    return rows


def _row(maps: Sequence[Map], node: str, link: str) -> MapRow:
    some = maps[0]
    errors = [one.largest_error for one in maps if one.largest_error is not None]
    return MapRow(
        some.explanation,
        node,
        some.unit,
        float(sum(one.relevance.sum(dtype="float64") for one in maps)),
        float(min(one.relevance.min() for one in maps)),
        float(max(one.relevance.max() for one in maps)),
        max(errors, default=None),
        int(some.attributes["forwards"]),
        float(some.attributes["seconds"]),
        link,
    )


def _node(one: Map) -> str:
    """The node as the config names it, with its class; its probability if it is not predicted."""
    if not one.is_of_class:
        return one.node_name
    is_named = one.node_name.endswith(f" of {one.explained}")
    words = one.node_name if is_named else f"{one.node_name} ({one.explained})"
    return (
        words
        if one.explained == one.predicted
        else f"{words}, {probability(one.node['probability'])}"
    )


def versions(cards: Iterable[Card], stored: Iterable[Stored]) -> dict[str, str]:
    """Versions of the libraries that made classifiers and maps; several where they differ."""
    found: dict[str, set[str]] = {}
    made_with = [card.provenance["versions"] for card in cards]
    made_with += [one.attributes["versions"] for one in stored]
    for versions_of_one in made_with:
        for library, version in versions_of_one.items():
            found.setdefault(library, set()).add(version)
    return {library: ", ".join(sorted(some)) for library, some in found.items()}
