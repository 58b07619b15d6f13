"""The viewer of a cohort as a person meets it, in headless Chromium with WebGL 2 in software.

What it says is compared with the arrays that it was made from.
"""

import io
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from example_browser import Visit, running
from example_maps import class_node
from example_volumes import (
    AFFINE,
    FIRST,
    SIDES,
    volume_map,
    write_attribution,
    write_dataset_store,
)
from PIL import Image
from playwright.sync_api import expect

from prediction_difference.figures import style
from prediction_difference.figures.maps import Map
from prediction_difference.report import brains_page

EVIL = "x</script><script>window.hacked=1</script><img src=x onerror=window.hacked=1>\"'&<b> Ünï"
CONTROL = class_node("control", 0, 1)
MAPS = {
    "one": [volume_map(1, "sub-1"), volume_map(2, "sub-1", node=CONTROL)],
    "two": [volume_map(3, "sub-2", scale=3)],
    "wide": [volume_map(4, "sub-1", explanation="wide", window=5, exact=True)],
    "conditional": [
        volume_map(5, "sub-1", explanation="full", sampler="conditional", weights_from="elsewhere")
    ],
    "evil": [
        volume_map(6, EVIL, label=EVIL, predicted=EVIL, split=EVIL, node=class_node(EVIL, 2, 3))
    ],
}
FIRST_MAP = MAPS["one"][0]
PATIENCE = 120_000
"""Milliseconds: without a GPU, and beside other work, a scene takes seconds to draw."""
NOTE_PLACES = """() => {
  window.seen = new Set();
  const shown = document.getElementById("slide-y-value");
  new MutationObserver(() => seen.add(shown.textContent)).observe(shown, { childList: true });
}"""
LIMIT = max(one.largest for name in ("one", "two", "evil") for one in MAPS[name])


TURNED = np.array([[0, 0, -2.0, 6], [2.5, 0, 0, -5], [0, 3, 0, -12], [0, 0, 0, 1]])
"""Stored along y, z and x, the last from right to left."""


class BrainsVisit(Visit):
    """The viewer of a cohort in a tab."""

    def set(self, name: str, value: object) -> None:
        self.tab.locator(f"#{name}").fill(str(value))

    def click_beside(self, affine: np.ndarray, right: int, front: int) -> None:
        """Click into the axial slice, so many voxels away from its middle."""
        box = self.tab.locator("#scene").bounding_box()
        sizes = np.abs(affine[:3, :3]).sum(axis=1)
        x, y, _ = np.abs(affine[:3, :3]) @ SIDES
        scale = min(box["width"] / x, box["height"] / y)
        place = {
            "x": box["width"] / 2 + right * sizes[0] * scale,
            "y": box["height"] / 2 - front * sizes[1] * scale,
        }
        self.tab.locator("#scene").click(position=place)

    def reads(self, value: str) -> None:
        """Waits until this is what the crosshair says."""
        expect(self.tab.locator("#value")).to_have_text(value, timeout=PATIENCE)

    def pixels(self) -> np.ndarray:
        """(y, x, 3) of the scene but for its rim, which the page's border shines through."""
        png = self.tab.locator("#scene").screenshot()
        return np.array(Image.open(io.BytesIO(png)).convert("RGB")).astype(int)[1:-1, 1:-1]


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("a run's #1 folder")
    stores = [write_attribution(folder / f"{name}.zarr", *maps) for name, maps in MAPS.items()]
    dataset = write_dataset_store(folder / "heads.zarr")
    output = folder / "brains-heads.html"
    brains_page.write(dataset, stores, "a-run", folder / "index.html", output)
    return output


@pytest.fixture(scope="module")
def turned(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of the first map, whose axes are stored in another order."""
    folder = tmp_path_factory.mktemp("turned")
    one = volume_map(1, "sub-1", affine=TURNED.tolist())
    dataset = write_dataset_store(folder / "heads.zarr")
    output = folder / "brains-heads.html"
    stores = [write_attribution(folder / "one.zarr", one)]
    brains_page.write(dataset, stores, "a-run", folder / "index.html", output)
    return output


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with running("--use-angle=swiftshader", "--enable-unsafe-swiftshader") as browser:
        yield browser


@pytest.fixture
def visiting(browser: Any, file: Path) -> Iterator[Callable[..., BrainsVisit]]:
    """Opens the page; after the test, nothing may have been complained of or fetched."""
    visits: list[BrainsVisit] = []

    def visit(hash: str = "", other: Path | None = None, **options: Any) -> BrainsVisit:
        context = browser.new_context(**{"viewport": {"width": 800, "height": 1100}, **options})
        context.set_default_timeout(PATIENCE)
        visits.append(BrainsVisit(context.new_page(), other or file))
        return visits[-1].open(hash)

    yield visit
    for one in visits:
        one.tab.context.close()
    for one in visits:
        assert one.complaints == []
        own = (one.file.as_uri(), "data:", "about:", "blob:")
        assert all(url.startswith(own) for url in one.requests)


@pytest.fixture
def visit(visiting: Callable[..., BrainsVisit]) -> BrainsVisit:
    return visiting()


def digits(value: float) -> str:
    """Three significant digits, with a sign."""
    return f"{float(f'{value:.2e}'):+#.3g}".rstrip(".").replace("-", style.MINUS)


def said_of(one: Map, voxel: tuple[int, ...]) -> str:
    error = one.standard_error[voxel]
    spread = "" if np.isnan(error) else f" ± {digits(error).removeprefix('+')}"
    return f"{digits(one.relevance[voxel])}{spread} bits"


def millimetres(voxel: tuple[int, ...], affine: np.ndarray = AFFINE) -> str:
    words = (f"{value:+g}".replace("-", style.MINUS) for value in (affine @ [*voxel, 1])[:3])
    x, y, z = (word.removeprefix("+") if word == "+0" else word for word in words)
    return f"x {x}, y {y}, z {z} mm"


def beside(
    affine: np.ndarray, voxel: tuple[int, ...], right: int = 0, front: int = 0, up: int = 0
) -> tuple[int, ...]:
    """The voxel that is so many voxels away, as the head is turned."""
    sizes = np.abs(affine[:3, :3]).sum(axis=1)
    place = (affine @ [*voxel, 1])[:3] + sizes * (right, front, up)
    return tuple(np.rint(np.linalg.inv(affine) @ [*place, 1])[:3].astype(int).tolist())


@pytest.mark.parametrize("voxel", [(0, 0, 0), (4, 8, 6), (1, 7, 2), (3, 2, 5)])
def test_the_crosshair_says_what_the_store_holds(
    visiting: Callable[..., BrainsVisit], voxel
) -> None:
    visit = visiting(f"#voxel={','.join(map(str, voxel))}")
    assert visit.text("value") == said_of(FIRST_MAP, voxel)
    i, j, k = voxel
    assert visit.text("place").startswith(millimetres(voxel))
    assert f"voxel ({i + FIRST}, {j}, {k})" in visit.text("place")
    side = "right" if (AFFINE @ [*voxel, 1])[0] > 0 else "left"
    assert side in visit.text("place")


def test_sliders_reach_every_slice(visit: BrainsVisit) -> None:
    """Along x from left to right, though voxels are stored from right to left."""
    visit.set("slide-y", 3)
    visit.set("slide-z", 2)
    for x in range(SIDES[0]):
        visit.set("slide-x", x)
        voxel = (SIDES[0] - 1 - x, 3, 2)
        assert visit.text("value") == said_of(FIRST_MAP, voxel)
        assert visit.text("place").startswith(millimetres(voxel))
    assert said_of(FIRST_MAP, voxel) in visit.tab.locator("#announcement").text_content()


@pytest.mark.parametrize("affine", [AFFINE, TURNED], ids=["as-usual", "turned"])
def test_clicks_and_the_wheel_read_the_voxel_under_them(
    visiting: Callable[..., BrainsVisit], turned: Path, affine: np.ndarray
) -> None:
    """Left of the middle is the left of the body, also where the stored order is another one."""
    visit = visiting("#view=z&voxel=2,4,3", turned if affine is TURNED else None)
    for right, front in ((-1, 0), (1, 0), (1, 2), (2, -2), (-2, 1)):
        visit.click_beside(affine, right, front)
        voxel = beside(affine, (2, 4, 3), right, front)
        visit.reads(said_of(FIRST_MAP, voxel))
        assert visit.text("place").startswith(millimetres(voxel, affine))
    for _ in range(2):
        visit.tab.mouse.wheel(0, 100)
        voxel = beside(affine, voxel, up=1)
        visit.reads(said_of(FIRST_MAP, voxel))


@pytest.mark.parametrize("view", ["y", "z"])
def test_left_and_right_are_marked_beside_the_slice(
    visiting: Callable[..., BrainsVisit], view
) -> None:
    """Letters have a colour of their own; NiiVue by itself writes L to the right of the middle."""
    pixels = visiting(f"#view={view}&opacity=0&voxel=2,4,3").pixels()
    red, green, blue = pixels[..., 0], pixels[..., 1], pixels[..., 2]
    is_letter = (red > 150) & (green > 120) & (blue < 100)
    is_tissue = (np.ptp(pixels, axis=2) < 12) & (red > 40)
    middle = slice(pixels.shape[0] // 2 - 20, pixels.shape[0] // 2 + 20)
    letters = np.flatnonzero(is_letter[middle].any(axis=0))
    tissue = np.flatnonzero(is_tissue.sum(axis=0) > 20)
    assert letters.min() < tissue.min() + 10
    assert letters.max() > tissue.max() - 10
    inner = (letters > tissue.min() + 30) & (letters < tissue.max() - 30)
    assert not inner.any()


def test_every_control_changes_what_is_shown(visit: BrainsVisit) -> None:
    before = visit.pixels()
    changes: list[Callable[[], None]] = [
        lambda: visit.set("opacity", 20),
        lambda: visit.set("hide", 70),
        lambda: visit.choose("window", "5"),
        lambda: visit.choose("window", "3"),
        lambda: visit.choose("method", "prediction difference, conditional"),
        lambda: visit.choose("method", "prediction difference, marginal"),
        lambda: visit.choose("node", "probability 0 control"),
        lambda: visit.choose("image", "sub-2"),
        *(
            lambda view=view: visit.tab.locator(f"[name=view][value={view}]").check()  # type: ignore[misc]
            for view in ("x", "y", "z", "volume", "all")
        ),
        lambda: visit.tab.locator("#cut").check(),
        *(lambda axis=axis: visit.set(f"slide-{axis}", 1) for axis in "xyz"),  # type: ignore[misc]
    ]
    for number, change in enumerate(changes):
        change()
        visit.settle()
        after = visit.pixels()
        assert (after != before).any(), number
        before = after


def test_choices_name_the_map(visit: BrainsVisit) -> None:
    visit.choose("window", "5")
    assert visit.text("value").endswith(" bits")
    assert "±" not in visit.text("value")
    assert "k = 5" in visit.text("subtitle")
    visit.choose("image", "sub-2")
    assert "There is no such map" in visit.text("notice")
    assert "k = 3" in visit.text("subtitle")


def test_the_scale_is_that_of_all_subjects(visit: BrainsVisit) -> None:
    words = f"full colour at ±{style.number(LIMIT)} bits, the same for all subjects"
    assert words in visit.text("subtitle")
    visit.choose("image", "sub-2")
    assert words in visit.text("subtitle")


def test_the_subject_is_described(visit: BrainsVisit) -> None:
    for words in (
        "sub-1",
        "label patient",
        "predicted control, p = 0.750 \N{EN DASH} misclassified",
        "out of fold",
        "fitted without fold-2",
    ):
        assert words in visit.text("subject")


def test_of_weights_from_elsewhere_the_page_does_not_know(visit: BrainsVisit) -> None:
    visit.choose("method", "prediction difference, conditional")
    doubt = "whether the classifier was trained on this subject is not known"
    assert visit.text("subject").endswith(doubt)
    assert "fold" not in visit.text("subject")
    facts = visit.text("facts")
    assert doubt in facts
    assert "fitted without fold-2" in facts  # the prior, which the pipeline fits


def test_the_threshold_counts_what_is_left(visit: BrainsVisit) -> None:
    visit.set("hide", 55)
    relevance = np.abs(FIRST_MAP.relevance) / FIRST_MAP.largest
    assert np.abs(relevance - 0.55).min() > 0.005  # values on the page have three digits
    share = (relevance >= 0.55).mean()
    assert f"{100 * share:.1f} % of the voxels" in visit.text("hide-value")
    voxel = np.unravel_index(relevance.argmin(), SIDES)
    visit.open(f"#hide=55&voxel={','.join(map(str, voxel))}")
    assert "hidden" in visit.text("remark")


def test_a_threshold_of_zero_leaves_the_background_dark(
    visiting: Callable[..., BrainsVisit],
) -> None:
    shown = visiting("#view=z&hide=0").pixels()
    assert (shown[5:40, 5:40] < 30).all()


def test_signs_have_their_colours(visiting: Callable[..., BrainsVisit]) -> None:
    """At full opacity, the voxel below the crosshair of the largest and the smallest value."""
    for sign, channel in ((1, 0), (-1, 2)):
        voxel = np.unravel_index((sign * FIRST_MAP.relevance).argmax(), SIDES)
        address = f"#view=z&opacity=100&hide=80&voxel={','.join(map(str, voxel))}"
        pixels = visiting(address).pixels()
        tinted = pixels[np.ptp(pixels, axis=2) > 60]
        strong = tinted[tinted.argmax(axis=1) == channel]
        assert len(strong) > 50


def test_the_film_runs_through_the_slices_and_stops(visit: BrainsVisit) -> None:
    places = [f"{y:+g} mm".replace("-", style.MINUS) for y in np.arange(SIDES[1]) * 2.5 - 126]
    now = places.index(visit.text("slide-y-value").partition(",")[0])
    visit.tab.evaluate(NOTE_PLACES)
    visit.tab.locator("#play-y").click()
    deadline = time.monotonic() + PATIENCE / 1000
    while len(seen := visit.tab.evaluate("[...window.seen]")) < SIDES[1]:
        assert time.monotonic() < deadline, seen
        visit.tab.wait_for_timeout(100)
    assert [text.partition(",")[0] for text in seen] == [*places[now + 1 :], *places[: now + 1]]
    visit.tab.locator("#play-y").click()
    visit.tab.wait_for_timeout(300)
    before = visit.text("place")
    visit.tab.wait_for_timeout(500)
    assert visit.text("place") == before
    assert visit.tab.locator("#play-y").get_attribute("aria-pressed") == "false"


def test_the_address_leads_to_the_same_view(visiting: Callable[..., BrainsVisit]) -> None:
    first = visiting()
    first.choose("image", "sub-2")
    first.tab.locator("[name=view][value=x]").check()
    first.set("hide", 30)
    first.set("opacity", 55)
    first.set("slide-y", 2)
    second = visiting(f"#{first.address()}")
    for name in ("title", "place", "value", "hide-value", "opacity-value", "subject"):
        assert second.text(name) == first.text(name), name
    np.testing.assert_array_equal(second.pixels(), first.pixels())


@pytest.mark.parametrize("hash", ["#voxel=99,-4,3", "#voxel=a,b,c&hide=x&view=evil&axis=w", "#%%%"])
def test_a_wrong_address_shows_a_map(visiting: Callable[..., BrainsVisit], hash: str) -> None:
    visit = visiting(hash)
    assert visit.text("title") == "Evidence for and against patient"
    assert "bits" in visit.text("value")


def test_names_from_outside_do_nothing(visit: BrainsVisit) -> None:
    visit.choose("image", EVIL)
    assert visit.text("title") == f"Evidence for and against {EVIL}"
    assert EVIL in visit.text("subject")
    assert visit.tab.evaluate("window.hacked") is None


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_phone_needs_no_scrolling_sideways(
    visiting: Callable[..., BrainsVisit], scheme: str
) -> None:
    visit = visiting(viewport={"width": 390, "height": 800}, color_scheme=scheme)
    assert visit.tab.evaluate("document.documentElement.scrollWidth") <= 390
    visit.choose("image", EVIL)
    assert visit.tab.evaluate("document.documentElement.scrollWidth") <= 390


@pytest.fixture(scope="module")
def without_webgl(browser: Any) -> Iterator[Any]:
    """A tab whose canvases have no WebGL."""
    context = browser.new_context()
    context.set_default_timeout(PATIENCE)
    context.add_init_script(
        "const original = HTMLCanvasElement.prototype.getContext;"
        "HTMLCanvasElement.prototype.getContext = function (kind, ...rest) {"
        "  return kind.startsWith('webgl') ? null : original.call(this, kind, ...rest); };"
    )
    yield context
    context.close()


def test_without_webgl_there_are_slices(without_webgl: Any, file: Path) -> None:
    visit = BrainsVisit(without_webgl.new_page(), file).open()
    assert "no WebGL 2" in visit.text("fallback")
    assert visit.tab.locator("#interactive").is_hidden()
    shown = visit.tab.locator(".strips:visible")
    assert shown.count() == 1
    assert "sub-1" in shown.inner_text()
    loaded = "image => image.complete && image.naturalWidth > 20"
    assert all(image.evaluate(loaded) for image in shown.locator("img").all())
    visit.choose("image", "sub-2")
    assert "sub-2" in visit.tab.locator(".strips:visible").inner_text()
    assert visit.text("title") == "Evidence for and against patient"
    assert visit.complaints == []


def test_without_javascript_all_slices_are_there(browser: Any, file: Path) -> None:
    context = browser.new_context(java_script_enabled=False)
    tab = context.new_page()
    tab.goto(file.as_uri())
    assert tab.locator(".strips:visible").count() == sum(len(maps) for maps in MAPS.values())
    assert "needs JavaScript" in tab.locator("body").inner_text()
    context.close()
