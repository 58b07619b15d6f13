"""Roots of scores against closed forms and brute force."""

from typing import Any

import numpy as np
import pytest
import scipy.optimize
import torch
from torch import Tensor, nn

import prediction_difference as pda
from prediction_difference.attribution.roots import nearest_on_plane, nearest_root
from prediction_difference.classifiers.linear_module import LinearModule
from prediction_difference.errors import DataError

BOX = (torch.tensor(0.0), torch.tensor(1.0))


def test_a_plane_has_its_root_in_closed_form(generator: Any) -> None:
    """Without sides in the way, x - (1 - reached) f w / |w|^2, and relevance f (1 - reached)."""
    weight = generator.normal(size=(1, 3, 4))
    image = generator.random((1, 3, 4)) - 0.5
    weight *= np.sign((weight * image).sum())
    module = LinearModule(pda.LinearClassifier(weight, 0.0)).double()
    with torch.no_grad():
        score = float(module(torch.from_numpy(image[None]))[0, 1])
    w = weight / 2
    way = 0.9 * score * w / (w**2).sum()
    found = pda.heatmap(
        "taylor", module.float(), image, pda.Node.score(1), lowest=-50.0, highest=50.0
    )
    np.testing.assert_allclose(found, (w * way)[0], rtol=1e-3)
    assert found.sum() == pytest.approx(0.9 * score, rel=1e-3)


def test_the_nearest_point_on_a_plane_in_a_box_is_that_of_a_solver(generator: Any) -> None:
    for _ in range(20):
        x, slope = generator.random(6), generator.normal(size=6)
        lowest = np.where(slope > 0, 0, slope).sum()
        wanted = lowest + generator.random() * ((slope * x).sum() - lowest)
        found = nearest_on_plane(
            torch.from_numpy(x)[None], torch.from_numpy(slope)[None], torch.tensor([wanted]), BOX
        )[0].numpy()
        solved = scipy.optimize.minimize(
            lambda p, x=x: ((p - x) ** 2).sum(),
            x,
            bounds=[(0, 1)] * 6,
            constraints={"type": "ineq", "fun": lambda p, s=slope, w=wanted: w - (s * p).sum()},
            method="SLSQP",
            options={"ftol": 1e-12},
        )
        np.testing.assert_allclose(found, solved.x, atol=1e-5)


def test_a_plane_that_the_box_does_not_reach_gives_the_farthest_corner() -> None:
    x, slope = torch.tensor([[0.5, 0.5]]), torch.tensor([[1.0, -2.0]])
    found = nearest_on_plane(x, slope, torch.tensor([-9.0]), BOX)
    assert found.tolist() == [[0.0, 1.0]]


def convex(seed: int) -> nn.Module:
    """Sums of detectors: what lies below a value is convex, so its nearest point is unique."""
    torch.manual_seed(seed)
    network = nn.Sequential(nn.Flatten(), nn.Linear(2, 5), nn.ReLU(), nn.Linear(5, 1, bias=False))
    with torch.no_grad():
        network[1].bias.copy_(-0.1 * network[1].bias.abs())
        network[3].weight.fill_(1.0)
    return network


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("start", ["image", "random"])
def test_the_root_is_that_of_a_fine_grid(seed: int, start: Any) -> None:
    network = convex(seed)
    generator = np.random.default_rng(seed)
    x = torch.from_numpy(generator.random((4, 2)).astype(np.float32))

    def f(points: Tensor) -> tuple[Tensor, Tensor]:
        leaf = points.detach().requires_grad_()
        value = network(leaf)[:, 0]
        (slope,) = torch.autograd.grad(value.sum(), leaf)
        return value.detach(), slope

    value, _ = f(x)
    x, value = x[value > 0.05], value[value > 0.05]
    if len(x) == 0:
        pytest.skip("no detector is active at these points")
    target = torch.maximum(0.1 * value, f(torch.zeros(1, 2))[0] + 1e-3)
    first = x if start == "image" else torch.from_numpy(generator.random(x.shape)).float()
    side = torch.linspace(0, 1, 401)
    grid = torch.cartesian_prod(side, side)
    on_grid, _ = f(grid)
    reachable = torch.tensor([bool((on_grid <= t).any()) for t in target])
    x, target, first = x[reachable], target[reachable], first[reachable]
    if len(x) == 0:
        pytest.skip("no point of the box is below the target")
    root = nearest_root(f, x, target, BOX, first, 200)
    assert bool((f(root)[0] <= target * (1 + 1e-5)).all())
    assert float(root.min()) >= 0
    assert float(root.max()) <= 1
    for number in range(len(x)):
        below = grid[on_grid <= target[number]]
        nearest = float((below - x[number]).norm(dim=1).min())
        assert float((root[number] - x[number]).norm()) <= nearest + 0.01


def test_a_plane_has_one_root_wherever_the_search_begins(generator: Any) -> None:
    """In hundreds of dimensions and in a box, where steps alone come close but slowly."""
    weight = generator.normal(size=(1, 16, 16))
    module = LinearModule(pda.LinearClassifier(weight, 0.0))
    image = np.where(weight > 0, 0.9, 0.1) * generator.random(weight.shape)
    found = [pda.heatmap("taylor", module, image, pda.Node.score(1), start=n) for n in range(3)]
    for other in found[1:]:
        np.testing.assert_allclose(other, found[0], atol=1e-3 * np.abs(found[0]).max())


def test_the_nearest_of_several_roots_counts(generator: Any) -> None:
    torch.manual_seed(5)
    network = nn.Sequential(
        nn.Flatten(), nn.Linear(36, 30), nn.ReLU(), nn.Linear(30, 20), nn.ReLU(), nn.Linear(20, 1)
    )
    with torch.no_grad():
        network[5].weight.abs_()
        for layer in (1, 3, 5):
            network[layer].bias.zero_()
    x = torch.from_numpy(generator.random((1, 36)).astype(np.float32))

    def f(points: Tensor) -> tuple[Tensor, Tensor]:
        leaf = points.detach().requires_grad_()
        value = network(leaf)[:, 0]
        (slope,) = torch.autograd.grad(value.sum(), leaf)
        return value.detach(), slope

    target = 0.3 * f(x)[0]
    starts = [x, *(torch.from_numpy(generator.random((1, 36))).float() for _ in range(3))]
    distances = [float((nearest_root(f, x, target, BOX, s, 60) - x).norm()) for s in starts]
    assert max(distances) < 1.3 * min(distances)


def test_an_image_without_a_score_is_its_own_root() -> None:
    module = nn.Sequential(nn.Flatten(), nn.Linear(4, 1), nn.ReLU())
    with torch.no_grad():
        module[1].weight.fill_(-1.0)
        module[1].bias.fill_(-1.0)
    image = np.full((1, 2, 2), 0.5, dtype=np.float32)
    assert (pda.heatmap("taylor", module, image, pda.Node.score(0)) == 0).all()


def test_random_starts_belong_to_seed_and_image(generator: Any) -> None:
    torch.manual_seed(0)
    network = nn.Sequential(nn.Flatten(), nn.Linear(16, 8), nn.ReLU(), nn.Linear(8, 1, bias=False))
    nn.init.uniform_(network[3].weight)
    images = generator.random((3, 1, 4, 4)).astype(np.float32)
    options = {"start": 2, "reached": 0.5, "seed": 1}
    node = pda.Node.score(0)
    alone = [pda.heatmap("taylor", network, image, node, **options) for image in images]
    again = pda.heatmap("taylor", network, images[0], node, **options)
    np.testing.assert_array_equal(alone[0], again)
    elsewhere = pda.heatmap("taylor", network, images[0], node, **{**options, "start": 3})
    assert (elsewhere != again).any()


WRONG = [
    (-1.0, {}, "the score of an image: is -"),
    (1.0, {"reached": 1e-9, "steps": 1}, "no root was found for 1 of 1 images in 1 steps"),
    (1.0, {"highest": 0.1}, "images: have values of"),
]


@pytest.mark.parametrize(("sign", "options", "message"), WRONG)
def test_what_has_no_root_is_refused(sign: float, options: Any, message: str) -> None:
    module = nn.Sequential(nn.Flatten(), nn.Linear(4, 1))
    with torch.no_grad():
        module[1].weight.fill_(sign)
        module[1].bias.fill_(sign)
    image = np.full((1, 2, 2), 0.5, dtype=np.float32)
    with pytest.raises(DataError, match=message):
        pda.heatmap("taylor", module, image, pda.Node.score(0), **options)


def test_probabilities_have_no_roots() -> None:
    image = np.full((1, 2, 2), 0.5, dtype=np.float32)
    with pytest.raises(DataError, match="set output: score"):
        pda.heatmap("taylor", nn.Flatten(), image, pda.Node.probability(0))
