"""Text files with one entry a line."""

from pathlib import Path

from prediction_difference.errors import DataError


def read_lines(file: Path) -> list[str]:
    """Lines without the space around them; blank ones at the end are left out.

    Raises:
        DataError: the file is missing or is no UTF-8 text.
    """
    try:
        text = file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = " ".join(str(error).split())
        raise DataError(file, f"cannot be read ({reason})", "correct the path") from error
    return [line.strip() for line in text.rstrip().split("\n")] if text.strip() else []
