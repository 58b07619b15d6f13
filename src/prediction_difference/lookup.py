"""The entries of a configuration by name, and questions that several checks ask of them."""

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from prediction_difference.errors import Problem

Sections = Mapping[str, Mapping[str, Any]]
Shapes = Mapping[str, tuple[int, ...]]
"""Sides of the images of datasets, by name, as headers of their files tell them."""


@dataclass(frozen=True)
class Lookup:
    """The entries that are right by themselves, and all names that the file declares.

    shapes: of datasets whose files were looked at.
    """

    sections: Sections
    declared: Mapping[str, set[str]]
    shapes: Shapes = field(default_factory=dict)

    def entry(self, section: str, name: str | None) -> Any | None:
        return None if name is None else self.sections[section].get(name)

    def shape_of(self, dataset: Any | None) -> tuple[int, ...] | None:
        """Sides of a dataset's images; None where neither the file nor what was looked at tells."""
        if dataset is None:
            return None
        entries = self.sections["datasets"].items()
        name = next((name for name, entry in entries if entry is dataset), "")
        known: tuple[int, ...] | None = dataset.known_shape
        return known or self.shapes.get(name)

    def missing(self, where: str, section: str, name: str | None) -> Iterator[Problem]:
        known = sorted(self.declared[section])
        if name is None or name in known:
            return
        near = difflib.get_close_matches(name, known, n=1)
        remedy = (
            f"did you mean {near[0]!r}?" if near else f"{section} are: {', '.join(known) or 'none'}"
        )
        yield Problem(where, f"there is no {name!r} in {section}", remedy)

    def dataset_of(self, classifier: str) -> Any | None:
        entry = self.entry("classifiers", classifier)
        return None if entry is None else self.entry("datasets", entry.dataset)


def check_equal(
    where: str, keys: tuple[str, ...], names: tuple[str, ...], lookup: Lookup
) -> Iterator[Problem]:
    """Explanations that are to be the same in some keys, and are not."""
    entries = {n: e for n in names if (e := lookup.entry("explanations", n)) is not None}
    if not entries:
        return
    first, *others = entries
    for name in others:
        for key in keys:
            if getattr(entries[name], key) != getattr(entries[first], key):
                yield Problem(
                    where,
                    f"{name!r} and {first!r} have different {key}",
                    f"give both the same {key}, or compare them apart",
                )


def dataset_of_explanations(names: tuple[str, ...], lookup: Lookup) -> Any | None:
    """The first dataset that is known; methods are compared on one."""
    entries = [lookup.entry("explanations", name) for name in names]
    datasets = [lookup.dataset_of(e.classifier) for e in entries if e is not None]
    return next((d for d in datasets if d is not None), None)


def by(shape: tuple[int, ...]) -> str:
    """A shape in words."""
    return " x ".join(str(side) for side in shape)


def known_shapes(datasets: Mapping[str, Any], seed: int) -> Shapes:
    """Sides of the images of datasets, of which the settings or a header tells them."""
    found = {name: entry.shape(name, seed) for name, entry in datasets.items()}
    return {name: sides for name, sides in found.items() if sides is not None}
