"""Prediction difference analysis [zintgraf2017, Algorithm 1]."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from prediction_difference import randomness
from prediction_difference.attribution.engines.choosing import choose_engine
from prediction_difference.attribution.engines.dense import DenseImage
from prediction_difference.attribution.engines.protocol import Engine, Expectation, Prepared
from prediction_difference.attribution.evidence import relevance
from prediction_difference.attribution.nodes import Node
from prediction_difference.choices import (
    Count,
    Device,
    Draws,
    EngineName,
    Positive,
    Precision,
)
from prediction_difference.classifiers.logistic_regression import LinearClassifier
from prediction_difference.errors import DataError
from prediction_difference.images import check_image
from prediction_difference.options import checked
from prediction_difference.priors.draws import Sampler
from prediction_difference.priors.windows import WindowGrid
from prediction_difference.progress import say, track

if TYPE_CHECKING:
    from torch import nn


_PROBES = 4
"""Windows along each axis on which the error of low precision is measured."""


@dataclass(frozen=True)
class Attribution:
    """Relevance of every pixel for every node.

    relevance, standard_error: (nodes, *spatial); the error is NaN where values are exact. Where a
    hidden layer is removed, its places stand for pixels, after an axis of units if these are
    removed one by one.
    window_score, window_standard_error: (nodes, *windows), what the pixels are averages of.
    values: (nodes,) of the image as it is. forwards: images that the classifier was run on.
    """

    nodes: tuple[Node, ...]
    relevance: np.ndarray
    standard_error: np.ndarray
    window_score: np.ndarray
    window_standard_error: np.ndarray
    values: np.ndarray
    forwards: int


@dataclass(frozen=True)
class Target:
    """What is explained: an image that an engine has run, its class scores (K,), nodes, values.

    features: (C, *spatial) what windows are taken on, the image or a layer's output. precision:
    that of the forward passes. error: what it costs, where another than float32 was asked for.
    """

    prepared: Prepared
    features: np.ndarray
    scores: np.ndarray
    nodes: tuple[Node, ...]
    values: np.ndarray
    precision: Precision = "float32"
    error: "PrecisionError | None" = None


@dataclass(frozen=True)
class WindowScores:
    """Relevance of windows, and standard errors, (nodes, windows); the latter NaN if exact.

    samples: (windows,) draws of each. forwards: images that the classifier was run on.
    """

    score: np.ndarray
    standard_error: np.ndarray
    samples: np.ndarray
    forwards: int


@dataclass(frozen=True)
class PrecisionError:
    """What low precision costs, found on some windows of the image with the same draws.

    rounding: (nodes,) root mean square change of the relevance. sampling: (nodes,) root mean
    square standard error. is_small: rounding is below half of sampling for every node.
    """

    rounding: np.ndarray
    sampling: np.ndarray

    @property
    def is_small(self) -> bool:
        return bool((self.rounding <= self.sampling / 2).all())


@checked
class PredictionDifference:
    """Evidence for and against nodes of a classifier, from windows taken as unknown.

    classifier: a torch module that returns class scores (N, K), or a `LinearClassifier`.
    training_instances: N of the Laplace correction, for probabilities. samples: draws per window;
    with `standard_error`, as many more as make it smaller than that, to `max_samples` at most.
    batch_size: images per forward pass; None: sized to memory. precision: of forward passes; where
    bfloat16 would cost more than half the sampling error, an image is explained in float32.

    layer: windows are taken on the output of this hidden layer, not on the image, and nodes lie
    deeper [zintgraf2017, eq. 5]; the sampler draws activations, see `layer_activations`. With
    `units`, and where the layer is a vector, its units are removed one by one: windows of side 1
    in the output seen as (1, units, *places).

    Raises:
        DataError: an option is unknown or not what it can be, the engine does not fit the
            classifier, or the window is not the sampler's.
    """

    def __init__(
        self,
        classifier: "nn.Module | LinearClassifier",
        sampler: Sampler,
        window: Count = 10,
        stride: Count = 1,
        samples: Draws = 10,
        engine: EngineName = "auto",
        training_instances: Count = 1_281_167,
        seed: int = 0,
        *,
        standard_error: Positive | None = None,
        max_samples: Draws = 1000,
        device: Device = "cpu",
        batch_size: Count | None = None,
        precision: Precision = "float32",
        layer: str | None = None,
        units: bool = False,
    ):
        if units and (layer is None or window != 1):
            raise DataError(
                f"units with layer={layer!r} and window={window}",
                "removes the units of a hidden layer one by one",
                "name the layer and set window=1",
            )
        if sampler.window != window:
            raise DataError(
                f"window={window}",
                f"the sampler draws windows of side {sampler.window}",
                "make both the same",
            )
        if standard_error is not None and max_samples < samples:
            raise DataError(
                f"max_samples={max_samples}", f"is less than samples={samples}", "raise it"
            )
        removed = (layer, units, window)
        self._engine = choose_engine(classifier, engine, device, batch_size, precision, *removed)
        self._exact_engine: Engine | None = None
        if precision != "float32":
            self._exact_engine = choose_engine(
                classifier, engine, device, batch_size, "float32", *removed
            )
        self._precision: Precision = precision
        self._layer = layer
        self._sampler = sampler
        self._window = window
        self._stride = stride
        self._samples = samples
        self._standard_error = standard_error
        self._max_samples = max_samples
        self._training_instances = training_instances
        self._seed = seed

    @checked
    def attribute(self, image: np.ndarray, nodes: Sequence[Node]) -> Attribution:
        """(C, *spatial) image as the classifier takes it -> relevance for the nodes.

        Raises:
            DataError: image, window, sampler and classifier do not fit each other, or the image
                holds NaN or infinity.
        """
        return self._attribution(image, nodes, shows_progress=True)

    def attribute_quietly(self, image: np.ndarray, nodes: Sequence[Node]) -> Attribution:
        """As `attribute`, without showing how far it is: for one of many images."""
        return self._attribution(image, nodes, shows_progress=False)

    def _attribution(
        self, image: np.ndarray, nodes: Sequence[Node], shows_progress: bool
    ) -> Attribution:
        target = self.target(image, nodes)
        grid = self.grid(target.features)
        indices = range(self.rows(grid))
        rows = [
            self.row(target, n) for n in (track(indices, "rows") if shows_progress else indices)
        ]
        shape = (len(nodes), *grid.shape)
        score = np.concatenate([row.score for row in rows], axis=1).reshape(shape)
        error = np.concatenate([row.standard_error for row in rows], axis=1).reshape(shape)
        return Attribution(
            nodes=target.nodes,
            relevance=grid.average(score),
            standard_error=grid.average_error(error),
            window_score=score,
            window_standard_error=error,
            values=target.values,
            forwards=sum(row.forwards for row in rows),
        )

    def grid(self, features: np.ndarray) -> WindowGrid:
        """The windows of an image, or of the activations that stand for it; see `Target`."""
        if features.ndim == 2 and self._window != 1:
            raise DataError(
                f"window={self._window}",
                f"layer {self._layer!r} is a vector, whose units have no neighbours",
                "set window=1",
            )
        return WindowGrid(tuple(features.shape[1:]), self._window, self._stride)

    @staticmethod
    def rows(grid: WindowGrid) -> int:
        """How many rows the windows are computed in; a vector's are one."""
        return grid.shape[0] if len(grid.shape) > 1 else 1

    def prepare(self, image: np.ndarray) -> Prepared:
        """(C, *spatial) -> the image after the engine has run it once, with its class scores.

        Raises:
            DataError: it is no image, or the classifier does not take it.
        """
        check_image(image)
        return self._engine.prepare(image)

    def target(
        self, image: np.ndarray, nodes: Sequence[Node], prepared: Prepared | None = None
    ) -> Target:
        """The image as it is: what windows are compared with.

        Where precision is low, its error is measured on some windows of this very image; if it is
        not small beside the sampling error, the image is explained in float32 instead.

        Raises:
            DataError: there are no nodes, or the classifier does not have them.
        """
        if not nodes:
            raise DataError("nodes", "there are none to explain", "give at least one")
        prepared = prepared or self.prepare(image)
        target = self._target(image, nodes, prepared, self._precision)
        if self._exact_engine is None:
            return target
        reference = self._target(image, nodes, self._exact_engine.prepare(image), "float32")
        error = self._precision_error(target, reference)
        if not error.is_small:
            say(
                f"low precision would change the relevance by {error.rounding.max():.2g}, more "
                f"than half the sampling error: going on in float32"
            )
        return replace(target if error.is_small else reference, error=error)

    def _target(
        self, image: np.ndarray, nodes: Sequence[Node], prepared: Prepared, precision: Precision
    ) -> Target:
        features = image
        if self._layer is not None:
            assert isinstance(prepared, DenseImage)
            features = prepared.features
        values = prepared.values(nodes)
        return Target(prepared, features, prepared.scores, tuple(nodes), values, precision)

    def _precision_error(self, target: Target, reference: Target) -> PrecisionError:
        corners = self._probe(self.grid(target.features))
        low, high = (
            self._scores_of(t, self._expectation(t, corners, self._seed))
            for t in (target, reference)
        )
        return PrecisionError(
            rounding=np.sqrt(np.mean((low[0] - high[0]) ** 2, axis=1)),
            sampling=np.sqrt(np.mean(high[1] ** 2, axis=1)),
        )

    @staticmethod
    def _probe(grid: WindowGrid) -> np.ndarray:
        """(n, d) corners of windows spread over the whole image."""
        axes = [a[np.linspace(0, len(a) - 1, min(len(a), _PROBES)).astype(int)] for a in grid.axes]
        return np.stack(np.meshgrid(*axes, indexing="ij"), -1).reshape(-1, len(axes))

    def row(self, target: Target, index: int) -> WindowScores:
        """One row of windows: the unit of work, always computed whole and in the same batches.

        So a map is the same to the last bit, however its rows are shared out among jobs.
        """
        grid = self.grid(target.features)
        corners = grid.row(index) if len(grid.shape) > 1 else grid.axes[0][:, None]
        return self.windows(target, corners)

    def windows(self, target: Target, corners: np.ndarray) -> WindowScores:
        """Relevance of the windows at (n, d) `corners`.

        With `standard_error`, windows are drawn for again, `samples` at a time, until each node's
        standard error is below it or `max_samples` are reached.
        """
        found = self._expectation(target, corners, self._seed)
        drawn = np.full(len(corners), self._samples)
        forwards = found.forwards
        score, error = self._scores_of(target, found)
        for turn in itertools.count(1):
            open_ = np.flatnonzero(self._is_open(error, drawn))
            if len(open_) == 0:
                break
            seed = randomness.key(self._seed, "turn", turn)
            more = self._expectation(target, corners[open_], seed)
            found = found.joined(more, open_, drawn, self._samples)
            drawn[open_] += self._samples
            forwards += more.forwards
            score, error = self._scores_of(target, found)
        return WindowScores(score, error, drawn, forwards)

    def _is_open(self, error: np.ndarray, drawn: np.ndarray) -> np.ndarray:
        """(windows,) whether more draws are wanted."""
        if self._standard_error is None:
            return np.zeros(len(drawn), dtype=bool)
        is_large = (error > self._standard_error).any(0)
        return is_large & (drawn + self._samples <= self._max_samples)

    def _expectation(self, target: Target, corners: np.ndarray, seed: int) -> Expectation:
        return target.prepared.expectation(
            corners, self._sampler, self._samples, seed, target.nodes
        )

    def _scores_of(self, target: Target, found: Expectation) -> tuple[np.ndarray, np.ndarray]:
        return relevance(
            target.nodes,
            target.values,
            found.mean,
            found.variance,
            self._training_instances,
            len(target.scores),
        )
