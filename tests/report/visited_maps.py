"""The maps that tests look at in a browser, and the page with them in a tab."""

import numpy as np
from example_browser import Visit
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


class MapsVisit(Visit):
    """The page of images in a tab."""

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
