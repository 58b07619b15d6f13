"""What all cases are measured on, and the share of it that each is given."""

import math
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from prediction_difference import randomness
from prediction_difference.attribution.engines.protocol import Prepared
from prediction_difference.attribution.nodes import Node
from prediction_difference.attribution.prediction_difference import PredictionDifference, Target
from prediction_difference.benchmark.settings import Device
from prediction_difference.priors.samplers import ConditionalSampler
from prediction_difference.priors.windows import WindowGrid

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True)
class Subject:
    """A network and the image (C, *spatial) that it is explained on."""

    network: "nn.Module"
    image: np.ndarray
    sampler: ConditionalSampler
    samples: int
    device: Device
    seed: int

    @cached_property
    def grid(self) -> WindowGrid:
        return WindowGrid(tuple(self.image.shape[1:]), self.sampler.window)

    @cached_property
    def windows(self) -> int:
        """How many windows a whole map has."""
        return math.prod(self.grid.shape)

    @cached_property
    def scores(self) -> np.ndarray:
        """(K,) class scores of the image."""
        import torch

        with torch.inference_mode():
            image = torch.from_numpy(self.image[None]).to(self.device)
            scores: np.ndarray = self.network.to(self.device)(image)[0].double().cpu().numpy()
        return scores

    @cached_property
    def predicted(self) -> int:
        return int(self.scores.argmax())

    def analysis(
        self,
        engine: Any,
        precision: Any = "float32",
        batch: int | None = None,
        stride: int = 1,
    ) -> PredictionDifference:
        return PredictionDifference(
            self.network,
            self.sampler,
            window=self.sampler.window,
            stride=stride,
            samples=self.samples,
            engine=engine,
            seed=self.seed,
            device=self.device,
            batch_size=batch,
            precision=precision,
        )

    def target(self, prepared: Prepared, nodes: tuple[Node, ...] = ()) -> Target:
        """What windows are compared with, in the engine's own precision.

        Notes: `PredictionDifference.target` would go on in float32 where low precision is too
        coarse; here it is to be measured as it is.
        """
        nodes = nodes or (Node.probability(self.predicted),)
        return Target(prepared, self.image, prepared.scores, nodes, prepared.values(nodes))


@dataclass(frozen=True)
class Share:
    """Windows at random places: whole rows (r,) of them, or corners (n, d) of single ones."""

    rows: np.ndarray
    corners: np.ndarray

    def windows(self, grid: WindowGrid) -> int:
        return len(self.rows) * math.prod(grid.shape[1:]) + len(self.corners)


def share_of_rows(subject: Subject, rows: int, turn: int) -> Share:
    """So many rows; a larger share of the same turn holds those of a smaller one."""
    order = _generator(subject, "rows", turn).permutation(subject.grid.shape[0])
    return Share(order[:rows], np.empty((0, len(subject.grid.shape)), dtype=int))


def share_of_windows(subject: Subject, windows: int, turn: int) -> Share:
    """So many windows, drawn with replacement."""
    generator = _generator(subject, "corners", turn)
    axes = [generator.choice(axis, windows) for axis in subject.grid.axes]
    return Share(np.empty(0, dtype=int), np.stack(axes, axis=-1))


def _generator(subject: Subject, purpose: str, turn: int) -> np.random.Generator:
    return randomness.generator(randomness.key(subject.seed, "benchmark", purpose), turn)
