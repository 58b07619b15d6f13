"""The interactive page as a person meets it, in headless Chromium.

What it shows is compared with the arrays that it was made from and with the colours of figures.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np
import pytest
from example_browser import running
from visited_maps import EVIL, FIRST, SIDES, STORES, MapsVisit

from prediction_difference.attribution.clear import class_colours, clear
from prediction_difference.figures import style
from prediction_difference.figures.maps import Map
from prediction_difference.report import maps_page


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with running() as browser:
        yield browser


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("a run's #1 folder")
    maps_page.write(STORES.values(), "a-run", folder / "index.html", folder / "maps.html")
    return folder / "maps.html"


@pytest.fixture
def visiting(browser: Any, file: Path) -> Iterator[Callable[..., MapsVisit]]:
    """Opens the page; after the test, nothing may have been complained of or fetched."""
    visits = []

    def visit(hash: str = "", **options: Any) -> MapsVisit:
        context = browser.new_context(**{"viewport": {"width": 1280, "height": 900}, **options})
        visits.append(MapsVisit(context.new_page(), file))
        return visits[-1].open(hash)

    yield visit
    for one in visits:
        assert one.complaints == []
        assert all(url.startswith((file.as_uri(), "data:", "about:")) for url in one.requests)
        one.tab.context.close()


@pytest.fixture
def visit(visiting: Callable[..., MapsVisit]) -> MapsVisit:
    return visiting()


def digits(value: float) -> str:
    """Three significant digits, with a sign."""
    return f"{float(f'{value:.2e}'):+#.3g}".rstrip(".").replace("-", style.MINUS)


def said_of(one: Map, x: int, y: int) -> str:
    error = digits(one.standard_error[y, x]).removeprefix("+")
    return f"{digits(one.relevance[y, x])} ± {error} bits"


def tinted(one: Map, limit: float) -> np.ndarray:
    scale = style.symmetric(limit)
    return np.rint(255 * style.SIGNED(scale(one.relevance))[..., :3])


def assert_coloured(found: np.ndarray, wanted: np.ndarray) -> None:
    """A value of three digits may fall into the next of 257 levels, but few do."""
    assert np.abs(found[..., :3] - wanted).max() <= 6
    assert (found[..., :3] == wanted).all(-1).mean() > 0.75


def test_the_first_map_is_shown_with_all_that_is_known(visit: MapsVisit) -> None:
    assert visit.text("title") == "Evidence for and against cat"
    for said in ("rank 1, p = 0.500", "prediction difference, marginal, k = 3", "net", "one"):
        assert said in visit.text("subtitle")
    limit = style.number(FIRST.largest)
    assert f"full colour at ±{limit} bits" in visit.text("subtitle")
    facts = visit.text("facts")
    for said in ("animals", "probability of predicted", "windows of side k = 3", "random-1"):
        assert said in facts


def test_the_value_below_the_pointer_is_that_of_the_store(visit: MapsVisit) -> None:
    canvas = visit.tab.locator("#heatmap").bounding_box()
    for x, y in ((0, 0), (7, 5), (3, 2)):
        across, down = (x + 0.5) / SIDES[1], (y + 0.5) / SIDES[0]
        visit.tab.mouse.move(
            canvas["x"] + across * canvas["width"], canvas["y"] + down * canvas["height"]
        )
        assert visit.text("place") == f"x {x}, y {y}"
        assert visit.text("value") == said_of(FIRST, x, y)
    visit.tab.mouse.move(2, 2)
    assert visit.text("value") == ""


def test_the_keyboard_reads_every_pixel_aloud(visit: MapsVisit) -> None:
    visit.tab.locator("#panels").focus()
    y, x = np.unravel_index(FIRST.relevance.argmax(), SIDES)
    assert visit.text("place") == f"x {x}, y {y}"
    visit.keys("Home", "PageUp")
    for y in range(SIDES[0]):
        for x in range(SIDES[1]):
            assert visit.text("place") == f"x {x}, y {y}"
            assert visit.text("value") == said_of(FIRST, x, y)
            assert said_of(FIRST, x, y) in visit.tab.locator("#announcement").text_content()
            visit.keys("ArrowRight")
        visit.keys("Home", "ArrowDown")
    visit.keys("n")
    y, x = np.unravel_index(FIRST.relevance.argmin(), SIDES)
    assert visit.text("place") == f"x {x}, y {y}"
    assert "against cat" in visit.text("remark")
    visit.keys("Shift+ArrowRight", "Shift+ArrowDown")
    assert visit.text("place") == f"x {SIDES[1] - 1}, y {SIDES[0] - 1}"


def test_values_near_zero_are_told_from_evidence(visit: MapsVisit) -> None:
    visit.tab.locator("#panels").focus()
    ratio = np.abs(FIRST.relevance) / FIRST.standard_error
    for least, most, is_said in ((0, 1, True), (1, 1.99, True), (2.01, 3, False), (3, 99, False)):
        y, x = np.argwhere((ratio > least) & (ratio < most))[0]
        visit.keys("Home", "PageUp", *["ArrowRight"] * int(x), *["ArrowDown"] * int(y))
        assert ("below two standard errors" in visit.text("remark")) == is_said


def test_every_control_is_reached_by_tab_and_shows_its_focus(visit: MapsVisit) -> None:
    seen = []
    for _ in range(20):
        visit.keys("Tab")
        name, outline = visit.tab.evaluate(
            """() => {
              const at = document.activeElement;
              const seen = at.name === "view" ? at.parentElement : at;
              return [at.id || at.name || at.tagName, getComputedStyle(seen).outlineStyle];
            }"""
        )
        seen.append(name)
        assert outline != "none", name
        if name == "panels":
            break
    assert {"choose-image", "choose-node", "view", "opacity", "hide", "top5", "same"} <= {*seen}
    assert seen[-1] == "panels"


def test_colours_are_those_of_the_figures(visit: MapsVisit) -> None:
    found = visit.pixels("heatmap")
    wanted = tinted(FIRST, float(f"{FIRST.largest:.6g}"))
    assert (found[..., 3] == 255).all()
    assert_coloured(found, wanted)
    original = np.rint(255 * style.picture(FIRST.image))
    np.testing.assert_array_equal(visit.pixels("original")[..., :3], original)


@pytest.mark.parametrize("opacity", [0, 40, 100])
def test_the_overlay_tints_the_lightened_image(visiting: Callable[..., MapsVisit], opacity) -> None:
    visit = visiting()
    visit.tab.locator("#opacity").fill(str(opacity))
    grey = style.picture(FIRST.image).mean(-1)
    ground = style.lightened(grey, 1.0)
    heatmap = visit.pixels("heatmap")[..., :3] / 255
    wanted = ground * (1 - opacity / 100 * (1 - heatmap))
    assert np.abs(visit.pixels("overlay")[..., :3] / 255 - wanted).max() < 2 / 255
    assert visit.text("opacity-value") == f"{opacity} %"


def test_the_threshold_hides_weak_pixels(visit: MapsVisit) -> None:
    visit.tab.locator("#hide").fill("40")
    strong = np.abs(FIRST.relevance) >= 0.4 * FIRST.largest
    np.testing.assert_array_equal(visit.pixels("heatmap")[..., 3] == 255, strong)
    assert f"{strong.mean():.1%}".replace("%", " %") in visit.text("hide-value")
    hidden = visit.pixels("overlay")[~strong][:, :3]
    assert (hidden == hidden[:, :1]).all()
    visit.tab.locator("#hide").fill("0")
    assert (visit.pixels("heatmap")[..., 3] == 255).all()


def test_top_five_per_cent_are_the_largest_pixels(visit: MapsVisit) -> None:
    visit.tab.locator("#top5").click()
    shown = visit.pixels("heatmap")[..., 3] == 255
    sizes = np.sort(np.abs(FIRST.relevance).ravel())
    assert shown.sum() == round(0.05 * sizes.size)
    assert np.abs(FIRST.relevance[shown]).min() >= sizes[-2] - 1e-6
    assert visit.tab.locator("#top5").get_attribute("aria-pressed") == "true"
    visit.tab.locator("#top5").click()
    assert (visit.pixels("heatmap")[..., 3] == 255).all()


def test_one_scale_for_all_maps_of_an_image(visit: MapsVisit) -> None:
    second = STORES["evidence"].maps[1]
    largest = max(one.maps[0].largest for one in (STORES["evidence"], STORES["wide"]))
    largest = max(largest, second.largest)
    visit.tab.locator("#same").check()
    assert f"full colour at ±{style.number(largest)} bits" in visit.text("subtitle")
    wanted = tinted(FIRST, float(f"{largest:.6g}"))
    assert_coloured(visit.pixels("heatmap"), wanted)


def test_choosing_keeps_the_rest_where_it_exists(visit: MapsVisit) -> None:
    visit.choose("node", "probability 2 dog")
    assert visit.text("title") == "Evidence for and against dog"
    visit.choose("image", "two")
    assert visit.chosen("node") == "probability 2 dog"
    assert visit.text("notice") == ""
    visit.choose("image", "one")
    assert visit.chosen("node") == "probability 2 dog"


def test_what_had_to_change_is_told_and_comes_back(visit: MapsVisit) -> None:
    visit.choose("node", "probability 2 dog")
    visit.choose("window", "5")
    assert (visit.chosen("window"), visit.chosen("node")) == ("5", "probability 1 cat")
    assert "Class or unit: rank 1: cat" in visit.text("notice")
    visit.choose("method", "sensitivity")
    assert visit.chosen("window") == ""
    assert visit.text("title") == "Relevance for cat"
    visit.choose("method", "prediction difference, marginal")
    assert visit.chosen("window") == "5"


def test_the_last_of_quick_choices_is_shown(visit: MapsVisit) -> None:
    """The first one has a picture that is still to be read, which is made to take long."""
    visit.tab.evaluate(
        """() => {
          const decode = HTMLImageElement.prototype.decode;
          HTMLImageElement.prototype.decode = async function () {
            await new Promise((done) => setTimeout(done, 200));
            return decode.call(this);
          };
          const select = document.getElementById("choose-image");
          for (const name of ["two", "one"]) {
            select.value = name;
            select.onchange();
          }
        }"""
    )
    visit.settle()
    assert visit.chosen("image") == "one"
    assert visit.text("title") == "Evidence for and against cat"


def test_layers_offer_their_own_nodes(visit: MapsVisit) -> None:
    visit.choose("layer", "inner")
    options = visit.tab.locator("#choose-node option").all_inner_texts()
    assert [text.split(" · ")[0] for text in options] == ["map 5 of inner", "map 6 of inner"]
    assert visit.text("title") == "Evidence for and against map 5 of inner"


def test_unsigned_maps_have_their_own_colours(visit: MapsVisit) -> None:
    visit.choose("method", "sensitivity")
    one = STORES["gradient"].maps[0]
    wanted = np.rint(255 * style.UNSIGNED(one.relevance / one.largest)[..., :3])
    assert_coloured(visit.pixels("heatmap"), wanted)
    assert visit.text("ticks").split() == ["0", *_halves(one.largest)]
    visit.tab.locator("#panels").focus()
    assert "±" not in visit.text("value")


def _halves(largest: float) -> list[str]:
    return [style.number(float(f"{largest:.6g}") * share) for share in (0.5, 1)]


def test_an_address_leads_to_the_same_map_and_view(visiting: Callable[..., MapsVisit]) -> None:
    first = visiting()
    first.choose("node", "probability 2 dog")
    first.tab.locator("[name=view][value=overlay]").check()
    first.tab.locator("#opacity").fill("35")
    first.tab.locator("#hide").fill("20")
    first.tab.locator("#same").check()
    first.tab.locator("#panels").focus()
    first.keys("m", "ArrowLeft")
    second = visiting(f"#{first.address()}")
    for name in ("title", "subtitle", "place", "value", "hide-value", "opacity-value"):
        assert second.text(name) == first.text(name), name
    np.testing.assert_array_equal(second.pixels("overlay"), first.pixels("overlay"))
    assert second.tab.locator("#heatmap").is_hidden()


@pytest.mark.parametrize(
    "hash",
    ["#image=nothing&node=none", "#hide=x&opacity=1e9&x=-4&y=2&view=evil", "#%%%", "#image"],
)
def test_a_wrong_address_shows_a_map(visiting: Callable[..., MapsVisit], hash: str) -> None:
    visit = visiting(hash)
    assert visit.text("title") == "Evidence for and against cat"
    assert ("not here" in visit.text("notice")) == hash.startswith("#image")
    assert (visit.text("opacity-value"), visit.text("hide-value")) == ("80 %", "nothing is hidden")
    assert visit.text("value") == ""


def test_a_place_outside_of_the_map_is_moved_into_it(visiting: Callable[..., MapsVisit]) -> None:
    assert visiting("#x=999&y=2.6").text("place") == f"x {SIDES[1] - 1}, y 3"


def test_an_edited_address_is_followed(visit: MapsVisit) -> None:
    visit.settle()
    visit.tab.evaluate("location.hash = '#image=two&x=2&y=3'")
    visit.tab.locator("#place").filter(has_text="x 2, y 3").wait_for()
    assert visit.chosen("image") == "two"


def test_shortcuts_work_on_the_pictures_only(visit: MapsVisit) -> None:
    visit.tab.locator("#panels").focus()
    visit.keys("3")
    assert visit.tab.locator("#overlay").is_hidden()
    assert visit.tab.locator("#heatmap").is_visible()
    visit.keys("1", ".")
    assert visit.chosen("node") == "probability 2 dog"
    visit.keys("]")
    assert visit.chosen("image") == "two"
    visit.settle()
    visit.keys("t", "s")
    assert visit.tab.locator("#top5").get_attribute("aria-pressed") == "true"
    assert visit.tab.locator("#same").is_checked()
    visit.tab.locator("#same").focus()
    visit.keys("3")
    assert visit.tab.locator("#overlay").is_visible()


def test_names_from_outside_do_nothing(visit: MapsVisit) -> None:
    visit.choose("image", EVIL)
    assert visit.text("title") == f"Evidence for and against {EVIL}"
    assert EVIL in visit.text("facts")
    assert visit.tab.evaluate("window.hacked") is None
    assert visit.tab.locator("img").count() == 0
    visit.settle()
    again = visit.open(visit.tab.url[visit.tab.url.index("#") :])
    assert again.text("title") == f"Evidence for and against {EVIL}"
    assert again.tab.evaluate("window.hacked") is None


def test_an_unknown_value_is_said_to_be_unknown(visit: MapsVisit) -> None:
    visit.choose("image", EVIL)
    visit.tab.locator("#panels").focus()
    visit.keys("Home", "PageUp")
    assert (visit.text("place"), visit.text("value")) == ("x 0, y 0", "unknown")
    assert visit.pixels("heatmap")[0, 0, 3] == 0
    visit.keys("m")
    relevance = STORES["evil"].maps[0].relevance
    y, x = np.unravel_index(np.nanargmax(relevance), SIDES)
    assert visit.text("place") == f"x {x}, y {y}"


def test_classes_are_offered_by_their_rank(visiting: Callable[..., MapsVisit]) -> None:
    visit = visiting("#image=one")
    options = visit.tab.locator("#choose-node option").all_inner_texts()
    assert options[:2] == [
        "rank 1: cat · p = 0.500 · predicted · label",
        "rank 2: dog · p = 0.250",
    ]


def test_zoomed_pixels_stay_sharp(visit: MapsVisit) -> None:
    for name in ("original", "heatmap", "overlay"):
        canvas = visit.tab.locator(f"#{name}")
        style_of = canvas.evaluate("canvas => getComputedStyle(canvas).imageRendering")
        assert style_of == "pixelated"
        box = canvas.bounding_box()
        assert box["width"] / box["height"] == pytest.approx(SIDES[1] / SIDES[0], rel=0.02)


@pytest.mark.parametrize("view", ["side", "original", "heatmap", "overlay"])
def test_a_phone_needs_no_scrolling_sideways(visiting: Callable[..., MapsVisit], view: str) -> None:
    for name in ("one", EVIL):
        address = f"#view={view}&image={quote(name)}"
        visit = visiting(address, viewport={"width": 400, "height": 800})
        assert visit.chosen("image") == name
        assert visit.tab.evaluate("document.documentElement.scrollWidth") <= 400


def test_a_phone_begins_with_the_overlay(visiting: Callable[..., MapsVisit]) -> None:
    visit = visiting(viewport={"width": 400, "height": 800})
    assert visit.tab.locator("#overlay").is_visible()
    assert visit.tab.locator("#original").is_hidden()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_words_are_legible(visiting: Callable[..., MapsVisit], scheme: str) -> None:
    """At least 4.5 to 1, what WCAG asks for."""
    visit = visiting(color_scheme=scheme)
    visit.choose("window", "5")
    visit.tab.locator("#panels").focus()
    ratios = visit.tab.evaluate(CONTRASTS)
    assert len(ratios) > 20
    assert {text: ratio for text, ratio in ratios if ratio < 4.5} == {}


CONTRASTS = """() => {
  const light = (colour) => {
    const [r, g, b] = colour.match(/[\\d.]+/g).slice(0, 3).map((part) => {
      const share = part / 255;
      return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ground = (at) => {
    const colour = getComputedStyle(at).backgroundColor;
    const isClear = colour === "transparent" || colour.endsWith(", 0)");
    return isClear && at.parentElement ? ground(at.parentElement) : colour;
  };
  const own = (at) => [...at.childNodes].some((n) => n.nodeType === 3 && n.data.trim());
  return [...document.querySelectorAll("main *, header *, footer *")]
    .filter((at) => own(at) && at.checkVisibility() && at.tagName !== "OPTION")
    .map((at) => {
      const both = [light(getComputedStyle(at).color), light(ground(at))].sort((a, b) => b - a);
      return [at.textContent.trim().slice(0, 40), (both[0] + 0.05) / (both[1] + 0.05)];
    });
}"""


def test_nothing_moves_where_that_is_not_wanted(visiting: Callable[..., MapsVisit]) -> None:
    visit = visiting(reduced_motion="reduce")
    assert visit.tab.evaluate("getComputedStyle(document.documentElement).scrollBehavior") == "auto"
    assert visit.tab.evaluate("document.getAnimations().length") == 0


def test_a_damaged_map_is_told(browser: Any, file: Path, tmp_path: Path) -> None:
    html = file.read_text(encoding="utf-8")
    start = html.index('id="relevance-0">') + len('id="relevance-0">')
    damaged = tmp_path / "damaged.html"
    damaged.write_text(html[:start] + "AAAA" + html[start + 4 :], encoding="utf-8")
    tab = browser.new_page()
    tab.goto(damaged.as_uri())
    tab.locator("#problem").wait_for()
    assert "This map cannot be read" in tab.locator("#problem").inner_text()
    tab.locator("#choose-image").select_option(value="two")
    tab.locator("#shown").wait_for()
    assert tab.locator("#problem").is_hidden()
    tab.close()


# --- CLEAR maps -------------------------------------------------------------------------------


def test_several_classes_have_a_clear_map(visit: MapsVisit) -> None:
    """The class and the response of every pixel, as the package has them."""
    responses = np.stack([one.relevance for one in STORES["evidence"].maps[:2]])
    found = clear(responses)
    expected = np.rint(255 * found.picture(class_colours(2)))
    np.testing.assert_allclose(visit.pixels("clear")[..., :3], expected, atol=2)
    assert visit.tab.locator("#classes li").all_inner_texts() == ["cat", "dog"]
    y, x = np.unravel_index(found.response.argmax(), SIDES)
    visit.open(f"#x={x}&y={y}")
    name = ("cat", "dog")[found.classes[y, x]]
    assert f"{name} responds most, {digits(found.response[y, x])} bits" in visit.text("remark")


def test_colours_of_classes_can_be_told_apart_by_everybody(visit: MapsVisit) -> None:
    """The package's distinct colours, full where the response is not small."""
    responses = np.stack([one.relevance for one in STORES["evidence"].maps[:2]])
    visit.open("#palette=distinct")
    expected = np.rint(255 * clear(responses).picture(class_colours(2, "distinct"), "distinct"))
    np.testing.assert_allclose(visit.pixels("clear")[..., :3], expected, atol=2)
    visit.tab.locator("#distinct").uncheck()
    visit.settle()
    expected = np.rint(255 * clear(responses).picture(class_colours(2)))
    np.testing.assert_allclose(visit.pixels("clear")[..., :3], expected, atol=2)


def test_the_clear_map_is_a_view_that_the_keyboard_reaches(visit: MapsVisit) -> None:
    visit.tab.locator("#panels").focus()
    visit.keys("5")
    assert visit.tab.locator(".panel:visible").count() == 1
    assert visit.tab.locator("#clear").is_visible()
    visit.settle()
    assert "view=clear" in visit.tab.url


def test_a_single_class_has_none(visit: MapsVisit) -> None:
    visit.open("#explanation=wide&view=clear")
    assert not visit.tab.locator("#clear").is_visible()
    assert not visit.tab.locator("#view-clear").is_visible()
    assert visit.tab.locator("#heatmap").is_visible()
