"""Which places of a step's output the links of a chain change, and which links run together.

A chain is a row of images of which each differs from the one before in one region: a link.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from prediction_difference.attribution.engines.rectangles import (
    Geometry,
    Reach,
    Rectangles,
    clusters,
    reaches,
)
from prediction_difference.classifiers.graph import Graph

_CLUSTERS = 3
"""Groups that the places of a region on an axis are divided into; with few links, few of them."""


@dataclass(frozen=True)
class Part:
    """Links whose rectangles in a step's output have the same sides.

    links: their numbers in the chain. is_whole: the rectangles are the whole output.
    """

    links: tuple[int, ...]
    at: Rectangles
    is_whole: bool


Layout = tuple[Part, ...]
"""Of one step: every link is in one of the parts."""


def regions_geometry(graph: Graph, side: int) -> Geometry:
    """How far regions of this side reach, at places that are multiples of it."""
    # Steps in which regions reach as far share one object, as `reaches` has it.
    distinct: dict[bytes, Reach] = {}
    found = []
    for axes in reaches(graph, side):
        own = [_on_grid(reach, side) for reach in axes]
        found.append(tuple(distinct.setdefault(reach.key, reach) for reach in own))
    spatial = range(len(graph.steps[0].shape) - 1)
    return Geometry(found, tuple(clusters(graph, found, axis, _CLUSTERS) for axis in spatial))


def _on_grid(reach: Reach, side: int) -> Reach:
    return replace(reach, first=reach.first[::side], last=reach.last[::side])


def layouts(graph: Graph, geometry: Geometry, cells: np.ndarray) -> list[Layout]:
    """(L, d) places of the links' regions, counted in regions -> the layout of every step."""
    groups = [geometry.group_of(cell) for cell in cells]
    members = [[n for n, group in enumerate(groups) if group == key] for key in sorted({*groups})]
    rectangles = [geometry.rectangles(cells[m], groups[m[0]]) for m in members]
    return [
        _layout(step.shape[1:], [(m, r[number]) for m, r in zip(members, rectangles, strict=True)])
        for number, step in enumerate(graph.steps)
    ]


def _layout(shape: tuple[int, ...], parts: Sequence[tuple[Sequence[int], Rectangles]]) -> Layout:
    """Parts; those that are whole outputs become one."""
    found = [Part(tuple(links), at, False) for links, at in parts if at.sides != shape]
    whole = sorted(link for links, at in parts if at.sides == shape for link in links)
    if whole:
        at = Rectangles(((0,) * len(shape),) * len(whole), shape)
        found.append(Part(tuple(whole), at, True))
    return tuple(found)
