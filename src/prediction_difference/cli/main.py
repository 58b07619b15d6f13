"""The program `prediction-difference`; a command's libraries are imported when it is called."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from prediction_difference.cli import stages, workload
from prediction_difference.cli.cohorts import simulate_cohort
from prediction_difference.cli.explain import explain
from prediction_difference.cli.options import ConfigFile
from prediction_difference.errors import PredictionDifferenceError, telling_slips
from prediction_difference.progress import say

app = typer.Typer(
    name="prediction-difference",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Which parts of an image are evidence for and against a classifier's decision? "
    "explain shows it for your own photographs; simulate-cohort writes brain volumes to try it on; "
    "plan says what a run would cost, progress how far it is, verify whether results are whole. "
    "The other commands are stages of the workflow: data, prior, classifier, chunk, attribution, "
    "shard, cohort, evaluation, figure, report, brains; "
    "nifti exports maps of volumes.",
)


def main() -> None:
    """Run the command line; errors that a user can mend are told without a traceback."""
    try:
        with telling_slips():
            app()
    except PredictionDifferenceError as error:
        say(f"error: {error}")
        sys.exit(2)


@app.command()
def check(config: ConfigFile) -> None:
    """Look for every problem of a configuration and of the files that it names."""
    from prediction_difference.config import read_yaml
    from prediction_difference.preflight import checked_config

    checked_config(read_yaml(config))
    say(f"{config}: no problems found")


@app.command()
def schema() -> None:
    """Print the JSON schema of the configuration, for editors."""
    from prediction_difference.config.schema import schema_text

    typer.echo(schema_text(), nl=False)


@app.command()
def reference() -> None:
    """Print the reference of every key of the configuration, as Markdown."""
    from prediction_difference.config.schema import reference_text

    typer.echo(reference_text(), nl=False)


@app.command()
def verify(
    results: Annotated[Path, typer.Argument(help="Folder of all results, or of one run.")],
    every: Annotated[bool, typer.Option("--all", help="List what is complete, too.")] = False,
) -> None:
    """Check everything that was published: complete, what was written, of this config and code.

    Ends with 1 if something is missing or wrong, and tells how to mend it.
    """
    from prediction_difference.artifacts.verification import runs_in, verify
    from prediction_difference.cli.verifying import tell

    findings = {run: verify(run) for run in runs_in(results)}
    are_right = [tell(run, found, every) for run, found in findings.items()]
    if not all(are_right):
        raise typer.Exit(1)


app.command()(explain)
app.command()(simulate_cohort)
app.command()(workload.plan)
app.command()(workload.progress)
for _stage in (
    stages.data,
    stages.prior,
    stages.classifier,
    stages.chunk,
    stages.attribution,
    stages.nifti,
    stages.shard,
    stages.cohort,
    stages.evaluation,
    stages.figure,
    stages.report,
    stages.brains,
):
    app.command()(_stage)
