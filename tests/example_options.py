"""Values that an annotation does not allow, found without the code that refuses them."""

import inspect
import typing
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import NoneType, UnionType
from typing import Annotated, Any, ForwardRef, Literal

import numpy as np

WRONG_TYPES: dict[Any, Any] = {
    bool: "yes",
    int: 2.5,
    float: "much",
    str: 3,
    np.ndarray: [0.0],
    Mapping: "all",
    Sequence: 3,
    tuple: 3,
    Callable: "f",
}


def options_of(function: Callable[..., Any]) -> dict[str, inspect.Parameter]:
    """What a call may leave out: parameters with a default."""
    parameters = inspect.signature(function).parameters
    return {n: p for n, p in parameters.items() if p.default is not inspect.Parameter.empty}


def is_said(annotation: Any) -> bool:
    """Whether an annotation tells, when the program runs, what an option can be."""
    if annotation in (Any, inspect.Parameter.empty) or isinstance(annotation, str | ForwardRef):
        return False
    is_union = typing.get_origin(annotation) is typing.Union
    return not is_union or all(is_said(part) for part in typing.get_args(annotation))


def wrong_values(annotation: Any) -> Iterator[tuple[Any, tuple[str, ...]]]:
    """Values that are wrong for an option, and what a message about each has to name."""
    origin, parts = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is Annotated:
        yield from wrong_values(parts[0])
        yield from _beyond(parts[1:])
    elif origin is Literal:
        yield "none of them", tuple(str(choice) for choice in parts)
    elif origin is typing.Union or origin is UnionType:
        yield from wrong_values(next(part for part in parts if part is not NoneType))
    else:
        yield WRONG_TYPES.get(origin or annotation, object()), ("give",)
        if annotation is int:
            yield "3", ("give a whole number",)
            yield True, ("give a whole number",)
        if annotation is float:
            yield float("nan"), ("give a finite number",)
        if annotation == tuple[float, float]:
            yield (0.0, 1.0, 2.0), ("give 2",)
        if origin is Mapping:
            yield {"key": object()}, ("'key'",)


def _beyond(metadata: Sequence[Any]) -> Iterator[tuple[Any, tuple[str, ...]]]:
    for part in metadata:
        for bound in getattr(part, "metadata", ()):
            for kind, beyond in (("ge", -1), ("gt", 0), ("le", 1), ("lt", 0)):
                if hasattr(bound, kind):
                    limit = getattr(bound, kind)
                    yield limit + beyond, (str(limit),)
