"""A range of values in which a method looks."""


def refuse_empty_box(lowest: float, highest: float) -> None:
    """Raise ValueError where a range of values holds none."""
    if lowest >= highest:
        raise ValueError(f"lowest={lowest:g} is not below highest={highest:g}; raise highest")
