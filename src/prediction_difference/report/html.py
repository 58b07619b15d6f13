"""What all pages of the report share: templates, escaping, links."""

import os
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import jinja2

from prediction_difference.typesetting import number

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Relative:
    """Links from a page in a folder."""

    folder: Path

    def link(self, target: Path) -> str:
        """Relative address of a file or store, with everything escaped that an address needs so."""
        relative = os.path.relpath(target.resolve(), self.folder.resolve())
        return quote(Path(relative).as_posix())


def template(name: str) -> jinja2.Template:
    """A template beside this file, which escapes everything that is put into it."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(HERE),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["number"] = number
    environment.globals["zip"] = zip
    return environment.get_template(name)
