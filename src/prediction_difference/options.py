"""Options of Python functions: a wrong one is refused by what the annotations allow.

Choices, bounds and types stand once, in a parameter's annotation: `Literal[...]`, `Annotated[int,
Field(ge=1)]`, `Annotated[..., AfterValidator(f)]`, classes, unions, tuples, sequences and mappings
of them, as the models of the configuration have them. An annotation in quotes names what only type
checkers import, such as a torch module, and is not checked. Values reach the function as they are.
"""

import functools
import inspect
import math
import numbers
import operator
import types
import typing
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Annotated, Any, Literal, TypeVar

import numpy as np

from prediction_difference.errors import DataError, choose_among
from prediction_difference.parsing import WORDS_OF_BOUNDS

_Public = TypeVar("_Public", bound=Callable[..., Any])
_WORDS: dict[Any, tuple[Any, str]] = {
    bool: (bool | np.bool_, "True or False"),
    int: (numbers.Integral, "a whole number"),
    float: (numbers.Real, "a number"),
    numbers.Real: (numbers.Real, "a number"),
    str: (str, "a text"),
    np.ndarray: (np.ndarray, "a numpy array"),
    Callable: (Callable, "a function"),
}
"""Of types that are told by other words than their name: what counts as one, and the words."""
_HOLDS: dict[str, Callable[[Any, Any], bool]] = {
    "ge": operator.ge,
    "gt": operator.gt,
    "le": operator.le,
    "lt": operator.lt,
}
"""Of a value and a bound, by pydantic's names."""
_UNCHECKED = (str, typing.ForwardRef, TypeVar)
"""Annotations that name nothing which is there when the program runs."""
_SHOWN = 60
"""Letters of a value that a message shows at most."""


def checked(public: _Public) -> _Public:
    """A public function or class that refuses, with a DataError, what it was not made for.

    Arguments are compared with their annotations, and unknown names with the parameters. What is
    missing is Python's own TypeError.
    """
    if isinstance(public, type):
        # Frozen dataclasses have their own too.
        public.__init__ = checked(public.__init__)  # type: ignore[misc]
        return public

    @functools.wraps(public)
    def guarded(*arguments: Any, **options: Any) -> Any:
        parameters = _parameters(public)
        for name, value in zip(parameters, arguments, strict=False):
            refuse_wrong(name, value, parameters[name].annotation)
        check_options(public, options)
        return public(*arguments, **options)

    return guarded  # type: ignore[return-value]


def check_options(
    function: Callable[..., Any], options: Mapping[str, Any], called: str | None = None
) -> None:
    """Refuse options by name that a function does not have, or that its annotations do not allow.

    called: what users know the function as; None: by its own name.

    Raises:
        DataError: says the option, the value, what is wrong with it and what would be right.
    """
    parameters = _parameters(function)
    kinds = {parameter.kind for parameter in parameters.values()}
    for name, value in options.items():
        if name in parameters:
            refuse_wrong(name, value, parameters[name].annotation)
        elif inspect.Parameter.VAR_KEYWORD not in kinds:
            known = [n for n, p in parameters.items() if p.default is not inspect.Parameter.empty]
            title = called or function.__qualname__.removesuffix(".__init__")
            raise DataError(said(name, value), f"{title} has no such option", _among(name, known))


def _among(name: str, known: Sequence[str]) -> str:
    return choose_among(name, known) if known else "leave it out"


@functools.cache
def _parameters(function: Callable[..., Any]) -> Mapping[str, inspect.Parameter]:
    return inspect.signature(function).parameters


def refuse_wrong(name: str, value: Any, annotation: Any) -> None:
    """Raise DataError if a value is not what an annotation allows."""
    if annotation in (Any, inspect.Parameter.empty) or isinstance(annotation, _UNCHECKED):
        return
    origin, inner = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is Annotated:
        _refuse_annotated(name, value, inner[0], list(_conditions(inner[1:])))
    elif origin is Literal:
        _refuse_other(name, value, inner)
    elif origin in (typing.Union, types.UnionType):
        _refuse_all(name, value, inner)
    elif inner and issubclass(origin, Mapping | Sequence):
        _refuse_parts(name, value, origin, inner)
    else:
        _refuse_instance(name, value, origin or annotation)


def _refuse_annotated(name: str, value: Any, kind: Any, conditions: Sequence[Any]) -> None:
    may_be_infinite = any(getattr(one, "allow_inf_nan", False) for one in conditions)
    refuse_wrong(name, value, numbers.Real if may_be_infinite else kind)
    for condition in conditions:
        _refuse_unmet(name, value, condition)


def _refuse_other(name: str, value: Any, choices: Sequence[Any]) -> None:
    # What has no hash, such as an array, has no truth value of its equality either.
    if value.__hash__ is None or value not in choices:
        remedy = choose_among(str(value), [str(choice) for choice in choices])
        raise DataError(said(name, value), "is unknown", remedy)


def _refuse_parts(name: str, value: Any, origin: Any, inner: Sequence[Any]) -> None:
    """Raise DataError for another container than a mapping, a sequence or so many values."""
    if issubclass(origin, Mapping):
        _refuse_type(name, value, origin, "a mapping")
        for key, one in value.items():
            refuse_wrong(f"{name} key", key, inner[0])
            refuse_wrong(f"{name}[{key!r}]", one, inner[1])
        return
    if origin is tuple and inner[-1] is not Ellipsis:
        _refuse_type(name, value, Sequence | np.ndarray, f"{len(inner)} values")
        if len(value) != len(inner):
            what = f"has {len(value)} values"
            raise DataError(said(name, value), what, f"give {len(inner)} of them")
        kinds: Sequence[Any] = inner
    else:
        words = _title(inner[0]).removeprefix("a ")
        _refuse_type(name, value, origin, f"a {origin.__name__.lower()} of {words}s")
        kinds = [inner[0]] * len(value)
    for place, (one, kind) in enumerate(zip(value, kinds, strict=True)):
        refuse_wrong(f"{name}[{place}]", one, kind)


def _refuse_instance(name: str, value: Any, kind: Any) -> None:
    """Raise DataError for what is of another class, and for numbers that are not finite."""
    is_kind, words = _WORDS.get(kind, (kind, f"a {_title(kind)}"))
    is_flag = kind in (int, float, numbers.Real) and isinstance(value, bool | np.bool_)
    _refuse_type(name, value, () if is_flag else is_kind, words)
    if kind is float and not math.isfinite(value):
        raise DataError(said(name, value), "is not finite", "give a finite number")


def _refuse_type(name: str, value: Any, kind: Any, words: str) -> None:
    if not isinstance(value, kind) or (isinstance(value, str) and kind is not str):
        what = "is None" if value is None else f"is of type {type(value).__name__}"
        raise DataError(said(name, value), what, f"give {words}")


def _refuse_all(name: str, value: Any, kinds: Sequence[Any]) -> None:
    """Raise what the first of several kinds says, if the value is of none of them."""
    refusals = []
    for kind in kinds:
        try:
            return refuse_wrong(name, value, kind)
        except DataError as refusal:
            refusals.append(refusal)
    raise refusals[0]


def _conditions(metadata: Sequence[Any]) -> Iterator[Any]:
    """Single conditions of an annotation; pydantic's fields hold several."""
    for one in metadata:
        yield from getattr(one, "metadata", (one,))


def _refuse_unmet(name: str, value: Any, condition: Any) -> None:
    for kind, holds in _HOLDS.items():
        bound = getattr(condition, kind, None)
        if bound is not None and not holds(value, bound):
            what, remedy = WORDS_OF_BOUNDS[kind]
            raise DataError(said(name, value), what.format(bound), remedy.format(bound))
    if hasattr(condition, "func"):
        try:
            condition.func(value)
        except ValueError as error:
            what, _, remedy = str(error).partition("; ")
            raise DataError(said(name, value), what, remedy or "correct it") from None


def _title(kind: Any) -> str:
    kind = typing.get_args(kind)[0] if typing.get_origin(kind) is Annotated else kind
    return _WORDS[kind][1] if kind in _WORDS else str(getattr(kind, "__name__", kind))


def said(name: str, value: Any) -> str:
    """An option as it stands in a call; of what is long, the name alone."""
    if isinstance(value, np.ndarray):
        return name
    text = repr(value)
    return f"{name}={text}" if len(text) <= _SHOWN and "\n" not in text else name
