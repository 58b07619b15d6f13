"""The whole benchmark: measures what is missing, then writes tables and plots of everything."""

from pathlib import Path
from typing import Any

from prediction_difference.benchmark import machine, plots, tables
from prediction_difference.benchmark.parts import Part, all_parts, finished, measured
from prediction_difference.benchmark.settings import BenchmarkSettings
from prediction_difference.errors import DataError
from prediction_difference.figures.drawing import save
from prediction_difference.progress import say
from prediction_difference.seals import write_seal
from prediction_difference.stores import write_json, write_text


def run_benchmark(settings: BenchmarkSettings, output: Path) -> None:
    """Write benchmark.json, table.md, table.html and the plots to a folder.

    Every part is kept in parts/ once it is measured, so a killed run goes on with the others;
    parts of a device that is not here are taken from there if they are there.

    Raises:
        DataError: a GPU is asked for and torch finds none.
    """
    import torch

    if settings.threads is not None:
        torch.set_num_threads(settings.threads)
    devices = _devices_here(settings)
    folder = output / "parts"
    found = [_content(part, folder, devices) for part in all_parts(settings)]
    everything = {
        "settings": settings.model_dump(mode="json"),
        "machine": machine.machine(devices[0]),
        "parts": [content for content in found if content is not None],
    }
    _write(everything, output)
    say(f"the benchmark's tables and plots are in {output}")


def _content(part: Part, folder: Path, devices: tuple[str, ...]) -> dict[str, Any] | None:
    return measured(part, folder) if part.device in devices else finished(part, folder)


def _devices_here(settings: BenchmarkSettings) -> tuple[str, ...]:
    import torch

    here = ("cpu", "cuda") if torch.cuda.is_available() else ("cpu",)
    missing = set(settings.devices or ()) - set(here)
    if missing:
        raise DataError("devices: cuda", "torch finds no GPU", "leave devices out, or cuda")
    return settings.devices or here


def _write(everything: dict[str, Any], output: Path) -> None:
    found = tables.all_tables(everything)
    write_text(output / "table.md", tables.as_markdown(found))
    write_text(output / "table.html", tables.as_html(found))
    for drawing in plots.all_plots(everything):
        stem = output / drawing.name
        save(drawing, *(stem.with_suffix(f".{kind}") for kind in ("png", "pdf", "json")))
    # Last, as it says that everything else is there.
    main = output / "benchmark.json"
    write_json(main, everything)
    write_seal(main, [main, output / "table.md", output / "table.html"])
