"""The viewer of a cohort: its volumes and their maps in one file that needs no network."""

import base64
import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from markupsafe import Markup

from prediction_difference.figures.captions import NOT_CLINICAL
from prediction_difference.files import write_text
from prediction_difference.progress import say
from prediction_difference.report.catalogue import Room
from prediction_difference.report.fallback import HIDE_BELOW
from prediction_difference.report.html import HERE, Relative, template
from prediction_difference.report.niivue import read_niivue
from prediction_difference.report.packing import pack_text
from prediction_difference.report.volumes import ROOM, cohort
from prediction_difference.stores import read_attributes

FILES_READ = ("base.css", "brains/*", "viewer/*")
_SCRIPTS = (
    *(f"viewer/{name}.js" for name in ("reading", "choosing", "words", "selects")),
    *(f"brains/{name}.js" for name in ("volumes", "scene", "page")),
)
_FACETS = {
    "image": "Subject",
    "method": "Method and sampler",
    "window": "Side of the window, k",
    "node": "Class",
    "network": "Classifier",
    "layer": "Layer",
    "explanation": "Explanation",
}
_WIDE = ("image", "method", "node", "explanation")
_VIEWS = {
    "all": "Slices and 3-D",
    "x": "Sagittal",
    "y": "Coronal",
    "z": "Axial",
    "volume": "3-D",
}
_SLIDERS = {
    "x": ("x, left to right", "left to right"),
    "y": ("y, back to front", "back to front"),
    "z": ("z, bottom to top", "bottom to top"),
}
_COLOURS = {
    "for": ("#8c1420", "#e0432f", "#ffc98f"),
    "against": ("#123f9c", "#3c86e4", "#b5e0ff"),
}
"""From weak to strong, over a dark volume: told apart with any colour vision."""


def write(
    dataset: Path,
    stores: Sequence[Path],
    run: str,
    report: Path,
    output: Path,
    room: Room = ROOM,
) -> None:
    """Write the page; what it leaves out is said on it and in the log.

    dataset: store of the cohort. stores: those of its maps, the most important first. run: its
    name. report: the page that it leads back to.

    Raises:
        DataError: the package that brings NiiVue is missing.
        StoreError: a store is missing, their volumes lie on different grids, or the disk is full.
    """
    niivue, page = read_niivue(), Relative(output.parent)
    found = cohort(stores, _first_voxel(dataset), page.link, room)
    for line in found.left_out:
        say(f"{output.name} leaves out: {line}")
    script = "".join((HERE / name).read_text("utf-8") for name in _SCRIPTS)
    html = template("brains/page.html.j2").render(
        run=run,
        dataset=dataset.stem,
        report=page.link(report),
        not_clinical=NOT_CLINICAL,
        facets=_FACETS,
        wide=_WIDE,
        views=_VIEWS,
        sliders=_SLIDERS,
        hide_below=HIDE_BELOW,
        catalogue={
            "images": found.images,
            "stores": found.stores,
            "maps": found.maps,
            "grid": None if found.grid is None else found.grid.facts,
            "colours": _COLOURS,
            "hide": 100 * HIDE_BELOW,
        },
        contents={**found.contents, "niivue": pack_text(niivue.module)} if found.maps else {},
        pictures=found.pictures,
        left_out=found.left_out,
        niivue=niivue,
        script=Markup(script),
        script_digest=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
    )
    write_text(output, html)


def _first_voxel(dataset: Path) -> tuple[int, int, int]:
    """Where the stored slab begins in the whole volume."""
    slab: dict[str, Any] | None = read_attributes(dataset)["facts"].get("slab")
    x, y, z = (slab["start"] if slab and slab["axis"] == axis else 0 for axis in range(3))
    return x, y, z
