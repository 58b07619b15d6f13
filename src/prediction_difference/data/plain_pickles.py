"""Pickles that hold nothing but containers, texts, numbers and NumPy's arrays, as CIFAR's do."""

import pickle
from pathlib import Path
from typing import Any

from prediction_difference.errors import DataError

_ALLOWED = frozenset((f"numpy.{core}.multiarray", "_reconstruct") for core in ("core", "_core")) | {
    ("numpy", "ndarray"),
    ("numpy", "dtype"),
    ("_codecs", "encode"),
}


class _Plain(pickle.Unpickler):
    """Refuses to import anything but what arrays are made of, so that nothing else can run."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in _ALLOWED:
            raise pickle.UnpicklingError(f"it asks for {module}.{name}")
        return super().find_class(module, name)


def read_plain_pickle(path: Path, remedy: str) -> Any:
    """What a pickle of Python 2 or 3 holds.

    Raises:
        DataError: it is missing, damaged, or holds more than plain data.
    """
    try:
        with path.open("rb") as file:
            return _Plain(file, encoding="latin1").load()
    # Damaged pickles make Python raise nearly anything.
    except Exception as error:
        what = f"is damaged or holds more than plain data ({' '.join(str(error).split())})"
        raise DataError(path, what, remedy) from error
