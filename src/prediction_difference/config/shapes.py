"""What is known of a dataset before it is read: class names and the shape of its images."""

from collections.abc import Mapping

from prediction_difference.config import model

Shapes = Mapping[str, tuple[int, ...]]
"""Sides of the images of datasets, by name, as headers of their files tell them."""

SIMULATED_SHAPE = (91, 109, 91)
_TORCHVISION: dict[str, tuple[tuple[int, int], int, tuple[str, ...] | None]] = {
    "mnist": ((28, 28), 1, tuple("0123456789")),
    "fashion-mnist": ((28, 28), 1, None),
    "kmnist": ((28, 28), 1, None),
    "cifar10": ((32, 32), 3, None),
    "cifar100": ((32, 32), 3, None),
    "svhn": ((32, 32), 3, tuple("0123456789")),
}


def spatial_shape(dataset: model.Dataset) -> tuple[int, ...] | None:
    """Height and width, or the three sides of a volume; None where only the files tell."""
    match dataset:
        case model.SklearnDigits():
            return (8, 8)
        case model.SimulatedFA(slab=slab):
            return slab_shape(SIMULATED_SHAPE, slab)
        case model.Photographs(size=size, resize=resize):
            return size or (resize if isinstance(resize, tuple) else None)
        case model.TorchvisionSet(source=source):
            return _TORCHVISION[source][0]
        case model.DigitPairs():
            return (28, 56)
        case _:
            return None


def slab_shape(shape: tuple[int, ...], slab: model.Slab | None) -> tuple[int, ...]:
    """Shape of a volume after the slab is cut out of it."""
    if slab is None:
        return shape
    return tuple(
        slab.stop - slab.start if axis == slab.axis else side for axis, side in enumerate(shape)
    )


def is_volume(dataset: model.Dataset) -> bool:
    """Whether its images are 3-D."""
    return isinstance(dataset, model.Volumes)


def channels(dataset: model.Dataset) -> int:
    """Number of channels of its images."""
    match dataset:
        case model.Photographs(channels=count):
            return count
        case model.TorchvisionSet(source=source):
            return _TORCHVISION[source][1]
        case _:
            return 1


_HAVE_A_SPLIT = model.TorchvisionSet | model.DigitPairs | model.StanfordDogs


def has_training_images(dataset: model.Dataset) -> bool:
    """Whether other images are left when a held-out split is taken away."""
    is_split = dataset.test_fraction is not None or dataset.folds is not None
    return is_split or isinstance(dataset, _HAVE_A_SPLIT)


def class_names(dataset: model.Dataset) -> tuple[str, ...] | None:
    """Names of the classes in the order of the scores; None where only the files tell."""
    match dataset:
        case model.SklearnDigits():
            return tuple("0123456789")
        case model.SimulatedFA():
            return ("control", "patient")
        case model.TorchvisionSet(source=source):
            return _TORCHVISION[source][2]
        case model.DigitPairs():
            return ("absent", "present")
        case model.StanfordDogs(breeds=breeds):
            return breeds or None
        case _:
            return None
