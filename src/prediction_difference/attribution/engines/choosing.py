"""Which engine serves a classifier."""

from typing import TYPE_CHECKING, Literal, Union, get_args

from prediction_difference.attribution.engines.dense import DenseEngine, Precision
from prediction_difference.attribution.engines.incremental import IncrementalEngine
from prediction_difference.attribution.engines.linear import LinearEngine
from prediction_difference.attribution.engines.protocol import Engine
from prediction_difference.classifiers.logistic_regression import LinearClassifier
from prediction_difference.errors import DataError

if TYPE_CHECKING:
    from torch import nn

EngineName = Literal["auto", "dense", "incremental", "linear"]


def choose_engine(
    classifier: Union["nn.Module", LinearClassifier],
    name: EngineName,
    device: str = "cpu",
    batch_size: int | None = None,
    precision: Precision = "float32",
) -> Engine:
    """The engine of this name for a classifier; auto: the fastest exact one.

    Raises:
        DataError: there is no such engine, or it does not fit the classifier.
    """
    engines = get_args(EngineName)
    if name not in engines:
        raise DataError(f"engine {name!r}", "is unknown", f"choose one of {', '.join(engines)}")
    if precision not in get_args(Precision):
        known = " or ".join(get_args(Precision))
        raise DataError(f"precision {precision!r}", "is unknown", f"choose {known}")
    if isinstance(classifier, LinearClassifier):
        if name in ("auto", "linear"):
            return LinearEngine(classifier)
        from prediction_difference.classifiers.linear_module import LinearModule

        classifier = LinearModule(classifier)
    elif name == "linear":
        raise DataError("engine 'linear'", "needs a linear classifier", "use engine auto or dense")
    if name == "dense":
        return DenseEngine(classifier, device, batch_size, precision)
    return IncrementalEngine(
        classifier, device, batch_size, precision, only_if_it_pays=name == "auto"
    )
