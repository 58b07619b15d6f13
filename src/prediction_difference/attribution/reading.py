"""Reading attribution stores."""

from pathlib import Path
from typing import Any

from prediction_difference.options import checked
from prediction_difference.stores import open_store

BY_NODE = ("relevance", "standard_error", "window_score", "window_standard_error")
"""Variables of which every node can be read, and is checked, alone."""


def open_maps(path: Path) -> Any:
    """Open an attribution store whose maps are read, with `stores.rows_of`, when they are needed.

    Raises:
        StoreError: nothing complete is there, or it is another kind of store.
    """
    return open_store(Path(path), "attribution", later=BY_NODE)


@checked
def open_attribution(path: Path | str) -> Any:
    """Open an attribution store as a lazy xarray Dataset; see design of stores in the README.

    Raises:
        StoreError: nothing complete is there, or it is another kind of store.
    """
    return open_store(Path(path), "attribution")
