"""Prediction difference analysis [zintgraf2017, Algorithm 1]."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Union, get_args

import numpy as np

from prediction_difference.attribution.engines import DenseEngine, Engine, LinearEngine
from prediction_difference.attribution.evidence import relevance
from prediction_difference.attribution.nodes import Node
from prediction_difference.classifiers.logistic_regression import LinearClassifier
from prediction_difference.errors import DataError
from prediction_difference.priors.samplers import Sampler
from prediction_difference.priors.windows import WindowGrid
from prediction_difference.progress import track

if TYPE_CHECKING:
    from torch import nn

EngineName = Literal["auto", "dense", "linear"]


@dataclass(frozen=True)
class Attribution:
    """Relevance of every pixel for every node.

    relevance, standard_error: (nodes, *spatial); the error is NaN where values are exact.
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
    """What is explained: an image (C, *spatial), its class scores (K,), nodes and their values."""

    image: np.ndarray
    scores: np.ndarray
    nodes: tuple[Node, ...]
    values: np.ndarray


@dataclass(frozen=True)
class Row:
    """Windows at one position on the first axis: scores and errors (nodes, *other window axes)."""

    score: np.ndarray
    standard_error: np.ndarray
    forwards: int


class PredictionDifference:
    """Evidence for and against nodes of a classifier, from windows taken as unknown.

    classifier: a torch module that returns class scores (N, K), or a `LinearClassifier`.
    training_instances: N of the Laplace correction, for probabilities.

    Raises:
        DataError: the engine does not fit the classifier, or the window is not the sampler's.
    """

    def __init__(
        self,
        classifier: Union["nn.Module", LinearClassifier],
        sampler: Sampler,
        window: int = 10,
        stride: int = 1,
        samples: int = 10,
        engine: EngineName = "auto",
        training_instances: int = 1_281_167,
        seed: int = 0,
        *,
        device: str = "cpu",
        batch_size: int = 256,
    ):
        if sampler.window != window:
            raise DataError(
                f"window={window}",
                f"the sampler draws windows of side {sampler.window}",
                "make both the same",
            )
        if samples < 2:
            raise DataError(f"samples={samples}", "gives no standard error", "set it to 2 or more")
        self._engine = _choose_engine(classifier, engine, device, batch_size)
        self._sampler = sampler
        self._window = window
        self._stride = stride
        self._samples = samples
        self._training_instances = training_instances
        self._seed = seed

    def attribute(self, image: np.ndarray, nodes: Sequence[Node]) -> Attribution:
        """(C, *spatial) image as the classifier takes it -> relevance for the nodes.

        Raises:
            DataError: image, window, sampler and classifier do not fit each other.
        """
        target = self.target(image, nodes)
        grid = self.grid(image)
        rows = [self.row(target, index) for index in track(range(grid.shape[0]), "rows of windows")]
        score = np.stack([row.score for row in rows], axis=1)
        error = np.stack([row.standard_error for row in rows], axis=1)
        return Attribution(
            nodes=target.nodes,
            relevance=grid.average(score),
            standard_error=grid.average_error(error),
            window_score=score,
            window_standard_error=error,
            values=target.values,
            forwards=sum(row.forwards for row in rows),
        )

    def grid(self, image: np.ndarray) -> WindowGrid:
        """The windows of an image."""
        return WindowGrid(tuple(image.shape[1:]), self._window, self._stride)

    def class_scores(self, image: np.ndarray) -> np.ndarray:
        """(C, *spatial) -> (K,) scores of the image as it is."""
        return self._engine.class_scores(image)

    def target(self, image: np.ndarray, nodes: Sequence[Node]) -> Target:
        """The image as it is: what rows are compared with."""
        scores = self.class_scores(image)
        return Target(image, scores, tuple(nodes), self._engine.values(image, nodes))

    def row(self, target: Target, index: int) -> Row:
        """One row of windows: the unit of work, always computed whole and in the same batches.

        So a map is the same to the last bit, however its rows are shared out among jobs.
        """
        grid = self.grid(target.image)
        expectation = self._engine.expectation(
            target.image,
            grid.row(index),
            self._sampler,
            self._samples,
            self._seed,
            target.nodes,
        )
        score, error = relevance(
            target.nodes,
            target.values,
            expectation.mean,
            expectation.variance,
            self._training_instances,
            len(target.scores),
        )
        shape = (len(target.nodes), *grid.shape[1:])
        return Row(score.reshape(shape), error.reshape(shape), expectation.forwards)


def _choose_engine(
    classifier: Union["nn.Module", LinearClassifier], name: EngineName, device: str, batch_size: int
) -> Engine:
    engines = get_args(EngineName)
    if name not in engines:
        raise DataError(f"engine {name!r}", "is unknown", f"choose one of {', '.join(engines)}")
    is_linear = isinstance(classifier, LinearClassifier)
    if name == "linear" and not is_linear:
        raise DataError("engine 'linear'", "needs a linear classifier", "use engine auto or dense")
    if isinstance(classifier, LinearClassifier):
        if name != "dense":
            return LinearEngine(classifier)
        from prediction_difference.classifiers.linear_module import LinearModule

        return DenseEngine(LinearModule(classifier), device, batch_size)
    return DenseEngine(classifier, device, batch_size)
