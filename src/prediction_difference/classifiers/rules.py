"""Which calls of a traced program are followed, and as what: a function for each.

Each takes the steps so far and the call's arguments as the operator has them: a `Flow` for what
depends on the image, tensors and numbers for constants. It adds the steps that do the same, and
returns the call's value.
"""

import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor

from prediction_difference.classifiers.operations import (
    AdaptiveAverage,
    Add,
    Affine,
    AveragePool,
    Channels,
    Concatenate,
    Convolution,
    Flatten,
    Linear,
    MaxPool,
    Pad,
    Places,
    Pointwise,
    Rectifier,
)
from prediction_difference.classifiers.steps import CannotError, Flow, OneChannel, Steps


def _flow(value: Any) -> Flow:
    if not isinstance(value, Flow):
        raise CannotError("takes something else than an array that depends on the image")
    return value


def _spatial(steps: Steps, x: Flow) -> int:
    return len(steps.shape_of(x)) - 1


def _places(steps: Steps, x: Flow, value: int | Sequence[int]) -> Places:
    """A number for every spatial axis."""
    count = _spatial(steps, x)
    values = [value] if isinstance(value, int) else list(value)
    if len(values) not in (1, count):
        raise CannotError("is for another number of spatial axes")
    return tuple(values * count if len(values) == 1 else values)


def _convolution(
    steps: Steps,
    x: Any,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
) -> Flow:
    x = _flow(x)
    if not isinstance(weight, Tensor):
        raise CannotError("has weights that depend on the image")
    strides, dilations = _places(steps, x, stride), _places(steps, x, dilation)
    extents = [d * (k - 1) for k, d in zip(weight.shape[2:], dilations, strict=True)]
    if padding == "valid":
        padding = 0
    if padding == "same":
        before = tuple(extent // 2 for extent in extents)
        after = tuple(extent - first for extent, first in zip(extents, before, strict=True))
    else:
        before = after = _places(steps, x, padding)
    pad = steps.found[x.number]
    if isinstance(pad.operation, Pad) and pad.operation.value == 0:
        before, after = _plus(before, pad.operation.before), _plus(after, pad.operation.after)
        x = Flow(pad.inputs[0])
    rest = None if before == after else after
    return steps.add(Convolution(weight, bias, strides, before, dilations, groups, rest), x)


def _plus(some: Places, more: Places) -> Places:
    return tuple(a + b for a, b in zip(some, more, strict=True))


def _pad(
    steps: Steps, x: Any, sides: Sequence[int], mode: str = "constant", value: Any = 0
) -> Flow:
    x = _flow(x)
    if mode != "constant":
        raise CannotError(f"is followed for constants and not for {mode}")
    if any(places < 0 for places in sides):
        raise CannotError("cuts places off")
    # Torch counts from the last axis, and leaves out those that are not padded.
    count = _spatial(steps, x)
    rims = [*sides, *(0,) * (2 * (count + 2) - len(sides))]
    before, after = (tuple(rims[end::2][::-1]) for end in (0, 1))
    if any((*before[:2], *after[:2])):
        raise CannotError("is followed along spatial axes only")
    if not any(rims):
        return x
    return steps.add(Pad(before[2:], after[2:], float(value or 0)), x)


def _batch_norm(
    steps: Steps,
    x: Any,
    weight: Tensor | None,
    bias: Tensor | None,
    mean: Tensor | None,
    variance: Tensor | None,
    training: bool,
    _momentum: float,
    eps: float,
    _cudnn: bool,
) -> Flow:
    if training or mean is None or variance is None:
        raise CannotError("normalises by the batch")
    scale = (variance.double() + eps).rsqrt()
    if weight is not None:
        scale = scale * weight
    shift = -mean * scale
    if bias is not None:
        shift = shift + bias
    return _affine(steps, _flow(x), scale.to(mean.dtype), shift.to(mean.dtype))


def _affine(steps: Steps, x: Flow, scale: Tensor, shift: Tensor) -> Flow:
    """scale, shift: (C,)."""
    shape = (-1, *(1,) * _spatial(steps, x))
    return steps.add(Affine(scale.view(shape), shift.view(shape)), x)


def _max_pool(
    steps: Steps,
    x: Any,
    kernel: Any,
    stride: Any = (),
    padding: Any = 0,
    dilation: Any = 1,
    ceil: bool = False,
) -> Flow:
    x = _flow(x)
    sizes, strides = _places(steps, x, kernel), _places(steps, x, stride or kernel)
    rims, gaps = _places(steps, x, padding), _places(steps, x, dilation)
    return steps.add(MaxPool(sizes, strides, rims, gaps, ceil), x)


def _average_pool(
    steps: Steps,
    x: Any,
    kernel: Any,
    stride: Any = (),
    padding: Any = 0,
    ceil: bool = False,
    counts_padding: bool = True,
    divisor: int | None = None,
) -> Flow:
    x = _flow(x)
    sizes, strides = _places(steps, x, kernel), _places(steps, x, stride or kernel)
    rims = _places(steps, x, padding)
    return steps.add(AveragePool(sizes, strides, rims, ceil, counts_padding, divisor), x)


def _adaptive_average(steps: Steps, x: Any, size: Any) -> Flow:
    x = _flow(x)
    sizes = _sizes(steps, x, size)
    if sizes == steps.shape_of(x)[1:]:
        return x
    parts = _equal_parts(steps, x, sizes)
    if parts and math.prod(sizes) > 1:
        none = (0,) * len(sizes)
        return steps.add(AveragePool(parts, parts, none, False, True, None), x)
    return steps.add(AdaptiveAverage(sizes), x)


def _adaptive_max(steps: Steps, x: Any, size: Any) -> tuple[Flow]:
    x = _flow(x)
    parts = _equal_parts(steps, x, _sizes(steps, x, size))
    if not parts:
        raise CannotError("divides the map into parts of different sizes")
    shape = (steps.shape_of(x)[0], *_sizes(steps, x, size))
    none, one = (0,) * len(parts), (1,) * len(parts)
    return (steps.add(MaxPool(parts, parts, none, one, False), x, shape=shape),)


def _sizes(steps: Steps, x: Flow, size: Any) -> Places:
    given = _places(steps, x, size)
    return tuple(
        g if g is not None else s for g, s in zip(given, steps.shape_of(x)[1:], strict=True)
    )


def _equal_parts(steps: Steps, x: Flow, sizes: Places) -> Places:
    lengths = steps.shape_of(x)[1:]
    if any(length % size for length, size in zip(lengths, sizes, strict=True)):
        return ()
    return tuple(length // size for length, size in zip(lengths, sizes, strict=True))


def _mean(steps: Steps, x: Any, axes: Any = None, keeps: bool = False, **_: Any) -> Flow:
    x = _flow(x)
    count = _spatial(steps, x)
    if not count or sorted(a % (count + 2) for a in axes or ()) != list(range(2, count + 2)):
        raise CannotError("is followed over all places at once only")
    shape = (steps.shape_of(x)[0], *(1,) * count)
    average = steps.add(AdaptiveAverage((1,) * count), x, shape=shape)
    return average if keeps else steps.add(Flatten(), average, shape=shape[:1])


def _linear(steps: Steps, x: Any, weight: Tensor, bias: Tensor | None = None) -> Flow:
    x = _flow(x)
    if _spatial(steps, x) or not isinstance(weight, Tensor):
        raise CannotError("is followed for vectors and constant weights only")
    return steps.add(Linear(weight, bias), x)


def _reshape(steps: Steps, x: Any, *_: Any) -> Flow:
    """Flatten, view and their like."""
    x = _flow(x)
    if steps.shape == steps.shape_of(x):
        return x
    if steps.shape == (math.prod(steps.shape_of(x)),):
        return steps.add(Flatten(), x)
    raise CannotError(f"turns an array {steps.shape_of(x)} into {steps.shape}")


def _identity(steps: Steps, x: Any, *_more: Any, **_options: Any) -> Flow:
    if not steps.is_alike:
        raise CannotError("changes the kind of numbers")
    return _flow(x)


def _dropout(_: Steps, x: Any, _share: float, training: bool) -> Flow:
    if training:
        raise CannotError("is random")
    return _flow(x)


def _rectifier(steps: Steps, x: Any) -> Flow:
    return steps.add(Rectifier(), _flow(x))


def _relu6(steps: Steps, x: Any) -> Flow:
    return steps.add(Rectifier(6.0), _flow(x))


def _clamp(name: str) -> Callable[..., Flow]:
    """Values cut to a range: a ReLU with a ceiling where the range begins at 0."""
    general = _pointwise(name)

    def rule(steps: Steps, x: Any, low: Any = None, high: Any = None, **options: Any) -> Flow:
        are_numbers = all(isinstance(end, int | float) for end in (low, high))
        if are_numbers and low == 0 < high:
            return steps.add(Rectifier(float(high)), _flow(x))
        ends = (low, high) if high is not None else (low,) if low is not None else ()
        return general(steps, x, *ends, **options)

    return rule


def _pointwise(name: str) -> Callable[..., Flow]:
    def rule(steps: Steps, x: Any, *more: Any, **options: Any) -> Flow:
        if any(isinstance(v, Flow | OneChannel) for v in (*more, *options.values())):
            raise CannotError("is followed for one array that depends on the image")
        if name != "prelu" and any(isinstance(v, Tensor) and v.numel() > 1 for v in more):
            raise CannotError("is followed for constants that are numbers")
        return steps.add(Pointwise(name, partial(_applied, name, more, options)), _flow(x))

    return rule


def _applied(name: str, more: Sequence[Any], options: dict[str, Any], values: Tensor) -> Tensor:
    """An operator by its name; its arguments so that the function can be copied and stored."""
    found: Tensor = getattr(torch.ops.aten, name)(values, *more, **options)
    return found


def _sum(sign: float) -> Callable[..., Flow]:
    def rule(steps: Steps, x: Any, y: Any, alpha: float = 1) -> Flow:
        factor = sign * alpha
        if isinstance(x, Flow) and isinstance(y, Flow):
            if steps.shape_of(x) != steps.shape_of(y):
                raise CannotError("is followed for arrays of the same shape")
            return steps.add(Add((1.0, factor)), x, y)
        if isinstance(x, Flow):
            return _scaled(steps, x, 1.0, y * factor)
        return _scaled(steps, _flow(y), factor, x)

    return rule


def _difference_from(steps: Steps, x: Any, y: Any, alpha: float = 1) -> Flow:
    """Y - X * alpha."""
    return _sum(-1)(steps, y, x, alpha)


def _product(steps: Steps, x: Any, y: Any) -> Flow:
    if isinstance(x, Flow) and isinstance(y, Flow):
        raise CannotError("is followed where one factor is constant")
    return _scaled(steps, x, y, 0.0) if isinstance(x, Flow) else _scaled(steps, _flow(y), x, 0.0)


def _quotient(steps: Steps, x: Any, y: Any, rounding_mode: str | None = None) -> Flow:
    if isinstance(y, Flow) or rounding_mode is not None:
        raise CannotError("is followed where it divides by a constant, without rounding")
    return _scaled(steps, _flow(x), 1 / y, 0.0)


def _scaled(steps: Steps, x: Flow, scale: Any, shift: Any) -> Flow:
    """X * scale + shift by constants, numbers or arrays, as they are broadcast."""
    shape = steps.shape_of(x)
    factors, terms = (_broadcast(steps, constant, shape) for constant in (scale, shift))
    if factors[0].numel() > 1:
        raise CannotError("is followed for factors that are the same at all places")
    if steps.shape != shape:
        raise CannotError("changes the shape of what depends on the image")
    return steps.add(Affine(factors, terms), x)


def _broadcast(steps: Steps, constant: Any, shape: tuple[int, ...]) -> Tensor:
    """A constant as (1 or C, ...) for arrays (C, *spatial), on the image's device."""
    tensor = torch.as_tensor(constant, device=steps.device, dtype=steps.dtype)
    while tensor.ndim > len(shape):
        if tensor.shape[0] != 1:
            raise CannotError("treats the images of a batch differently")
        tensor = tensor[0]
    return tensor.reshape((1,) * (len(shape) - tensor.ndim) + tuple(tensor.shape))


def _concatenate(steps: Steps, parts: Sequence[Any], axis: int = 0) -> Flow:
    flows = [_flow(part) for part in parts]
    if axis % (_spatial(steps, flows[0]) + 2) != 1:
        raise CannotError("is followed along the channels only")
    return steps.add(Concatenate(), *flows)


def _channels(steps: Steps, x: Flow, numbers: Sequence[int]) -> Flow:
    """Of the channels with these numbers, which count from the end if they are negative."""
    indices = [number % steps.shape_of(x)[0] for number in numbers]
    if indices == list(range(steps.shape_of(x)[0])):
        return x
    shape = (len(indices), *steps.shape_of(x)[1:])
    return steps.add(Channels(tuple(indices)), x, shape=shape)


def _select(steps: Steps, x: Any, axis: int, index: int) -> OneChannel:
    x = _flow(x)
    if axis != 1:
        raise CannotError("is followed along the channels only")
    return OneChannel(_channels(steps, x, [index]).number)


def _unsqueeze(_: Steps, x: Any, axis: int) -> Flow:
    if not isinstance(x, OneChannel) or axis != 1:
        raise CannotError("is followed for a single channel only")
    return Flow(x.number)


def _slice(
    steps: Steps,
    x: Any,
    axis: int = 0,
    start: int | None = None,
    end: int | None = None,
    step: int = 1,
) -> Flow:
    x = _flow(x)
    if axis != 1:
        if steps.shape == steps.shape_of(x) and start in (None, 0):
            return x
        raise CannotError("is followed along the channels only")
    return _channels(steps, x, range(steps.shape_of(x)[0])[slice(start, end, step)])


def _flip(steps: Steps, x: Any, axes: Sequence[int]) -> Flow:
    x = _flow(x)
    if [axis % (_spatial(steps, x) + 2) for axis in axes] != [1]:
        raise CannotError("is followed along the channels only")
    return _channels(steps, x, range(steps.shape_of(x)[0])[::-1])


def _index_select(steps: Steps, x: Any, axis: int, indices: Tensor) -> Flow:
    if axis != 1:
        raise CannotError("is followed along the channels only")
    return _channels(steps, _flow(x), indices.tolist())


def _index(steps: Steps, x: Any, indices: Sequence[Any]) -> Flow:
    if len(indices) != 2 or indices[0] is not None or indices[1].ndim != 1:
        raise CannotError("is followed along the channels only")
    if indices[1].dtype in (torch.bool, torch.uint8):
        raise CannotError("is followed for channels by number")
    return _channels(steps, _flow(x), indices[1].tolist())


def _item(_: Steps, x: Any, index: int) -> Any:
    if not isinstance(x, tuple) or index >= len(x):
        raise CannotError("takes something else than the first output")
    return x[index]


_POINTWISE = (
    *("abs", "celu", "clamp_max", "clamp_min", "elu", "exp", "gelu", "hardsigmoid"),
    *("hardswish", "leaky_relu", "log_sigmoid", "mish", "neg", "pow", "prelu"),
    *("selu", "sigmoid", "silu", "softplus", "sqrt", "square", "tanh"),
)

RULES: dict[str, Callable[..., Any]] = {
    **{name: _pointwise(name) for name in _POINTWISE},
    **{name: _clamp(name) for name in ("clamp", "hardtanh")},
    **dict.fromkeys(("conv2d", "conv3d"), _convolution),
    **dict.fromkeys(("max_pool2d", "max_pool3d"), _max_pool),
    **dict.fromkeys(("avg_pool2d", "avg_pool3d"), _average_pool),
    **dict.fromkeys(("adaptive_avg_pool2d", "adaptive_avg_pool3d"), _adaptive_average),
    **dict.fromkeys(("adaptive_max_pool2d", "adaptive_max_pool3d"), _adaptive_max),
    **dict.fromkeys(("flatten", "view", "reshape", "squeeze"), _reshape),
    **dict.fromkeys(("alias", "clone", "contiguous", "detach", "to"), _identity),
    **dict.fromkeys(("dropout", "feature_dropout", "alpha_dropout"), _dropout),
    "add": _sum(1),
    "batch_norm": _batch_norm,
    "cat": _concatenate,
    "div": _quotient,
    "flip": _flip,
    "getitem": _item,
    "index": _index,
    "index_select": _index_select,
    "linear": _linear,
    "mean": _mean,
    "mul": _product,
    "pad": _pad,
    "relu": _rectifier,
    "relu6": _relu6,
    "rsub": _difference_from,
    "select": _select,
    "slice": _slice,
    "sub": _sum(-1),
    "unsqueeze": _unsqueeze,
}
