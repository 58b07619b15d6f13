"""Region perturbation: how fast a class disappears when relevant regions are removed."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from prediction_difference import randomness
from prediction_difference.attribution.engines.sampled import in_batches
from prediction_difference.choices import Count, Device, Limits, Order, Perturbation
from prediction_difference.errors import DataError
from prediction_difference.evaluation.replacements import replacements
from prediction_difference.images import check_image, check_numbers
from prediction_difference.options import checked
from prediction_difference.priors.draws import Sampler

if TYPE_CHECKING:
    from torch import Tensor

Along = Callable[["Tensor", np.ndarray, "Tensor"], "Tensor | None"]
"""(C, *spatial) image, (L, d) regions, (repeats, L, C, *region) contents -> (repeats, L + 1, ...)
values of the image while regions are removed one by one; None where whole passes do better."""


@checked
def region_order(
    relevance: np.ndarray, region: Count, order: Order = "morf", seed: int = 0
) -> np.ndarray:
    """(*spatial) relevance -> (L, d) first pixels of all regions, in the order of removal.

    Regions of side `region` lie on a grid without overlap from the first pixel on; a partial
    border is left out. A region's score is the sum of its relevance [samek2017, eqs. 9, 10].
    Regions of equal score come in a random order that `seed` fixes.

    Raises:
        DataError: no region fits inside the image, or relevance holds NaN or infinity.
    """
    check_numbers(relevance, "relevance")
    cells = tuple(side // region for side in relevance.shape)
    if min(cells) == 0:
        raise DataError(
            f"region={region}",
            f"does not fit inside an image of {' x '.join(map(str, relevance.shape))}",
            f"set region to at most {min(relevance.shape)}",
        )
    covered = relevance[tuple(slice(0, count * region) for count in cells)].astype(np.float64)
    blocks = covered.reshape([n for count in cells for n in (count, region)])
    score = blocks.sum(axis=tuple(range(1, 2 * len(cells), 2))).ravel()
    ties = randomness.generator(randomness.key(seed, "ties")).random(len(score))
    ranking = np.lexsort((ties, -score if order.lower() == "morf" else score))
    return np.stack(np.unravel_index(ranking, cells), axis=-1) * region


@checked
def perturbation_curves(
    value: Callable[["Tensor"], "Tensor"],
    image: np.ndarray,
    relevance: np.ndarray,
    *,
    region: Count = 9,
    steps: Count = 100,
    repeats: Count = 10,
    order: Order = "morf",
    perturbation: Perturbation = "uniform",
    value_range: Limits = (0.0, 1.0),
    sampler: Sampler | None = None,
    seed: int = 0,
    device: Device = "cpu",
    batch_size: Count = 64,
    along: Along | None = None,
) -> np.ndarray:
    """F of an image while its regions are removed, one after the other [samek2017, eq. 11].

    value: (N, C, *spatial) float32 images on `device` -> (N, ...) values f, one or several of each.
    image: (C, *spatial). relevance: (*spatial). Returns (repeats, steps + 1, ...) float64 values;
    the first is that of the untouched image. What removed regions become: see `replacements`.
    order: morf and MoRF remove the most relevant regions first, lerf and LeRF the least relevant.
    along: a faster way to the same values, which is taken where there is one.

    Raises:
        DataError: an option is unknown or not what it can be, there are more steps than regions,
            relevance has another size than the image, or one of them holds NaN or infinity.
    """
    check_image(image)
    if relevance.shape != image.shape[1:]:
        raise DataError(
            f"relevance of shape {relevance.shape}",
            f"does not belong to an image of shape {image.shape}",
            "give one number per pixel",
        )
    # An order of its own for every image: alike in all, it would favour the same places each time.
    ties = randomness.image_key(seed, "ties", image)
    regions = region_order(relevance, region, order, ties)
    if steps > len(regions):
        raise DataError(
            f"steps={steps}", f"there are {len(regions)} regions", "lower steps, or region"
        )
    # Sorted, so that the draws for a region do not depend on the order of removal.
    places = regions[np.lexsort(regions.T[::-1])]
    new = replacements(
        perturbation,
        image,
        places,
        region=region,
        repeats=repeats,
        value_range=value_range,
        sampler=sampler,
        seed=seed,
    )
    if along is not None:
        found = _values_along(along, image, new, regions[:steps], region, device)
        if found is not None:
            return found
    removed_at = _removed_at(relevance.shape, regions[:steps], region)
    return _curves(value, image, new, removed_at, steps, device, batch_size)


def _values_along(
    along: Along,
    image: np.ndarray,
    new: np.ndarray,
    regions: np.ndarray,
    region: int,
    device: str,
) -> np.ndarray | None:
    """As `_curves`, by the faster way; None where it is none."""
    import torch

    places = [tuple(slice(first, first + region) for first in corner) for corner in regions]
    contents = np.stack([new[(slice(None), slice(None), *place)] for place in places], axis=1)
    with torch.inference_mode():
        values = along(
            torch.tensor(image, device=device, dtype=torch.float32),
            regions,
            torch.tensor(contents, device=device, dtype=torch.float32),
        )
    return None if values is None else values.double().cpu().numpy()


def _removed_at(spatial: tuple[int, ...], regions: np.ndarray, region: int) -> np.ndarray:
    """(*spatial) number of the step that removes a pixel, one more than all where none does."""
    found = np.full(spatial, len(regions) + 1)
    for step, corner in enumerate(regions, start=1):
        found[tuple(slice(first, first + region) for first in corner)] = step
    return found


def _curves(
    value: Callable[["Tensor"], "Tensor"],
    image: np.ndarray,
    new: np.ndarray,
    removed_at: np.ndarray,
    steps: int,
    device: str,
    batch_size: int,
) -> np.ndarray:
    """(repeats, steps + 1, ...) values; images are perturbed on the device, a batch at a time."""
    import torch

    def placed(array: np.ndarray, dtype: torch.dtype) -> "Tensor":
        return torch.tensor(array, device=device, dtype=dtype)

    original = _channels_innermost(placed(image[None], torch.float32))
    others = _channels_innermost(placed(new, torch.float32))
    last = placed(removed_at, torch.int32)[None, None]
    # The untouched image is the same in all repeats.
    pairs = [(0, 0), *((r, k) for r in range(len(new)) for k in range(1, steps + 1))]
    repeat, step = placed(np.array(pairs).T, torch.int64)

    def run(part: slice) -> "Tensor":
        done = step[part].view(-1, *(1,) * (last.ndim - 1))
        return value(torch.where(last <= done, others[repeat[part]], original))

    with torch.inference_mode():
        values, _ = in_batches(run, len(pairs), batch_size)
    first, rest = values[:1].double().cpu().numpy(), values[1:].double().cpu().numpy()
    start = np.broadcast_to(first, (len(new), *first.shape))
    return np.concatenate([start, rest.reshape(len(new), steps, *rest.shape[1:])], axis=1)


def _channels_innermost(images: "Tensor") -> "Tensor":
    """The same (N, C, *spatial), in the order of memory that convolutions like best."""
    import torch

    layouts = {4: torch.channels_last, 5: torch.channels_last_3d}
    if images.ndim not in layouts:
        return images
    return images.contiguous(memory_format=layouts[images.ndim])


@checked
def aopc(curves: np.ndarray) -> np.ndarray:
    """(..., L + 1) perturbation curves -> (...) area over them [samek2017, eq. 12].

    The mean over k = 0..L of f(x) - f(x^(k)); its mean over images is the AOPC of a method.

    Raises:
        DataError: there are no values, or some are NaN or infinite.
    """
    check_numbers(curves, "curves")
    if curves.ndim == 0 or curves.shape[-1] == 0:
        raise DataError(f"curves of shape {curves.shape}", "hold no steps", "give (..., L + 1)")
    return np.asarray((curves[..., :1] - curves).mean(axis=-1))
