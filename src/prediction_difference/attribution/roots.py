"""Taylor decomposition at a nearby root of a score [montavon2017, section 2.2]."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from prediction_difference import randomness
from prediction_difference.attribution.deep_taylor import refuse_outside
from prediction_difference.attribution.engines.refusal import check_network, taking
from prediction_difference.attribution.nodes import Node, check_nodes
from prediction_difference.choices import Count, Device, Fraction, Natural
from prediction_difference.errors import DataError

if TYPE_CHECKING:
    from torch import Tensor, nn

_HALVINGS = 40
"""Of intervals in which a number is sought, to the precision of float32 and beyond."""
_ROUNDS = 6
"""Of a search, at most."""
_SETTLED = 1e-3
"""Share of the distance by which a round has to come nearer for another one to follow."""
_ROUNDING = 1e-4
"""Of the target, by which a root may miss it."""
_TIGHTENINGS = 20
"""Halvings of the way from an image to a root, each a forward pass."""
_AIM = 0.98
"""Of the target: where f bends upwards, the search would come close to it only from above."""
_ANCHORED = 0.75
"""Share of the steps that also go back towards the image; those after them reach the target."""

_Slopes = Callable[["Tensor"], tuple["Tensor", "Tensor"]]
"""(N, D) points -> (N,) scores and (N, D) their gradients."""


def taylor(
    classifier: "nn.Module",
    images: np.ndarray,
    nodes: Sequence[Node],
    *,
    reached: Fraction = 0.1,
    lowest: float = 0.0,
    highest: float = 1.0,
    start: Natural = 0,
    starts: Count = 1,
    steps: Count = 100,
    seed: int = 0,
    device: Device = "cpu",
) -> np.ndarray:
    """Gradient at a root, times the way from there, summed over channels [montavon2017, eq. 5].

    The root is the nearest point that is found where the score is `reached` times the image's, and
    where all values are `lowest` to `highest`; an image with a score of 0 is its own root. start:
    the search begins at the image if it is 0, and at the random point of this number otherwise;
    other starts may lead to other roots. starts: how many searches there are, from this start and
    the next ones, the nearest of whose roots counts. steps: of each round of a search.

    Raises:
        DataError: the box is empty, an image lies outside of it, a node is a probability or its
            score is negative, or no root was found.
    """
    import torch

    refuse_outside(images, lowest, highest)
    if any(node.kind != "score" for node in nodes):
        raise DataError("nodes", "roots are those of class scores", "set output: score")
    check_network(classifier)
    x = torch.from_numpy(np.ascontiguousarray(images, dtype=np.float32)).to(device).flatten(1)
    f = _scores_of(classifier.to(device).eval(), nodes, images.shape[1:])
    score, _ = f(x)
    if bool((score < 0).any()):
        what = f"is {float(score.min()):g}: there is nothing to decompose"
        raise DataError("the score of an image", what, "explain positive scores")
    box = (x.new_tensor(lowest), x.new_tensor(highest))
    best = torch.full_like(x, float("inf"))
    for number in range(start, start + starts):
        first = _random_points(images, seed, number, lowest, highest, x) if number else x
        root = nearest_root(f, x, reached * score, box, first, steps)
        is_nearer = (root - x).norm(dim=1) < (best - x).norm(dim=1)
        best = torch.where(is_nearer[:, None], root, best)
    _, slope = f(best)
    return (slope * (x - best)).reshape(images.shape).sum(1).cpu().numpy()


def root_forwards(steps: int, starts: int) -> int:
    """How many times the classifier is run for one map, at most."""
    return 2 + starts * (_ROUNDS * (steps + 3) + _TIGHTENINGS)


def nearest_root(
    f: _Slopes,
    x: "Tensor",
    target: "Tensor",
    box: tuple["Tensor", "Tensor"],
    start: "Tensor",
    steps: int,
) -> "Tensor":
    """(N, D) points in the box near x where f is at most (N,) `target` [montavon2017, section 2.2].

    Rounds of a search, each from what the last one found, until none comes nearer; the result is
    then drawn towards x as far as f allows.

    Raises:
        DataError: no such point was found.
    """
    import torch

    point, distance = start, torch.full_like(target, float("inf"))
    for _ in range(_ROUNDS):
        found = _search(f, x, target, box, point, steps)
        found = _on_its_plane(f, x, target, box, found)
        nearer = (found - x).norm(dim=1)
        is_nearer = nearer < distance
        is_settled = not bool((nearer < (1 - _SETTLED) * distance).any())
        point = torch.where(is_nearer[:, None], found, point)
        distance = torch.where(is_nearer, nearer, distance)
        if is_settled:
            break
    if not bool(torch.isfinite(distance).all()):
        count = int((~torch.isfinite(distance)).sum())
        what = f"no root was found for {count} of {len(x)} images in {steps} steps"
        raise DataError("Taylor decomposition", what, "raise steps or reached")
    return _drawn_towards(f, x, point, target)


def _search(
    f: _Slopes,
    x: "Tensor",
    target: "Tensor",
    box: tuple["Tensor", "Tensor"],
    start: "Tensor",
    steps: int,
) -> "Tensor":
    """The nearest of the points that reached the target; NaN where none did.

    Every step goes to the nearest point of the box where the expansion of f is at the target, and
    from there by a smaller and smaller part of the way back to x: where the points below the target
    are a convex set, to that which is nearest to x [halpern1967].
    """
    import torch

    best = torch.full_like(x, float("nan"))
    least = torch.full_like(target, float("inf"))
    point = start
    for step in range(steps):
        value, slope = f(point)
        distance = (point - x).norm(dim=1)
        is_better = (value <= target) & (distance < least)
        best = torch.where(is_better[:, None], point, best)
        least = torch.where(is_better, distance, least)
        wanted = _AIM * target - value + (slope * point).sum(1)
        point = nearest_on_plane(point, slope, wanted, box)
        if step < _ANCHORED * steps:
            point = point + (x - point) / (step + 2)
    return best


def _on_its_plane(
    f: _Slopes,
    x: "Tensor",
    target: "Tensor",
    box: tuple["Tensor", "Tensor"],
    root: "Tensor",
) -> "Tensor":
    """Where f is a plane between a root and the nearest one of that plane, the latter."""
    import torch

    value, slope = f(root)
    candidate = nearest_on_plane(x, slope, target - value + (slope * root).sum(1), box)
    reached, _ = f(candidate)
    is_nearer = (candidate - x).norm(dim=1) < (root - x).norm(dim=1)
    is_root = reached <= target + _ROUNDING * target.abs()
    return torch.where((is_nearer & is_root)[:, None], candidate, root)


def nearest_on_plane(
    x: "Tensor", slope: "Tensor", wanted: "Tensor", box: tuple["Tensor", "Tensor"]
) -> "Tensor":
    """(N, D) the nearest points to x in the box where slope . point is at most (N,) `wanted`.

    Points clip(x - t slope, box), with the least t >= 0 that suffices; where none does, the
    farthest corner.
    """
    import torch

    low, high = box
    # From here on, every coordinate with a slope that counts has reached its side of the box.
    steepest = slope.abs().amax(1)
    counts = slope.abs() > 1e-6 * steepest[:, None]
    gentlest = torch.where(counts, slope.abs(), float("inf")).amin(1)
    far = torch.where(torch.isfinite(gentlest), (high - low) / gentlest, 0.0)
    near = torch.zeros_like(far)
    for _ in range(_HALVINGS):
        middle = (near + far) / 2
        at_middle = (slope * (x - middle[:, None] * slope).clamp(low, high)).sum(1)
        suffices = at_middle <= wanted
        near, far = torch.where(suffices, near, middle), torch.where(suffices, middle, far)
    return (x - far[:, None] * slope).clamp(low, high)


def _drawn_towards(f: _Slopes, x: "Tensor", root: "Tensor", target: "Tensor") -> "Tensor":
    """The nearest points to x on the way from a root, as long as f stays at the target or below."""
    import torch

    far, near = torch.ones_like(target), torch.zeros_like(target)
    for _ in range(_TIGHTENINGS):
        middle = (near + far) / 2
        value, _ = f(x + middle[:, None] * (root - x))
        suffices = value <= target
        near, far = torch.where(suffices, near, middle), torch.where(suffices, middle, far)
    return x + far[:, None] * (root - x)


def _scores_of(classifier: "nn.Module", nodes: Sequence[Node], shape: tuple[int, ...]) -> _Slopes:
    import torch

    numbers = torch.tensor([node.index for node in nodes])

    def f(points: "Tensor") -> tuple["Tensor", "Tensor"]:
        leaf = points.detach().requires_grad_()
        with taking(classifier, shape):
            scores = classifier(leaf.unflatten(1, shape))
        check_nodes(nodes, scores.shape[1], {})
        chosen = scores.gather(1, numbers.to(scores.device)[:, None])[:, 0]
        (slope,) = torch.autograd.grad(chosen.sum(), leaf)
        return chosen.detach(), slope

    return f


def _random_points(
    images: np.ndarray, seed: int, start: int, lowest: float, highest: float, like: "Tensor"
) -> "Tensor":
    """(N, D) uniform in the box; an image has the same in every batch."""
    import torch

    keys = [randomness.image_key(seed, "root", image) for image in images]
    drawn = [
        randomness.generator(key, start).uniform(lowest, highest, images[0].size) for key in keys
    ]
    return torch.from_numpy(np.stack(drawn)).to(like)
