"""CIFAR-10 as JPEG files: a folder and a packed one arrive with their splits and classes."""

import gzip
import io
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from prediction_difference.data import cifar10_jpegs
from prediction_difference.data.dataset import Dataset
from prediction_difference.data.sources.cifar10 import CIFAR10
from prediction_difference.data.torchvision_sets import check, load
from prediction_difference.errors import ConfigError, DataError

COUNTS = {"train": 3, "test": 2}
CLASSES = cifar10_jpegs.CLASSES


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    if "realdata" not in request.keywords:
        monkeypatch.setattr(cifar10_jpegs, "_PER_CLASS", COUNTS)


def settings(root: Path, **others: Any) -> CIFAR10:
    return CIFAR10(source="cifar10", root=root, **others)


def read(root: Path, **others: Any) -> Dataset:
    return load(settings(root, **others), "x", 0)


def jpeg(seed: int, size: tuple[int, int] = (32, 32)) -> bytes:
    """A plain colour, which JPEG keeps up to a few levels."""
    colour = np.random.default_rng(seed).integers(0, 255, 3)
    packed = io.BytesIO()
    Image.fromarray(np.full((*size, 3), colour, dtype=np.uint8)).save(packed, "JPEG", quality=95)
    return packed.getvalue()


def contents() -> dict[str, bytes]:
    names = [
        f"{s}/{c}/{n:04d}.jpg" for s, count in COUNTS.items() for c in CLASSES for n in range(count)
    ]
    return {name: jpeg(number) for number, name in enumerate(names)}


def write_folder(folder: Path, files: dict[str, bytes] | None = None) -> None:
    for name, content in (files or contents()).items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def pack(path: Path, files: dict[str, bytes] | None = None, before: str = "") -> Path:
    """As such archives are: folders are members too, other files lie beside the pictures."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w:gz") as archive:
        for name, content in {"README.md": b"CIFAR-10", **(files or contents())}.items():
            member = tarfile.TarInfo(before + name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return path


Writer = Callable[[Path], object]
WRITERS: dict[str, Writer] = {
    "folder": lambda root: write_folder(root / "cifar10"),
    "root": write_folder,
    "archive": lambda root: pack(root / "cifar10" / "cifar10_jpeg.tar.gz"),
    "archive in root": lambda root: pack(root / "cifar10.tgz"),
    "clone": lambda root: write_folder(root / "CIFAR-10-images-master"),
    "packed clone": lambda root: pack(
        root / "CIFAR-10-images-1.tar.gz", before="CIFAR-10-images-1/"
    ),
}


@pytest.mark.parametrize("write", WRITERS.values(), ids=WRITERS)
def test_every_layout_gives_the_same_images(tmp_path: Path, write: Writer) -> None:
    write(tmp_path)
    assert check(settings(tmp_path), "x") == []
    dataset = read(tmp_path)
    assert dataset.images.shape == (50, 3, 32, 32)
    assert dataset.images.dtype == np.float32
    assert dataset.class_names == CLASSES
    assert dataset.split == ("train",) * 30 + ("test",) * 20
    assert dataset.names[:2] == ("train/airplane/0000", "train/airplane/0001")
    assert dataset.names[-1] == "test/truck/0001"
    for name, image, label in zip(dataset.names, dataset.images, dataset.labels, strict=True):
        assert CLASSES[label] == name.split("/")[1]
        original = Image.open(io.BytesIO(contents()[f"{name}.jpg"]))
        expected = np.asarray(original).transpose(2, 0, 1) / 255
        np.testing.assert_allclose(image, expected, rtol=1e-6)
    assert dataset.facts["compression"] == "JPEG, lossy"


def test_sources_tell_every_change(tmp_path: Path) -> None:
    path = pack(tmp_path / "cifar10" / "cifar10.tar.gz")
    packed = read(tmp_path).sources
    assert list(packed) == ["cifar10/cifar10.tar.gz"]
    path.unlink()
    write_folder(tmp_path / "cifar10")
    before = read(tmp_path).sources
    assert len(before) == 20
    (tmp_path / "cifar10/test/cat/0001.jpg").write_bytes(jpeg(99))
    after = read(tmp_path).sources
    assert [name for name in before if before[name] != after[name]] == ["cifar10/test/cat"]


def test_a_draw_takes_so_many_of_each_split(tmp_path: Path) -> None:
    pack(tmp_path / "cifar10.tar.gz")
    whole, drawn = read(tmp_path), read(tmp_path, images=7)
    assert drawn.split == ("train",) * 7 + ("test",) * 7
    for index, name in enumerate(drawn.names):
        np.testing.assert_array_equal(drawn.images[index], whole.images[whole.index(name)])
    assert read(tmp_path, images=7).names == drawn.names
    with pytest.raises(ConfigError, match="test has 20; set it to 20 or less"):
        read(tmp_path, images=21)


def test_nothing_is_unpacked(tmp_path: Path) -> None:
    """Not even what an archive wants to put elsewhere, or links to."""
    path = tmp_path / "root" / "cifar10.tar.gz"
    pack(path, {"../../escaped/train/cat/9.jpg": b"", **contents()})
    with pytest.raises(DataError, match="4 of 3 in train/cat"):
        read(tmp_path / "root")
    link = tarfile.TarInfo("train/cat/0002.jpg")
    link.type, link.linkname = tarfile.SYMTYPE, "/etc/hostname"
    files = {name: content for name, content in contents().items() if name != link.name}
    pack(path, files)
    unpacked = gzip.decompress(path.read_bytes())
    path.write_bytes(gzip.compress(link.tobuf() + unpacked))
    with pytest.raises(DataError, match="2 of 3 in train/cat"):
        read(tmp_path / "root")
    assert [p.name for p in tmp_path.rglob("*")] == ["root", "cifar10.tar.gz"]


# --- damage -----------------------------------------------------------------------------------


@pytest.mark.parametrize("keep", [0.0, 0.1, 0.5, 0.999])
def test_an_archive_that_breaks_off_is_told_before_anything_is_read(
    tmp_path: Path, keep: float
) -> None:
    path = pack(tmp_path / "cifar10.tar.gz")
    content = path.read_bytes()
    path.write_bytes(content[: int(keep * len(content))])
    problems = [str(problem) for problem in check(settings(tmp_path), "x")]
    # An empty file is an archive of nothing.
    assert len(problems) == (keep > 0)
    assert all("cifar10.tar.gz: breaks off or is damaged (" in problem for problem in problems)
    with pytest.raises((ConfigError, DataError), match="breaks off or is damaged"):
        read(tmp_path)


def test_an_archive_of_a_part_is_refused(tmp_path: Path) -> None:
    files = {name: c for name, c in contents().items() if "cat" not in name and "dog" not in name}
    pack(tmp_path / "cifar10.tar.gz", files)
    message = (
        r"cifar10\.tar\.gz: is not all of CIFAR-10: it has 0 of 3 in train/cat, 0 of 3 in "
        r"train/dog, 0 of 2 in test/cat, \.\.\.; get it again, or set download: true"
    )
    with pytest.raises(DataError, match=message):
        read(tmp_path)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"no picture", "cannot identify image file"),
        (jpeg(0)[:300], ""),
        (jpeg(0, size=(28, 30)), "it has 28 x 30"),
        (bytes(2**17), "it has 131072 bytes"),
    ],
)
def test_what_is_no_picture_is_named(tmp_path: Path, content: bytes, reason: str) -> None:
    pack(tmp_path / "cifar10.tar.gz", {**contents(), "train/frog/0001.jpg": content})
    message = rf"cifar10\.tar\.gz: train/frog/0001.jpg: is no JPEG of 32 x 32 pixels \({reason}"
    with pytest.raises(DataError, match=message):
        read(tmp_path)


# --- the real one -----------------------------------------------------------------------------


@pytest.mark.realdata
def test_the_real_archive(pda_data: Path) -> None:
    dataset = read(pda_data, images=1000)
    assert dataset.images.shape == (2000, 3, 32, 32)
    # Mean and standard deviation of the colours as everybody's normalisation has them.
    mean, std = dataset.images.mean((0, 2, 3)), dataset.images.std((0, 2, 3))
    np.testing.assert_allclose(mean, (0.4914, 0.4822, 0.4465), atol=0.01)
    np.testing.assert_allclose(std, (0.247, 0.2435, 0.2616), atol=0.01)
