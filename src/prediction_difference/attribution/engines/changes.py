"""Changes: what replacing a window makes of a step's output, in a rectangle of it."""

import functools
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby

import torch
from torch import Tensor

from prediction_difference.attribution.engines.rectangles import Rectangles
from prediction_difference.classifiers.operations import Places


@dataclass(frozen=True, eq=False)
class Change:
    """The output with the window replaced minus the output of the image as it is.

    values: (windows, samples, *sides, C), in the rectangles `at`; zero everywhere else.
    """

    values: Tensor
    at: Rectangles

    @property
    def images(self) -> Tensor:
        """(windows * samples, C, *sides), with channels innermost in memory."""
        return self.values.flatten(0, 1).movedim(-1, 1)


def like_images(images: Tensor, change: Change) -> Tensor:
    """(windows * samples, C, *sides) -> (windows, samples, *sides, C) as the change has them."""
    return images.movedim(1, -1).unflatten(0, change.values.shape[:2])


def offsets(change: Rectangles, target: Rectangles) -> list[Places]:
    """Of each window, where its rectangle starts as seen from the target's."""
    return [
        tuple(mine - theirs for mine, theirs in zip(*starts, strict=True))
        for starts in zip(change.starts, target.starts, strict=True)
    ]


def _overlaps(
    change: Rectangles, target: Rectangles
) -> Iterator[tuple[slice, tuple[slice, ...], tuple[slice, ...]]]:
    """Where rectangles meet others: (windows, places in the target, places in the change).

    Windows that follow each other and lie alike come together.
    """
    start = 0
    for offset, members in groupby(offsets(change, target)):
        end = start + len(list(members))
        lows = [max(shift, 0) for shift in offset]
        highs = [
            max(low, min(shift + side, size))
            for low, shift, side, size in zip(lows, offset, change.sides, target.sides, strict=True)
        ]
        inside = tuple(slice(*ends) for ends in zip(lows, highs, strict=True))
        outside = tuple(
            slice(low - shift, high - shift)
            for low, high, shift in zip(lows, highs, offset, strict=True)
        )
        yield slice(start, end), inside, outside
        start = end


def add_into(total: Tensor, target: Rectangles, change: Change, factor: float = 1.0) -> None:
    """Total (windows, samples, *sides, C) in `target` += factor * change, cut to the target."""
    for windows, inside, outside in _overlaps(change.at, target):
        part = change.values[(windows, slice(None), *outside)]
        total[(windows, slice(None), *inside)].add_(part, alpha=factor)


def moved(change: Change, target: Rectangles, out: Tensor | None = None) -> Tensor:
    """The change in other rectangles, (windows, samples, *sides, C): cut, and zero around it.

    out: zeros to write it into.
    """
    if out is None:
        if change.at == target:
            return change.values
        windows, samples, *_, channels = change.values.shape
        out = change.values.new_zeros((windows, samples, *target.sides, channels))
    for part, inside, outside in _overlaps(change.at, target):
        out[(part, slice(None), *inside)] = change.values[(part, slice(None), *outside)]
    return out


def even_rim(change: Rectangles, target: Rectangles) -> Places | None:
    """How far the target reaches beyond the change, if as far on both sides for all windows."""
    rim, *others = offsets(change, target)
    sides = zip(rim, change.sides, target.sides, strict=True)
    is_even = all(r >= 0 and around == side + 2 * r for r, side, around in sides)
    return rim if is_even and all(other == rim for other in others) else None


def region(base: Tensor, at: Rectangles) -> Tensor:
    """(windows or 1, 1, *sides, C) parts of an output (*spatial, C)."""
    if all(start == at.starts[0] for start in at.starts):
        for axis, (start, side) in enumerate(zip(at.starts[0], at.sides, strict=True)):
            base = base.narrow(axis, start, side)
        return base[None, None]
    rows = base.flatten(0, -2).index_select(0, _places(at, base.shape[:-1], base.device))
    return rows.view(len(at.starts), 1, *at.sides, base.shape[-1])


@functools.lru_cache(maxsize=256)
def _places(at: Rectangles, shape: tuple[int, ...], device: torch.device) -> Tensor:
    """(windows * places,) numbers of the rectangles' places in a flattened map of a shape."""
    starts = torch.tensor(at.starts)
    places = torch.zeros(len(starts), 1, dtype=torch.long)
    for axis, side in enumerate(at.sides):
        along = starts[:, axis, None] + torch.arange(side)
        places = (places[:, :, None] * shape[axis] + along[:, None, :]).flatten(1)
    return places.flatten().to(device)
