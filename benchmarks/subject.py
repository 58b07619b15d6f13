"""What is measured on: networks, and images that look like photographs to a prior."""

import importlib
import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.settings import BenchmarkSettings, CaseName, Device, Network
from prediction_difference import randomness
from prediction_difference.attribution.nodes import Node
from prediction_difference.attribution.prediction_difference import PredictionDifference, Target
from prediction_difference.classifiers.normalisation import NORMALISATIONS
from prediction_difference.errors import DataError
from prediction_difference.priors.conditional import ConditionalSampler
from prediction_difference.priors.gaussian import GaussianPatchPrior
from prediction_difference.priors.windows import WindowGrid

if TYPE_CHECKING:
    from torch import nn

ENGINES: Mapping[CaseName, tuple[Any, Any]] = {
    "dense": ("dense", "float32"),
    "dense-bfloat16": ("dense", "bfloat16"),
    "incremental": ("incremental", "float32"),
    "incremental-bfloat16": ("incremental", "bfloat16"),
}
"""Engine and precision of the cases that are this package's own."""

_CHANNEL_CORRELATION = 0.9
_MEAN, _DEVIATION = 0.45, 0.22
_IMAGES_OF_PRIOR = 8
_CALIBRATION_IMAGES = 4
_SCORE_DEVIATION = 2.5
"""Of the class scores over the classes, about that of trained networks."""


@dataclass(frozen=True)
class Subject:
    """A network, the image (C, *spatial) that it is explained on, and a prior for its windows."""

    network: "nn.Module"
    image: np.ndarray
    prior: GaussianPatchPrior
    window: int
    samples: int
    device: Device
    seed: int

    @cached_property
    def sampler(self) -> ConditionalSampler:
        return ConditionalSampler(self.prior, self.window)

    @cached_property
    def grid(self) -> WindowGrid:
        return WindowGrid(tuple(self.image.shape[1:]), self.window)

    @cached_property
    def windows(self) -> int:
        """How many windows a whole map has."""
        return math.prod(self.grid.shape)

    @cached_property
    def scores(self) -> np.ndarray:
        """(K,) class scores of the image."""
        import torch

        with torch.inference_mode():
            image = torch.from_numpy(self.image[None]).to(self.device)
            scores: np.ndarray = self.network.to(self.device)(image)[0].double().cpu().numpy()
        return scores

    @cached_property
    def predicted(self) -> int:
        return int(self.scores.argmax())

    def analysis(
        self, case: CaseName, batch: int | None = None, stride: int = 1
    ) -> PredictionDifference:
        """Prediction difference analysis as one of this package's cases does it."""
        engine, precision = ENGINES[case]
        return PredictionDifference(
            self.network,
            self.sampler,
            window=self.window,
            stride=stride,
            samples=self.samples,
            engine=engine,
            seed=self.seed,
            device=self.device,
            batch_size=batch,
            precision=precision,
        )

    def target(self, analysis: PredictionDifference, nodes: tuple[Node, ...] = ()) -> Target:
        """What windows are compared with; without nodes, the predicted class's probability.

        Notes: `PredictionDifference.target` would go on in float32 where low precision is too
        coarse; here it is to be measured as it is.
        """
        prepared = analysis.prepare(self.image)
        nodes = nodes or (Node.probability(self.predicted),)
        return Target(prepared, self.image, prepared.scores, nodes, prepared.values(nodes))

    def random_rows(self, count: int, turn: int) -> list[np.ndarray]:
        """Corners (n, d) of rows of windows; more rows of the same turn hold fewer of them."""
        order = self._generator("rows", turn).permutation(self.grid.shape[0])
        return [self.grid.row(int(row)) for row in order[:count]]

    def random_corners(self, count: int, turn: int) -> np.ndarray:
        """(count, d) corners of windows, drawn with replacement."""
        generator = self._generator("corners", turn)
        return np.stack([generator.choice(axis, count) for axis in self.grid.axes], axis=-1)

    def _generator(self, purpose: str, turn: int) -> np.random.Generator:
        return randomness.generator(randomness.key(self.seed, "benchmark", purpose), turn)


def make_subject(
    settings: BenchmarkSettings, network: Network, device: Device, module: "nn.Module | None" = None
) -> Subject:
    """A network, or a module in its place, and a prior that has seen images like the explained."""
    seed, side = settings.seed, network.side
    seen = np.stack([natural_image(seed + 1 + n, side) for n in range(_IMAGES_OF_PRIOR)])
    prior = GaussianPatchPrior.fit(
        seen, patch=settings.patch, patches=settings.patches, seed=settings.seed
    )
    module = module or make_network(network, seed)
    image = natural_image(seed, side)
    return Subject(module, image, prior, settings.window, settings.samples, device, seed)


def natural_image(seed: int, side: int) -> np.ndarray:
    """(3, side, side) noise in 0 to 1 with the 1/f amplitudes of photographs."""
    return coloured_noise(seed, (side, side), 3)


def coloured_noise(seed: int, shape: tuple[int, ...], channels: int) -> np.ndarray:
    """(channels, *shape) float32 in 0 to 1, amplitudes 1/f, channels alike."""
    generator = randomness.generator(randomness.key(seed, "natural image", str(shape)))
    noise = generator.standard_normal((channels + 1, *shape))
    common = np.sqrt(_CHANNEL_CORRELATION) * noise[:1]
    noise = common + np.sqrt(1 - _CHANNEL_CORRELATION) * noise[1:]
    axes = tuple(range(1, len(shape) + 1))
    frequency = np.sqrt(sum(f**2 for f in np.meshgrid(*map(np.fft.fftfreq, shape), indexing="ij")))
    frequency[(0,) * len(shape)] = np.inf
    smooth = np.fft.ifftn(np.fft.fftn(noise, axes=axes) / frequency, axes=axes).real
    standard = (smooth - smooth.mean()) / smooth.std()
    return (_MEAN + _DEVIATION * standard).clip(0, 1).astype(np.float32)


def make_network(network: Network, seed: int) -> "nn.Module":
    """A classifier of images in 0 to 1, with its weights or with random ones.

    Raises:
        DataError: there is no such architecture, or the weights do not fit it.
    """
    from prediction_difference.classifiers.networks import with_preprocessing
    from prediction_difference.classifiers.pretrained import load_weights

    bare = _build(network.architecture)
    if network.weights is not None:
        load_weights(bare, network.weights)
    whole = with_preprocessing(bare, NORMALISATIONS["imagenet"]).eval()
    if network.weights is None:
        randomise(whole, network.side, seed)
    return whole


def _build(architecture: str) -> "nn.Module":
    """A network without weights: torchvision's of this name, or what module:function returns."""
    import torchvision

    module, _, function = architecture.rpartition(":")
    has_auxiliary = architecture in ("googlenet", "inception_v3")
    inception = {"init_weights": False, "aux_logits": False, "transform_input": True}
    options = inception if has_auxiliary else {}
    try:
        if module:
            built: nn.Module = getattr(importlib.import_module(module), function)()
        else:
            built = torchvision.models.get_model(architecture, weights=None, **options)
    except (ImportError, AttributeError, ValueError) as error:
        raise DataError(f"architecture {architecture!r}", str(error), "correct it") from error
    return built


def randomise(network: "nn.Module", side: int, seed: int) -> None:
    """Random weights under which activations keep their size and class scores differ.

    Notes: He-initialised; batch normalisation takes the statistics of some images, varied, so
    that no two channels are normalised alike.
    """
    import torch
    from torch import nn
    from torch.nn.modules.batchnorm import _BatchNorm
    from torch.optim.swa_utils import update_bn

    generator = torch.Generator().manual_seed(seed)
    images = np.stack([natural_image(seed + n, side) for n in range(_CALIBRATION_IMAGES)])
    batch = torch.from_numpy(images)
    kinds = (nn.Linear, nn.Conv2d, nn.Conv3d)
    weighted = [part for part in network.modules() if isinstance(part, kinds)]
    with torch.no_grad():
        for part in weighted:
            nn.init.kaiming_normal_(part.weight, nonlinearity="relu", generator=generator)
            if part.bias is not None:
                nn.init.zeros_(part.bias)
        update_bn([batch], network)
        for norm in network.modules():
            if isinstance(norm, _BatchNorm) and norm.running_var is not None:
                varied = 0.5 + torch.rand(2, norm.num_features, generator=generator)
                norm.running_var *= varied[0]
                norm.weight.copy_(varied[1])
                norm.bias.copy_(0.2 * torch.randn(norm.num_features, generator=generator))
        spread = float(network(batch).std(dim=1).mean())
        weighted[-1].weight.mul_(_SCORE_DEVIATION / spread if spread > 0 else 1.0)
