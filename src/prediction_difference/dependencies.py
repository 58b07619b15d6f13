"""Which modules make what an entry of a configuration asks for, and the digest of their code."""

from collections.abc import Iterable, Sequence
from typing import Any

from prediction_difference.closure import code_digest
from prediction_difference.run import Config

REPORT, BRAINS = "report", "brains"
"""Pages, which are no section of a configuration."""
_PACKAGE = "prediction_difference"
_RUNNERS = {
    "datasets": ("data.dataset",),
    "priors": ("priors.store",),
    "classifiers": ("classifiers.making",),
    "explanations": ("attribution.job",),
    "evaluations": ("evaluation.table",),
    "figures": ("figures.draw", "figures.drawing"),
    REPORT: ("report.page",),
    BRAINS: ("report.brains_page",),
}
"""What runs the entries of a section, whatever their kind."""


def code_of(config: Config, section: str, name: str) -> str:
    """Digest of the code that makes an entry of a section, or a page, from its inputs."""
    return code_digest(*modules_behind(config, section, name))


def modules_behind(config: Config, section: str, name: str) -> tuple[str, ...]:
    """Modules from which everything is reached by imports that makes an entry, or a page.

    Concepts are looked up by their words, so that no import tells of them.
    """
    runners = tuple(f"{_PACKAGE}.{module}" for module in _RUNNERS[section])
    return tuple(dict.fromkeys([*runners, *_homes(_concepts(config, section, name))]))


def _concepts(config: Config, section: str, name: str) -> Iterable[Any]:
    """Entries whose classes are asked for the work, or for words."""
    if section in (REPORT, BRAINS):
        return [*config.classifiers.values(), *config.explanations.values(), *_measured(config)]
    entry = getattr(config, section)[name]
    match section:
        case "explanations":
            prior = config.priors.get(entry.prior_name)
            return [entry, config.classifiers[entry.classifier], *([prior] if prior else [])]
        case "evaluations":
            return [entry, *entry.parts_behind, *_run_by(config, entry), *entry.behind(config)]
        case "figures":
            shown = (config.explanations[n] for n in entry.explanation_names)
            measured = (config.evaluations[n] for n in entry.evaluation_names)
            of_measured = [config.explanations[n] for m in measured for n in m.explanation_names]
            return [entry, *shown, *of_measured]
    return [entry]


def _measured(config: Config) -> Iterable[Any]:
    for measure in config.evaluations.values():
        yield measure
        yield from measure.parts_behind


def _run_by(config: Config, measure: Any) -> Sequence[Any]:
    """The classifier and the prior that a measure runs and draws from."""
    if not measure.runs_classifier and measure.parts_are is None:
        return []
    names = measure.explanation_names[:1]
    classifiers = [config.classifiers[config.explanations[name].classifier] for name in names]
    prior = config.priors.get(measure.prior_name)
    return [*classifiers, *([prior] if prior else [])]


def _homes(entries: Iterable[Any]) -> Iterable[str]:
    """The modules of classes, and what these name besides."""
    for entry in entries:
        yield type(entry).__module__
        yield from entry.modules_named
