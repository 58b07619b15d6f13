"""Rows of a working store that do not hold what was written are computed again, and no others."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from prediction_difference.attribution.finished import refuse_damaged, stores_of
from prediction_difference.attribution.working_store import WorkingStore
from prediction_difference.errors import StoreError

IMAGE = np.arange(4, dtype=np.float32).reshape(1, 2, 2)
SHAPES = {"window_score": (2, 3, 40), "window_standard_error": (2, 3, 40)}


@pytest.fixture
def store(tmp_path: Path) -> WorkingStore:
    made = WorkingStore.open_or_create(tmp_path / "w.zarr", IMAGE, SHAPES, {"slot": "a"})
    random = np.random.default_rng(0)
    for part in range(3):
        score = random.normal(size=(2, 40))
        # Errors of exact values are unknown: all of a row, or some of it.
        error = np.full((2, 40), np.nan) if part == 1 else np.where(score > 0, score, -np.nan)
        made.write(part, {"window_score": score, "window_standard_error": error}, 0.5, 7)
    return made


def row(store: WorkingStore, part: int) -> Path:
    return store.path / "part_values" / "c" / "0" / str(part) / "0"


DAMAGES: dict[str, Callable[[WorkingStore], object]] = {
    "cut": lambda s: row(s, 2).write_bytes(b""),
    "half": lambda s: row(s, 2).write_bytes(row(s, 2).read_bytes()[:100]),
    "another row": lambda s: row(s, 2).write_bytes(row(s, 0).read_bytes()),
    "lost": lambda s: row(s, 2).unlink(),
}


def test_a_row_of_all_arrays_is_one_file_and_its_record_another(store: WorkingStore) -> None:
    files = [file for file in store.path.rglob("c/**/*") if file.is_file()]
    assert len(files) == 3 + 3 + 1
    assert store.arrays == set(SHAPES)
    assert {name: store.read(name).shape for name in SHAPES} == SHAPES
    assert np.isfinite(store.read("window_score")).all()
    assert np.isnan(store.read("window_standard_error")[:, 1]).all()


def test_whole_rows_are_not_suspected(store: WorkingStore, tmp_path: Path) -> None:
    assert store.finished().all()
    assert store.damaged(range(3)) == []
    refuse_damaged(store, [tmp_path / "done.json"])
    assert store.totals() == {"seconds": 1.5, "forwards": 21}
    assert store.attributes == {"slot": "a"}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES.keys())
def test_a_damaged_row_is_given_back(
    store: WorkingStore, tmp_path: Path, damage: Callable[[WorkingStore], object]
) -> None:
    done = tmp_path / "done.json"
    done.write_text(json.dumps({"stores": {"a": "w.zarr"}}))
    damage(store)
    with pytest.raises(StoreError, match=r"1 of its parts are missing or damaged; start again"):
        refuse_damaged(store, [done])
    assert store.finished().tolist() == [True, True, False]
    assert not done.exists()
    values = {name: np.ones((2, 40)) for name in SHAPES}
    store.write(2, values, 0.5, 7)
    refuse_damaged(store, [done])
    assert (store.read("window_score")[:, 2] == 1).all()


@pytest.mark.parametrize("is_lost", [True, False])
def test_a_row_whose_record_is_lost_or_damaged_is_given_back(
    store: WorkingStore, tmp_path: Path, is_lost: bool
) -> None:
    done = tmp_path / "done.json"
    done.write_text("{}")
    record = store.path / "part_record" / "c" / "1" / "0"
    if is_lost:
        record.unlink()
    else:
        record.write_bytes(b"no record")
    assert store.finished().tolist() == [True, False, True]
    with pytest.raises(StoreError, match=r"1 of its parts are missing or damaged"):
        refuse_damaged(store, [done])
    assert not done.exists()
    with pytest.raises(StoreError, match=r"done\.json: is not there: .*; start again"):
        stores_of(done)


def test_a_damaged_image_is_not_published(store: WorkingStore, tmp_path: Path) -> None:
    file = store.path / "image" / "c" / "0" / "0" / "0"
    assert store.image.tolist() == IMAGE.tolist()
    file.unlink()
    with pytest.raises(StoreError, match=r"the image is damaged\); delete it and start again"):
        _ = store.image
    done = tmp_path / "done.json"
    done.write_text("{}")
    with pytest.raises(StoreError, match="the image is damaged"):
        refuse_damaged(store, [done])
    assert not done.exists()


def test_done_files_of_a_broken_store_are_taken_back(store: WorkingStore, tmp_path: Path) -> None:
    done = tmp_path / "done.json"
    done.write_text("{}")
    (store.path / "zarr.json").write_text("{")
    with pytest.raises(StoreError, match="delete it and start again"):
        refuse_damaged(store, [done])
    assert not done.exists()


def test_a_store_of_another_version_is_refused(store: WorkingStore) -> None:
    index = store.path / "zarr.json"
    found = json.loads(index.read_text())
    del found["attributes"]["places"]
    index.write_text(json.dumps(found))
    with pytest.raises(StoreError, match=r"w\.zarr.*another version.*delete it"):
        store.finished()
