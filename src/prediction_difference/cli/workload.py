"""Commands for the person who plans a run or waits for it."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from prediction_difference.errors import ConfigError, Problem, choose

_PAPERS = Path("config/papers")


def plan(
    config: Annotated[Path | None, typer.Option(help="The configuration (YAML).")] = None,
    paper: Annotated[
        str | None, typer.Option(help="In its place: a paper of config/papers, such as pda2017.")
    ] = None,
    setting: Annotated[
        str | None, typer.Option(help="One of the configuration's settings.", show_default="first")
    ] = None,
    device: Annotated[
        Literal["cpu", "h200"],
        typer.Option(help="cpu: hours of one core; h200: an estimate from multiply-accumulates."),
    ] = "cpu",
    workers: Annotated[int, typer.Option(min=1, help="Cores, or GPUs, that share the work.")] = 1,
    measured: Annotated[
        list[Path] | None,
        typer.Option(
            help="Results of an earlier run, whose times are used; may be repeated.",
            show_default="those of the same run",
        ),
    ] = None,
    start: Annotated[
        float, typer.Option(min=0, help="Seconds in which a job is started, before it computes.")
    ] = 12.0,
) -> None:
    """Print what a run would cost, before anything runs: forwards, jobs, hours, disk."""
    from prediction_difference.config import parse_config, read_yaml
    from prediction_difference.lookup import known_shapes
    from prediction_difference.workload.counting import count
    from prediction_difference.workload.planning import plan as planned
    from prediction_difference.workload.speeds import Speeds, measured_in
    from prediction_difference.workload.table import plan_text

    raw = read_yaml(_file(config, paper))
    chosen = {} if setting is None else {"setting": setting}
    settings = parse_config({**raw, **chosen} if isinstance(raw, dict) else raw)
    folders = measured or [Path("results") / settings.run.name]
    shapes = known_shapes(settings.datasets, settings.run.seed)
    speeds = Speeds(settings, device, measured_in(folders), shapes)
    steps = planned(count(settings, shapes), speeds)
    typer.echo(plan_text(steps, device, start, workers), nl=False)


def _file(config: Path | None, paper: str | None) -> Path:
    if (config is None) == (paper is None):
        raise ConfigError([Problem("--config or --paper", "exactly one is needed", "give one")])
    if config is not None:
        return config
    known = {file.stem: file for file in _PAPERS.glob("*.yaml")}
    if paper not in known:
        what = f"there is no {_PAPERS / f'{paper}.yaml'}"
        remedy = choose(str(paper), known) if known else "start it in the project's folder"
        raise ConfigError([Problem("--paper", what, remedy)])
    return known[paper]


def progress(
    results: Annotated[Path, typer.Argument(help="Folder of the run, results/<run>.")],
) -> None:
    """Print how far a run is, and about how long the rest takes; the run may be going on."""
    from prediction_difference.config import read_config
    from prediction_difference.workload.jobs import jobs_of
    from prediction_difference.workload.progress import progress as found
    from prediction_difference.workload.progress import progress_text

    config = read_config(results / "config.yaml")
    typer.echo(progress_text(found(jobs_of(config, results.absolute()))), nl=False)
