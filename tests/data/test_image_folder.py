"""Photographs of every kind arrive upright, on white, in the right size; all else is named."""

from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import ExifTags, Image

from prediction_difference.config import model
from prediction_difference.data.dataset import Dataset
from prediction_difference.data.photographs import check, load
from prediction_difference.errors import ConfigError

Shape = tuple[int, ...]


def settings(root: Path, **others: Any) -> model.ImageFolder:
    return model.ImageFolder(source="image-folder", root=root, **others)


def read(root: Path, **others: Any) -> Dataset:
    return load(settings(root, **others), "photos", seed=0)


def problems(root: Path, **others: Any) -> list[str]:
    return [str(problem) for problem in check(settings(root, **others), "photos", seed=0)]


def random_pixels(shape: Shape, seed: int = 0, dtype: Any = np.uint8) -> np.ndarray:
    generator = np.random.default_rng(seed)
    return generator.integers(0, np.iinfo(dtype).max, shape, dtype=dtype, endpoint=True)


def save(path: Path, shape: Shape = (6, 8, 3), seed: int = 0, **options: Any) -> np.ndarray:
    """Write random pixels and return them."""
    pixels = random_pixels(shape, seed)
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path, **options)
    return pixels


# --- which files ------------------------------------------------------------------------------


def test_subfolders_are_classes(tmp_path: Path) -> None:
    dog = save(tmp_path / "dog" / "rex.2.png", seed=1)
    cats = [save(tmp_path / "cat" / f"{name}.png", seed=seed) for seed, name in enumerate("ba")]
    dataset = read(tmp_path)
    assert dataset.names == ("cat/a", "cat/b", "dog/rex.2")
    assert dataset.class_names == ("cat", "dog")
    assert dataset.labels.tolist() == [0, 0, 1]
    assert dataset.split == ("test",) * 3
    expected = np.stack([cats[1], cats[0], dog]).transpose(0, 3, 1, 2) / 255
    np.testing.assert_allclose(dataset.images, expected, atol=1e-6)
    assert dataset.images.dtype == np.float32


def test_a_flat_folder_has_no_classes(tmp_path: Path) -> None:
    save(tmp_path / "b.png")
    save(tmp_path / "a.png")
    (tmp_path / "notes").mkdir()
    dataset = read(tmp_path)
    assert dataset.names == ("a", "b")
    assert dataset.class_names == ()
    assert dataset.labels.tolist() == [-1, -1]


def test_hidden_and_other_files_are_ignored(tmp_path: Path) -> None:
    for name in (".hidden.png", ".cache/a.png", "b.png"):
        save(tmp_path / name)
    (tmp_path / "readme.txt").write_text("no image")
    assert read(tmp_path).names == ("b",)


def test_suffixes_count_in_any_case(tmp_path: Path) -> None:
    suffixes = ("jpg", "JPEG", "Png", "bmp", "TIF", "tiff", "webp", "gif")
    for number, suffix in enumerate(suffixes):
        save(tmp_path / f"{number}.{suffix}")
    assert read(tmp_path).images.shape == (8, 3, 6, 8)


def test_sources_are_checksums_of_the_files(tmp_path: Path) -> None:
    save(tmp_path / "cat" / "a.png")
    digest = sha256((tmp_path / "cat" / "a.png").read_bytes()).hexdigest()
    assert read(tmp_path).sources == {"cat/a.png": digest}


def test_facts_hold_the_size(tmp_path: Path) -> None:
    save(tmp_path / "a.png", (6, 8, 3))
    assert read(tmp_path).facts == {"full_scale": [0.0, 1.0], "size": [6, 8]}
    assert read(tmp_path, size=(3, 2)).facts["size"] == [3, 2]


def test_split_is_by_class(tmp_path: Path) -> None:
    for number in range(4):
        save(tmp_path / "cat" / f"{number}.png")
        save(tmp_path / "dog" / f"{number}.png")
    split = read(tmp_path, test_fraction=0.25).split
    assert sorted(split[:4]) == sorted(split[4:]) == ["test", "train", "train", "train"]


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


# --- problems ---------------------------------------------------------------------------------


def test_a_missing_folder(tmp_path: Path) -> None:
    root = tmp_path / "x"
    assert problems(root) == [f"datasets.photos.root: {root} does not exist; correct the path"]
    root.touch()
    assert problems(root) == [f"datasets.photos.root: {root} is not a folder; correct the path"]


def test_a_folder_without_images(tmp_path: Path) -> None:
    (tmp_path / "cat").mkdir()
    (tmp_path / "cat" / "a.txt").touch()
    (problem,) = problems(tmp_path)
    assert problem.startswith(f"{tmp_path}: there is no image in it (.bmp .gif")
    assert problem.endswith("add images, or correct root")


def test_a_class_without_images(tmp_path: Path) -> None:
    save(tmp_path / "cat" / "a.png")
    (tmp_path / "dog").mkdir()
    (problem,) = problems(tmp_path)
    assert (
        problem == f"{tmp_path / 'dog'}: this class has no image; add images, or remove the folder"
    )


def test_a_layout_that_is_mixed(tmp_path: Path) -> None:
    save(tmp_path / "a.png")
    save(tmp_path / "cat" / "b.png")
    (problem,) = problems(tmp_path)
    assert "both in the folder (a.png) and in its subfolders (cat); move them" in problem


def test_a_layout_that_is_too_deep(tmp_path: Path) -> None:
    save(tmp_path / "train" / "cat" / "a.png")
    (problem,) = problems(tmp_path)
    assert "images lie two folders deep (train/cat); move them" in problem


def test_names_that_occur_twice(tmp_path: Path) -> None:
    save(tmp_path / "cat" / "a.png")
    save(tmp_path / "cat" / "a.JPG")
    save(tmp_path / "dog" / "a.png")
    (problem,) = problems(tmp_path)
    assert problem == (
        f"{tmp_path / 'cat' / 'a'}: a.JPG and a.png would be two images of one name; "
        "rename or remove one"
    )


def test_a_name_that_is_no_text(tmp_path: Path) -> None:
    name = b"caf\xe9.png".decode(errors="surrogateescape")
    try:
        save(tmp_path / name)
    except OSError:
        pytest.skip("this file system refuses names that are not UTF-8")
    (problem,) = problems(tmp_path)
    assert problem.endswith("caf\\udce9.png': the file's name is not UTF-8; rename it")


@pytest.mark.parametrize("content", [b"", b"no image", b"\x89PNG\r\n\x1a\n", b"GIF89a\4\0\4\0"])
def test_a_file_that_is_no_image(tmp_path: Path, content: bytes) -> None:
    save(tmp_path / "a.png")
    (tmp_path / "b.png").write_bytes(content)
    (problem,) = problems(tmp_path, size=(4, 4))
    assert problem.startswith(f"{tmp_path / 'b.png'}: cannot be read as an image (")
    assert problem.endswith("; replace or remove it")


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


def test_fewer_images_than_folds(tmp_path: Path) -> None:
    save(tmp_path / "cat" / "0.png")
    save(tmp_path / "dog" / "0.png")
    (problem,) = problems(tmp_path, folds=3)
    assert problem.startswith("datasets.photos: the dataset: 2 image(s), but 3 parts are asked for")
    assert set(read(tmp_path, folds=2).split) == {"fold-00", "fold-01"}


def test_all_problems_are_listed_at_once(tmp_path: Path) -> None:
    save(tmp_path / "a.png", (6, 8, 3))
    save(tmp_path / "a.jpg", (6, 8, 3))
    save(tmp_path / "b.png", (5, 5, 3))
    (tmp_path / "c.png").write_bytes(b"no image")
    with pytest.raises(ConfigError, match=r"3 problems found(?s:.*)one name(?s:.*)5 x 5") as caught:
        read(tmp_path)
    assert len(caught.value.problems) == 3
