"""Engines: ways to find the expected value of nodes when windows are unknown."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

from prediction_difference.attribution.nodes import Node, check_nodes, node_values
from prediction_difference.classifiers.logistic_regression import LinearClassifier
from prediction_difference.errors import DataError
from prediction_difference.priors.samplers import ConditionalSampler, Sampler
from prediction_difference.priors.windows import cut

if TYPE_CHECKING:
    import torch
    from torch import nn

_HERMITE_POINTS = 64


@dataclass(frozen=True)
class Expectation:
    """What an engine finds for a set of windows.

    mean: (nodes, windows). variance: (nodes, windows) of the mean as an estimate, NaN where it is
    exact. forwards: how many images the classifier was run on.
    """

    mean: np.ndarray
    variance: np.ndarray
    forwards: int


class Engine(Protocol):
    """Evaluates a classifier on an image, and nodes' expectations with windows unknown."""

    def class_scores(self, image: np.ndarray) -> np.ndarray:
        """(C, *spatial) -> (K,) class scores of the image as it is."""

    def values(self, image: np.ndarray, nodes: Sequence[Node]) -> np.ndarray:
        """(C, *spatial) -> (nodes,) values of the image as it is."""

    def expectation(
        self,
        image: np.ndarray,
        corners: np.ndarray,
        sampler: Sampler,
        samples: int,
        seed: int,
        nodes: Sequence[Node],
    ) -> Expectation:
        """Expected values of nodes with each of the windows at (n, d) `corners` unknown."""


def mean_and_variance(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(windows, samples, nodes) draws -> (nodes, windows) mean, and variance of that mean."""
    samples = values.shape[1]
    return values.mean(1).T, values.var(1, ddof=1).T / samples


class DenseEngine:
    """Full forward passes of any torch module: (N, C, *spatial) -> (N, K) class scores."""

    def __init__(self, module: "nn.Module", device: str = "cpu", batch_size: int = 256):
        self._module = module.to(device).eval()
        self._device = device
        self._batch_size = batch_size

    def class_scores(self, image: np.ndarray) -> np.ndarray:
        """(C, *spatial) -> (K,); see `Engine`.

        Raises:
            DataError: the classifier cannot take the image, or returns no finite (N, K) scores.
        """
        import torch

        try:
            with torch.inference_mode():
                return self._forward(_as_batch(image))[0]
        except RuntimeError as error:
            raise DataError(
                f"image of shape {image.shape}",
                f"the classifier does not take it ({str(error).splitlines()[0]})",
                "give it an image of the size and channels that it was trained with",
            ) from error

    def values(self, image: np.ndarray, nodes: Sequence[Node]) -> np.ndarray:
        """(C, *spatial) -> (nodes,); see `Engine`."""
        return self._evaluate(_as_batch(image), nodes)[0]

    def expectation(
        self,
        image: np.ndarray,
        corners: np.ndarray,
        sampler: Sampler,
        samples: int,
        seed: int,
        nodes: Sequence[Node],
    ) -> Expectation:
        """Paste every draw into the image and run the classifier on it; see `Engine`."""
        contents = sampler.sample(image, corners, samples, seed)
        owners = np.repeat(np.arange(len(corners)), samples)
        flat = contents.reshape(-1, *contents.shape[2:])
        parts = []
        for start in range(0, len(flat), self._batch_size):
            part = slice(start, start + self._batch_size)
            batch = _paste(image, corners[owners[part]], flat[part])
            parts.append(self._evaluate(batch, nodes))
        values = np.concatenate(parts).reshape(len(corners), samples, len(nodes))
        return Expectation(*mean_and_variance(values), forwards=len(flat))

    def _evaluate(self, batch: "torch.Tensor", nodes: Sequence[Node]) -> np.ndarray:
        """(N, C, *spatial) -> (N, nodes) float64."""
        import torch

        maps: dict[str, np.ndarray] = {}
        layers = {node.layer for node in nodes if node.layer is not None}
        hooks = [
            self._layer(layer).register_forward_hook(_recorder(maps, layer)) for layer in layers
        ]
        try:
            with torch.inference_mode():
                scores = self._forward(batch)
        finally:
            for hook in hooks:
                hook.remove()
        check_nodes(nodes, scores.shape[1], {layer: m.shape[1] for layer, m in maps.items()})
        columns = [
            node_values([n], scores)[:, 0] if n.layer is None else maps[n.layer][:, n.index]
            for n in nodes
        ]
        return np.stack(columns, axis=-1)

    def _forward(self, batch: "torch.Tensor") -> np.ndarray:
        scores: np.ndarray = self._module(batch.to(self._device)).double().cpu().numpy()
        if scores.ndim != 2 or not np.isfinite(scores).all():
            raise DataError(
                "classifier",
                f"returned an array of shape {scores.shape} or values that are not finite",
                "let it return finite class scores (N, K)",
            )
        return scores

    def _layer(self, name: str) -> "nn.Module":
        try:
            return self._module.get_submodule(name)
        except AttributeError as error:
            known = ", ".join([n for n, _ in self._module.named_modules() if n][:8])
            raise DataError(f"layer {name!r}", "is unknown", f"layers are {known}, ...") from error


def _as_batch(image: np.ndarray) -> "torch.Tensor":
    import torch

    return torch.from_numpy(np.ascontiguousarray(image[None], dtype=np.float32))


def _recorder(maps: dict[str, np.ndarray], layer: str) -> Callable[..., None]:
    """A forward hook that keeps the mean of every feature map of a layer."""

    def record(_module: "nn.Module", _inputs: object, output: "torch.Tensor") -> None:
        means = output.double().flatten(2).mean(2) if output.ndim > 2 else output.double()
        maps[layer] = means.cpu().numpy()

    return record


def _paste(image: np.ndarray, corners: np.ndarray, contents: np.ndarray) -> "torch.Tensor":
    """(C, *spatial), (N, d), (N, C, *window) -> (N, C, *spatial): one copy per content."""
    import torch

    batch = np.repeat(image[None].astype(np.float32), len(corners), axis=0)
    side, dimensions = contents.shape[-1], corners.shape[1]
    index: list[np.ndarray] = [np.arange(len(corners)).reshape(-1, *(1,) * dimensions)]
    for axis in range(dimensions):
        shape = [1] * (dimensions + 1)
        shape[axis + 1] = side
        start = corners[:, axis].reshape(-1, *(1,) * dimensions)
        index.append(start + np.arange(side).reshape(shape))
    channels_last = np.moveaxis(batch, 1, -1)
    channels_last[tuple(index)] = np.moveaxis(contents, 1, -1)
    return torch.from_numpy(batch)


class LinearEngine:
    """Logistic regression without forward passes: only the log odds' change inside a window.

    With the conditional sampler the log odds are normal, and probabilities are a one-dimensional
    Gauss-Hermite integral, so values are exact; with any other sampler they are averaged over its
    draws.
    """

    def __init__(self, linear: LinearClassifier):
        self._linear = linear

    def class_scores(self, image: np.ndarray) -> np.ndarray:
        """(C, *spatial) -> (2,); see `Engine`.

        Raises:
            DataError: the image has another shape than the weights.
        """
        if image.shape != self._linear.weight.shape:
            raise DataError(
                f"image of shape {image.shape}",
                f"the classifier takes {self._linear.weight.shape}",
                "give it an image of that shape",
            )
        return self._linear.scores(image[None].astype(np.float64))[0]

    def values(self, image: np.ndarray, nodes: Sequence[Node]) -> np.ndarray:
        """(C, *spatial) -> (nodes,); see `Engine`."""
        check_nodes(nodes, 2, {})
        return node_values(nodes, self.class_scores(image))

    def expectation(
        self,
        image: np.ndarray,
        corners: np.ndarray,
        sampler: Sampler,
        samples: int,
        seed: int,
        nodes: Sequence[Node],
    ) -> Expectation:
        """See `Engine`; exact (variance NaN) for a conditional sampler that does not clip."""
        z = float(self._linear.log_odds(image.astype(np.float64)))
        weights = cut(self._linear.weight, corners, sampler.window).reshape(len(corners), -1)
        contents = cut(image, corners, sampler.window).reshape(len(corners), -1)
        rest = z - (weights * contents).sum(1)
        if isinstance(sampler, ConditionalSampler) and sampler.clip is None:
            mean = self._integral(image, corners, sampler, weights, rest, nodes)
            return Expectation(mean, np.full_like(mean, np.nan), 0)
        draws = sampler.sample(image, corners, samples, seed).reshape(len(corners), samples, -1)
        log_odds = rest[:, None] + np.einsum("nsf,nf->ns", draws, weights)
        return Expectation(*mean_and_variance(self._of_log_odds(log_odds, nodes)), forwards=0)

    def _integral(
        self,
        image: np.ndarray,
        corners: np.ndarray,
        sampler: ConditionalSampler,
        weights: np.ndarray,
        rest: np.ndarray,
        nodes: Sequence[Node],
    ) -> np.ndarray:
        """(nodes, windows): E over z ~ N(rest + w . mean, |factor' w|^2)."""
        mean, deviation = np.empty(len(corners)), np.empty(len(corners))
        for members, center, factor in sampler.moments(image, corners):
            w = weights[members]
            mean[members] = rest[members] + (w * center).sum(1)
            deviation[members] = np.linalg.norm(w @ factor, axis=1)
        points, masses = np.polynomial.hermite_e.hermegauss(_HERMITE_POINTS)
        log_odds = mean[:, None] + deviation[:, None] * points
        values = self._of_log_odds(log_odds, nodes)
        return np.einsum("wpn,p->nw", values, masses / math.sqrt(2 * math.pi))

    @staticmethod
    def _of_log_odds(z: np.ndarray, nodes: Sequence[Node]) -> np.ndarray:
        """(...) natural log odds of class 1 -> (..., nodes)."""
        return node_values(nodes, np.stack([-z / 2, z / 2], axis=-1))
