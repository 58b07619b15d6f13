"""Wrong options of public functions: one DataError says which, what is wrong and what is right."""

import inspect
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any, Literal

import numpy as np
import pytest
from pydantic import AfterValidator, Field

import prediction_difference as pda
from example_options import is_said, options_of, wrong_values
from prediction_difference.errors import DataError
from prediction_difference.options import check_options, checked, refuse_wrong

OF_JOBS = {"PredictionDifference.target"}
"""What jobs call with parts that they made themselves."""


def _public() -> dict[str, Callable[..., Any]]:
    """Functions, classes and methods that the package offers and that have options, by name."""
    found: dict[str, Callable[..., Any]] = {}
    for name in pda.__all__:
        thing = getattr(pda, name)
        found[name] = thing
        if isinstance(thing, type):
            members = {n: getattr(thing, n) for n in vars(thing) if not n.startswith("_")}
            found |= {f"{name}.{n}": m for n, m in members.items() if inspect.isroutine(m)}
    has_options = {n for n, f in found.items() if not _is_protocol(f) and options_of(f)}
    return {name: found[name] for name in found if name in has_options - OF_JOBS}


def _is_protocol(thing: Any) -> bool:
    return bool(getattr(thing, "_is_protocol", False))


PUBLIC = _public()
WRONG = [
    pytest.param(name, option, value, words, id=f"{name}-{option}-{number}")
    for name, function in PUBLIC.items()
    for option, parameter in options_of(function).items()
    for number, (value, words) in enumerate(wrong_values(parameter.annotation))
]


def test_what_has_options_is_found():
    wanted = {
        "PredictionDifference",
        "perturbation_curves",
        "GaussianPatchPrior.fit",
        "ConditionalSampler",
        "MarginalSampler",
        "UnitSampler.fit",
        "Node",
        "Node.unit",
        "ClearMap.picture",
        "layer_activations",
    }
    assert wanted <= PUBLIC.keys()


@pytest.mark.parametrize("name", PUBLIC)
def test_annotations_of_all_options_say_what_they_can_be(name):
    assert [n for n, p in options_of(PUBLIC[name]).items() if not is_said(p.annotation)] == []


@pytest.mark.parametrize(("name", "option", "value", "words"), WRONG)
def test_a_wrong_option_is_refused_by_name_value_and_what_is_right(name, option, value, words):
    with pytest.raises(DataError, match=rf"^{option}\b.*: .*; ") as refusal:
        PUBLIC[name](**{option: value})
    assert all(word in str(refusal.value) for word in words)
    if isinstance(value, int | float | str):
        assert str(refusal.value).startswith(f"{option}={value!r}: ")


@pytest.mark.parametrize("name", PUBLIC)
def test_an_unknown_option_is_refused_with_all_that_are_known(name):
    last = list(options_of(PUBLIC[name]))[-1]
    message = rf"^{last}s=1: {name} has no such option; did you mean '{last}'\? choices are "
    with pytest.raises(DataError, match=message) as refusal:
        PUBLIC[name](**{f"{last}s": 1})
    assert all(option in str(refusal.value) for option in options_of(PUBLIC[name]))


def test_what_is_missing_stays_pythons_own():
    with pytest.raises(TypeError, match="missing 2 required positional arguments"):
        pda.perturbation_curves(abs, region=2)


@checked
def made(
    numbers: Sequence[int],
    size: Annotated[float, Field(gt=0, lt=2)] = 1.0,
    *,
    kind: Literal["hot", "cold"] = "hot",
    names: Mapping[str, int | None] | None = None,
    module: "nowhere.Module | None" = None,  # noqa: F821
) -> tuple[Any, ...]:
    """What it was given."""
    return numbers, size, kind, names, module


@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        ((3,), {}, "numbers=3: is of type int; give a sequence of whole numbers"),
        (([1, 2.5],), {}, r"numbers\[1\]=2.5: is of type float; give a whole number"),
        (("12",), {}, "numbers='12': is of type str; give a sequence"),
        (([1], 2), {}, "size=2: is not below 2; set it below 2"),
        (([1], 0), {}, "size=0: is not above 0; set it above 0"),
        (([1], float("inf")), {}, "size=inf: is not finite; give a finite number"),
        (([1], None), {}, "size=None: is None; give a number"),
        (([1], np.ones(2)), {}, "size: is of type ndarray; give a number"),
        (([1],), {"kind": "warm"}, "kind='warm': is unknown; choose one of hot, cold"),
        (([1],), {"kind": ["hot"]}, r"kind=\['hot'\]: is unknown; did you mean 'hot'"),
        (([1],), {"kind": "col"}, r"did you mean 'cold'\? choices are hot, cold"),
        (([1],), {"names": {"a": "b"}}, r"names\['a'\]='b': is of type str; give a whole number"),
        (([1],), {"names": {1: 1}}, "names key=1: is of type int; give a text"),
        (([1],), {"names": "all"}, "names='all': is of type str; give a mapping"),
        (([1],), {"name": {}}, "name={}: made has no such option; did you mean 'names'"),
    ],
    ids=lambda value: re.sub(r"[^a-z0-9]+", "-", str(value)[:40]),
)  # fmt: skip
def test_arguments_are_compared_with_annotations(arguments, options, message):
    with pytest.raises(DataError, match=message):
        made(*arguments, **options)


def test_what_is_right_arrives_as_it_is():
    numbers, size, names, module = [np.int64(1), 2], np.float32(1.5), {"a": None, "b": 3}, object()
    found = made(numbers, size, kind="cold", names=names, module=module)
    given = (numbers, size, "cold", names, module)
    assert all(one is other for one, other in zip(found, given, strict=True))
    assert made((1,), 1) == ((1,), 1, "hot", None, None)
    assert made.__name__ == "made"
    assert list(inspect.signature(made).parameters)[:2] == ["numbers", "size"]


def test_a_condition_of_ones_own_says_what_and_how_to_mend_it():
    def even(number: int) -> int:
        if number % 2:
            raise ValueError("is odd; add 1")
        return number

    refuse_wrong("side", 4, Annotated[int, AfterValidator(even)])
    with pytest.raises(DataError, match="side=3: is odd; add 1"):
        refuse_wrong("side", 3, Annotated[int, AfterValidator(even)])


def test_long_values_are_not_shown():
    with pytest.raises(DataError, match=r"^numbers: is of type str"):
        made("x" * 99)


def test_functions_without_options_say_so():
    with pytest.raises(DataError, match="eps=1: plain has no such option; leave it out"):
        check_options(lambda image: image, {"eps": 1}, "plain")
