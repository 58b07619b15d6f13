"""Small sets in torchvision's files arrive with their names, splits and classes."""

import pickle
from collections.abc import Iterator
from hashlib import md5, sha256
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.io
from torchvision import datasets

from example_digits import idx, write_digits
from example_server import serving
from prediction_difference.data import cifar10_jpegs
from prediction_difference.data.dataset import Dataset
from prediction_difference.data.sources.mnist import MNIST
from prediction_difference.data.sources.torchvision_sets import TorchvisionSet
from prediction_difference.data.torchvision_sets import check, load
from prediction_difference.errors import ConfigError, DataError
from prediction_difference.families import SOURCES

COUNTS = {"train": 20, "test": 12}
DIGITS = tuple("0123456789")


PACKED = tuple(
    f"{part}-{kind}-ubyte.gz"
    for part in ("train", "t10k")
    for kind in ("images-idx3", "labels-idx1")
)


def settings(source: str, root: Path | None, **others: Any) -> TorchvisionSet:
    found = SOURCES.find(source).model_validate({"source": source, "root": root, **others})
    assert isinstance(found, TorchvisionSet)
    return found


def read(source: str, root: Path | None, seed: int = 0, **others: Any) -> Dataset:
    return load(settings(source, root, **others), "x", seed)


def problems(source: str, root: Path | None, **others: Any) -> list[str]:
    return [str(problem) for problem in check(settings(source, root, **others), "x")]


def pixels_of(split: str, shape: tuple[int, ...]) -> np.ndarray:
    generator = np.random.default_rng(len(split))
    return generator.integers(0, 256, (COUNTS[split], *shape), dtype=np.uint8)


def labels_of(split: str, classes: int = 10) -> np.ndarray:
    return (np.arange(COUNTS[split]) * 3 % classes).astype(np.uint8)


def write_idx(folder: Path, packed: bool) -> None:
    pixels = {split: pixels_of(split, (28, 28)) for split in COUNTS}
    write_digits(folder, pixels, {split: labels_of(split) for split in COUNTS}, packed)


def checksum(path: Path) -> str:
    return md5(path.read_bytes(), usedforsecurity=False).hexdigest()


def dump(path: Path, content: dict[str, Any]) -> list[str]:
    """Write a pickle as in CIFAR's archives; its name and MD5, as torchvision lists them."""
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(pickle.dumps(content))
    return [path.name, checksum(path)]


@pytest.fixture
def cifar10(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "cifar-10-batches-py"
    flat = {split: pixels_of(split, (3072,)) for split in COUNTS}
    labels = {split: labels_of(split).tolist() for split in COUNTS}
    batches = []
    for number in range(1, 6):
        four = slice(4 * number - 4, 4 * number)
        batch = {"data": flat["train"][four], "labels": labels["train"][four]}
        batches.append(dump(folder / f"data_batch_{number}", batch))
    test = dump(folder / "test_batch", {"data": flat["test"], "labels": labels["test"]})
    names = ["airplane", "automobile", *(f"kind {number}" for number in range(2, 10))]
    meta = dump(folder / "batches.meta", {"label_names": names})
    # torchvision refuses files whose MD5 is not that of the originals.
    monkeypatch.setattr(datasets.CIFAR10, "train_list", batches)
    monkeypatch.setattr(datasets.CIFAR10, "test_list", [test])
    monkeypatch.setattr(datasets.CIFAR10, "meta", {**datasets.CIFAR10.meta, "md5": meta[1]})
    return tmp_path


@pytest.fixture
def cifar100(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "cifar-100-python"
    for split in COUNTS:
        labels = labels_of(split, 100).tolist()
        batch = {"data": pixels_of(split, (3072,)), "fine_labels": labels}
        listed = [dump(folder / split, batch)]
        monkeypatch.setattr(datasets.CIFAR100, f"{split}_list", listed)
    meta = dump(folder / "meta", {"fine_label_names": [f"kind {n}" for n in range(100)]})
    monkeypatch.setattr(datasets.CIFAR100, "meta", {**datasets.CIFAR100.meta, "md5": meta[1]})
    return tmp_path


@pytest.fixture
def svhn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    listed = {}
    for split in COUNTS:
        path = tmp_path / f"{split}_32x32.mat"
        labels = labels_of(split).copy()
        labels[labels == 0] = 10
        images = pixels_of(split, (32, 32, 3)).transpose(1, 2, 3, 0)
        scipy.io.savemat(path, {"X": images, "y": labels[:, None]})
        listed[split] = ["", path.name, checksum(path)]
    monkeypatch.setattr(datasets.SVHN, "split_list", listed)
    return tmp_path


@pytest.fixture
def mnist(tmp_path: Path) -> Path:
    write_idx(tmp_path / "MNIST" / "raw", packed=False)
    return tmp_path


def assert_holds(dataset: Dataset, images: dict[str, np.ndarray], classes: int = 10) -> None:
    """The dataset has these uint8 images (n, C, H, W) in their own splits."""
    expected = np.concatenate([images["train"], images["test"]]) / 255
    np.testing.assert_allclose(dataset.images, expected, rtol=1e-6)
    assert dataset.images.dtype == np.float32
    labels = np.concatenate([labels_of(split, classes) for split in COUNTS])
    np.testing.assert_array_equal(dataset.labels, labels)
    assert dataset.labels.dtype == np.int64
    assert dataset.split == ("train",) * 20 + ("test",) * 12
    assert dataset.names[:2] == ("train-00000", "train-00001")
    assert dataset.names[-1] == "test-00011"
    assert dataset.facts == {"full_scale": [0.0, 1.0]}


# --- formats ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "folder", "packed"),
    [
        ("mnist", "MNIST/raw", False),
        ("mnist", "MNIST/raw", True),
        ("mnist", "mnist", True),
        ("fashion-mnist", "FashionMNIST/raw", False),
        ("fashion-mnist", "fashion-mnist", True),
        ("kmnist", "KMNIST/raw", False),
    ],
)
def test_idx_files_plain_and_packed(tmp_path: Path, source: str, folder: str, packed: bool) -> None:
    write_idx(tmp_path / folder, packed)
    dataset = read(source, tmp_path)
    assert_holds(dataset, {split: pixels_of(split, (1, 28, 28)) for split in COUNTS})
    end = "-ubyte.gz" if packed else "-ubyte"
    path = f"{folder}/t10k-labels-idx1{end}"
    assert len(dataset.sources) == 4
    assert dataset.sources[path] == sha256((tmp_path / path).read_bytes()).hexdigest()


def test_idx_files_read_as_torchvision_reads_them(mnist: Path) -> None:
    dataset = read("mnist", mnist)
    for split, is_train in (("train", True), ("test", False)):
        theirs = datasets.MNIST(mnist, train=is_train)
        ours = dataset.in_split(split)
        np.testing.assert_allclose(dataset.images[ours, 0], theirs.data / 255, rtol=1e-6)
        np.testing.assert_array_equal(dataset.labels[ours], theirs.targets)


def test_cifar10(cifar10: Path) -> None:
    dataset = read("cifar10", cifar10)
    assert_holds(dataset, {split: pixels_of(split, (3, 32, 32)) for split in COUNTS})
    assert dataset.class_names[:3] == ("airplane", "automobile", "kind 2")
    assert len(dataset.sources) == 7
    assert "cifar-10-batches-py/test_batch" in dataset.sources


def test_cifar100(cifar100: Path) -> None:
    dataset = read("cifar100", cifar100)
    assert_holds(dataset, {split: pixels_of(split, (3, 32, 32)) for split in COUNTS}, 100)
    assert dataset.class_names[99] == "kind 99"
    assert len(dataset.sources) == 3


def test_svhn(svhn: Path) -> None:
    dataset = read("svhn", svhn)
    images = {split: pixels_of(split, (32, 32, 3)).transpose(0, 3, 1, 2) for split in COUNTS}
    assert_holds(dataset, images)
    assert dataset.class_names == DIGITS
    assert set(dataset.sources) == {"train_32x32.mat", "test_32x32.mat"}


@pytest.mark.parametrize(
    ("source", "folder", "first", "last"),
    [
        ("mnist", "MNIST", "0", "9"),
        ("fashion-mnist", "FashionMNIST", "T-shirt/top", "Ankle boot"),
        ("kmnist", "KMNIST", "o", "wo"),
    ],
)
def test_class_names(tmp_path: Path, source: str, folder: str, first: str, last: str) -> None:
    write_idx(tmp_path / folder / "raw", packed=False)
    names = read(source, tmp_path).class_names
    assert (len(names), names[0], names[-1]) == (10, first, last)


# --- draws and splits -------------------------------------------------------------------------


def test_a_draw_takes_so_many_of_each_split(mnist: Path) -> None:
    whole, drawn = read("mnist", mnist), read("mnist", mnist, images=7)
    assert drawn.split == ("train",) * 7 + ("test",) * 7
    assert list(drawn.names) == [name for name in whole.names if name in drawn.names]
    for index, name in enumerate(drawn.names):
        np.testing.assert_array_equal(drawn.images[index], whole.images[whole.index(name)])
        assert drawn.labels[index] == whole.labels[whole.index(name)]


def test_a_draw_belongs_to_the_seed(mnist: Path) -> None:
    assert read("mnist", mnist, images=7).names == read("mnist", mnist, images=7).names
    assert read("mnist", mnist, images=7).names != read("mnist", mnist, seed=1, images=7).names


def test_a_larger_draw_holds_the_smaller_one(mnist: Path) -> None:
    assert set(read("mnist", mnist, images=5).names) < set(read("mnist", mnist, images=9).names)


def test_a_draw_of_more_than_there_are_is_refused(mnist: Path) -> None:
    message = r"datasets\.x\.images: 13 images of each split .* test has 12; set it to 12 or less"
    with pytest.raises(ConfigError, match=message):
        read("mnist", mnist, images=13)


@pytest.mark.parametrize(("source", "count"), [("mnist", 10_000), ("svhn", 26_032)])
def test_a_draw_of_more_than_there_can_be_is_a_problem_before_the_download(
    tmp_path: Path, source: str, count: int
) -> None:
    (problem,) = problems(source, tmp_path, download=True, images=count + 1)
    assert problem.endswith(f"test has {count}; set it to {count} or less")
    assert problems(source, tmp_path, download=True, images=count) == []


def test_folds_split_all_images_anew(mnist: Path) -> None:
    dataset = read("mnist", mnist, folds=2)
    assert len(dataset.names) == 32
    assert set(dataset.split) == {"fold-00", "fold-01"}
    assert dataset.names[-1] == "test-00011"


def test_a_test_fraction_splits_all_images_anew(mnist: Path) -> None:
    dataset = read("mnist", mnist, test_fraction=0.5)
    pairs = {(name[:5], split) for name, split in zip(dataset.names, dataset.split, strict=True)}
    assert len(pairs) == 4


# --- where the files are ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "example"),
    [
        ("mnist", "MNIST/raw/train-images-idx3-ubyte or mnist/train-images-idx3-ubyte.gz"),
        (
            "cifar10",
            f"cifar-10-batches-py/data_batch_1, or {cifar10_jpegs.EXAMPLE}",
        ),
        ("cifar100", "cifar-100-python/train"),
        ("svhn", "train_32x32.mat"),
    ],
)
def test_missing_files_are_a_problem(tmp_path: Path, source: str, example: str) -> None:
    (problem,) = problems(source, tmp_path)
    assert problem.startswith(f"datasets.x.root: {source} is not in {tmp_path}: ")
    assert problem.endswith(f"set download: true, or root to the folder that holds {example}")
    with pytest.raises(ConfigError, match=f"{source} is not in"):
        read(source, tmp_path)


def test_only_the_files_that_miss_are_named(mnist: Path) -> None:
    assert problems("mnist", mnist) == []
    (mnist / "MNIST" / "raw" / "t10k-labels-idx1-ubyte").unlink()
    (problem,) = problems("mnist", mnist)
    assert f"not in {mnist}: MNIST/raw/t10k-labels-idx1-ubyte missing; set" in problem


def test_root_defaults_to_the_variable_then_to_the_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("PDA_DATA", str(tmp_path / "shared"))
    assert f"mnist is not in {tmp_path / 'shared'}:" in problems("mnist", None)[0]
    assert f"mnist is not in {tmp_path / 'own'}:" in problems("mnist", tmp_path / "own")[0]
    monkeypatch.delenv("PDA_DATA")
    cache = tmp_path / ".cache" / "prediction-difference"
    assert f"mnist is not in {cache}:" in problems("mnist", None)[0]


# --- download ---------------------------------------------------------------------------------


@pytest.fixture
def mirror(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The folder of a server that stands for that of MNIST."""
    folder = tmp_path / "mirror"
    write_idx(folder, packed=True)
    sums = tuple(sha256((folder / name).read_bytes()).hexdigest() for name in PACKED)
    monkeypatch.setattr(MNIST, "checksums", sums)
    with serving(folder, monkeypatch) as address:
        monkeypatch.setattr(MNIST, "mirrors", (f"{address}away/", address))
        yield folder


def test_missing_files_are_downloaded(tmp_path: Path, mirror: Path) -> None:
    root = tmp_path / "new" / "root"
    assert problems("mnist", root, download=True) == []
    dataset = read("mnist", root, download=True)
    assert_holds(dataset, {split: pixels_of(split, (1, 28, 28)) for split in COUNTS})
    assert [path.name for path in root.iterdir()] == ["MNIST"]


def test_what_is_there_is_not_downloaded(tmp_path: Path, mirror: Path) -> None:
    write_idx(tmp_path / "mnist", packed=True)
    read("mnist", tmp_path, download=True)
    assert not (tmp_path / "MNIST").exists()


def test_a_download_that_fails_leaves_nothing(tmp_path: Path, mirror: Path) -> None:
    (mirror / "t10k-labels-idx1-ubyte.gz").write_bytes(b"another file")
    root = tmp_path / "root"
    message = r"labels-idx1-ubyte\.gz: another file than expected has arrived \(SHA256 hash of"
    with pytest.raises(DataError, match=message):
        read("mnist", root, download=True)
    assert list(root.iterdir()) == []
    (mirror / "t10k-labels-idx1-ubyte.gz").unlink()
    with pytest.raises(DataError, match=r"root: mnist cannot be downloaded .*; see that the netw"):
        read("mnist", root, download=True)
    assert list(root.iterdir()) == []


# --- damage -----------------------------------------------------------------------------------


@pytest.mark.parametrize("packed", [True, False])
@pytest.mark.parametrize("keep", [0, 3, 10, 200])
def test_an_idx_file_that_breaks_off_is_named(tmp_path: Path, packed: bool, keep: int) -> None:
    write_idx(tmp_path / "MNIST" / "raw", packed)
    (path,) = (tmp_path / "MNIST" / "raw").glob("train-images*")
    path.write_bytes(path.read_bytes()[:keep])
    message = rf"{path.name}: this file is damaged or cannot be read \(.*\); remove it"
    with pytest.raises(DataError, match=message):
        read("mnist", tmp_path)


def test_a_packed_file_with_changed_bytes_is_named(tmp_path: Path) -> None:
    write_idx(tmp_path / "mnist", packed=True)
    path = tmp_path / "mnist" / "train-images-idx3-ubyte.gz"
    content = path.read_bytes()
    # After a header of ten bytes, this is no kind of block.
    path.write_bytes(content[:10] + b"\xff" + content[11:])
    with pytest.raises(DataError, match=r"train-images-idx3-ubyte\.gz: this file is damaged"):
        read("mnist", tmp_path)


def test_labels_in_the_place_of_images_are_refused(mnist: Path) -> None:
    folder = mnist / "MNIST" / "raw"
    (folder / "train-labels-idx1-ubyte").replace(folder / "train-images-idx3-ubyte")
    write = idx(labels_of("train"))
    (folder / "train-labels-idx1-ubyte").write_bytes(write)
    with pytest.raises(DataError, match=r"no IDX file of bytes in 3 dimension\(s\)"):
        read("mnist", mnist)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("train-labels-idx1-ubyte", idx(np.zeros(19, dtype=np.uint8))),
        ("train-labels-idx1-ubyte", idx(np.full(20, 10, dtype=np.uint8))),
        ("train-images-idx3-ubyte", idx(np.zeros((20, 28, 27), dtype=np.uint8))),
    ],
)
def test_files_of_something_else_are_refused(mnist: Path, name: str, content: bytes) -> None:
    (mnist / "MNIST" / "raw" / name).write_bytes(content)
    with pytest.raises(DataError, match=r"labels up to \d+ are not mnist \(train\); remove its"):
        read("mnist", mnist)


def test_a_changed_cifar_batch_is_refused(cifar10: Path) -> None:
    (cifar10 / "cifar-10-batches-py" / "test_batch").write_bytes(b"changed")
    with pytest.raises(DataError, match=r"the files of cifar10 are damaged .*; remove them and"):
        read("cifar10", cifar10)


# --- the real one -----------------------------------------------------------------------------


@pytest.mark.realdata
def test_the_real_mnist(pda_data: Path) -> None:
    dataset = read("mnist", pda_data)
    training = dataset.images[dataset.in_split("train")]
    assert training.shape == (60_000, 1, 28, 28)
    assert dataset.in_split("test").sum() == 10_000
    assert dataset.labels[:5].tolist() == [5, 0, 4, 1, 9]
    # Mean and standard deviation as everybody's normalisation has them.
    assert training.mean(dtype=np.float64) == pytest.approx(0.1307, abs=1e-4)
    assert training.std(dtype=np.float64) == pytest.approx(0.3081, abs=1e-4)
