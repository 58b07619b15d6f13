"""Datasets by the source that a configuration names."""

from collections.abc import Mapping
from pathlib import Path

from prediction_difference.config import model
from prediction_difference.config.shapes import spatial_shape
from prediction_difference.data.dataset import Catalogue, Dataset, check_dataset
from prediction_difference.errors import Problem


def load(settings: model.Dataset, name: str, seed: int) -> Dataset:
    """Read or simulate a dataset.

    Raises:
        ConfigError: lists all problems of the files that the settings name.
        DataError: a file is damaged, or what was read cannot be worked with.
    """
    dataset = _load(settings, name, seed)
    check_dataset(dataset, f"datasets.{name}")
    return dataset


def check(settings: model.Dataset, name: str, seed: int) -> list[Problem]:
    """All problems of the files that the settings name; none for sources without files."""
    match settings:
        case model.Photographs():
            from prediction_difference.data import photographs

            return photographs.check(settings, name, seed)
        case model.NiftiCohort():
            from prediction_difference.data import nifti_cohort

            return nifti_cohort.check(settings, name)
        case model.TorchvisionSet():
            from prediction_difference.data import torchvision_sets

            return torchvision_sets.check(settings, name)
        case model.DigitPairs():
            from prediction_difference.data import digit_pairs

            return digit_pairs.check(settings, name)
        case model.SimulatedFA():
            from prediction_difference.data import simulated_fa

            return simulated_fa.check(settings, name)
        case model.SklearnDigits():
            return []


def catalogue(settings: model.Dataset, name: str, seed: int) -> Catalogue | None:
    """What a dataset without problems holds; None where only reading its images tells."""
    match settings:
        case model.SklearnDigits():
            from prediction_difference.data import digits

            return digits.catalogue()
        case model.SimulatedFA():
            from prediction_difference.data import simulated_fa

            return simulated_fa.catalogue(settings)
        case model.Photographs():
            from prediction_difference.data import photographs

            return photographs.catalogue(settings, name, seed)
        case model.NiftiCohort():
            from prediction_difference.data import nifti_cohort

            return nifti_cohort.catalogue(settings)
        case model.TorchvisionSet() | model.DigitPairs():
            return None


def shapes(datasets: Mapping[str, model.Dataset], seed: int) -> dict[str, tuple[int, ...]]:
    """Sides of the images of datasets, of which the configuration or a header tells them."""
    found = {name: _shape(settings, name, seed) for name, settings in datasets.items()}
    return {name: sides for name, sides in found.items() if sides is not None}


def _shape(settings: model.Dataset, name: str, seed: int) -> tuple[int, ...] | None:
    if (known := spatial_shape(settings)) is not None:
        return known
    match settings:
        case model.Photographs():
            from prediction_difference.data import photographs

            return photographs.shape(settings, name, seed)
        case model.NiftiCohort():
            from prediction_difference.data import nifti_cohort

            return nifti_cohort.shape(settings)
        case _:
            return None


def files(settings: model.Dataset, name: str, seed: int) -> list[Path]:
    """Files that the dataset is read from, as far as they are there; none for bundled ones."""
    match settings:
        case model.Photographs():
            from prediction_difference.data import photographs

            return photographs.files(settings, name, seed)
        case model.NiftiCohort(root=root, mask=mask):
            volumes = sorted(path for path in root.rglob("*") if path.is_file())
            return volumes if mask is None else [*volumes, mask]
        case model.SimulatedFA(template=template):
            return [] if template is None else [template]
        case _:
            return []


def _load(settings: model.Dataset, name: str, seed: int) -> Dataset:
    match settings:
        case model.SklearnDigits():
            from prediction_difference.data import digits

            return digits.load(settings, name, seed)
        case model.SimulatedFA():
            from prediction_difference.data import simulated_fa

            return simulated_fa.load(settings, name, seed)
        case model.Photographs():
            from prediction_difference.data import photographs

            return photographs.load(settings, name, seed)
        case model.NiftiCohort():
            from prediction_difference.data import nifti_cohort

            return nifti_cohort.load(settings, name, seed)
        case model.TorchvisionSet():
            from prediction_difference.data import torchvision_sets

            return torchvision_sets.load(settings, name, seed)
        case model.DigitPairs():
            from prediction_difference.data import digit_pairs

            return digit_pairs.load(settings, name, seed)
