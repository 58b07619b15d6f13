"""A progress bar on a terminal, plain lines in a log."""

import sys
import time
from collections.abc import Iterable, Iterator, Sized
from typing import TypeVar

Item = TypeVar("Item")
SECONDS_BETWEEN_LINES = 15.0


def track(items: Iterable[Item], description: str, total: int | None = None) -> Iterator[Item]:
    """Yield the items and show on standard error how far it is."""
    if total is None and isinstance(items, Sized):
        total = len(items)
    if sys.stderr.isatty():
        from rich.console import Console
        from rich.progress import track as bar

        console = Console(stderr=True)
        yield from bar(items, description, total=total, console=console, transient=True)
        return
    started = last = time.monotonic()
    done = 0
    for done, item in enumerate(items, start=1):
        yield item
        now = time.monotonic()
        if now - last >= SECONDS_BETWEEN_LINES:
            _line(description, done, total, now - started)
            last = now
    _line(description, done, total, time.monotonic() - started)


def say(message: str) -> None:
    """One line for the person or the log."""
    print(message, file=sys.stderr, flush=True)


def _line(description: str, done: int, total: int | None, seconds: float) -> None:
    of = "" if total is None else f" of {total}"
    say(f"{description}: {done}{of} in {seconds:.1f} s")
