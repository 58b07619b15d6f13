"""Which code made a result: digests of the source, and versions."""

import importlib.metadata
import platform
from functools import cache
from pathlib import Path

from prediction_difference.stores import digest

STAGES = (
    "config",
    "data",
    "priors",
    "classifiers",
    "attribution",
    "evaluation",
    "figures",
    "report",
)
"""Left to right, as data flows; a stage imports only from itself and from those on its left."""

_PACKAGE = Path(__file__).parent
_SHARED = ("stores.py", "randomness.py")
_LIBRARIES = ("numpy", "scipy", "scikit-learn", "torch", "torchvision", "zarr", "xarray")


@cache
def source_digest(stage: str) -> str:
    """Digest of the files of one stage and of the shared modules that can change results.

    Stages further left reach a result through the files they made, so they are left out.
    """
    files = [_PACKAGE / name for name in _SHARED]
    files += sorted(p for p in (_PACKAGE / stage).rglob("*") if p.suffix in (".py", ".j2", ".css"))
    return digest(*(f"{f.relative_to(_PACKAGE)}\n{f.read_text('utf-8')}" for f in files))


def versions() -> dict[str, str]:
    """Versions of this package, of Python and of the libraries that compute results."""
    installed = {name: importlib.metadata.version(name) for name in _LIBRARIES}
    own = importlib.metadata.version("prediction-difference")
    return {"prediction-difference": own, "python": platform.python_version(), **installed}
