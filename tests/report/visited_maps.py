"""The maps that tests look at in a browser, and the page with them in a tab."""

from pathlib import Path
from typing import Any

import numpy as np
from example_maps import class_node, example_map, layer_node, noise, stored

from prediction_difference.report.tables import Stored

EVIL = "x</script><script>window.hacked=1</script><img src=x onerror=window.hacked=1>\"'&<b> Ünï"
CAT, DOG = class_node("cat", 1, 1), class_node("dog", 2, 2)
SIDES = (6, 8)


def image_of(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).uniform(size=(3, *SIDES))


def with_a_hole(relevance: np.ndarray) -> np.ndarray:
    relevance[0, 0] = np.nan
    return relevance


def stores() -> dict[str, Stored]:
    """Two images, explained in several ways; the classes of the second are others."""
    one, two = image_of(1), image_of(2)
    errors = np.abs(noise(9, *SIDES))
    return {
        "evidence": stored(
            example_map(noise(1, *SIDES), CAT, image=one, error=errors),
            example_map(2 * noise(2, *SIDES), DOG, image=one),
            example_map(noise(3, *SIDES), layer_node(5), image=one),
            example_map(noise(4, *SIDES), layer_node(6), image=one),
        ),
        "evidence, two": stored(
            example_map(noise(5, *SIDES), DOG | {"rank": 1}, image=two, image_name="two"),
        ),
        "wide": stored(
            example_map(noise(6, *SIDES), CAT, image=one, explanation="wide", window=5),
        ),
        "gradient": stored(
            example_map(
                np.abs(noise(7, *SIDES)),
                CAT | {"kind": "score"},
                image=one,
                explanation="gradient",
                method="sensitivity",
            ),
        ),
        "evil": stored(
            example_map(
                with_a_hole(noise(8, *SIDES)),
                class_node(EVIL, 3),
                image=two,
                image_name=EVIL,
                label=EVIL,
                predicted=EVIL,
                classifier=EVIL,
                explanation=EVIL.replace("/", ""),
            )
        ),
    }


STORES = stores()
FIRST = STORES["evidence"].maps[0]


class Visit:
    """The page in a tab, and everything that went wrong there."""

    def __init__(self, tab: Any, file: Path):
        self.tab, self.file = tab, file
        self.complaints: list[str] = []
        self.requests: list[str] = []
        tab.on("console", lambda message: self.complaints.append(message.text))
        tab.on("pageerror", lambda error: self.complaints.append(str(error)))
        tab.on("request", lambda request: self.requests.append(request.url))

    def open(self, hash: str = "") -> "Visit":
        self.tab.goto("about:blank")
        self.tab.goto(f"{self.file.as_uri()}{hash}")
        self.tab.wait_for_function("document.getElementById('title').textContent !== ''")
        return self

    def choose(self, facet: str, option: str) -> None:
        """The address tells what is shown, after everything else."""
        self.tab.locator(f"#choose-{facet}").select_option(value=option)
        self.tab.wait_for_function(
            """([facet, option]) =>
              (new URLSearchParams(location.hash.slice(1)).get(facet) ?? "") === option""",
            arg=[facet, option],
        )

    def settle(self) -> None:
        """Wait until the address tells what is shown."""
        self.tab.wait_for_timeout(400)

    def text(self, name: str) -> str:
        return self.tab.locator(f"#{name}").inner_text()

    def chosen(self, facet: str) -> str:
        return self.tab.locator(f"#choose-{facet}").input_value()

    def keys(self, *keys: str) -> None:
        for key in keys:
            self.tab.keyboard.press(key)

    def pixels(self, name: str) -> np.ndarray:
        """(y, x, 4) bytes of a canvas."""
        values = self.tab.evaluate(
            """name => {
              const canvas = document.getElementById(name);
              const { width, height } = canvas;
              const copy = new OffscreenCanvas(width, height).getContext("2d");
              copy.drawImage(canvas, 0, 0);
              return [height, width, [...copy.getImageData(0, 0, width, height).data]];
            }""",
            name,
        )
        return np.array(values[2], np.uint8).reshape(values[0], values[1], 4)
