"""The cases: ways to evaluate windows, of this package and of others, each ready to be timed."""

import math
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from torch import Tensor, nn

from benchmarks.rounds import in_rounds, timed
from benchmarks.settings import CaseName, Device
from benchmarks.subject import ENGINES, Subject
from prediction_difference import randomness
from prediction_difference.attribution.evidence import laplace, log2_odds
from prediction_difference.attribution.nodes import Node
from prediction_difference.priors.gaussian import Conditionals, GaussianPatchPrior
from prediction_difference.priors.windows import cut, patch_corners

Share = Sequence[np.ndarray]
"""Corners (n, d) of windows, those of an array evaluated together."""
Run = Callable[[Share], int]
"""Evaluates a share of the windows; returns how many they were."""

_SWEPT = ("dense", "dense-bfloat16", "captum", "monai")
_TRAINING_INSTANCES = 1_281_167


@dataclass(frozen=True)
class Case:
    """A way to evaluate windows of a subject.

    batch: images in a forward pass, None where it chooses itself. is_by_rows: whether cost depends
    on the place, so that whole rows are measured, and on what is set up for the shapes of a row,
    which serves a whole map and is not measured.
    """

    subject: Subject
    run: Run
    batch: int | None = None
    is_by_rows: bool = False

    def share(self, windows: float, turn: int) -> Share:
        """About so many windows: whole rows, or whole batches."""
        subject = self.subject
        if self.is_by_rows:
            rows = round(windows * subject.grid.shape[0] / subject.windows)
            return subject.random_rows(max(rows, 1), turn)
        step = 1 if self.batch is None else self.batch // math.gcd(self.batch, subject.samples)
        return [subject.random_corners(step * max(1, round(windows / step)), turn)]

    def rate(self, windows: float, turn: int = 0) -> float:
        """Windows a second of one run of a share of about so many.

        What is not by rows runs one batch before, since memory that the case before it used may
        have to be cleared first.
        """
        share = self.share(windows, turn)
        self.run(share if self.is_by_rows else self.share(0, turn))
        seconds, done = timed(lambda: self.run(share), self.subject.device)
        return done / seconds

    def warmed_up(self) -> "Case":
        """The same case, after it ran once."""
        self.run(self.share(0, 0))
        return self


def make_case(
    subject: Subject, name: CaseName, batch: int | None = None, nodes: tuple[Node, ...] = ()
) -> Case:
    """A case that is ready to run; without nodes, for the predicted class's probability.

    Raises:
        PredictionDifferenceError, ImportError: it cannot be measured here.
    """
    if name in _OTHERS:
        return Case(subject, _OTHERS[name](subject, batch), batch)
    analysis = subject.analysis(name, batch)
    target = subject.target(analysis, nodes)

    def run(share: Share) -> int:
        for corners in share:
            analysis.windows(target, corners)
        return sum(map(len, share))

    return Case(subject, run, batch, is_by_rows=ENGINES[name][0] == "incremental")


def at_best_batch(
    subject: Subject, name: CaseName, batches: Sequence[int], seconds: float, repeats: int
) -> tuple[Case, dict[str, float]]:
    """The case at the batch size with the most windows a second, and those of all sizes.

    A case that chooses its own size tries none. seconds: of one measurement.
    """
    if name not in _SWEPT:
        return make_case(subject, name).warmed_up(), {}
    cases = {str(batch): make_case(subject, name, batch) for batch in batches}
    windows = {batch: case.rate(0) * seconds for batch, case in cases.items()}
    rates = {b: partial(case.rate, windows[b]) for b, case in cases.items()}
    medians = in_rounds(rates, repeats).median()
    return cases[str(medians.idxmax())], {str(b): float(rate) for b, rate in medians.items()}


class _Enough(Exception):  # noqa: N818
    """The classifier has been run on as many images as were asked for."""


class _Counted(nn.Module):
    """A classifier that stops after so many images; channels innermost, as for the engines."""

    def __init__(self, network: nn.Module):
        super().__init__()
        self.network = network
        self.left = 0

    def forward(self, images: Tensor) -> Tensor:
        self.left -= len(images)
        scores: Tensor = self.network(images.contiguous(memory_format=torch.channels_last))
        if self.left <= 0:
            raise _Enough
        return scores


def _captum(subject: Subject, batch: int | None) -> Run:
    """Occlusion of captum with stride 1, on as many images as prediction difference needs."""
    from captum.attr import Occlusion

    counted = _Counted(subject.network.to(subject.device))
    image = _tensor(subject, subject.image[None])
    channels, *spatial = subject.image.shape
    window = (channels, *(subject.window,) * len(spatial))

    def run(share: Share) -> int:
        windows = sum(map(len, share))
        # One more: captum begins with the image as it is.
        counted.left = windows * subject.samples + 1
        try:
            Occlusion(counted).attribute(
                image,
                sliding_window_shapes=window,
                strides=(channels, *(1,) * len(spatial)),
                target=subject.predicted,
                perturbations_per_eval=batch or 1,
            )
        except _Enough:
            return windows
        # An image with fewer places for a window than the share has samples.
        return max(1, windows - counted.left // subject.samples)

    return run


def _monai(subject: Subject, batch: int | None) -> Run:
    """MONAI's OcclusionSensitivity with stride 1, on a box with as many windows as forwards."""
    from monai.visualize.occlusion_sensitivity import OcclusionSensitivity

    image, side = _tensor(subject, subject.image[None]), subject.window
    occlusion = OcclusionSensitivity(
        subject.network.to(subject.device),
        mask_size=side,
        n_batch=batch or 1,
        verbose=False,
        overlap=1 - 1 / side,
    )

    def run(share: Share) -> int:
        forwards = sum(map(len, share)) * subject.samples
        # As wide as possible.
        rows = min(subject.grid.shape[0], math.ceil(forwards / subject.grid.shape[1]))
        columns = min(subject.grid.shape[1], math.ceil(forwards / rows))
        edge = (side - 1) // 2
        ends = (rows + side - 1 - edge, columns + side - 1 - edge)
        with warnings.catch_warnings():
            # MONAI 1.6 indexes tensors with lists of slices, which torch warns of and takes.
            warnings.filterwarnings("ignore", message="Using a non-tuple sequence")
            occlusion(image, b_box=[edge, ends[0], edge, ends[1]])
        return max(1, round(rows * columns / subject.samples))

    return run


def _bare(subject: Subject, batch: int | None) -> Run:
    """The classifier alone, on batches that lie ready on its device."""
    forward = bare_batch(subject.network, subject.image, batch or 1, subject.device)

    def run(share: Share) -> int:
        windows = sum(map(len, share))
        for start in range(0, windows * subject.samples, batch or 1):
            forward(windows * subject.samples - start)
        return windows

    return run


def bare_batch(
    network: nn.Module, image: np.ndarray, batch: int, device: Device
) -> Callable[[int], object]:
    """Run a network on at most so many copies of an image, which lie ready, channels innermost."""
    network = network.to(device)
    images = torch.from_numpy(np.repeat(image[None], batch, axis=0)).to(device)
    images = images.contiguous(memory_format=torch.channels_last)

    def run(most: int) -> object:
        with torch.inference_mode():
            return network(images[:most])

    return run


def _published(subject: Subject, batch: int | None) -> Run:
    """One window after the other, its samples drawn on the host [zintgraf2017].

    Notes: as the authors' code does it: channels are drawn independently, by a decomposition of
    the covariance for every window; samples are clipped; one forward pass of S images; weights of
    evidence of all classes.
    """
    draws = _HostDraws(subject)
    with_window = _probabilities(subject, subject.image[None])[0]

    def run(share: Share) -> int:
        for corner in np.concatenate(share):
            images = np.repeat(subject.image[None], subject.samples, axis=0)
            place = tuple(slice(int(c), int(c) + subject.window) for c in corner)
            images[(slice(None), slice(None), *place)] = draws(corner)
            _evidence(with_window) - _evidence(_probabilities(subject, images).mean(0))
        return sum(map(len, share))

    return run


def _evidence(p: np.ndarray) -> np.ndarray:
    return log2_odds(laplace(p, _TRAINING_INSTANCES, len(p)))


def _probabilities(subject: Subject, images: np.ndarray) -> np.ndarray:
    with torch.inference_mode():
        scores = subject.network.to(subject.device)(_tensor(subject, images))
        found: np.ndarray = scores.softmax(1).double().cpu().numpy()
    return found


def _tensor(subject: Subject, images: np.ndarray) -> Tensor:
    return torch.from_numpy(images).to(subject.device)


class _HostDraws:
    """Contents of a window (S, C, *window), each channel by itself."""

    def __init__(self, subject: Subject):
        self._subject = subject
        self._generator = randomness.generator(randomness.key(subject.seed, "published"))
        self._channels = [_conditionals(subject, c) for c in range(len(subject.image))]
        self._covariances = [
            np.einsum("oij,okj->oik", part.factor, part.factor) for part in self._channels
        ]

    def __call__(self, corner: np.ndarray) -> np.ndarray:
        image, window = self._subject.image, self._subject.window
        samples, patch = self._subject.samples, self._subject.prior.patch
        spatial = image.shape[1:]
        place = patch_corners(corner[None], spatial, window, patch)
        positions = (patch - window + 1,) * len(spatial)
        offset = int(np.ravel_multi_index(tuple((corner - place[0]).T), positions))
        contents = []
        for c, (part, covariance) in enumerate(zip(self._channels, self._covariances, strict=True)):
            around = cut(image[c : c + 1], place, patch).ravel()[part.outer[offset]]
            mean = part.bias[offset] + part.operator[offset] @ around
            drawn = self._generator.multivariate_normal(mean, covariance[offset], samples)
            contents.append(drawn.reshape(samples, *(window,) * len(spatial)))
        return np.stack(contents, axis=1).clip(0, 1).astype(np.float32)


def _conditionals(subject: Subject, channel: int) -> Conditionals:
    """Conditionals of one channel, as if it were alone."""
    prior = subject.prior
    size = prior.mean[0].size
    part = slice(channel * size, (channel + 1) * size)
    alone = GaussianPatchPrior(prior.mean[channel : channel + 1], prior.covariance[part, part])
    return alone.conditionals(subject.window)


_OTHERS: Mapping[str, Callable[[Subject, int | None], Run]] = {
    "captum": _captum,
    "monai": _monai,
    "published": _published,
    "bare": _bare,
}
