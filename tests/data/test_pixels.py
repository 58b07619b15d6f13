"""Photographs of every kind arrive upright, on white, in the right size; all else is named."""

import io
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import ExifTags, Image
from torchvision import transforms

from example_photographs import Shape, problems, random_pixels, read, save, settings
from prediction_difference.data.pixels import check_file
from prediction_difference.data.pixels import read as read_pixels
from prediction_difference.errors import ConfigError, DataError

# --- pixels -----------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", ["jpg", "png", "tif", "webp"])
def test_exif_orientation_is_applied(tmp_path: Path, suffix: str) -> None:
    lying = np.zeros((16, 32, 3), dtype=np.uint8)
    lying[:8, :8] = 255
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    Image.fromarray(lying).save(tmp_path / f"a.{suffix}", exif=exif)
    image = read(tmp_path).images[0]
    # 6: the camera was turned, so that the top left of the file is the top right of the scene.
    np.testing.assert_allclose(image, np.rot90(lying, -1).transpose(2, 0, 1) / 255, atol=0.1)


@pytest.mark.parametrize("mode", ["RGBA", "LA", "PA"])
def test_transparency_is_put_on_white(tmp_path: Path, mode: str) -> None:
    pixels = np.zeros((1, 3, 4), dtype=np.uint8)
    pixels[0, :, 3] = (0, 51, 255)
    image = Image.fromarray(pixels)
    if mode == "PA":
        image.quantize().save(tmp_path / "a.png")
    else:
        image.convert(mode).save(tmp_path / "a.png")
    for channels in (1, 3):
        expected = np.broadcast_to([1, 0.8, 0], (channels, 1, 3))
        images = read(tmp_path, channels=channels).images
        np.testing.assert_allclose(images[0], expected, atol=0.5 / 255)


def test_a_transparent_colour_becomes_white(tmp_path: Path) -> None:
    image = Image.fromarray(np.array([[0, 7, 255]], dtype=np.uint8))
    image.save(tmp_path / "a.png", transparency=7)
    np.testing.assert_array_equal(read(tmp_path).images[0, 0], [[0, 1, 1]])


def test_palettes_become_their_colours(tmp_path: Path) -> None:
    colours = np.array([[[255, 0, 0], [0, 255, 0], [0, 0, 255]]], dtype=np.uint8)
    Image.fromarray(colours).quantize().save(tmp_path / "a.gif")
    np.testing.assert_array_equal(read(tmp_path).images[0], colours.transpose(2, 0, 1) / 255)


def test_black_and_white_becomes_zero_and_one(tmp_path: Path) -> None:
    bits = np.array([[True, False]])
    Image.fromarray(bits).save(tmp_path / "a.png")
    np.testing.assert_array_equal(read(tmp_path, channels=1).images[0, 0], bits)


@pytest.mark.parametrize("suffix", ["jpg", "tif"])
def test_printing_colours_become_screen_colours(tmp_path: Path, suffix: str) -> None:
    ink = np.broadcast_to(np.array([255, 0, 0, 51], dtype=np.uint8), (8, 8, 4))
    Image.fromarray(ink.copy(), "CMYK").save(tmp_path / f"a.{suffix}")
    colour = read(tmp_path).images[0].mean((1, 2))
    np.testing.assert_allclose(colour, [0, 0.8, 0.8], atol=0.02)


def cmyk_jpeg(ink: tuple[int, int, int, int], transform: int = 0) -> bytes:
    """A JPEG of one colour with Adobe's marker; transform 2: cyan, magenta, yellow as YCbCr."""
    samples = list(ink)
    if transform == 2:
        colour = Image.new("RGB", (1, 1), ink[:3]).convert("YCbCr").getpixel((0, 0))
        assert isinstance(colour, tuple)
        samples[:3] = [255 - part for part in colour]
    file = io.BytesIO()
    Image.new("CMYK", (16, 16), tuple(samples)).save(file, "JPEG", quality=95)
    content = bytearray(file.getvalue())
    content[content.index(b"Adobe") + 11] = transform
    return bytes(content)


@pytest.mark.parametrize("transform", [0, 2])
@pytest.mark.parametrize("ink", [(255, 0, 0, 51), (30, 200, 90, 0), (0, 0, 0, 255)])
def test_adobes_inverted_printing_colours(
    tmp_path: Path, ink: tuple[int, int, int, int], transform: int
) -> None:
    (tmp_path / "a.jpg").write_bytes(cmyk_jpeg(ink, transform))
    colour = read(tmp_path).images[0].mean((1, 2))
    cyan_magenta_yellow, black = np.array(ink[:3]) / 255, ink[3] / 255
    np.testing.assert_allclose(colour, (1 - cyan_magenta_yellow) * (1 - black), atol=0.02)


def test_printing_colours_without_adobes_marker_are_refused(tmp_path: Path) -> None:
    content = cmyk_jpeg((255, 0, 0, 51))
    start = content.index(b"Adobe") - 4
    assert content[start : start + 2] == b"\xff\xee"
    length = int.from_bytes(content[start + 2 : start + 4])
    (tmp_path / "a.jpg").write_bytes(content[:start] + content[start + 2 + length :])
    (problem,) = problems(tmp_path)
    assert "a.jpg: has printing colours (CMYK) that do not say whether 0 or 255" in problem
    assert problem.endswith("save it in RGB")


def test_lab_becomes_screen_colours(tmp_path: Path) -> None:
    # Lightness, then two signed opponent colours.
    pixels = np.array([[[255, 0, 0], [0, 0, 0]]], dtype=np.uint8)
    Image.fromarray(pixels, "LAB").save(tmp_path / "a.tif")
    for channels in (1, 3):
        image = read(tmp_path, channels=channels).images[0]
        np.testing.assert_allclose(image.mean(0), [[1, 0]], atol=0.02)


def test_grey_becomes_three_equal_channels(tmp_path: Path) -> None:
    grey = save(tmp_path / "a.png", (5, 4))
    image = read(tmp_path).images[0]
    np.testing.assert_allclose(image, np.stack([grey] * 3) / 255, atol=1e-6)


def test_one_channel_is_the_luminance(tmp_path: Path) -> None:
    colour = save(tmp_path / "a.png", (5, 4, 3))
    grey = read(tmp_path, channels=1).images
    assert grey.shape == (1, 1, 5, 4)
    luminance = colour @ [0.299, 0.587, 0.114] / 255
    np.testing.assert_allclose(grey[0, 0], luminance, atol=1 / 255)


@pytest.mark.parametrize(("name", "dtype"), [("a.png", "<u2"), ("a.tif", "<u2"), ("a.tif", ">u2")])
@pytest.mark.parametrize("channels", [1, 3])
def test_16_bits_keep_their_precision(tmp_path: Path, name: str, dtype: str, channels: int) -> None:
    values = random_pixels((5, 4), dtype=np.uint16)
    Image.fromarray(values.astype(dtype)).save(tmp_path / name)
    images = read(tmp_path, channels=channels).images
    assert images.shape == (1, channels, 5, 4)
    np.testing.assert_allclose(images[0], np.stack([values / 65535] * channels), atol=1e-6)


def test_16_bits_with_orientation_transparency_and_scaling(tmp_path: Path) -> None:
    values = np.full((16, 8), 40_000, dtype=np.uint16)
    values[:8] = 7
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 3
    Image.fromarray(values).save(tmp_path / "a.png", transparency=7, exif=exif)
    image = read(tmp_path, channels=1, size=(8, 4)).images[0, 0]
    np.testing.assert_allclose(image[[0, -1]].mean(1), [40_000 / 65535, 1], atol=0.02)
    assert image.max() == 1


def test_16_bits_whose_zero_is_white(tmp_path: Path) -> None:
    values = random_pixels((5, 4), dtype=np.uint16)
    # Pillow writes the tag and leaves the values as they are.
    Image.fromarray(values).save(tmp_path / "a.tif", tiffinfo={262: 0})
    images = read(tmp_path, channels=1).images
    np.testing.assert_allclose(images[0, 0], 1 - values / 65535, atol=1e-6)


def test_the_previews_of_a_camera_are_left_out(tmp_path: Path) -> None:
    photograph, preview = (Image.new("RGB", (8, 8), colour) for colour in ("white", "black"))
    photograph.save(tmp_path / "a.jpg", "MPO", save_all=True, append_images=[preview])
    np.testing.assert_allclose(read(tmp_path).images, np.ones((1, 3, 8, 8)), atol=0.01)


# --- size -------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(40, 80, 3), (80, 40, 3), (7, 5, 3), (20, 30, 3)])
def test_every_image_covers_the_size(tmp_path: Path, shape: Shape) -> None:
    Image.fromarray(np.full(shape, 204, dtype=np.uint8)).save(tmp_path / "a.png")
    images = read(tmp_path, size=(20, 30)).images
    np.testing.assert_allclose(images, np.full((1, 3, 20, 30), 0.8), atol=1e-6)


def test_an_image_of_the_right_size_is_left_as_it_is(tmp_path: Path) -> None:
    pixels = save(tmp_path / "a.png", (20, 30, 3))
    image = read(tmp_path, size=(20, 30)).images[0]
    np.testing.assert_allclose(image, pixels.transpose(2, 0, 1) / 255, atol=1e-6)


def test_the_centre_is_kept(tmp_path: Path) -> None:
    wide = save(tmp_path / "wide.png", (10, 30))
    Image.fromarray(wide.T.copy()).save(tmp_path / "tall.png")
    tall_read, wide_read = read(tmp_path, size=(5, 5), channels=1).images[:, 0]
    scaled = Image.fromarray(wide).resize((15, 5), Image.Resampling.BICUBIC)
    centre = np.asarray(scaled)[:, 5:10] / 255
    np.testing.assert_allclose(wide_read, centre, atol=1.5 / 255)
    np.testing.assert_allclose(tall_read, centre.T, atol=1.5 / 255)


def test_scaling_is_antialiased(tmp_path: Path) -> None:
    rows = np.zeros((64, 64), dtype=np.uint8)
    rows[::2] = 255
    Image.fromarray(rows).save(tmp_path / "a.png")
    image = read(tmp_path, size=(8, 8), channels=1).images[0, 0]
    np.testing.assert_allclose(image, np.full((8, 8), 0.5), atol=0.05)


def test_values_stay_in_range_when_scaling_overshoots(tmp_path: Path) -> None:
    edge = np.zeros((8, 8), dtype=np.uint16)
    edge[:, 4:] = 65535
    Image.fromarray(edge).save(tmp_path / "a.png")
    images = read(tmp_path, size=(31, 31)).images
    assert images.min() == 0
    assert images.max() == 1


@pytest.mark.parametrize("shape", [(50, 70, 3), (70, 50, 3), (41, 97, 3), (30, 30, 3)])
@pytest.mark.parametrize("name", ["bilinear", "bicubic"])
@pytest.mark.parametrize("resize", [40, [40, 40], [36, 50]])
def test_scaling_and_crop_are_those_of_torchvision(
    tmp_path: Path, shape: Shape, name: str, resize: Any
) -> None:
    """What the weights of torchvision's networks were trained and measured with."""
    pixels = save(tmp_path / "a.png", shape)
    steps = [
        transforms.Resize(resize, transforms.InterpolationMode(name)),
        transforms.CenterCrop([33, 36]),
        transforms.ToTensor(),
    ]
    expected = transforms.Compose(steps)(Image.fromarray(pixels)).numpy()
    image = read(tmp_path, size=(33, 36), resize=resize, interpolation=name).images[0]
    np.testing.assert_allclose(image, expected, atol=1e-6)


def test_warping_gives_all_images_one_size(tmp_path: Path) -> None:
    save(tmp_path / "a.png", (40, 20, 3))
    save(tmp_path / "b.png", (20, 40, 3))
    dataset = read(tmp_path, resize=(16, 12))
    assert dataset.images.shape == (2, 3, 16, 12)
    assert dataset.facts["size"] == [16, 12]


def test_scaling_is_of_the_upright_image(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    save(tmp_path / "a.jpg", (20, 40, 3), exif=exif)
    assert problems(tmp_path, resize=10, size=(20, 10)) == []
    assert read(tmp_path, resize=10).images.shape == (1, 3, 20, 10)


def test_a_crop_that_some_images_are_too_short_for(tmp_path: Path) -> None:
    save(tmp_path / "a.jpg", (20, 40, 3))
    save(tmp_path / "b.jpg", (20, 25, 3))
    (problem,) = problems(tmp_path, resize=20, size=(20, 30))
    assert problem == (
        f"{tmp_path / 'b.jpg'}: has 20 x 25 pixels (height x width) after scaling, too few for a "
        "crop of 20 x 30; raise resize, lower size, or leave the image out"
    )
    with pytest.raises(ConfigError, match=r"1 problem(?s:.*)b\.jpg: has 20 x 25 pixels"):
        read(tmp_path, resize=20, size=(20, 30))


def test_after_scaling_sizes_must_agree(tmp_path: Path) -> None:
    save(tmp_path / "a.png", (10, 20, 3))
    save(tmp_path / "b.png", (20, 40, 3))
    save(tmp_path / "c.png", (20, 45, 3))
    (problem,) = problems(tmp_path, resize=10)
    assert "c.png: has 10 x 22 pixels (height x width), but the first image, a.png," in problem
    assert read(tmp_path, resize=10, files=["a", "b"]).images.shape == (2, 3, 10, 20)


def test_a_line_of_pixels_does_not_become_a_huge_image(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save(tmp_path / "a.png", (1, 90, 3))
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)
    with pytest.raises(ConfigError, match=r"a\.png: has 8 x 720 pixels .* too many; leave"):
        read(tmp_path, resize=8, size=(4, 4))


def test_without_a_size_all_must_agree(tmp_path: Path) -> None:
    save(tmp_path / "a.png", (6, 8, 3))
    save(tmp_path / "b.png", (8, 6, 3))
    save(tmp_path / "c.png", (6, 8, 3))
    (problem,) = problems(tmp_path)
    assert problem == (
        f"{tmp_path / 'b.png'}: has 8 x 6 pixels (height x width), but the first image, a.png, "
        "has 6 x 8; set datasets.photos.size, or scale the image"
    )
    assert problems(tmp_path, size=(4, 4)) == []


def test_sizes_are_compared_upright(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 8
    save(tmp_path / "a.jpg", (6, 8, 3), exif=exif)
    save(tmp_path / "b.jpg", (8, 6, 3))
    assert read(tmp_path).images.shape == (2, 3, 8, 6)


# --- problems -------------------------------------------------------------------------------


@pytest.mark.parametrize("content", [b"", b"no image", b"\x89PNG\r\n\x1a\n", b"GIF89a\4\0\4\0"])
def test_a_file_that_is_no_image(tmp_path: Path, content: bytes) -> None:
    save(tmp_path / "a.png")
    (tmp_path / "b.png").write_bytes(content)
    (problem,) = problems(tmp_path, size=(4, 4))
    assert problem.startswith(f"{tmp_path / 'b.png'}: cannot be read as an image (")
    assert problem.endswith("; replace or remove it")


def test_an_empty_file_and_a_text_file(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").touch()
    (tmp_path / "b.jpg").write_text("no image")
    empty, text = problems(tmp_path, size=(4, 4))
    assert empty.startswith(f"{tmp_path / 'a.jpg'}: cannot be read as an image (the file is empty)")
    assert text.startswith(f"{tmp_path / 'b.jpg'}: cannot be read as an image (cannot identify")


@pytest.mark.parametrize("suffix", ["jpg", "png", "tif", "webp", "gif", "bmp"])
@pytest.mark.parametrize("share", [0.5, 0.97])
def test_a_photograph_that_breaks_off_is_named(tmp_path: Path, suffix: str, share: float) -> None:
    """Before the first job, and, should it break off later, when pixels are read."""
    save(tmp_path / f"a.{suffix}", (64, 64, 3))
    whole = (tmp_path / f"a.{suffix}").read_bytes()
    save(tmp_path / f"b.{suffix}", (64, 64, 3))
    (tmp_path / f"a.{suffix}").write_bytes(whole[: int(len(whole) * share)])
    (problem,) = problems(tmp_path, size=(8, 8))
    assert problem.startswith(f"{tmp_path / 'a'}.{suffix}: cannot be read as an image (")
    with pytest.raises(ConfigError, match=rf"1 problem(?s:.*)a\.{suffix}: cannot be read"):
        read(tmp_path, size=(8, 8))


FORMATS: list[tuple[str, dict[str, Any]]] = [
    ("JPEG", {}),
    ("JPEG", {"progressive": True}),
    ("PNG", {}),
    ("TIFF", {"compression": "tiff_lzw"}),
    ("WEBP", {}),
    ("GIF", {}),
    ("BMP", {}),
]


@pytest.mark.parametrize(("form", "options"), FORMATS)
def test_damage_is_found_before_the_first_job_or_does_not_matter(
    tmp_path: Path, form: str, options: dict[str, Any]
) -> None:
    """Bytes changed or missing: what passes the check can be read, what does not cannot."""
    file, wanted = io.BytesIO(), settings(tmp_path, size=(16, 16))
    blocks = np.kron(random_pixels((8, 8, 3)), np.ones((6, 6, 1), np.uint8))
    Image.fromarray(blocks).save(file, form, **options)
    generator = np.random.default_rng(0)
    outcomes: Counter[bool] = Counter()
    for _ in range(30):
        content = bytearray(file.getvalue())
        for place in generator.integers(0, len(content), 2):
            content[place] = generator.integers(256)
        (tmp_path / "a.jpg").write_bytes(content[: generator.choice([len(content), 999_999, 300])])
        passes = works(check_file, tmp_path / "a.jpg")
        assert works(lambda path: read_pixels(path, wanted), tmp_path / "a.jpg") == passes
        outcomes[passes] += 1
    assert outcomes[False] > 0


def works(function: Callable[[Path], Any], path: Path) -> bool:
    try:
        function(path)
    except DataError:
        return False
    return True


def test_the_format_is_that_of_the_content(tmp_path: Path) -> None:
    """Also in ImageNet, a photograph is a PNG behind another suffix."""
    pixels = save(tmp_path / "a.JPEG", format="PNG")
    assert problems(tmp_path) == []
    np.testing.assert_allclose(read(tmp_path).images[0], pixels.transpose(2, 0, 1) / 255, atol=1e-6)


def test_another_kind_of_file_behind_the_suffix(tmp_path: Path) -> None:
    Image.new("RGB", (4, 4)).save(tmp_path / "a.png", "PPM")
    (problem,) = problems(tmp_path)
    assert "a.png: cannot be read as an image (" in problem


def test_a_changed_byte_is_noticed(tmp_path: Path) -> None:
    save(tmp_path / "a.png", (30, 30, 3))
    content = bytearray((tmp_path / "a.png").read_bytes())
    content[len(content) // 2] ^= 1
    (tmp_path / "a.png").write_bytes(content)
    (problem,) = problems(tmp_path, size=(4, 4))
    assert "a.png: cannot be read as an image (" in problem


def test_several_frames(tmp_path: Path) -> None:
    frames = [Image.fromarray(random_pixels((4, 4), seed)) for seed in range(3)]
    for name in ("a.gif", "b.png", "c.tif", "d.webp"):
        frames[0].save(tmp_path / name, save_all=True, append_images=frames[1:])
    found = problems(tmp_path)
    assert len(found) == 4
    assert all("holds 3 frames; save one of them" in problem for problem in found)


@pytest.mark.parametrize("dtype", [np.int32, np.float32])
def test_pixels_without_a_full_scale(tmp_path: Path, dtype: Any) -> None:
    Image.fromarray(np.ones((4, 4), dtype=dtype)).save(tmp_path / "a.tif")
    (problem,) = problems(tmp_path)
    assert "a.tif: has 32 bits per pixel and channel" in problem
    assert problem.endswith("save it with 8 or 16 bits")


@pytest.mark.parametrize("limit", [100, 40])
def test_an_image_that_is_too_large_to_unpack(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: int
) -> None:
    save(tmp_path / "a.png", (11, 10, 3))
    # Pillow warns above the limit and raises above twice the limit; both count.
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", limit)
    (problem,) = problems(tmp_path)
    assert f"a.png: is larger than the {limit} pixels that are safe to unpack; scale" in problem
