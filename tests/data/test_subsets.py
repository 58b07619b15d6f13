"""Which images are taken: listed ones, draws that belong to seed, dataset and name."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from example_photographs import problems, read, save
from prediction_difference.data.subsets import draw

NAMES = st.lists(st.text(min_size=1, max_size=5), min_size=1, max_size=30, unique=True)
SEEDS = st.integers(0, 2**63 - 1)


@given(NAMES, SEEDS, st.data())
def test_a_draw_depends_on_nothing_but_the_names_themselves(
    names: list[str], seed: int, data: st.DataObject
) -> None:
    """Neither on their order, nor on names that are not drawn; larger draws hold smaller ones."""
    count = data.draw(st.integers(0, len(names)))
    positions = draw(names, count, seed, "x")
    assert positions.tolist() == sorted(set(positions.tolist()))
    drawn = {names[i] for i in positions}
    assert len(drawn) == count
    shuffled = data.draw(st.permutations(names))
    assert {shuffled[i] for i in draw(shuffled, count, seed, "x")} == drawn
    kept = [name for name in names if name in drawn or data.draw(st.booleans())]
    assert {kept[i] for i in draw(kept, count, seed, "x")} == drawn
    assert drawn <= {names[i] for i in draw(names, min(count + 1, len(names)), seed, "x")}


def test_every_name_is_drawn_as_often() -> None:
    names = [str(number) for number in range(20)]
    counts = Counter(int(i) for seed in range(2000) for i in draw(names, 5, seed, "x"))
    # Binomial(2000, 1/4): standard deviation 19.
    assert max(abs(counts[number] - 500) for number in range(20)) < 80


def test_seed_and_dataset_choose_the_draw() -> None:
    names = [str(number) for number in range(100)]
    draws = {tuple(draw(names, 10, seed, dataset)) for seed in (0, 1) for dataset in "ab"}
    assert len(draws) == 4


@pytest.fixture
def photographs(tmp_path: Path) -> Path:
    for number in range(6):
        save(tmp_path / "cat" / f"{number}.png", (2, 3, 3), seed=number)
    for number in range(3):
        save(tmp_path / "dog" / f"{number}.png", (2, 3, 3), seed=10 + number)
    return tmp_path


def test_as_many_images_as_are_asked_for(photographs: Path) -> None:
    whole, some = read(photographs), read(photographs, images=4)
    assert len(some.names) == 4
    assert some.class_names == ("cat", "dog")
    for index, name in enumerate(some.names):
        np.testing.assert_array_equal(some.images[index], whole.images[whole.index(name)])
        assert some.labels[index] == whole.labels[whole.index(name)]
    assert set(some.sources) == {f"{name}.png" for name in some.names}


def test_as_many_of_each_class(photographs: Path) -> None:
    some = read(photographs, per_class=2)
    assert some.labels.tolist() == [0, 0, 1, 1]
    assert set(some.names) <= set(read(photographs, per_class=3).names)
    draws = {read(photographs, seed, per_class=2).names for seed in range(6)}
    assert len({names[:2] for names in draws}) > 1
    assert len({names[2:] for names in draws}) > 1
    # Another class changes nothing for this one.
    for number in range(3):
        save(photographs / "newt" / f"{number}.png", (2, 3, 3))
    assert set(some.names) < set(read(photographs, per_class=2).names)


@pytest.mark.parametrize("as_file", [False, True])
def test_listed_files(photographs: Path, as_file: bool, tmp_path_factory: object) -> None:
    listed = ["dog/1.png", "cat/5", "cat/0.png", "cat/5.png"]
    file = photographs / "list.txt"
    file.write_text("\n".join(listed) + "\n\n")
    dataset = read(photographs, files=file if as_file else listed)
    assert dataset.names == ("cat/0", "cat/5", "dog/1")
    assert dataset.labels.tolist() == [0, 0, 1]
    of_these = read(photographs, files=file if as_file else listed, images=2)
    assert set(of_these.names) < set(dataset.names)


def test_listed_files_that_are_not_there(photographs: Path) -> None:
    found = problems(photographs, files=["cat/0", "cat/0.pgn", "bird"])
    assert found == [
        f"datasets.photos.files: there is no 'cat/0.pgn' in {photographs}; "
        "did you mean 'cat/0.png'?",
        f"datasets.photos.files: there is no 'bird' in {photographs}; "
        "name it as it lies below this folder",
    ]
    many = problems(photographs, files=[f"bird {number}" for number in range(20)])
    assert len(many) == 6
    assert "15 more files of the list are not there" in many[-1]


def test_lists_that_cannot_be_read(photographs: Path) -> None:
    (problem,) = problems(photographs, files=photographs / "list.txt")
    assert problem.startswith(f"{photographs / 'list.txt'}: cannot be read")
    (photographs / "list.txt").write_text("\n\n")
    (problem,) = problems(photographs, files=photographs / "list.txt")
    assert "list.txt lists no file; write one a line" in problem


def test_too_few_images(photographs: Path) -> None:
    (problem,) = problems(photographs, images=10)
    assert problem == (
        "datasets.photos.images: 10 images are asked for, there are 9; "
        "set it to 9 or less, or add images"
    )
    (problem,) = problems(photographs, per_class=4)
    assert problem == (
        "datasets.photos.per_class: 4 images of each class are asked for, dog has 3; "
        "set it to 3 or less, or add images"
    )
    assert problems(photographs, images=9) == problems(photographs, per_class=3) == []


def test_no_classes_to_draw_from(photographs: Path) -> None:
    (problem,) = problems(photographs / "cat", per_class=1)
    assert problem.endswith("per_class: the images have no classes; set images in place of it")
