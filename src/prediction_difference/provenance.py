"""Which code made a result: digests of the source, and versions."""

import importlib.metadata
import platform
from functools import cache
from pathlib import Path

from prediction_difference.stores import digest

STAGES = (
    "data",
    "priors",
    "classifiers",
    "attribution",
    "evaluation",
    "figures",
    "report",
    "config",
    "workload",
)
"""Left to right, as data flows; a stage imports only from itself and from those on its left."""

_PACKAGE = Path(__file__).parent
_SHARED = ("stores.py", "randomness.py")
_LIBRARIES = ("numpy", "scipy", "scikit-learn", "torch", "torchvision", "zarr", "xarray")


@cache
def source_digest(*stages: str) -> str:
    """Digest of the files of stages and of the shared modules that can change results.

    A stage whose results are inputs of a job need not be named for it: an edit there makes the
    results anew, and so the job. What is named is code that a job runs without such an input.
    """
    files = [_PACKAGE / name for name in _SHARED]
    for stage in stages:
        sources = (_PACKAGE / stage).rglob("*")
        files += sorted(p for p in sources if p.suffix in (".py", ".j2", ".css", ".js"))
    return digest(*(f"{f.relative_to(_PACKAGE)}\n{f.read_text('utf-8')}" for f in files))


def versions() -> dict[str, str]:
    """Versions of this package, of Python and of the libraries that compute results."""
    installed = {name: importlib.metadata.version(name) for name in _LIBRARIES}
    own = importlib.metadata.version("prediction-difference")
    return {"prediction-difference": own, "python": platform.python_version(), **installed}
