"""Memory order of the images that a classifier is given."""

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from prediction_difference.attribution.engines.dense import DenseEngine, pasted
from prediction_difference.attribution.nodes import Node


class Seen(nn.Module):
    """Remembers whether channels were innermost; with `flattens`, cannot take them so."""

    def __init__(self, dimensions: int, flattens: bool):
        super().__init__()
        convolution = {2: nn.Conv2d, 3: nn.Conv3d}[dimensions]
        self.convolution = convolution(3, 4, 3, padding=1)
        self.linear = nn.Linear(4 * 6**dimensions, 3)
        self.flattens = flattens
        self.orders: set[bool] = set()

    def forward(self, images: Tensor) -> Tensor:
        found = self.convolution(images)
        found = found.view(len(images), -1) if self.flattens else found.flatten(1)
        self.orders.add(images.stride(1) == 1)
        return self.linear(found)


class Zeros:
    window = 2

    def sample(self, image, corners, samples, seed):
        return np.zeros((len(corners), samples, len(image), *(2,) * (image.ndim - 1)), "float32")


@pytest.mark.parametrize("dimensions", [2, 3])
@pytest.mark.parametrize("flattens", [False, True])
def test_channels_are_innermost_where_the_classifier_takes_them_so(dimensions, flattens):
    torch.manual_seed(0)
    module = Seen(dimensions, flattens).eval()
    image = np.random.default_rng(0).random((3, *(6,) * dimensions), dtype=np.float32)
    prepared = DenseEngine(module, batch_size=4).prepare(image)
    prepared.values([Node.score(0)])
    module.orders.clear()
    corners = np.array([(1,) * dimensions, (4,) * dimensions, (0, 3, 2)[:dimensions]])
    found = prepared.expectation(corners, Zeros(), 2, 0, [Node.score(n) for n in range(3)])
    assert module.orders == {not flattens}
    for number, corner in enumerate(corners):
        changed = torch.from_numpy(image.copy())
        changed[(slice(None), *(slice(at, at + 2) for at in corner))] = 0
        with torch.inference_mode():
            expected = module(changed[None])[0]
        np.testing.assert_allclose(found.mean[:, number], expected, atol=1e-5)


@pytest.mark.parametrize("sides", [(5, 7), (4, 5, 6)])
def test_pasted_images_lie_with_channels_innermost(sides):
    image = torch.rand(3, *sides)
    corners = torch.tensor([[1] * len(sides)])
    batch = pasted(image, corners, torch.zeros(1, 3, *(2,) * len(sides)))
    assert batch.stride(1) == 1
    assert batch.movedim(1, -1).is_contiguous()
