"""Which versions made a result."""

import importlib.metadata
import platform

_LIBRARIES = ("numpy", "scipy", "scikit-learn", "torch", "torchvision", "zarr", "xarray")


def versions() -> dict[str, str]:
    """Versions of this package, of Python and of the libraries that compute results."""
    installed = {name: importlib.metadata.version(name) for name in _LIBRARIES}
    own = importlib.metadata.version("prediction-difference")
    return {"prediction-difference": own, "python": platform.python_version(), **installed}
