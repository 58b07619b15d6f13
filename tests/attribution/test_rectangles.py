"""How far windows reach, against truly changed places; and how their positions are divided."""

import itertools

import numpy as np
import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from torch import nn

from example_networks import Branches, small_networks
from prediction_difference.attribution.engines.rectangles import (
    Geometry,
    clusters,
    multiplications,
    reaches,
)
from prediction_difference.classifiers.graph import follow


def changed(graph, image, corner, window, by=1.0):
    """Of every step, the places (*spatial) where it differs when the window's pixels grow."""
    box = tuple(slice(first, first + window) for first in corner)
    other = image.clone()
    other[(slice(None), *box)] += by + torch.rand(other[(slice(None), *box)].shape)
    with torch.inference_mode():
        before, after = graph.run(image[None]), graph.run(other[None])
    return [(a != b)[0].any(0).numpy() for a, b in zip(after, before, strict=True)]


def corners_of(shape, window):
    """A few corners, those of the image among them."""
    axes = [sorted({0, (side - window) // 2, side - window}) for side in shape]
    return list(itertools.product(*axes))


def all_positive(module):
    """Positive weights and no dead units: what a window reaches changes."""
    for part in module.modules():
        if isinstance(part, nn.Conv2d | nn.Conv3d):
            nn.init.uniform_(part.weight, 0.1, 1.0)
            nn.init.zeros_(part.bias)
    return module.eval()


EXACT = {
    "convolutions": nn.Sequential(
        nn.Conv2d(2, 3, (3, 2), padding=1), nn.ReLU(), nn.Conv2d(3, 2, 4, stride=(2, 3))
    ),
    "pools": nn.Sequential(
        nn.MaxPool2d(3, 2, 1, ceil_mode=True), nn.Conv2d(2, 2, 3, padding=2), nn.AvgPool2d(2)
    ),
    "branches": Branches(
        [nn.Conv2d(2, 2, 1), nn.Conv2d(2, 2, 5, padding=2), nn.MaxPool2d(3, 1, 1)], "cat"
    ),
    "volumes": nn.Sequential(nn.Conv3d(2, 2, 3, padding=1), nn.MaxPool3d(2), nn.Conv3d(2, 1, 2)),
}


@pytest.mark.parametrize("window", [1, 2, 3, 5])
@pytest.mark.parametrize("name", EXACT)
def test_the_reach_is_where_outputs_change(name, window):
    torch.manual_seed(2)
    shape = (9, 8, 7) if name == "volumes" else (13, 12)
    image = torch.rand(2, *shape)
    graph = follow(all_positive(EXACT[name]), image)
    reached = reaches(graph, window)
    for corner in corners_of(shape, window):
        for step, places in enumerate(changed(graph, image, corner, window, by=100)):
            for axis, where in enumerate(np.nonzero(places)):
                reach = reached[step][axis]
                position = corner[axis]
                if len(where):
                    assert (reach.first[position], reach.last[position]) == (
                        where.min(),
                        where.max(),
                    )
                else:
                    # Pixels that a pool or a stride leaves out.
                    assert reach.lengths.min() >= 1


@settings(max_examples=25)
@given(data=st.data())
def test_the_reach_and_the_rectangles_are_never_too_small(data):
    axes = data.draw(st.sampled_from((2, 2, 3)))
    shape = tuple(data.draw(st.integers(4, 10)) for _ in range(axes))
    window = data.draw(st.integers(1, min(shape)))
    image = torch.rand(2, *shape)
    graph = follow(data.draw(small_networks((2, *shape))), image)
    reached = reaches(graph, window)
    groups = [clusters(graph, reached, axis, data.draw(st.integers(1, 3))) for axis in range(axes)]
    geometry = Geometry(reached, tuple(groups))
    for corner in corners_of(shape, window)[:: 1 if axes == 2 else 3]:
        rectangles = geometry.rectangles(np.array([corner]), geometry.group_of(corner))
        for step, places in enumerate(changed(graph, image, corner, window)):
            if not reached[step]:
                continue
            (start,) = rectangles[step].starts
            sides = rectangles[step].sides
            for axis, where in enumerate(np.nonzero(places)):
                reach = reached[step][axis]
                first, last = reach.first[corner[axis]], reach.last[corner[axis]]
                assert 0 <= first <= last < reach.size == places.shape[axis]
                assert 0 <= start[axis] <= first
                assert last < start[axis] + sides[axis] <= reach.size
                assert ((where >= first) & (where <= last)).all()


def test_windows_of_pixels_that_strides_leave_out_have_a_rectangle():
    graph = follow(nn.Conv2d(1, 1, 1, stride=3).eval(), torch.zeros(1, 10, 10))
    (reach, _) = reaches(graph, 1)[-1]
    assert (reach.lengths == 1).all()
    assert reach.first.min() >= 0
    assert reach.last.max() < reach.size == 4


def cost_of(graph, reached, groups):
    """What `clusters` makes small, for lists of positions on the first axis, in plain sums."""
    dimensions, total = len(reached[0]), 0.0
    for positions in groups:
        each = 0.0
        for step, axes in zip(graph.steps, reached, strict=True):
            if axes:
                each += max(axes[0].lengths[positions]) ** dimensions * multiplications(step)
        total += len(positions) * each ** (1 / dimensions)
    return total


def members(groups):
    """(positions,) numbers of groups -> the positions of each."""
    return [np.flatnonzero(groups == number) for number in sorted(set(groups.tolist()))]


def pyramid(side):
    module = nn.Sequential(
        nn.Conv2d(1, 4, 3, padding=1, stride=2),
        nn.MaxPool2d(2, ceil_mode=True),
        nn.Conv2d(4, 8, 3, padding=1),
        nn.Flatten(),
        nn.LazyLinear(2),
    )
    image = torch.zeros(1, side, side)
    with torch.no_grad():
        module.eval()(image[None])
    return follow(module, image)


@settings(max_examples=20)
@given(side=st.integers(6, 20), window=st.integers(1, 6), count=st.integers(1, 8))
@example(side=6, window=6, count=3)
def test_clusters_divide_the_positions_and_cost_no_more_than_one_group(side, window, count):
    graph = pyramid(side)
    reached = reaches(graph, window)
    one, groups, more = (clusters(graph, reached, 0, n) for n in (1, count, count + 1))
    assert groups.shape == (side - window + 1,)
    assert (one == 0).all()
    found = set(groups.tolist())
    assert found == set(range(len(found)))
    assert len(found) == min(count, side - window + 1)
    costs = [cost_of(graph, reached, members(g)) for g in (more, groups, one)]
    assert costs[0] <= costs[1] * (1 + 1e-12)
    assert costs[1] <= costs[2] * (1 + 1e-12)


@settings(max_examples=10)
@given(window=st.integers(1, 4), count=st.integers(1, 4))
def test_no_other_division_of_the_ordered_positions_is_cheaper(window, count):
    graph = pyramid(9)
    reached = reaches(graph, window)
    positions = len(reached[0][0].first)
    order = np.argsort([cost_of(graph, reached, [[p]]) for p in range(positions)], kind="stable")
    divisions = [
        np.split(order, cuts)
        for cuts in itertools.combinations(range(1, positions), min(count, positions) - 1)
    ]
    cheapest = min(cost_of(graph, reached, division) for division in divisions)
    found = members(clusters(graph, reached, 0, count))
    assert cost_of(graph, reached, found) == pytest.approx(cheapest)


def test_mean_sides_are_those_of_the_rectangles():
    graph = pyramid(14)
    reached = reaches(graph, 4)
    groups = tuple(clusters(graph, reached, axis, 3) for axis in range(2))
    geometry = Geometry(reached, groups)
    corners = list(itertools.product(range(11), repeat=2))
    for step, axes in enumerate(reached):
        sides = [geometry.sides(step, geometry.group_of(corner)) for corner in corners]
        expected = np.mean(sides, axis=0) if axes else ()
        np.testing.assert_allclose(geometry.mean_sides(step), expected)
