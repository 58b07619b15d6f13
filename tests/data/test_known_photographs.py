"""MIT Places, SUN397 and Imagenette: small files in the form that torchvision expects."""

import tarfile
from collections.abc import Iterator
from hashlib import md5
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from torchvision import datasets

from example_photographs import save
from example_server import serving
from prediction_difference.data.dataset import Dataset, read_dataset, write_dataset
from prediction_difference.data.downloads import Resource
from prediction_difference.data.known_photographs import root_of
from prediction_difference.data.sources.sun397 import SUN397
from prediction_difference.errors import ConfigError, DataError
from prediction_difference.families import SOURCES
from prediction_difference.manifest import sha256

SCENES = ("abbey", "airport_terminal", "apartment_building/outdoor")
SHAPES = ((10, 12, 3), (16, 9, 3), (9, 9, 3))


def settings(source: str, root: Path | None, **others: Any) -> Any:
    given = {"source": source, "root": root, "size": (8, 8), **others}
    return SOURCES.read(given)


def read(source: str, root: Path, **others: Any) -> Dataset:
    return settings(source, root, **others).load("x", 0)


def problems(source: str, root: Path | None, **others: Any) -> list[str]:
    found = settings(source, root, **others).check("x", 0)
    return [str(problem) for problem in found]


def checksum(path: Path) -> str:
    return md5(path.read_bytes(), usedforsecurity=False).hexdigest()


def write_places(root: Path, part: str = "val", folder: str = "val_256") -> None:
    """Two images of each scene; those of training lie in folders by scene."""
    root.mkdir(parents=True, exist_ok=True)
    categories = root / "categories_places365.txt"
    categories.write_text("".join(f"/{s[0]}/{s} {n}\n" for n, s in enumerate(SCENES)))
    lines = []
    for number in range(6):
        label = number % 3
        scene = SCENES[label]
        name = f"/{scene[0]}/{scene}/{number:08d}.jpg" if "train" in part else f"{number:08d}.jpg"
        save(root / folder / name.lstrip("/"), SHAPES[label], number)
        lines.append(name if part == "test" else f"{name} {label}")
    (root / f"places365_{part.replace('-', '_')}.txt").write_text("\n".join(lines) + "\n")


def allow_places(monkeypatch: pytest.MonkeyPatch, root: Path) -> None:
    """Torchvision refuses lists whose MD5 is not that of the originals."""
    categories, *lists = sorted(root.glob("*.txt"))
    listed = {p.stem.removeprefix("places365_").replace("_", "-"): p for p in lists}
    metas = {part: (path.name, checksum(path)) for part, path in listed.items()}
    monkeypatch.setattr(
        datasets.Places365, "_CATEGORIES_META", (categories.name, checksum(categories))
    )
    monkeypatch.setattr(datasets.Places365, "_FILE_LIST_META", metas)


def write_sun(root: Path) -> None:
    folder = root / "SUN397"
    for number in range(6):
        scene = SCENES[number % 3]
        save(folder / scene[0] / scene / f"sun_{number}.jpg", SHAPES[number % 3], number)
    (folder / "ClassName.txt").write_text("".join(f"/{s[0]}/{s}\n" for s in SCENES))


def write_imagenette(root: Path, resolution: str = "-320", part: str = "val") -> None:
    for number in range(6):
        id = ("n01440764", "n02102040", "n02979186")[number % 3]
        path = root / f"imagenette2{resolution}" / part / id / f"{part}_{number}.JPEG"
        save(path, SHAPES[number % 3], number, format="JPEG")


@pytest.fixture
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    write_places(tmp_path)
    allow_places(monkeypatch, tmp_path)
    return tmp_path


def write(source: str, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    match source:
        case "places365":
            write_places(root)
            allow_places(monkeypatch, root)
        case "sun397":
            write_sun(root)
        case _:
            write_imagenette(root)


NAMES = {
    "places365": ("00000000", SCENES),
    "sun397": ("a/abbey/sun_0", SCENES),
    "imagenette": ("n01440764/val_0", ("tench", "English springer", "cassette player")),
}
FOLDERS = {"places365": "val_256", "sun397": "SUN397", "imagenette": "imagenette2-320/val"}


# --- formats ----------------------------------------------------------------------------------


@pytest.mark.parametrize("source", NAMES)
def test_photographs_arrive_scaled_with_their_classes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str
) -> None:
    write(source, tmp_path, monkeypatch)
    assert problems(source, tmp_path) == []
    dataset = read(source, tmp_path)
    assert dataset.images.shape == (6, 3, 8, 8)
    assert (dataset.names[0], dataset.class_names) == NAMES[source]
    assert list(dataset.names) == sorted(dataset.names)
    assert np.bincount(dataset.labels).tolist() == [2, 2, 2]
    files = {tmp_path / FOLDERS[source] / file: dataset.sources[file] for file in dataset.files}
    assert all(sha256(path) == expected for path, expected in files.items())
    assert set(dataset.split) == {"test"}
    stored = tmp_path / "store.zarr"
    write_dataset(dataset, stored)
    assert read_dataset(stored).names == dataset.names


@pytest.mark.parametrize("source", NAMES)
def test_labels_are_those_of_torchvision(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str
) -> None:
    write(source, tmp_path, monkeypatch)
    theirs: Any = {
        "places365": lambda: datasets.Places365(tmp_path, "val", small=True),
        "sun397": lambda: datasets.SUN397(tmp_path),
        "imagenette": lambda: datasets.Imagenette(tmp_path, "val", "320px"),
    }[source]()
    # The image that was saved with a number has the colours of no other one.
    ours = read(source, tmp_path, size=(9, 9), resize=(9, 9), interpolation="bilinear")
    for image, label in theirs:
        pixels = np.asarray(image.resize((9, 9), 2)).transpose(2, 0, 1) / 255
        (index,) = (n for n, o in enumerate(ours.images) if np.allclose(o, pixels, atol=1e-6))
        assert ours.labels[index] == label


@pytest.mark.parametrize(
    ("part", "small", "folder"),
    [
        ("val", False, "val_large"),
        ("test", True, "test_256"),
        ("train-standard", True, "data_256_standard"),
        ("train-challenge", False, "data_large_challenge"),
    ],
)
def test_parts_of_places(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, part: str, small: bool, folder: str
) -> None:
    write_places(tmp_path, part, folder)
    allow_places(monkeypatch, tmp_path)
    dataset = read("places365", tmp_path, part=part, small=small)
    expected = [-1] * 6 if part == "test" else [0, 0, 1, 1, 2, 2]
    assert sorted(dataset.labels) == expected
    is_training = part.startswith("train")
    assert dataset.names[0] == ("a/abbey/00000000" if is_training else "00000000")
    assert list(dataset.sources)[-2:] == [
        str(tmp_path / "categories_places365.txt"),
        str(tmp_path / f"places365_{part.replace('-', '_')}.txt"),
    ]


def test_other_files_of_imagenette(tmp_path: Path) -> None:
    write_imagenette(tmp_path, "", "train")
    dataset = read("imagenette", tmp_path, part="train", resolution="full")
    assert dataset.names[0] == "n01440764/train_0"


def test_choices_of_all_photographs_hold(places: Path) -> None:
    assert len(read("places365", places, images=4).names) == 4
    assert sorted(read("places365", places, per_class=1).labels) == [0, 1, 2]
    listed = read("places365", places, files=("00000003", "00000001.jpg"))
    assert listed.names == ("00000001", "00000003")
    assert read("places365", places, channels=1, folds=2).images.shape == (6, 1, 8, 8)
    assert "there is no '00000009'" in problems("places365", places, files=("00000009",))[0]


# --- what is wrong ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "missing"),
    [
        ("places365", "categories_places365.txt, places365_val.txt, val_256"),
        ("sun397", "SUN397"),
        ("imagenette", "imagenette2-320"),
    ],
)
def test_missing_files_are_a_problem(tmp_path: Path, source: str, missing: str) -> None:
    (problem,) = problems(source, tmp_path)
    assert problem == (
        f"datasets.x.root: {source} is not in {tmp_path}: {missing} missing; set download: true, "
        f"or root to the folder that holds {missing.split(',')[0]}"
    )
    with pytest.raises(ConfigError, match=f"{source} is not in"):
        read(source, tmp_path)


def test_root_defaults_to_the_variable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PDA_DATA", str(tmp_path))
    assert root_of(settings("places365", None)) == tmp_path / "places365"
    assert root_of(settings("sun397", None)) == tmp_path
    assert root_of(settings("places365", tmp_path / "own")) == tmp_path / "own"


def test_a_changed_list_is_refused(places: Path) -> None:
    (places / "places365_val.txt").write_text("00000000.jpg\n")
    (problem,) = problems("places365", places)
    assert "the files of places365 are damaged (The file" in problem
    assert problem.endswith("remove them and set download: true")


def test_folders_that_the_list_of_classes_does_not_know_are_refused(tmp_path: Path) -> None:
    write_sun(tmp_path)
    save(tmp_path / "SUN397" / "z" / "zoo" / "sun_7.jpg")
    assert "the files of sun397 are damaged ('zoo')" in problems("sun397", tmp_path)[0]
    (tmp_path / "SUN397" / "ClassName.txt").unlink()
    assert "are damaged ([Errno 2] No such file" in problems("sun397", tmp_path)[0]


def test_damaged_and_missing_photographs_are_named(places: Path) -> None:
    photograph = places / "val_256" / "00000002.jpg"
    photograph.write_bytes(photograph.read_bytes()[:150])
    (places / "val_256" / "00000004.jpg").unlink()
    first, second = problems("places365", places)
    assert first.startswith(f"{photograph}: cannot be read as an image (")
    assert "00000004.jpg: cannot be read as an image ([Errno 2]" in second


def test_folders_without_photographs_are_a_problem(tmp_path: Path) -> None:
    (tmp_path / "SUN397").mkdir()
    (tmp_path / "SUN397" / "ClassName.txt").write_text("/a/abbey\n")
    assert any("there is no image in it" in problem for problem in problems("sun397", tmp_path))


# --- download ---------------------------------------------------------------------------------


@pytest.fixture
def offer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder with an archive of SUN397, served where torchvision looks for it."""
    folder = tmp_path / "offer"
    write_sun(folder)
    path = folder / "SUN397.tar.gz"
    with tarfile.open(path, "w:gz") as archive:
        archive.add(folder / "SUN397", "SUN397")
    with serving(folder, monkeypatch) as address:
        offered = Resource((f"{address}{path.name}",), sha256(path))
        monkeypatch.setattr(SUN397, "resources", (offered,))
        yield folder


def test_what_is_missing_is_downloaded(tmp_path: Path, offer: Path) -> None:
    root = tmp_path / "new" / "root"
    wanted = settings("sun397", root, download=True)
    assert wanted.check("x", 0) == []
    assert wanted.catalogue("x", 0) is None
    assert wanted.files_behind("x", 0) == []
    dataset = wanted.load("x", 0)
    np.testing.assert_array_equal(dataset.images, read("sun397", offer).images)
    assert [path.name for path in root.iterdir()] == ["SUN397"]
    (offer / "SUN397.tar.gz").unlink()
    assert wanted.load("x", 0).names == dataset.names


def test_a_download_that_fails_leaves_nothing(tmp_path: Path, offer: Path) -> None:
    (offer / "SUN397.tar.gz").write_bytes(b"another file")
    root = tmp_path / "root"
    with pytest.raises(DataError, match=r"SUN397\.tar\.gz: another file than expected has arrived"):
        read("sun397", root, download=True)
    assert list(root.iterdir()) == []


@pytest.mark.parametrize("hostile", ["../outside", "SUN397/../../outside"])
def test_an_archive_stays_in_its_folder(
    tmp_path: Path, offer: Path, monkeypatch: pytest.MonkeyPatch, hostile: str
) -> None:
    with tarfile.open(offer / "SUN397.tar.gz", "w:gz") as archive:
        archive.add(offer / "SUN397" / "ClassName.txt", hostile)
    known = sha256(offer / "SUN397.tar.gz")
    offered = Resource(SUN397.resources[0].addresses, known)  # type: ignore[arg-type,index]
    monkeypatch.setattr(SUN397, "resources", (offered,))
    with pytest.raises(DataError, match=r"SUN397\.tar\.gz: is not unpacked \(.*outside"):
        read("sun397", tmp_path / "root", download=True)
    assert list((tmp_path / "root").iterdir()) == []
    assert not (tmp_path / "outside").exists()
