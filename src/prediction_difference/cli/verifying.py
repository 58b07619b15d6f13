"""What was found about results, told to a person."""

import shlex
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import typer

from prediction_difference.artifacts.verification import Finding, State

_MOST = 20
"""Files in a command that is shown; what is left shows when results are verified again."""


def tell(run: Path, findings: Sequence[Finding], every: bool) -> bool:
    """Print what was found about a run, and how to mend it; whether all of it is right."""
    for one in findings:
        if every or one.state is not State.COMPLETE:
            said = f": {one.what}; {one.remedy}" if one.what else ""
            typer.echo(f"{one.state}: {_shown(one.path)}{said}")
    counts = Counter(one.state for one in findings)
    told = ", ".join(f"{counts[state]} {state}" for state in State if counts[state])
    typer.echo(f"{_shown(run)}: {told or 'nothing is published'}")
    wrong = [one for one in findings if one.state.is_wrong]
    if wrong:
        for line in _commands(wrong):
            typer.echo(line)
    return not wrong


def _commands(wrong: Sequence[Finding]) -> list[str]:
    """What to delete, and what to ask Snakemake for."""
    found = [path for one in wrong for path in (one.path, one.main) if path is not None]
    spoilt = dict.fromkeys(str(path) for path in found if path.exists())
    targets = dict.fromkeys(one.target.as_posix() for one in wrong if one.target is not None)
    lines = ["To mend it, while no job runs (with the configuration that the run was made with):"]
    if spoilt:
        lines.append(f"  rm -r -- {_words(spoilt)}")
    if targets:
        report = next(iter(targets)).split("/")[:2]
        lines.append(f"  snakemake -- {_words([*targets, '/'.join([*report, REPORT_PAGE])])}")
    most = max(len(spoilt), len(targets))
    if most > _MOST:
        lines.append(f"  These are {_MOST} of {most}: verify again afterwards.")
    return lines


REPORT_PAGE = "report/index.html"


def _words(names: Sequence[str] | dict[str, None]) -> str:
    return " ".join(shlex.quote(name) for name in dict.fromkeys([*names][:_MOST]))


def _shown(path: Path) -> str:
    """A path in one line; other files' names may hold anything."""
    text = str(path)
    return text if text.isprintable() else ascii(text)
