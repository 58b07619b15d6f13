"""NiiVue, which draws volumes: its program and licence, as an installed package brings them.

The program is that of ipyniivue, whose widget holds it; no file of it is part of this package.
"""

import re
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from prediction_difference.errors import DataError

PACKAGE = "ipyniivue"
VERSION = "2.4.4"
"""Another one may lay its program out otherwise."""
_PROGRAM = f"{PACKAGE}/static/widget.js"
_REMEDY = f"install {PACKAGE} {VERSION}: pip install {PACKAGE}=={VERSION}"
_EXPORT = re.compile(r"export\s*\{(?P<widget>[\w$]+) as default\};?\s*$")
_CLASS = re.compile(r'"Creating new Niivue instance"\);.{0,200}?=new (?P<name>[\w$]+)\(', re.DOTALL)
_NIIVUE = re.compile(r'name:"@niivue/niivue",version:"(?P<version>[\d.]+)"')


@dataclass(frozen=True)
class NiiVue:
    """module: JavaScript that exports the class `Niivue`. version: in words. licence: its text."""

    module: str
    version: str
    licence: str


def read_niivue() -> NiiVue:
    """The program of the installed package.

    Raises:
        DataError: the package is missing or incomplete, or of another version.
    """
    try:
        package = metadata.distribution(PACKAGE)
    except metadata.PackageNotFoundError as error:
        raise DataError(f"package {PACKAGE}", "is not installed", _REMEDY) from error
    licences = [str(file) for file in package.files or [] if file.name == "LICENSE"]
    if package.version != VERSION or not licences:
        what = f"is of version {package.version}" if licences else "has no licence in it"
        raise DataError(f"package {PACKAGE}", what, _REMEDY)
    widget, licence = (_read(package, file) for file in (_PROGRAM, licences[0]))
    return NiiVue(export_class(widget), _version(widget), licence.strip())


def export_class(widget: str) -> str:
    """The module of the widget -> the same, which exports the class that the widget makes.

    Raises:
        DataError: it does not look like the module that is known.
    """
    found, export = _CLASS.search(widget), _EXPORT.search(widget)
    if found is None or export is None:
        raise DataError(f"{_PROGRAM} of {PACKAGE}", "is not the program that is known", _REMEDY)
    return f"{widget[: export.start()]}export{{{found['name']} as Niivue}};"


def _version(widget: str) -> str:
    found = _NIIVUE.search(widget)
    inside = "" if found is None else f"NiiVue {found['version']}, from "
    return f"{inside}{PACKAGE} {VERSION}"


def _read(package: metadata.Distribution, file: str) -> str:
    try:
        return Path(str(package.locate_file(file))).read_text(encoding="utf-8")
    except OSError as error:
        what = f"is incomplete: {file} cannot be read ({error})"
        raise DataError(f"package {PACKAGE}", what, _REMEDY) from error
