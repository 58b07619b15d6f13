"""One page with every figure, table and number of a run; it opens without a network."""

import base64
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from PIL import Image

from prediction_difference.data.source import Source
from prediction_difference.errors import StoreError
from prediction_difference.figures.captions import NOT_CLINICAL
from prediction_difference.figures.kind import Figure
from prediction_difference.figures.style import AGAINST, FOR, PIXELS_PER_INCH
from prediction_difference.files import write_text
from prediction_difference.manifest import Origin, read_file, withdraw, write_manifest
from prediction_difference.report import maps_page, tables
from prediction_difference.report.html import Relative, template
from prediction_difference.run import Config

FILES_READ = ("base.css", "template.html.j2")
_SCREEN_PIXELS_PER_INCH = 96
_AGAIN = "draw the figure again"


@dataclass(frozen=True)
class Picture:
    """A figure on the page: its texts, its PNG in base64, its size on a screen, its files.

    cost: what its maps took, in words; maybe empty.
    """

    name: str
    title: str
    caption: str
    png: str
    width: int
    height: int
    links: Mapping[str, str]
    cost: str


def build(
    config: Config,
    cards: Sequence[Path],
    evaluations: Mapping[str, Path],
    figures: Sequence[Path],
    attributions: Mapping[str, Sequence[Path]],
    output: Path,
    maps_output: Path,
    brains: Mapping[str, Path] = {},
    origin: Origin | None = None,
) -> None:
    """Write index.html and the interactive page; what they link to is found relative to them.

    cards: card.json of each classifier. evaluations: what they left, by name. figures: their JSON
    files, beside which the pictures lie. attributions: stores by explanation. brains: pages of
    cohorts, by dataset. origin: what all pages are made from.

    Raises:
        StoreError: a file is missing, incomplete or not what it should be.
    """
    page = Relative(output.parent)
    read_cards = tables.read_cards(cards)
    maps = tables.read_attributions(attributions)
    html = template("template.html.j2").render(
        run=config.run,
        not_clinical=_not_clinical(config.datasets.values()),
        colours={"for": FOR, "against": AGAINST},
        pictures=[_picture(file, page, config, maps) for file in figures],
        classifiers=[tables.classifier_row(card, page.link(path)) for path, card in read_cards],
        accuracy_in_words=tables.accuracy_in_words([card for _, card in read_cards]),
        measured=tables.measure_sections(config.evaluations, evaluations, page.link),
        explained=tables.explained_tables(maps, page.link),
        interactive=page.link(maps_output),
        brains={dataset: page.link(file) for dataset, file in brains.items()},
        settings=yaml.safe_dump(
            config.model_dump(mode="json"), sort_keys=False, allow_unicode=True
        ),
        versions=tables.versions([card for _, card in read_cards], maps),
    )
    withdraw(output)
    flat = [dataset for dataset in config.datasets.values() if not dataset.is_volume]
    maps_page.write(maps, config.run.name, output, maps_output, not_clinical=_not_clinical(flat))
    write_text(output, html)
    write_manifest(output, [output, maps_output, *brains.values()], origin)


def _not_clinical(datasets: Iterable[Source]) -> str:
    """What a page is not for, if it shows one of these datasets; empty if it need not be said."""
    return NOT_CLINICAL if any(dataset.is_clinical for dataset in datasets) else ""


def _picture(file: Path, page: Relative, config: Config, maps: Sequence[tables.Stored]) -> Picture:
    content = _read_json(file)
    png = file.with_suffix(".png")
    raw = read_file(png, file, _AGAIN)
    try:
        width, height = Image.open(io.BytesIO(raw)).size
    except OSError as error:
        raise StoreError(png, f"cannot be read ({error})", _AGAIN) from error
    scale = _SCREEN_PIXELS_PER_INCH / PIXELS_PER_INCH
    files = {"PDF": ".pdf", "numbers (JSON)": ".json", "PNG": ".png"}
    return Picture(
        content["figure"],
        content["title"],
        content["caption"],
        base64.b64encode(raw).decode("ascii"),
        round(width * scale),
        round(height * scale),
        {kind: page.link(file.with_suffix(suffix)) for kind, suffix in files.items()},
        _cost(config.figures.get(content["figure"]), config, maps),
    )


def _cost(figure: Figure | None, config: Config, maps: Sequence[tables.Stored]) -> str:
    return "" if figure is None else tables.cost(figure.shown_slots(config.explanations), maps)


def _read_json(file: Path) -> dict[str, Any]:
    raw = read_file(file, file, _AGAIN)
    try:
        content: dict[str, Any] = json.loads(raw)
        missing = {"figure", "title", "caption"} - content.keys()
    except (ValueError, AttributeError) as error:
        raise StoreError(file, f"cannot be read ({error})", _AGAIN) from error
    if missing:
        raise StoreError(file, f"has no {', '.join(sorted(missing))}", _AGAIN)
    return content
