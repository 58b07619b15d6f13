"""From a traced program to steps: which calls are followed, and as what."""

import math
import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

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
    Input,
    Linear,
    LocalResponseNorm,
    MaxPool,
    Operation,
    Places,
    Pointwise,
    Rectifier,
)

if TYPE_CHECKING:
    from torch.export import ExportedProgram
    from torch.fx import Node


class NotFollowedError(Exception):
    """A network does something that a graph has no operation for; the message says what."""


@dataclass(frozen=True, eq=False)
class Step:
    """One operation. inputs: numbers of earlier steps. shape: of the output, without the batch."""

    operation: Operation
    inputs: tuple[int, ...]
    shape: tuple[int, ...]


@dataclass(frozen=True)
class Flow:
    """A value that depends on the image: the output of a step."""

    number: int


@dataclass(frozen=True)
class _OneChannel:
    """A single channel without its axis, (N, *spatial)."""

    number: int


@dataclass(frozen=True)
class _NotFollowed:
    """A value that depends on the image in an unknown way."""

    reason: str


def translated(program: "ExportedProgram") -> tuple[tuple[Step, ...], int, dict[str, int]]:
    """Steps, number of the step with the scores, and of that with each layer's output.

    Raises:
        NotFollowedError: the scores depend on a call that no rule is for.
    """
    translation = _Translation(program)
    for node in program.graph.nodes:
        if node.op == "call_function":
            translation.translate(node)
    (output,) = [node for node in program.graph.nodes if node.op == "output"]
    returned = output.args[0]
    if len(returned) != 1:
        raise NotFollowedError("it returns more than one array")
    scores = translation.value(returned[0])
    if isinstance(scores, _NotFollowed):
        raise NotFollowedError(scores.reason)
    if not isinstance(scores, Flow):
        raise NotFollowedError("its scores do not depend on the image")
    return tuple(translation.steps), scores.number, translation.layers


class _Translation:
    """Values of the program's nodes so far, and the steps that give them."""

    def __init__(self, program: "ExportedProgram"):
        self.steps: list[Step] = []
        self.layers: dict[str, int] = {}
        self._values: dict[Node, Any] = {}
        self._shape: tuple[int, ...] = ()
        constants = _constants(program)
        for node in program.graph.nodes:
            if node.op == "placeholder":
                if node.name in constants:
                    self._values[node] = constants[node.name]
                else:
                    self._shape = tuple(node.meta["val"].shape[1:])
                    self._values[node] = self.add(Input())

    def value(self, argument: Any) -> Any:
        """An argument with the values of nodes in their places."""
        if isinstance(argument, torch.fx.Node):
            return self._values[argument]
        if isinstance(argument, list | tuple):
            return type(argument)(self.value(part) for part in argument)
        return argument

    def shape(self, flow: Flow) -> tuple[int, ...]:
        return self.steps[flow.number].shape

    def add(self, operation: Operation, *inputs: Flow, shape: Sequence[int] = ()) -> Flow:
        """A new step; its output has the shape of the call that is translated, or `shape`."""
        numbers = tuple(flow.number for flow in inputs)
        self.steps.append(Step(operation, numbers, tuple(shape) or self._shape))
        return Flow(len(self.steps) - 1)

    def translate(self, node: "Node") -> None:
        """Find the value of a call."""
        output = node.meta.get("val")
        self._shape = tuple(output.shape[1:]) if isinstance(output, Tensor) else ()
        value = self._called(node)
        if _writes_into_its_input(node):
            written = self._values[node.args[0]]
            self._values = {k: value if v is written else v for k, v in self._values.items()}
        self._values[node] = value
        if isinstance(value, Flow):
            for path, _ in (node.meta.get("nn_module_stack") or {}).values():
                self.layers[path.split("@")[0]] = value.number

    def _called(self, node: "Node") -> Any:
        args, kwargs = self.value(node.args), {k: self.value(v) for k, v in node.kwargs.items()}
        values = list(_leaves((args, kwargs)))
        known = _local_response_norm(self, node)
        if known is not None:
            return known
        for value in values:
            if isinstance(value, _NotFollowed):
                return value
        if not any(isinstance(value, Flow | _OneChannel) for value in values):
            return node.target(*args, **kwargs)
        rule = _RULES.get(_name(node))
        if rule is None:
            return _NotFollowed(f"{_name(node)!r} is no operation that is followed")
        try:
            return rule(self, *args, **kwargs)
        except _CannotError as error:
            return _NotFollowed(f"{_name(node)!r} {error}")


class _CannotError(Exception):
    """A rule is not for a call like this one."""


def _constants(program: "ExportedProgram") -> dict[str, Any]:
    """Parameters, buffers and constants of the module, by the names of their nodes."""
    signature = program.graph_signature
    named = {
        **signature.inputs_to_parameters,
        **signature.inputs_to_buffers,
        **signature.inputs_to_lifted_tensor_constants,
    }
    tensors = {**program.constants, **program.state_dict}
    return {node: tensors[name].detach() for node, name in named.items()}


def _leaves(argument: Any) -> Sequence[Any]:
    if isinstance(argument, dict):
        return _leaves(list(argument.values()))
    if isinstance(argument, list | tuple):
        return [leaf for part in argument for leaf in _leaves(part)]
    return [argument]


def _name(node: "Node") -> str:
    """Of an operator: without its overload, and without the mark of one that writes in place."""
    if node.target is operator.getitem:
        return "getitem"
    name = getattr(node.target, "_opname", str(node.target))
    return name.removesuffix("_") if _writes_into_its_input(node) else name


def _writes_into_its_input(node: "Node") -> bool:
    schema = getattr(node.target, "_schema", None)
    return schema is not None and schema.is_mutable


def _flow(value: Any) -> Flow:
    if not isinstance(value, Flow):
        raise _CannotError("takes something else than an array that depends on the image")
    return value


def _spatial(t: _Translation, x: Flow) -> int:
    return len(t.shape(x)) - 1


def _places(t: _Translation, x: Flow, value: int | Sequence[int]) -> Places:
    """A number for every spatial axis."""
    count = _spatial(t, x)
    values = [value] if isinstance(value, int) else list(value)
    return tuple(values * count if len(values) == 1 else values)


def _convolution(
    t: _Translation,
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
        raise _CannotError("has weights that depend on the image")
    dilations = _places(t, x, dilation)
    if padding == "valid":
        padding = 0
    if padding == "same":
        extents = [d * (k - 1) for k, d in zip(weight.shape[2:], dilations, strict=True)]
        if any(extent % 2 for extent in extents):
            raise _CannotError("pads one side more than the other")
        padding = [extent // 2 for extent in extents]
    places = (_places(t, x, stride), _places(t, x, padding), dilations)
    return t.add(Convolution(weight, bias, *places, groups), x)


def _batch_norm(
    t: _Translation,
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
        raise _CannotError("normalises by the batch")
    scale = (variance.double() + eps).rsqrt()
    if weight is not None:
        scale = scale * weight
    shift = -mean * scale
    if bias is not None:
        shift = shift + bias
    return _affine(t, _flow(x), scale.to(mean.dtype), shift.to(mean.dtype))


def _affine(t: _Translation, x: Flow, scale: Tensor, shift: Tensor) -> Flow:
    """scale, shift: (C,)."""
    shape = (-1, *(1,) * _spatial(t, x))
    return t.add(Affine(scale.view(shape), shift.view(shape)), x)


def _max_pool(
    t: _Translation,
    x: Any,
    kernel: Any,
    stride: Any = (),
    padding: Any = 0,
    dilation: Any = 1,
    ceil: bool = False,
) -> Flow:
    x = _flow(x)
    places = [_places(t, x, v) for v in (kernel, stride or kernel, padding, dilation)]
    return t.add(MaxPool(*places, ceil), x)


def _average_pool(
    t: _Translation,
    x: Any,
    kernel: Any,
    stride: Any = (),
    padding: Any = 0,
    ceil: bool = False,
    counts_padding: bool = True,
    divisor: int | None = None,
) -> Flow:
    x = _flow(x)
    places = [_places(t, x, v) for v in (kernel, stride or kernel, padding)]
    return t.add(AveragePool(*places, ceil, counts_padding, divisor), x)


def _adaptive_average(t: _Translation, x: Any, size: Any) -> Flow:
    x = _flow(x)
    sizes = _sizes(t, x, size)
    if sizes == t.shape(x)[1:]:
        return x
    parts = _equal_parts(t, x, sizes)
    if parts and math.prod(sizes) > 1:
        none = (0,) * len(sizes)
        return t.add(AveragePool(parts, parts, none, False, True, None), x)
    return t.add(AdaptiveAverage(sizes), x)


def _adaptive_max(t: _Translation, x: Any, size: Any) -> tuple[Flow]:
    x = _flow(x)
    parts = _equal_parts(t, x, _sizes(t, x, size))
    if not parts:
        raise _CannotError("divides the map into parts of different sizes")
    t._shape = (t.shape(x)[0], *_sizes(t, x, size))
    return (t.add(MaxPool(parts, parts, (0,) * len(parts), (1,) * len(parts), False), x),)


def _sizes(t: _Translation, x: Flow, size: Any) -> Places:
    given = _places(t, x, size)
    return tuple(g if g is not None else s for g, s in zip(given, t.shape(x)[1:], strict=True))


def _equal_parts(t: _Translation, x: Flow, sizes: Places) -> Places:
    lengths = t.shape(x)[1:]
    if any(length % size for length, size in zip(lengths, sizes, strict=True)):
        return ()
    return tuple(length // size for length, size in zip(lengths, sizes, strict=True))


def _mean(t: _Translation, x: Any, axes: Any = None, keeps: bool = False, **_: Any) -> Flow:
    x = _flow(x)
    count = _spatial(t, x)
    if not count or sorted(a % (count + 2) for a in axes or ()) != list(range(2, count + 2)):
        raise _CannotError("is followed over all places at once only")
    shape = (t.shape(x)[0], *(1,) * count)
    average = t.add(AdaptiveAverage((1,) * count), x, shape=shape)
    return average if keeps else t.add(Flatten(), average, shape=shape[:1])


def _linear(t: _Translation, x: Any, weight: Tensor, bias: Tensor | None = None) -> Flow:
    x = _flow(x)
    if _spatial(t, x) or not isinstance(weight, Tensor):
        raise _CannotError("is followed for vectors and constant weights only")
    return t.add(Linear(weight, bias), x)


def _reshape(t: _Translation, x: Any, *_: Any) -> Flow:
    """Flatten, view and their like."""
    x = _flow(x)
    if t._shape == t.shape(x):
        return x
    if t._shape == (math.prod(t.shape(x)),):
        return t.add(Flatten(), x)
    raise _CannotError(f"turns an array {t.shape(x)} into {t._shape}")


def _identity(_: _Translation, x: Any, *_more: Any, **_options: Any) -> Flow:
    return _flow(x)


def _dropout(_: _Translation, x: Any, _share: float, training: bool) -> Flow:
    if training:
        raise _CannotError("is random")
    return _flow(x)


def _rectifier(t: _Translation, x: Any) -> Flow:
    return t.add(Rectifier(), _flow(x))


def _pointwise(name: str) -> Callable[..., Flow]:
    function = getattr(torch.ops.aten, name)

    def rule(t: _Translation, x: Any, *more: Any, **options: Any) -> Flow:
        if any(isinstance(v, Flow | _OneChannel) for v in _leaves((more, options))):
            raise _CannotError("is followed for one array that depends on the image")
        return t.add(Pointwise(name, lambda values: function(values, *more, **options)), _flow(x))

    return rule


def _sum(sign: float) -> Callable[..., Flow]:
    def rule(t: _Translation, x: Any, y: Any, alpha: float = 1) -> Flow:
        factor = sign * alpha
        if isinstance(x, Flow) and isinstance(y, Flow):
            if t.shape(x) != t.shape(y):
                raise _CannotError("is followed for arrays of the same shape")
            return t.add(Add((1.0, factor)), x, y)
        if isinstance(x, Flow):
            return _scaled(t, x, 1.0, y * factor)
        return _scaled(t, _flow(y), factor, x)

    return rule


def _product(t: _Translation, x: Any, y: Any) -> Flow:
    if isinstance(x, Flow) and isinstance(y, Flow):
        raise _CannotError("is followed where one factor is constant")
    return _scaled(t, x, y, 0.0) if isinstance(x, Flow) else _scaled(t, _flow(y), x, 0.0)


def _quotient(t: _Translation, x: Any, y: Any, rounding_mode: str | None = None) -> Flow:
    if isinstance(y, Flow) or rounding_mode is not None:
        raise _CannotError("is followed where it divides by a constant, without rounding")
    return _scaled(t, _flow(x), 1 / y, 0.0)


def _scaled(t: _Translation, x: Flow, scale: Any, shift: Any) -> Flow:
    """x * scale + shift by constants, numbers or arrays, as they are broadcast."""
    shape = t.shape(x)
    factors, terms = _broadcast(scale, shape), _broadcast(shift, shape)
    if factors[0].numel() > 1:
        raise _CannotError("is followed for factors that are the same at all places")
    if t._shape != shape:
        raise _CannotError("changes the shape of what depends on the image")
    return t.add(Affine(factors, terms), x)


def _broadcast(constant: Any, shape: tuple[int, ...]) -> Tensor:
    """A constant as (1 or C, ...) for arrays (C, *spatial)."""
    tensor = torch.as_tensor(constant)
    if not isinstance(constant, Tensor):
        tensor = tensor.to(torch.get_default_dtype())
    while tensor.ndim > len(shape):
        if tensor.shape[0] != 1:
            raise _CannotError("treats the images of a batch differently")
        tensor = tensor[0]
    return tensor.reshape((1,) * (len(shape) - tensor.ndim) + tuple(tensor.shape))


def _concatenate(t: _Translation, parts: Sequence[Any], axis: int = 0) -> Flow:
    flows = [_flow(part) for part in parts]
    if axis % (_spatial(t, flows[0]) + 2) != 1:
        raise _CannotError("is followed along the channels only")
    return t.add(Concatenate(), *flows)


def _channels(t: _Translation, x: Flow, indices: Sequence[int]) -> Flow:
    if list(indices) == list(range(t.shape(x)[0])):
        return x
    shape = (len(indices), *t.shape(x)[1:])
    return t.add(Channels(tuple(indices)), x, shape=shape)


def _select(t: _Translation, x: Any, axis: int, index: int) -> _OneChannel:
    x = _flow(x)
    if axis != 1:
        raise _CannotError("is followed along the channels only")
    return _OneChannel(_channels(t, x, [index % t.shape(x)[0]]).number)


def _unsqueeze(_: _Translation, x: Any, axis: int) -> Flow:
    if not isinstance(x, _OneChannel) or axis != 1:
        raise _CannotError("is followed for a single channel only")
    return Flow(x.number)


def _slice(
    t: _Translation,
    x: Any,
    axis: int = 0,
    start: int | None = None,
    end: int | None = None,
    step: int = 1,
) -> Flow:
    x = _flow(x)
    if axis != 1:
        if t._shape == t.shape(x) and start in (None, 0):
            return x
        raise _CannotError("is followed along the channels only")
    return _channels(t, x, range(t.shape(x)[0])[slice(start, end, step)])


def _flip(t: _Translation, x: Any, axes: Sequence[int]) -> Flow:
    x = _flow(x)
    if [axis % (_spatial(t, x) + 2) for axis in axes] != [1]:
        raise _CannotError("is followed along the channels only")
    return _channels(t, x, range(t.shape(x)[0])[::-1])


def _index_select(t: _Translation, x: Any, axis: int, indices: Tensor) -> Flow:
    if axis != 1:
        raise _CannotError("is followed along the channels only")
    return _channels(t, _flow(x), indices.tolist())


def _index(t: _Translation, x: Any, indices: Sequence[Any]) -> Flow:
    if len(indices) != 2 or indices[0] is not None or indices[1].ndim != 1:
        raise _CannotError("is followed along the channels only")
    return _channels(t, _flow(x), indices[1].tolist())


def _item(_: _Translation, x: Any, index: int) -> Any:
    if not isinstance(x, tuple) or index >= len(x):
        raise _CannotError("takes something else than the first output")
    return x[index]


def _local_response_norm(t: _Translation, node: "Node") -> Flow | None:
    """The step, if this call is the end of what torch's local response normalisation calls.

    That is x / (k + alpha * averages of x * x over channels) ** beta, the averages being those of
    a pooling layer for which the channels are seen as an axis of places.
    """
    power = _argument(node, "div", 1)
    shifted = _argument(power, "pow", 0)
    scaled = _argument(shifted, "add", 0)
    averages = _argument(scaled, "mul", 0)
    if power is None or shifted is None or scaled is None or averages is None:
        return None
    size = 0
    inner: Any = averages
    while isinstance(inner, torch.fx.Node) and _name(inner) in _OF_AVERAGES:
        if _name(inner).startswith("avg_pool"):
            size = inner.args[1][0]
        inner = inner.args[0]
    if not size or not isinstance(inner, torch.fx.Node) or _name(inner) != "mul":
        return None
    x = t.value(node.args[0])
    if not isinstance(x, Flow) or inner.args != (node.args[0], node.args[0]):
        return None
    numbers = (scaled.args[1], power.args[1], shifted.args[1])
    return t.add(LocalResponseNorm(size, *(float(number) for number in numbers)), x)


_OF_AVERAGES = ("view", "reshape", "squeeze", "unsqueeze", "pad", "avg_pool2d", "avg_pool3d")


def _argument(node: "Node | None", name: str, place: int) -> "Node | None":
    """An argument of a call, if that is a call of this name and its argument is one too."""
    if node is None or node.op != "call_function" or _name(node) != name:
        return None
    argument = node.args[place]
    return argument if isinstance(argument, torch.fx.Node) else None


_POINTWISE = (
    *("abs", "celu", "clamp", "clamp_max", "clamp_min", "elu", "exp", "gelu", "hardsigmoid"),
    *("hardswish", "hardtanh", "leaky_relu", "log_sigmoid", "mish", "neg", "pow", "prelu"),
    *("relu6", "selu", "sigmoid", "silu", "softplus", "sqrt", "square", "tanh"),
)

_RULES: dict[str, Callable[..., Any]] = {
    **{name: _pointwise(name) for name in _POINTWISE},
    **dict.fromkeys(("conv2d", "conv3d"), _convolution),
    **dict.fromkeys(("max_pool2d", "max_pool3d"), _max_pool),
    **dict.fromkeys(("avg_pool2d", "avg_pool3d"), _average_pool),
    **dict.fromkeys(("adaptive_avg_pool2d", "adaptive_avg_pool3d"), _adaptive_average),
    **dict.fromkeys(("adaptive_max_pool2d", "adaptive_max_pool3d"), _adaptive_max),
    **dict.fromkeys(("flatten", "view", "reshape", "squeeze"), _reshape),
    **dict.fromkeys(("alias", "clone", "contiguous", "detach"), _identity),
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
    "relu": _rectifier,
    "select": _select,
    "slice": _slice,
    "sub": _sum(-1),
    "unsqueeze": _unsqueeze,
}
