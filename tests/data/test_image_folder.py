"""Which photographs of a folder are taken, their names and classes; what is wrong is named."""

from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest

from example_photographs import problems, read, save
from prediction_difference.errors import ConfigError

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
    for draw in (None, 1):
        (problem,) = problems(tmp_path, images=draw)
        assert problem.endswith("caf\\udce9.png': the file's name is not UTF-8; rename it")


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


def test_more_images_than_memory_holds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(3):
        save(tmp_path / f"{number}.png", (6, 8, 3))
    monkeypatch.setattr("os.sysconf", {"SC_PAGE_SIZE": 2, "SC_PHYS_PAGES": 4 * 3 * 6 * 8}.get)
    message = (
        r"datasets.photos: 3 images of 3 x 6 x 8 take 0.0 GiB .* take fewer with images or per"
    )
    with pytest.raises(ConfigError, match=message):
        read(tmp_path)
    assert read(tmp_path, images=2).images.shape == (2, 3, 6, 8)
