"""Small folders as Stanford Dogs unpacks: breeds, labels and the split of its lists."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.io
from PIL import Image

from prediction_difference.data.photographs import check, load
from prediction_difference.data.sources.stanford_dogs import StanfordDogs
from prediction_difference.errors import ConfigError

BREEDS = {"n02085620": "Chihuahua", "n02085782": "Japanese_spaniel", "n02086240": "Shih-Tzu"}


def write_list(path: Path, files: list[str]) -> None:
    """As the lists are: a column of cells with one text each."""
    cells = np.empty((len(files), 1), dtype=object)
    cells[:, 0] = [np.array([file]) for file in files]
    scipy.io.savemat(path, {"file_list": cells, "labels": np.ones((len(files), 1))})


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Four images a breed; their grey tells breed and number, the last one is for testing."""
    train, test = [], []
    for number, (wordnet, breed) in enumerate(BREEDS.items()):
        folder = tmp_path / "Images" / f"{wordnet}-{breed}"
        folder.mkdir(parents=True)
        for n in range(4):
            pixels = np.full((20, 24, 3), 40 * number + 10 * n, dtype=np.uint8)
            Image.fromarray(pixels).save(folder / f"{wordnet}_{n}.png")
            (test if n == 3 else train).append(f"{folder.name}/{wordnet}_{n}.png")
    write_list(tmp_path / "train_list.mat", train)
    (tmp_path / "lists").mkdir()
    write_list(tmp_path / "lists" / "test_list.mat", test)
    return tmp_path


def settings(root: Path, **others: Any) -> StanfordDogs:
    return StanfordDogs(source="stanford-dogs", root=root, size=(8, 8), **others)


def test_breeds_and_split_are_those_of_folders_and_lists(root: Path) -> None:
    dataset = load(settings(root), "dogs", 0)
    assert dataset.class_names == ("Chihuahua", "Japanese spaniel", "Shih-Tzu")
    assert dataset.split.count("train") == 9
    greys = np.round(255 * dataset.images[:, 0, 4, 4])
    np.testing.assert_array_equal(dataset.labels, greys // 40)
    for grey, split in zip(greys, dataset.split, strict=True):
        assert split == ("test" if grey % 40 == 30 else "train")
    assert any(name.endswith("test_list.mat") for name in dataset.sources)


def test_chosen_breeds_are_classes_in_their_order(root: Path) -> None:
    dataset = load(settings(root, breeds=("Shih-Tzu", "Chihuahua")), "dogs", 0)
    assert dataset.class_names == ("Shih-Tzu", "Chihuahua")
    greys = np.round(255 * dataset.images[dataset.labels == 0].max((1, 2, 3)))
    assert set(greys) == {80.0, 90.0, 100.0, 110.0}


def test_another_split_can_be_asked_for(root: Path) -> None:
    dataset = load(settings(root, folds=2), "dogs", 0)
    assert set(dataset.split) == {"fold-00", "fold-01"}


def test_a_draw_keeps_labels_and_splits(root: Path) -> None:
    dataset = load(settings(root, per_class=2), "dogs", 0)
    greys = np.round(255 * dataset.images[:, 0, 4, 4])
    np.testing.assert_array_equal(dataset.labels, greys // 40)
    assert [split == "test" for split in dataset.split] == list(greys % 40 == 30)


def problems_of(root: Path, **others: Any) -> str:
    return "\n".join(str(problem) for problem in check(settings(root, **others), "dogs", 0))


def test_what_is_wrong_is_told(root: Path) -> None:
    told = problems_of(root, breeds=("Poodle",))
    assert "there is no breed 'Poodle'; breeds are Chihuahua" in told
    assert "the folder Images is missing" in problems_of(root / "lists")
    some = root / "Images" / "n02085620-Chihuahua" / "n02085620_0.png"
    some.with_name("new.png").write_bytes(some.read_bytes())
    assert "new.png: is in no list; remove it" in problems_of(root)
    (root / "train_list.mat").write_bytes(b"nothing")
    assert "train_list.mat: is damaged or no list of files" in problems_of(root)
    (root / "train_list.mat").unlink()
    assert "train_list.mat: is not in" in problems_of(root)
    with pytest.raises(ConfigError):
        load(settings(root), "dogs", 0)
