"""How abruptly explanations of a function of two numbers change with these.

As in [samek2017, Fig. 3b], and with another function in [montavon2017, Fig. 1].
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from prediction_difference.attribution.heatmaps import maps_of
from prediction_difference.attribution.method import Given, Method
from prediction_difference.attribution.nodes import Node
from prediction_difference.evaluation.measures.continuity import Continuity
from prediction_difference.progress import track

if TYPE_CHECKING:
    from torch import nn

_OFFSETS = (1 / 3, 2 / 3)
"""Of the points in the cells of a grid: they differ, so that no point lies on x1 = x2."""


def maximum() -> "nn.Module":
    """A network of rectifiers: (N, 1, 1, 2) points -> (N, 1) larger coordinates.

    max(x1, x2) = (max(0, x1 - x2) + max(0, x2 - x1) + max(0, x1 + x2)) / 2, for x1 + x2 >= 0.
    """
    import torch
    from torch import nn

    hidden, output = nn.Linear(2, 3, bias=False), nn.Linear(3, 1, bias=False)
    with torch.no_grad():
        hidden.weight.copy_(torch.tensor([[1.0, -1.0], [-1.0, 1.0], [1.0, 1.0]]))
        output.weight.fill_(0.5)
    return nn.Sequential(nn.Flatten(), hidden, nn.ReLU(), output).eval()


def rectifiers() -> "nn.Module":
    """(N, 1, 1, 2) points -> (N, 1) max(0, x1) + max(0, x2)."""
    import torch
    from torch import nn

    hidden, output = nn.Linear(2, 2, bias=False), nn.Linear(2, 1, bias=False)
    with torch.no_grad():
        hidden.weight.copy_(torch.eye(2))
        output.weight.fill_(1.0)
    return nn.Sequential(nn.Flatten(), hidden, nn.ReLU(), output).eval()


@dataclass(frozen=True)
class Function:
    """A function of two numbers, as a network, and the lowest and the highest of these."""

    network: Callable[[], "nn.Module"]
    low: float
    high: float


FUNCTIONS = {"maximum": Function(maximum, 0.0, 1.0), "rectifiers": Function(rectifiers, -1.0, 1.0)}


def grid(steps: int, function: str = "maximum") -> np.ndarray:
    """(steps, steps, 2) points x1, x2 at equal distances, none with x1 = x2."""
    f = FUNCTIONS[function]
    sides = [f.low + (f.high - f.low) * (np.arange(steps) + o) / steps for o in _OFFSETS]
    return np.stack(np.meshgrid(*sides, indexing="ij"), axis=-1)


def values_at(points: np.ndarray, function: str) -> np.ndarray:
    """(..., 2) points -> (...) values of a function."""
    import torch

    flat = torch.from_numpy(points.reshape(-1, 1, 1, 2).astype(np.float32))
    with torch.no_grad():
        found: np.ndarray = FUNCTIONS[function].network()(flat).numpy()
    return found.reshape(points.shape[:-1])


def explanation_vectors(
    explanation: Method, points: np.ndarray, seed: int, function: str = "maximum"
) -> np.ndarray:
    """(steps, steps, 2) points -> what a method says of x1 and x2 at each, in its own unit."""
    images = points.reshape(-1, 1, 1, 2).astype(np.float32)
    nodes = [Node.score(0)] * len(images)
    network = FUNCTIONS[function].network()
    found = maps_of(explanation, network, images, nodes, Given(seed=seed))
    return found.reshape(points.shape)


def largest_change(vectors: np.ndarray) -> float:
    """(n, m, 2) vectors -> length of the largest difference of neighbours along an axis.

    As a share of the longest vector, so that methods of different units can be compared.
    """
    longest = np.linalg.norm(vectors, axis=-1).max()
    if longest == 0:
        return 0.0
    changes = [np.linalg.norm(np.diff(vectors, axis=axis), axis=-1).max() for axis in (0, 1)]
    return float(max(changes) / longest)


def measure_continuity(
    settings: Continuity,
    name: str,
    explanations: Mapping[str, Method],
    seed: int,
) -> Any:
    """A data frame with one row per explanation, grid and point.

    explanations: whose methods and options are measured. Columns: explanation, method, steps (of
    the grid), x1, x2, value (of the function), r1, r2 (the explanation vector).
    """
    import pandas

    frames = []
    for explanation in track(settings.explanations, name):
        for steps in settings.steps:
            points = grid(steps, settings.function)
            vectors = explanation_vectors(
                explanations[explanation], points, seed, settings.function
            )
            columns: dict[str, Any] = {
                "explanation": explanation,
                "method": explanations[explanation].method,
                "steps": steps,
            }
            columns |= {f"x{n + 1}": points[..., n].ravel() for n in range(2)}
            columns["value"] = values_at(points, settings.function).ravel()
            columns |= {f"r{n + 1}": vectors[..., n].ravel() for n in range(2)}
            frames.append(pandas.DataFrame(columns))
    table = pandas.concat(frames, ignore_index=True)
    return table


def vectors_of(part: Any) -> np.ndarray:
    """Rows of one explanation and grid -> (steps, steps, 2) vectors."""
    steps = int(part["steps"].iloc[0])
    found: np.ndarray = part[["r1", "r2"]].to_numpy().reshape(steps, steps, 2)
    return found


def summarise_continuity(table: Any) -> Any:
    """A data frame with one row per explanation and grid: explanation, method, steps, change.

    change: see `largest_change`; where explanations are continuous it shrinks with the grid's step.
    """
    import pandas

    groups = table.groupby(["explanation", "method", "steps"], sort=False)
    rows = [(*key, largest_change(vectors_of(part))) for key, part in groups]
    return pandas.DataFrame(rows, columns=["explanation", "method", "steps", "change"])
