"""The interactive page: every map of a two-dimensional image, in one file that needs no network."""

import base64
import hashlib
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from markupsafe import Markup
from matplotlib.colors import Colormap

from prediction_difference.attribution.clear import FULL_FROM, MOST_DISTINCT, class_colours
from prediction_difference.figures import style
from prediction_difference.files import write_text
from prediction_difference.progress import say
from prediction_difference.report.catalogue import ROOM, Room, catalogue
from prediction_difference.report.html import HERE, Relative, template
from prediction_difference.report.tables import Stored

FILES_READ = ("base.css", "viewer/*")
_SCRIPTS = (
    *("reading", "pictures", "choosing", "words", "selects"),
    *("view", "painting", "clear", "page"),
)
_LEVELS = 257
_FACETS = {
    "image": "Image",
    "method": "Method and sampler",
    "network": "Network",
    "window": "Side of the window, k",
    "layer": "Layer",
    "node": "Class or unit",
    "explanation": "Explanation",
}
_WIDE = ("image", "method", "node", "explanation")
"""Choices with long names."""
_SHORTCUTS = {
    "← → ↑ ↓": "move the cursor by a pixel, with Shift by ten",
    "Home End": "first and last column",
    "PageUp PageDown": "first and last row",
    "m n": "go to the largest and to the smallest value",
    "[ ]": "previous and next image",
    ", .": "previous and next class or unit",
    "1 2 3 4 5": "side by side, original, heatmap, overlay, and with several classes CLEAR",
    "t": "only the top 5 % of the pixels",
    "s": "same scale for all maps of this image",
}


def write(
    stored: Iterable[Stored],
    run: str,
    report: Path,
    output: Path,
    room: Room = ROOM,
    not_clinical: str = "",
) -> None:
    """Write the page; what it leaves out is said on it and in the log.

    run: its name. report: the page that it leads back to. not_clinical: what the page is not for,
    where its images are such that this must be said.

    Raises:
        StoreError: a store's relevance does not fit its image, or the disk is full.
    """
    page = Relative(output.parent)
    found = catalogue(stored, page.link, room)
    for line in found.left_out:
        say(f"{output.name} leaves out: {line}")
    script = "".join((HERE / "viewer" / f"{name}.js").read_text("utf-8") for name in _SCRIPTS)
    html = template("viewer/page.html.j2").render(
        run=run,
        report=page.link(report),
        not_clinical=not_clinical,
        facets=_FACETS,
        wide=_WIDE,
        shortcuts=_SHORTCUTS,
        catalogue={
            "images": found.images,
            "stores": found.stores,
            "maps": found.maps,
            "colours": {
                "signed": _hexadecimal(style.SIGNED),
                "unsigned": _hexadecimal(style.UNSIGNED),
                "darkest_ground": style.DARKEST_GROUND,
                "distinct": np.rint(255 * class_colours(MOST_DISTINCT, "distinct")).tolist(),
                "full_from": FULL_FROM,
            },
        },
        contents=found.contents,
        left_out=found.left_out,
        script=Markup(script),
        script_digest=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
    )
    write_text(output, html)


def _hexadecimal(colours: Colormap) -> str:
    """Red, green and blue of every level, two digits each."""
    levels = colours(np.linspace(0, 1, _LEVELS))[:, :3]
    return np.rint(255 * levels).astype(np.uint8).tobytes().hex()
