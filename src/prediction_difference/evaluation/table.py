"""Evaluations of explanations as tidy tables."""

import io
from pathlib import Path
from typing import Any

from prediction_difference.errors import DataError, StoreError, telling_faults
from prediction_difference.evaluation.measure import Inputs, Measure
from prediction_difference.files import publishing
from prediction_difference.manifest import Origin, read_file, withdraw, write_manifest

_AGAIN = "make the evaluation again"


def image_names(table: Any) -> dict[str, str]:
    """Names of a table's images by slot, which is numbered anew for every classifier."""
    pairs = table[["image", "image_name"]].drop_duplicates()
    return dict(zip(pairs["image"], pairs["image_name"], strict=True))


def write_table(table: Any, path: Path, origin: Origin | None = None) -> None:
    """Publish a table as parquet, with its attributes; origin: what it was made from."""
    withdraw(path)
    with publishing(path) as temporary:
        table.to_parquet(temporary, index=False)
    write_manifest(path, [path], origin)


def read_table(path: Path) -> Any:
    """Read a table.

    Raises:
        StoreError: it is missing, damaged or no parquet file.
    """
    import pandas

    content = read_file(path, path, _AGAIN)
    try:
        return pandas.read_parquet(io.BytesIO(content))
    except (OSError, ValueError) as error:
        raise StoreError(path, f"cannot be read ({error})", _AGAIN) from error


def checked_table(measure: Measure, inputs: Inputs) -> Any:
    """The table of a measure, if it is one.

    Raises:
        DataError: a user's own measure fails, or returns something else or nothing, or a column
            of numbers that are all unknown.
    """
    import pandas

    where = f"measure {measure.measure}"
    with telling_faults(where, measure.measure, "measure_maps"):
        table = measure.measure_maps(inputs)
    if not isinstance(table, pandas.DataFrame):
        what = f"returns {type(table).__name__}"
        raise DataError(where, what, "return a pandas data frame")
    if table.empty:
        raise DataError(where, "returns a table without rows", "measure something")
    if ":" in measure.measure and bool(table.isna().to_numpy().any()):
        column = table.columns[table.isna().any()][0]
        raise DataError(where, f"returns NaN in column {column!r}", "return finite numbers")
    return table
