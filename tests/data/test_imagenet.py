"""ImageNet in each layout that is clear, with labels in network order; what is not is named."""

from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from example_photographs import save
from prediction_difference.data.dataset import Dataset
from prediction_difference.data.photographs import catalogue, check, files, load
from prediction_difference.data.sources.imagenet import ImageNet
from prediction_difference.errors import ConfigError

NEWT, OWL, PUG = "n00000005", "n00000010", "n00000020"
SYNSETS = f"{OWL} owl, hooter\n{NEWT} newt\n{PUG} pug\n"


def settings(root: Path | None, **others: Any) -> ImageNet:
    return ImageNet.model_validate({"source": "imagenet", "root": root, "size": (4, 4), **others})


def read(root: Path | None, seed: int = 0, **others: Any) -> Dataset:
    return load(settings(root, **others), "photos", seed)


def problems(root: Path | None, **others: Any) -> list[str]:
    return [str(problem) for problem in check(settings(root, **others), "photos", seed=0)]


def write(folder: Path, *names: str) -> Path:
    """Images of these names, and the list of classes beside them."""
    for seed, name in enumerate(names):
        save(folder / name, seed=seed)
    (folder / "synset_words.txt").write_text(SYNSETS)
    return folder


# --- layouts ----------------------------------------------------------------------------------


@pytest.mark.parametrize("part", ["", "train", "val"])
def test_by_class(tmp_path: Path, part: str) -> None:
    folder = tmp_path / part
    write(folder, f"{PUG}/a.JPEG", f"{NEWT}/b.JPEG", f"{PUG}/c.JPEG")
    (folder / "synset_words.txt").replace(tmp_path / "synset_words.txt")
    (folder / "notes").mkdir()
    dataset = read(tmp_path)
    assert dataset.names == (f"{NEWT}/b", f"{PUG}/a", f"{PUG}/c")
    assert dataset.class_names == ("owl", "newt", "pug")
    assert dataset.labels.tolist() == [1, 2, 2]
    assert dataset.facts["layout"] == "by class"
    assert dataset.facts["folder"] == (part or ".")
    assert dataset.files == (f"{NEWT}/b.JPEG", f"{PUG}/a.JPEG", f"{PUG}/c.JPEG")


def test_classes_by_the_beginning_of_file_names(tmp_path: Path) -> None:
    write(tmp_path, f"{PUG}_pug.JPEG", f"{NEWT}_10026.JPEG", f"{PUG}_3.JPEG")
    dataset = read(tmp_path)
    assert dataset.names == (f"{NEWT}_10026", f"{PUG}_3", f"{PUG}_pug")
    assert dataset.labels.tolist() == [1, 2, 2]
    assert dataset.facts["layout"] == "flat, classes from file names"


def test_classes_from_ground_truth(tmp_path: Path) -> None:
    write(tmp_path / "val", "a.JPEG", "b.JPEG")
    truth = tmp_path / "val.txt"
    truth.write_text("b.JPEG 2\na.JPEG 0\n")
    dataset = read(tmp_path, ground_truth=truth)
    assert dataset.labels.tolist() == [0, 2]
    assert dataset.facts["layout"] == "flat, classes from ground_truth"
    assert dataset.sources[str(truth)] == sha256(truth.read_bytes()).hexdigest()


def test_without_classes(tmp_path: Path) -> None:
    write(tmp_path, "a.JPEG", "n0000.JPEG", "n000000051_x.JPEG")
    dataset = read(tmp_path)
    assert dataset.labels.tolist() == [-1, -1, -1]
    assert dataset.class_names == ("owl", "newt", "pug")
    assert dataset.facts["layout"] == "flat, without classes"
    (tmp_path / "synset_words.txt").unlink()
    assert read(tmp_path).class_names == ()


def test_a_list_of_classes_of_ones_own(tmp_path: Path) -> None:
    write(tmp_path, f"{PUG}_pug.JPEG")
    own = tmp_path / "own.txt"
    own.write_text(f"{PUG} dog\n{NEWT} newt\n")
    dataset = read(tmp_path, class_names=own)
    assert dataset.labels.tolist() == [0]
    assert dataset.class_names == ("dog", "newt")


def test_plain_names_suffice_for_numbers(tmp_path: Path) -> None:
    write(tmp_path, "a.JPEG")
    (tmp_path / "names.txt").write_text("owl\nnewt\n")
    (tmp_path / "truth.txt").write_text("a.JPEG 1\n")
    keys = {"class_names": tmp_path / "names.txt", "ground_truth": tmp_path / "truth.txt"}
    assert read(tmp_path, **keys).labels.tolist() == [1]


def test_root_defaults_to_known_places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PDA_DATA", str(tmp_path))
    (problem,) = problems(None)
    assert problem.startswith(f"datasets.photos.root: there is no {tmp_path / 'imagenet'} or ")
    assert "ImageNet cannot be downloaded; get it from image-net.org, and set root" in problem
    write(tmp_path / "imagenet_sample", f"{PUG}_pug.JPEG")
    assert read(None).labels.tolist() == [2]
    write(tmp_path / "imagenet", f"{OWL}_a.JPEG", f"{OWL}_b.JPEG")
    assert read(None).labels.tolist() == [0, 0]


def test_the_middle_is_kept_at_the_usual_size() -> None:
    assert ImageNet(source="imagenet").size == (224, 224)


# --- what is not clear ------------------------------------------------------------------------


def test_two_parts_with_images(tmp_path: Path) -> None:
    for part in ("train", "val"):
        write(tmp_path / part, f"{PUG}/a.JPEG")
    (problem,) = problems(tmp_path)
    assert problem == f"{tmp_path}: images lie in train and val; set root to one of these"
    assert problems(tmp_path / "val") == []


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ((f"{PUG}/a.JPEG", "b.JPEG"), "both in the folder (b.JPEG) and in subfolders by class"),
        ((f"{PUG}/a.JPEG", "dogs/b.JPEG"), "dogs beside subfolders by class hold images, too"),
        ((f"{PUG}_a.JPEG", "b.JPEG"), "b.JPEG does not begin with a WordNet id, as other files do"),
        (("dogs/b.JPEG",), "there is no image in it (.bmp"),
        ((), "set root to a folder with subfolders by WordNet id (n01440764), images in one"),
        (("n00000099/a.JPEG",), "n00000099: the list of classes has no such WordNet id"),
        (("n00000099_a.JPEG",), "n00000099: the list of classes has no such WordNet id"),
    ],
)
def test_a_folder_that_is_not_clear(tmp_path: Path, names: tuple[str, ...], message: str) -> None:
    (problem,) = problems(write(tmp_path, *names))
    assert problem.startswith(f"{tmp_path}: ")
    assert message in problem


def test_a_class_without_images(tmp_path: Path) -> None:
    write(tmp_path, f"{PUG}/a.JPEG")
    (tmp_path / NEWT).mkdir()
    (problem,) = problems(tmp_path)
    assert problem.startswith(f"{tmp_path / NEWT}: this class has no image")


def test_labels_that_are_known_twice(tmp_path: Path) -> None:
    write(tmp_path, f"{PUG}/a.JPEG")
    (problem,) = problems(tmp_path, ground_truth=tmp_path / "truth.txt")
    assert f"ground_truth: {tmp_path} is by class, so that labels are known; remove" in problem


@pytest.mark.parametrize("name", [f"{PUG}/a.JPEG", f"{PUG}_a.JPEG"])
def test_labels_without_a_list_of_classes(tmp_path: Path, name: str) -> None:
    write(tmp_path, name)
    (tmp_path / "synset_words.txt").unlink()
    (problem,) = problems(tmp_path)
    assert problem.startswith("datasets.photos.class_names: the order of the classes is not known")
    (tmp_path / "plain.txt").write_text("owl\npug\n")
    (problem,) = problems(tmp_path, class_names=tmp_path / "plain.txt")
    assert f"{PUG}: the list of classes has no such WordNet id" in problem


def test_files_that_are_missing(tmp_path: Path) -> None:
    write(tmp_path, "a.JPEG")
    (problem,) = problems(tmp_path / "x")
    assert problem == f"datasets.photos.root: {tmp_path / 'x'} does not exist; correct the path"
    (problem,) = problems(tmp_path, ground_truth=tmp_path / "truth.txt")
    assert f"{tmp_path / 'truth.txt'}: cannot be read" in problem


def test_only_chosen_files_are_opened(tmp_path: Path) -> None:
    write(tmp_path, *(f"{PUG}_{number}.JPEG" for number in range(3)))
    (tmp_path / f"{PUG}_1.JPEG").write_bytes(b"no image")
    (problem,) = problems(tmp_path)
    assert f"{PUG}_1.JPEG: cannot be read as an image" in problem
    chosen = {"files": [f"{PUG}_0", f"{PUG}_2.JPEG"]}
    assert problems(tmp_path, **chosen) == []
    assert read(tmp_path, **chosen).names == (f"{PUG}_0", f"{PUG}_2")


def test_what_a_job_depends_on(tmp_path: Path) -> None:
    write(tmp_path, *(f"{PUG}_{number}.JPEG" for number in range(9)))
    chosen = settings(tmp_path, images=3)
    images = [tmp_path / f"{name}.JPEG" for name in catalogue(chosen, "photos", 0).names]
    assert files(chosen, "photos", 0) == [*images, tmp_path / "synset_words.txt"]
    assert len(images) == 3
    assert files(settings(tmp_path / "x"), "photos", 0) == []


# --- the real one -----------------------------------------------------------------------------


@pytest.mark.realdata
def test_the_real_sample(pda_data: Path) -> None:
    """250 images of as many classes; every label is the class in the file's name."""
    chosen = settings(pda_data / "imagenet_sample", folds=5)
    assert check(chosen, "photos", seed=0) == []
    known = catalogue(chosen, "photos", seed=0)
    assert len(known.names) == len(set(known.labels)) == 250
    assert len(set(known.class_names)) == 1000
    for name, label in zip(known.names, known.labels, strict=True):
        in_name, in_list = name[10:].replace("_", " "), known.class_names[label].split(" (")[0]
        assert in_name.casefold() == in_list.casefold()


@pytest.mark.realdata
def test_a_draw_of_the_real_sample(pda_data: Path) -> None:
    """Which 34 they are belongs to seed and name, here written down once and for all."""
    first, again = (read(pda_data / "imagenet_sample", images=34) for _ in range(2))
    assert first.names == again.names
    assert len(set(first.names)) == 34
    np.testing.assert_array_equal(first.images, again.images)
    assert [name[10:] for name in first.names[:3]] == ["ostrich", "goldfinch", "bald_eagle"]
    other = catalogue(settings(pda_data / "imagenet_sample", images=34), "photos", seed=1)
    assert len(set(other.names) & set(first.names)) < 20


def test_a_dataset_of_several_problems_lists_them_all(tmp_path: Path) -> None:
    write(tmp_path, f"{PUG}/a.JPEG", f"{PUG}/a.png", f"{NEWT}/b.JPEG")
    (tmp_path / OWL).mkdir()
    (tmp_path / f"{NEWT}/b.JPEG").write_bytes(b"")
    with pytest.raises(ConfigError, match="3 problems found"):
        read(tmp_path)
