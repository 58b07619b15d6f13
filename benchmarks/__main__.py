"""Measure what is missing, then write tables and plots of everything that was measured."""

import argparse
import sys
from pathlib import Path

from pydantic import ValidationError

from benchmarks.settings import BenchmarkSettings, Device, read_settings
from prediction_difference.errors import PredictionDifferenceError
from prediction_difference.files import write_json, write_text
from prediction_difference.progress import say


def main() -> None:
    """Read the command line; what a user can mend is told without a traceback."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    settings = Path(__file__).with_name("settings.yaml")
    parser.add_argument("--config", type=Path, default=settings, help="what is measured")
    parser.add_argument("--output", type=Path, default=Path("results/benchmark"), help="a folder")
    given = parser.parse_args()
    try:
        run(read_settings(given.config), given.output)
    except (PredictionDifferenceError, ValidationError, OSError) as error:
        sys.exit(f"error: {error}")


def run(settings: BenchmarkSettings, output: Path) -> None:
    """Write benchmark.json, table.md, table.html and the plots to a folder.

    Every part is kept in parts/ once it is measured, so a killed run goes on with the others;
    parts of a device that is not here are taken from there if they are there.
    """
    # Here, since the processes whose memory is measured import this file.
    import torch

    from benchmarks import parts, plots, tables

    if settings.threads is not None:
        torch.set_num_threads(settings.threads)
    here: tuple[Device, ...] = ("cpu", "cuda") if torch.cuda.is_available() else ("cpu",)
    if missing := set(settings.devices or ()) - set(here):
        sys.exit(f"error: devices: {', '.join(missing)}: torch finds no GPU; leave it out")
    measurable = settings.devices or here
    contents = [
        parts.measured(part, output / "parts", part.device in measurable)
        for part in parts.all_parts(settings)
    ]
    found = [content for content in contents if content is not None]
    markdown, html = tables.as_text(tables.all_tables(settings, found))
    write_text(output / "table.md", markdown)
    write_text(output / "table.html", html)
    plots.save_all(settings, found, output)
    everything = {"settings": settings.model_dump(mode="json"), "parts": found}
    write_json(output / "benchmark.json", everything)
    say(f"the benchmark's tables and plots are in {output}")


if __name__ == "__main__":
    main()
