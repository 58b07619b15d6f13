"""From a traced program to steps."""

import operator
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from prediction_difference.classifiers.operations import Input, LocalResponseNorm
from prediction_difference.classifiers.rules import RULES
from prediction_difference.classifiers.steps import (
    CannotError,
    Flow,
    NotFollowedError,
    OneChannel,
    Step,
    Steps,
)

if TYPE_CHECKING:
    from torch.export import ExportedProgram
    from torch.fx import Node


_VIEWS = (
    *("alpha_dropout", "dropout", "feature_dropout"),
    *("contiguous", "flatten", "getitem", "reshape", "to"),
)
"""Calls whose output may lie in the memory of their input though their schemas do not say so."""


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
    return tuple(translation.steps.found), scores.number, translation.layers


class _Translation:
    """Values of the program's nodes so far, and the steps that give them."""

    def __init__(self, program: "ExportedProgram"):
        self.steps = Steps()
        self.layers: dict[str, int] = {}
        self._values: dict[Node, Any] = {}
        # The node that made the memory which a node's value lies in.
        self._memory: dict[Node, Node] = {}
        constants = _constants(program)
        for node in program.graph.nodes:
            if node.op == "placeholder":
                if node.name in constants:
                    self._values[node] = constants[node.name]
                else:
                    self.steps.shape = tuple(node.meta["val"].shape[1:])
                    self.steps.device = node.meta["val"].device
                    self.steps.dtype = node.meta["val"].dtype
                    self._values[node] = self.steps.add(Input())
                    self._memory[node] = node

    def value(self, argument: Any) -> Any:
        """An argument with the values of nodes in their places."""
        if isinstance(argument, torch.fx.Node):
            return self._values[argument]
        if isinstance(argument, list | tuple):
            return type(argument)(self.value(part) for part in argument)
        return argument

    def translate(self, node: "Node") -> None:
        """Find the value of a call."""
        output = node.meta.get("val")
        self.steps.shape = tuple(output.shape[1:]) if isinstance(output, Tensor) else ()
        self.steps.is_alike = isinstance(output, Tensor) and output.dtype == self.steps.dtype
        value = self._called(node)
        source = node.args[0] if node.args else None
        is_shared = _is_view(node) or _name(node) in _VIEWS
        if is_shared and isinstance(source, torch.fx.Node) and source in self._memory:
            self._memory[node] = self._memory[source]
            if _writes_into_its_input(node):
                self._write(source, value)
        else:
            self._memory[node] = node
        self._values[node] = value
        if isinstance(value, Flow):
            for path, _ in (node.meta.get("nn_module_stack") or {}).values():
                self.layers[path.split("@")[0]] = value.number

    def _write(self, source: "Node", value: Any) -> None:
        """Give what shares memory with a node the new value; none if it has it in another shape."""
        before = self._values[source]
        for other, memory in self._memory.items():
            known = self._values.get(other)
            if memory is self._memory[source] and isinstance(known, Flow | OneChannel):
                unknown = _NotFollowed("it writes into an array through a view of another shape")
                self._values[other] = value if known == before else unknown

    def _called(self, node: "Node") -> Any:
        args, kwargs = self.value(node.args), {k: self.value(v) for k, v in node.kwargs.items()}
        values = list(_leaves((args, kwargs)))
        known = _local_response_norm(self, node)
        if known is not None:
            return known
        for value in values:
            if isinstance(value, _NotFollowed):
                return value
        if not any(isinstance(value, Flow | OneChannel) for value in values):
            target: Any = node.target
            return target(*args, **kwargs)
        rule = RULES.get(_name(node))
        if rule is None:
            return _NotFollowed(f"{_name(node)!r} is no operation that is followed")
        if _name(node) != "unsqueeze" and any(isinstance(value, OneChannel) for value in values):
            return _NotFollowed(f"{_name(node)!r} takes a single channel without its axis")
        try:
            return rule(self.steps, *args, **kwargs)
        except CannotError as error:
            return _NotFollowed(f"{_name(node)!r} {error}")


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


def _is_view(node: "Node") -> bool:
    """Whether the output lies in the memory of the input; also of calls that write in place."""
    schema = getattr(node.target, "_schema", None)
    return schema is not None and any(output.alias_info for output in schema.returns)


def _writes_into_its_input(node: "Node") -> bool:
    schema = getattr(node.target, "_schema", None)
    return schema is not None and schema.is_mutable


def _local_response_norm(translation: "_Translation", node: "Node") -> Flow | None:
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
    size: int = 0
    inner: Any = averages
    names: set[str] = set()
    while isinstance(inner, torch.fx.Node) and _name(inner) in _OF_AVERAGES:
        names.add(_name(inner))
        if _name(inner).startswith("avg_pool"):
            kernel: Any = inner.args[1]
            # Along the first axis only: that of the channels, if they are seen as places.
            size = kernel[0] if set(kernel[1:]) == {1} else 0
        inner = inner.args[0]
    if (
        not size
        or "pad" not in names
        or not isinstance(inner, torch.fx.Node)
        or _name(inner) != "mul"
    ):
        return None
    x = translation.value(node.args[0])
    if not isinstance(x, Flow) or inner.args != (node.args[0], node.args[0]):
        return None
    numbers: list[Any] = [scaled.args[1], power.args[1], shifted.args[1]]
    return translation.steps.add(LocalResponseNorm(size, *(float(number) for number in numbers)), x)


_OF_AVERAGES = ("view", "reshape", "squeeze", "unsqueeze", "pad", "avg_pool2d", "avg_pool3d")


def _argument(node: "Node | None", name: str, place: int) -> "Node | None":
    """An argument of a call, if that is a call of this name and its argument is one too."""
    if node is None or node.op != "call_function" or _name(node) != name:
        return None
    argument = node.args[place]
    return argument if isinstance(argument, torch.fx.Node) else None
