"""Which engine serves a classifier."""

from typing import TYPE_CHECKING, Union

from prediction_difference.attribution.engines.dense import DenseEngine
from prediction_difference.attribution.engines.linear import LinearEngine
from prediction_difference.attribution.engines.protocol import Engine
from prediction_difference.choices import EngineName, Precision
from prediction_difference.classifiers.logistic_regression import LinearClassifier
from prediction_difference.errors import DataError

if TYPE_CHECKING:
    from torch import nn


def choose_engine(
    classifier: Union["nn.Module", LinearClassifier],
    name: EngineName,
    device: str = "cpu",
    batch_size: int | None = None,
    precision: Precision = "float32",
    layer: str | None = None,
    units: bool = False,
    window: int | None = None,
) -> Engine:
    """The engine of this name for a classifier; auto: the fastest exact one.

    window: side of the windows that it has to be fastest for. layer, units: what is removed in
    place of windows of the image; see `HiddenLayerEngine`, which every engine but the linear one is
    then.

    Raises:
        DataError: the engine does not fit the classifier.
    """
    if layer is not None:
        _refuse_low_precision(precision, f"windows of layer {layer!r}")
        return _hidden_layer_engine(classifier, name, device, batch_size, layer, units)
    if isinstance(classifier, LinearClassifier):
        if name in ("auto", "linear"):
            _refuse_low_precision(precision, "the linear engine, which runs no network")
            return LinearEngine(classifier)
        from prediction_difference.classifiers.linear_module import LinearModule

        classifier = LinearModule(classifier)
    elif name == "linear":
        raise DataError("engine 'linear'", "needs a linear classifier", "use engine auto or dense")
    if name == "dense":
        return DenseEngine(classifier, device, batch_size, precision)
    from prediction_difference.attribution.engines.incremental import IncrementalEngine

    only_for = window if name == "auto" else None
    return IncrementalEngine(classifier, device, batch_size, precision, only_for)


def _hidden_layer_engine(
    classifier: Union["nn.Module", LinearClassifier],
    name: EngineName,
    device: str,
    batch_size: int | None,
    layer: str,
    units: bool,
) -> Engine:
    if isinstance(classifier, LinearClassifier) or name == "linear":
        raise DataError(
            f"layer {layer!r}", "a linear classifier has no layers", "remove windows of images"
        )
    from prediction_difference.attribution.engines.hidden import HiddenLayerEngine

    return HiddenLayerEngine(classifier, layer, units, device, batch_size)


def _refuse_low_precision(precision: Precision, what: str) -> None:
    if precision != "float32":
        raise DataError(
            f"precision {precision!r}", f"is not for {what}", "set precision to float32"
        )
