"""A simulated cohort of fractional-anisotropy volumes whose damage is known voxel by voxel."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from prediction_difference import randomness
from prediction_difference.data import anatomy
from prediction_difference.data.dataset import Catalogue, Dataset
from prediction_difference.data.sources.simulated_fa import SHAPE as SIMULATED_SHAPE
from prediction_difference.data.sources.simulated_fa import SimulatedFA
from prediction_difference.data.splits import assign_splits, refuse_small_classes
from prediction_difference.errors import ConfigError, DataError, Problem
from prediction_difference.files import sha256
from prediction_difference.progress import track

CLASS_NAMES = ("control", "patient")
MEAN_AGE = 54.0
AGE_SPREAD = 7.0  # years, standard deviation
AGEING = 0.003  # share of FA lost in a year
SECOND_SCANNER_SHARE = 0.24
SECOND_SCANNER_GAIN = 0.03  # share of FA that the second scanner reads too high
HIT_PROBABILITY = 0.6
SEVERITY_SPREAD = 0.5  # standard deviation of the severity, whose mean is 1
VARIATION = 0.10  # between subjects, as a share of the mean FA; the weights below divide it
SMOOTH_WEIGHTS = {6.0: 0.5, 20.0: 0.25}
"""Weight of smooth noise of unit variance by its full width at half maximum, in mm."""
WHOLE_BRAIN_WEIGHT = 0.25
"""Weight of one normal number for the whole brain."""
WHITE_NOISE = 0.02  # FA


@dataclass(frozen=True)
class Subject:
    """What is true of a simulated subject; `severities` are the facts' `hits`.

    key: of its random numbers. age: years. scanner: 1 or 2. severities: of the hit regions by
    name, mean 1; empty for controls.
    """

    name: str
    key: int
    is_patient: bool
    age: float
    scanner: int
    severities: Mapping[str, float] = field(default_factory=dict)


COLUMNS: Mapping[str, Callable[[Subject], str | float]] = {
    "age": lambda subject: round(subject.age, 2),
    "scanner": lambda subject: f"scanner-{subject.scanner}",
}
"""What participants.tsv tells of a subject besides its group; age in years."""


def load(settings: SimulatedFA, name: str, seed: int) -> Dataset:
    """Simulate the cohort: (n, 1, *slab) FA in 0 to 1, 0 outside the brain; controls come first.

    What is true of it is in `facts`, as JSON: `hits` {subject: {region: severity}}, empty for
    subjects without a lesion; `columns` {column: {subject: value}} of age and scanner; and
    `regions`, the names of all lesion regions, whose voxels are in `anatomy.load_anatomy`.

    A subject's volume depends on the seed, its class and its number within the class, and on
    nothing else; a slab is cut out of the volume that would be made without one.

    Raises:
        ConfigError: the slab reaches beyond the volume, or holds no brain.
        DataError: a class has fewer subjects than there are folds, or the template is no FA.
    """
    brain = anatomy.load_anatomy(settings.template)
    slab = anatomy.slab_slices(settings.slab)
    problems = _slab_problems(settings, brain.mask[slab], name)
    if problems:
        raise ConfigError(problems)
    subjects = cohort(settings, seed)
    labels = np.array([int(subject.is_patient) for subject in subjects], dtype=np.int64)
    refuse_small_classes(labels, settings, name)
    split = assign_splits(labels, settings, seed, name)
    shape = settings.cut(SIMULATED_SHAPE)
    images = np.empty((len(subjects), 1, *shape), dtype=np.float32)
    for index, subject in enumerate(track(subjects, f"simulating {name}")):
        images[index, 0] = volume(subject, brain, settings.effect)[slab]
    return Dataset(
        images=images,
        names=tuple(subject.name for subject in subjects),
        labels=labels,
        split=split,
        class_names=CLASS_NAMES,
        mask=brain.mask[slab].copy(),
        affine=anatomy.slab_affine(anatomy.GRID_AFFINE, settings.slab),
        sources=_sources(settings),
        facts={**_facts(settings), **truth(subjects, brain)},
    )


def catalogue(settings: SimulatedFA) -> Catalogue:
    """Names of the subjects, classes and columns."""
    subjects = cohort(settings, seed=0)
    columns = {column: tuple(of(subject) for subject in subjects) for column, of in COLUMNS.items()}
    return Catalogue(tuple(subject.name for subject in subjects), CLASS_NAMES, columns=columns)


def check(settings: SimulatedFA, name: str) -> list[Problem]:
    """What is wrong with the template, if there is one."""
    if settings.template is None:
        return []
    try:
        anatomy.load_anatomy(settings.template)
    except DataError as error:
        problem = error.problem
        where = f"datasets.{name}.template: {problem.where}"
        return [Problem(where, problem.what, problem.remedy)]
    return []


def cohort(settings: SimulatedFA, seed: int) -> tuple[Subject, ...]:
    """The subjects, controls first, named sub-01, sub-02, ..."""
    width = max(2, len(str(settings.controls + settings.patients)))
    groups = [(False, k) for k in range(settings.controls)]
    groups += [(True, k) for k in range(settings.patients)]
    return tuple(
        _subject(f"sub-{number:0{width}d}", is_patient, member, seed)
        for number, (is_patient, member) in enumerate(groups, start=1)
    )


def volume(subject: Subject, brain: anatomy.Anatomy, effect: float) -> np.ndarray:
    """The subject's whole brain, (91, 109, 91) float32 FA in 0 to 1, 0 outside the mask.

    `effect` is the mean decrease in a hit region, in units of `effect_unit`.
    """
    ageing = 1 - AGEING * (subject.age - MEAN_AGE)
    gain = 1 + SECOND_SCANNER_GAIN * (subject.scanner == 2)
    random = randomness.generator(subject.key, stream=1)
    fa = brain.mean_fa * np.float32(ageing * gain)
    fa += brain.mean_fa * _between_subjects(random)
    fa += np.float32(WHITE_NOISE) * random.standard_normal(SIMULATED_SHAPE, dtype=np.float32)
    for region, severity in subject.severities.items():
        hit = brain.regions[region]
        fa[hit] -= np.float32(effect * severity) * effect_unit(brain.mean_fa[hit])
    return np.where(brain.mask, np.clip(fa, 0, 1), np.float32(0))


def effect_unit(mean_fa: np.ndarray) -> np.ndarray:
    """Mean FA -> the voxel's nominal standard deviation, which effects are counted in.

    Notes: nominal, since it takes the parts of VARIATION as one. They are independent, so the
    standard deviation between subjects of one age and scanner is hypot(.061 mean FA, .02).
    """
    return np.asarray(np.hypot(VARIATION * mean_fa, WHITE_NOISE).astype(np.float32))


def _subject(name: str, is_patient: bool, member: int, seed: int) -> Subject:
    key = randomness.key(seed, SimulatedFA.word(), CLASS_NAMES[is_patient], member)
    random = randomness.generator(key)
    age = float(random.normal(MEAN_AGE, AGE_SPREAD))
    severities = dict(_lesions(random)) if is_patient else {}
    return Subject(name, key, is_patient, age, _scanner(member), severities)


def _scanner(member: int) -> int:
    """1 or 2: spread evenly over a class, so that it tells nothing about the class."""
    before, after = (int((count * SECOND_SCANNER_SHARE) + 0.5) for count in (member, member + 1))
    return 2 if after > before else 1


def _lesions(random: np.random.Generator) -> Iterator[tuple[str, float]]:
    """Which regions are hit and how severely: Gamma distributed with mean 1."""
    shape = 1 / SEVERITY_SPREAD**2
    for side in ("left", "right"):
        for site in anatomy.LESION_SITES:
            is_hit = random.random() < HIT_PROBABILITY
            severity = random.gamma(shape, 1 / shape)
            if is_hit:
                yield f"{side}-{site}", float(severity)


def _between_subjects(random: np.random.Generator) -> np.ndarray:
    """(91, 109, 91) float32: how far the subject is from the mean FA, as a share of it."""
    whole_brain = VARIATION * WHOLE_BRAIN_WEIGHT * random.standard_normal()
    share = np.full(SIMULATED_SHAPE, whole_brain, dtype=np.float32)
    for width, weight in SMOOTH_WEIGHTS.items():
        share += np.float32(VARIATION * weight) * _smooth_noise(random, width)
    return share


def _smooth_noise(random: np.random.Generator, width: float) -> np.ndarray:
    """(91, 109, 91) float32 normal noise of unit variance; `width` in mm at half maximum."""
    from scipy import ndimage

    sigma = width / anatomy.FWHM_PER_SIGMA / anatomy.VOXEL_SIZE
    white = random.standard_normal(SIMULATED_SHAPE, dtype=np.float32)
    # Wrapped around, every voxel sums the same weights, so the variance is the same at the border.
    smooth = ndimage.gaussian_filter(white, sigma, mode="wrap", truncate=3)
    impulse = np.zeros(2 * int(3 * sigma + 0.5) + 1)
    impulse[len(impulse) // 2] = 1
    weights = ndimage.gaussian_filter1d(impulse, sigma, truncate=3)
    return np.asarray(smooth / np.float32((weights**2).sum() ** 1.5))


def _slab_problems(settings: SimulatedFA, mask: np.ndarray, name: str) -> list[Problem]:
    slab = settings.slab
    where = f"datasets.{name}.slab"
    if slab is not None and slab.stop > SIMULATED_SHAPE[slab.axis]:
        side = SIMULATED_SHAPE[slab.axis]
        return [Problem(where, f"stop={slab.stop} is beyond the {side} slices", "lower stop")]
    if not mask.any():
        return [Problem(where, "these slices hold no brain", "choose slices nearer the middle")]
    return []


def _sources(settings: SimulatedFA) -> dict[str, str]:
    import nilearn

    template = settings.template
    own = {} if template is None else {str(template): sha256(template)}
    return {"nilearn": nilearn.__version__, **own}


def truth(subjects: Sequence[Subject], brain: anatomy.Anatomy) -> dict[str, Any]:
    """What is true of the subjects, as JSON can hold it; see `load`."""
    return {
        "columns": {
            column: {subject.name: of(subject) for subject in subjects}
            for column, of in COLUMNS.items()
        },
        "hits": {subject.name: dict(subject.severities) for subject in subjects},
        "regions": list(brain.regions),
    }


def _facts(settings: SimulatedFA) -> dict[str, Any]:
    return {
        "full_scale": [0.0, 1.0],
        "simulated": True,
        "effect": settings.effect,
        "slab": anatomy.slab_facts(anatomy.GRID_AFFINE, SIMULATED_SHAPE, settings.slab),
        "orientation": anatomy.orientation(anatomy.GRID_AFFINE),
    }
