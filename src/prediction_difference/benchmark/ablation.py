"""What each optimisation of the incremental engine brings."""

from typing import Any

from prediction_difference.attribution.engines import incremental
from prediction_difference.attribution.nodes import Node
from prediction_difference.benchmark.cases import REFUSALS, Case, make_case
from prediction_difference.benchmark.settings import BenchmarkSettings, Variant
from prediction_difference.benchmark.speed import in_rounds, ratios
from prediction_difference.benchmark.subject import Share, Subject
from prediction_difference.benchmark.timing import summary
from prediction_difference.errors import DataError


def measure_ablation(
    subject: Subject, variants: tuple[Variant, ...], settings: BenchmarkSettings
) -> dict[str, Any]:
    """Windows a second of every variant, in turn within each round, JSON-like.

    Ratios, formed within each round, are to dense float32 and to the first variant.
    """
    cases: list[Case] = []
    refused: dict[str, str] = {}
    for variant in variants:
        try:
            case = _case(subject, variant)
            case.run(case.share(subject, 0, 0))
            cases.append(case)
        except REFUSALS as error:
            refused[variant.name] = " ".join(str(error).split())
    dense = make_case(subject, "dense")
    _, rates = in_rounds(subject, [dense, *cases], settings.rounds, settings.seconds, 0.0)
    found: dict[str, Any] = {name: {"refused": why} for name, why in refused.items()}
    for case in cases:
        found[case.name] = {
            "refused": None,
            "windows_per_second": summary(rates[case.name]),
            "ratio_to_dense": ratios(rates, case.name, "dense"),
            "ratio_to_first": ratios(rates, case.name, cases[0].name),
        }
    return {"variants": {v.name: {"options": v.options, **found[v.name]} for v in variants}}


def _case(subject: Subject, variant: Variant) -> Case:
    engine = incremental.IncrementalEngine(
        subject.network, subject.device, precision=variant.precision, **_options(variant)
    )
    prepared = engine.prepare(subject.image)
    nodes = (Node.probability(subject.predicted),)

    def run(share: Share) -> int:
        for row in share.rows:
            prepared.expectation(
                subject.grid.row(int(row)), subject.sampler, subject.samples, subject.seed, nodes
            )
        return share.windows(subject.grid)

    return Case(variant.name, run, is_by_rows=True)


def _options(variant: Variant) -> dict[str, Any]:
    """The engine's keyword argument for a variant's options.

    Raises:
        DataError: the engine has no such option.
    """
    if not variant.options:
        return {}
    options = getattr(incremental, "Options", None)
    try:
        return {"options": options(**variant.options)}  # type: ignore[misc]
    except TypeError as error:
        raise DataError(
            f"ablation {variant.name!r}",
            f"the incremental engine does not have these options ({error})",
            "correct the options",
        ) from error
