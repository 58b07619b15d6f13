"""Chromium for tests of pages, and a page in a tab of it; without Chromium, they are skipped."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self
from urllib.parse import parse_qsl, urlsplit

import pytest

playwright = pytest.importorskip(
    "playwright.sync_api", reason="playwright is not installed (dependency group dev)"
)
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), None)
if CHROMIUM is None:
    pytest.skip("there is no chromium (apt-get install chromium)", allow_module_level=True)


@contextmanager
def running(*flags: str) -> Iterator[Any]:
    """A headless browser, started with these flags."""
    sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=CHROMIUM, args=[*sandbox, *flags])
        yield browser
        browser.close()


def said_in(url: str) -> dict[str, str]:
    """What the part of an address behind the ``#`` says."""
    return dict(parse_qsl(urlsplit(url).fragment))


class Visit:
    """A page of maps in a tab, and everything that went wrong there."""

    def __init__(self, tab: Any, file: Path):
        self.tab, self.file = tab, file
        self.complaints: list[str] = []
        self.requests: list[str] = []
        tab.on("console", lambda message: self.complaints.append(message.text))
        tab.on("pageerror", lambda error: self.complaints.append(str(error)))
        tab.on("request", lambda request: self.requests.append(request.url))

    def open(self, hash: str = "") -> Self:
        self.tab.goto("about:blank")
        self.tab.goto(f"{self.file.as_uri()}{hash}")
        self.tab.locator("#title:not(:empty)").wait_for(state="attached")
        return self

    def text(self, name: str) -> str:
        return str(self.tab.locator(f"#{name}").inner_text())

    def choose(self, facet: str, option: str) -> None:
        """The address tells what is shown, after everything else."""
        self.tab.locator(f"#choose-{facet}").select_option(value=option)
        self.tab.wait_for_url(lambda url: said_in(url).get(facet, "") == option)

    def settle(self) -> None:
        """Wait until the address tells what is shown.

        By the page's own clock: a page that draws without a GPU, beside other work, is late with
        whatever it has put off.
        """
        self.tab.evaluate("new Promise((settled) => setTimeout(settled, 400))")

    def address(self) -> str:
        """What follows the ``#``."""
        self.settle()
        return str(self.tab.url.partition("#")[2])
