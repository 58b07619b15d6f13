"""Colours say what they are said to say."""

import matplotlib
import numpy as np
import pytest
from matplotlib.figure import Figure

from prediction_difference.figures import style

WHITE = (1.0, 1.0, 1.0)


@pytest.mark.parametrize("limit", [1e-6, 0.3, 7.0, 1e9])
def test_zero_is_white_for_and_against_are_red_and_blue(limit: float) -> None:
    against, zero, evidence = style.SIGNED(style.symmetric(limit)(np.array([-1, 0, 1]) * limit))
    assert tuple(zero[:3]) == WHITE
    assert evidence[0] > evidence[2]
    assert against[2] > against[0]


def test_the_scale_is_symmetric() -> None:
    scale = style.symmetric(3.0)
    assert (scale.vmin, scale.vmax) == (-3.0, 3.0)
    assert scale(1.5) - 0.5 == pytest.approx(0.5 - scale(-1.5))


def test_a_map_of_zeros_is_white() -> None:
    zeros = np.zeros((2, 2))
    assert style.largest([zeros]) == 0
    assert (style.SIGNED(style.symmetric(0.0)(zeros))[..., :3] == 1).all()
    assert (style.UNSIGNED(style.from_zero(0.0)(zeros))[..., :3] == 1).all()


def test_an_overlay_leaves_hidden_and_irrelevant_pixels_as_they_are() -> None:
    ground = np.random.default_rng(0).random((1, 3, 3))
    relevance = np.array([[0.0, -2.0, -2.0]])
    shown = style.overlay(ground, relevance, 2.0, np.array([[False, True, False]]))
    np.testing.assert_array_equal(shown[0, :2], ground[0, :2])
    assert (shown[0, 2] < ground[0, 2]).all()


def test_tissue_is_lightened_and_what_is_outside_is_white() -> None:
    shades = style.lightened(np.array([0.0, 1e-6, 0.5, 1.0, 9.0]), peak=1.0)
    assert shades[0, 0] == shades[3, 0] == shades[4, 0] == 1
    assert 0.5 < shades[1, 0] < shades[2, 0] < 1


@pytest.mark.parametrize("channels", [1, 2, 3])
def test_pictures_have_colours_between_0_and_1(channels: int) -> None:
    image = np.random.default_rng(0).uniform(-3, 5, (channels, 4, 6))
    pixels = style.picture(image)
    assert pixels.shape == (4, 6, 3)
    assert pixels.min() >= 0
    assert pixels.max() <= 1
    assert channels == 3 or (pixels[..., 0] == pixels[..., 2]).all()


def test_images_in_0_to_1_are_shown_as_they_are() -> None:
    image = np.random.default_rng(0).uniform(0.4, 0.6, (3, 2, 2))
    np.testing.assert_array_equal(style.picture(image), np.moveaxis(image, 0, -1))


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (6.2, "6.20"),
        (-0.0595, f"{style.MINUS}0.0595"),
        (0.0, "0"),
        (123.4, "123"),
        (46225.0, "46,225"),
        (1.25e-7, f"1.25{style.TIMES}10⁻⁷"),
        (float("nan"), style.UNKNOWN),
        (None, style.UNKNOWN),
    ],
)
def test_numbers_are_typeset(value: float | None, text: str) -> None:
    assert style.number(value) == text


@pytest.mark.parametrize(
    ("value", "error", "text"),
    [
        (3.5529, 0.7604, "3.55 ± 0.76"),
        (-0.5, 0.012, f"{style.MINUS}0.500 ± 0.012"),
        (120.4, 23.0, "120 ± 23"),
        (2.0, float("nan"), "2.00"),
        (1.0, 5e-18, "1.00"),
    ],
)
def test_errors_settle_the_number_of_digits(value: float, error: float, text: str) -> None:
    assert style.with_error(value, error) == text


@pytest.mark.parametrize("inches", [0.6, 0.9, 1.42, 3.0])
@pytest.mark.parametrize("text", ["W" * 40, "i" * 90, "African elephant, Loxodonta africana"])
def test_fitted_text_is_as_wide_as_there_is_room(text: str, inches: float) -> None:
    with style.context():
        figure = Figure(dpi=style.PIXELS_PER_INCH)
        fitted = style.fit(text, inches, 8, 2, "bold", " (12)")
        box = figure.text(0, 0, fitted, fontsize=8, fontweight="bold").get_window_extent()
    assert box.width <= inches * style.PIXELS_PER_INCH + 2
    assert fitted.endswith(" (12)")
    assert fitted.count("\n") <= 1


def test_of_a_class_with_many_names_the_first_is_left() -> None:
    names = "great white shark, man-eater, man-eating shark, Carcharodon carcharias"
    assert style.fit(names, 9, 8, 1) == names
    assert style.fit(names, 1.2, 8, 1, ending=" (4)") == "great white shark (4)"
    assert style.fit(names, 0.7, 8, 1) == "great…"


def test_drawing_ignores_a_users_settings_and_restores_them() -> None:
    with matplotlib.rc_context({"font.size": 40.0}):
        with style.context():
            assert matplotlib.rcParams["font.size"] == 8.0
        assert matplotlib.rcParams["font.size"] == 40.0
