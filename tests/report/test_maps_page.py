"""The interactive page as a file: nothing from outside runs or loads, nothing is lost silently."""

import base64
import hashlib
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from example_maps import class_node, example_map, layer_node, noise, stored

from prediction_difference.report import maps_page
from prediction_difference.report.catalogue import ROOM, Room
from prediction_difference.report.html import HERE
from prediction_difference.report.tables import Stored

EVIL = "a</script><script>alert('x')</script><!--<script> & \"b\" \u2028 Ünï <img src=x>"


class Page(HTMLParser):
    """Elements with their attributes, and what stands in every script."""

    def __init__(self, html: str):
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.scripts: dict[str, str] = {}
        self.text = ""
        self._script: str | None = None
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = {key: value or "" for key, value in attrs}
        self.elements.append((tag, attributes))
        if tag == "script":
            self._script = attributes.get("id", attributes.get("type", ""))
            self.scripts[self._script] = ""

    def handle_endtag(self, tag: str) -> None:
        self._script = None

    def handle_data(self, data: str) -> None:
        if self._script is None:
            self.text += data
        else:
            self.scripts[self._script] += data


def written(folder: Path, *stores: Stored, run: str = "a-run", room: Room = ROOM) -> str:
    output = folder / "report" / "maps.html"
    maps_page.write(stores, run, output.with_name("index.html"), output, room)
    return output.read_text(encoding="utf-8")


@pytest.fixture
def evil(tmp_path: Path) -> Page:
    node = class_node(EVIL)
    one = example_map(noise(1, 3, 4), node, image_name=EVIL, classifier=EVIL, label=EVIL)
    return Page(written(tmp_path, stored(one), run=EVIL))


def test_names_from_outside_stay_text(evil: Page) -> None:
    assert set(evil.scripts) == {"catalogue", "picture-0", "relevance-0", "error-0", "module"}
    catalogue = json.loads(evil.scripts["catalogue"])
    assert catalogue["maps"][0]["class"] == EVIL
    assert catalogue["maps"][0]["facets"]["image"] == EVIL
    assert catalogue["stores"][0]["label"] == EVIL
    assert "img" not in {tag for tag, _ in evil.elements}
    assert f"Maps of {EVIL}" in evil.text


def test_only_the_program_of_the_package_may_run(evil: Page) -> None:
    program = evil.scripts["module"]
    digest = base64.b64encode(hashlib.sha256(program.encode()).digest()).decode()
    policies = [a["content"] for tag, a in evil.elements if "http-equiv" in a and tag == "meta"]
    (policy,) = policies
    assert policy.startswith("default-src 'none';")
    assert f"script-src 'sha256-{digest}';" in policy
    assert "connect-src" not in policy
    for file in (HERE / "viewer").glob("*.js"):
        assert file.read_text() in program, file.name


def test_the_page_loads_nothing(evil: Page) -> None:
    loading = {"link", "iframe", "object", "embed", "video", "audio", "source", "img"}
    assert loading.isdisjoint(tag for tag, _ in evil.elements)
    for _, attributes in evil.elements:
        assert "src" not in attributes
        assert not any(name.startswith("on") for name in attributes)
    program = evil.scripts["module"]
    assert not re.search(
        r"https?://|innerHTML|outerHTML|insertAdjacent|eval|fetch\(|import", program
    )


def test_every_control_has_a_label(evil: Page) -> None:
    html = evil.elements
    labelled = {a["for"] for tag, a in html if tag == "label" and "for" in a}
    ranges = {a["id"] for tag, a in html if a.get("type") == "range"}
    assert ranges <= labelled
    selects = [a["id"] for tag, a in html if tag == "select"]
    assert {f"choose-{name}" for name in ("image", "network", "node")} <= set(selects)


def test_what_finds_no_room_is_on_the_page_and_in_the_log(tmp_path, capsys) -> None:
    inner = [example_map(noise(n, 30, 30), layer_node(n)) for n in range(3)]
    html = written(tmp_path, stored(*inner), room=Room(page=6000))
    line = "evidence, inner: 2 of 3 maps, the weakest of each image"
    assert line in Page(html).text
    assert f"maps.html leaves out: {line}" in capsys.readouterr().err


def test_nothing_left_out_is_said_too(tmp_path) -> None:
    assert "Nothing is left out." in written(tmp_path, stored(example_map(noise(1, 3, 4))))


def test_a_run_without_images_has_a_page(tmp_path) -> None:
    html = written(tmp_path, stored(example_map(noise(1, 3, 4, 5))))
    page = Page(html)
    assert "This run has no maps of two-dimensional images." in page.text
    assert "evidence (volumes; figures show them in slices): 1 map." in page.text
    assert page.scripts == {}


def test_the_same_maps_give_the_same_page(tmp_path) -> None:
    one = stored(example_map(noise(1, 3, 4)))
    assert written(tmp_path / "a", one) == written(tmp_path / "b", one)
