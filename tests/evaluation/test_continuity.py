"""Explanations of the larger of two numbers: closed forms, and changes that are known."""

import numpy as np
import pytest
import torch

from prediction_difference.attribution.methods.deep_taylor import DeepTaylor
from prediction_difference.attribution.methods.sensitivity import Sensitivity
from prediction_difference.config import parse_config
from prediction_difference.evaluation.continuity import (
    explanation_vectors,
    grid,
    largest_change,
    maximum,
    measure_continuity,
    summarise_continuity,
    values_at,
)
from prediction_difference.evaluation.table import read_table, write_table

EXPLAINED = {"classifier": "network", "images": {"random": 1}}
CONFIG = parse_config(
    {
        "datasets": {"digits": {"source": "sklearn-digits"}},
        "classifiers": {"network": {"kind": "train", "dataset": "digits"}},
        "explanations": {
            "sensitivity": {"method": "sensitivity", **EXPLAINED},
            "alpha-beta": {"method": "lrp_alpha_beta", **EXPLAINED},
            "epsilon": {"method": "lrp_epsilon", "epsilon": 1e-9, **EXPLAINED},
            "softer": {"method": "lrp_epsilon", "epsilon": 0.2, **EXPLAINED},
        },
        "evaluations": {
            "continuity": {
                "measure": "continuity",
                "explanations": ["sensitivity", "alpha-beta", "epsilon", "softer"],
                "steps": [8, 16, 32],
            }
        },
    }
)


def vectors_by(name, points):
    return explanation_vectors(CONFIG.explanations[name], points, seed=0)


def test_the_network_gives_the_larger_number(generator):
    points = generator.uniform(0, 2, (50, 1, 1, 2)).astype(np.float32)
    with torch.no_grad():
        found = maximum()(torch.from_numpy(points)).numpy()[:, 0]
    np.testing.assert_allclose(found, points.max((1, 2, 3)), rtol=1e-6)


def test_points_are_a_step_apart_and_off_the_kink():
    points = grid(7)
    assert points.shape == (7, 7, 2)
    np.testing.assert_allclose(np.diff(points[..., 0], axis=0), 1 / 7)
    np.testing.assert_allclose(np.diff(points[..., 1], axis=1), 1 / 7)
    assert np.abs(points[..., 0] - points[..., 1]).min() > 0.04
    assert 0 < points.min() < points.max() < 1


def swapped(formula):
    """formula(larger, smaller) -> (relevance of the larger, of the smaller), for any order."""

    def at(points):
        larger, smaller = points.max(-1), points.min(-1)
        of_larger, of_smaller = formula(larger, smaller)
        is_first = points[..., 0] > points[..., 1]
        first = np.where(is_first, of_larger, of_smaller)
        return np.stack([first, np.where(is_first, of_smaller, of_larger)], axis=-1)

    return at


@pytest.mark.parametrize(
    ("name", "formula"),
    [
        ("sensitivity", lambda a, b: (1 + 0 * a, 0 * b)),
        # Gradient times input, as of all networks of rectifiers without biases [shrikumar2016].
        ("epsilon", lambda a, b: (a, 0 * b)),
        # By hand: a - b goes to a twice and to b with a minus, and a + b to both twice, since
        # what has no negative contributions gives its relevance alpha = 2 times.
        ("alpha-beta", lambda a, b: (4 * a - 2 * b, 3 * b - a)),
    ],
)
def test_explanations_have_their_closed_forms(name, formula):
    points = grid(9)
    np.testing.assert_allclose(vectors_by(name, points), swapped(formula)(points), atol=1e-5)


def test_the_largest_change_is_that_of_neighbours(generator):
    vectors = generator.normal(size=(4, 5, 2))
    changes = [
        np.linalg.norm(vectors[i, j] - vectors[k, m])
        for i, j in np.ndindex(4, 5)
        for k, m in ((i + 1, j), (i, j + 1))
        if k < 4 and m < 5
    ]
    expected = max(changes) / np.linalg.norm(vectors, axis=-1).max()
    assert largest_change(vectors) == pytest.approx(expected)
    assert largest_change(10 * vectors) == pytest.approx(expected)
    assert largest_change(np.zeros((3, 3, 2))) == 0


def test_jumps_stay_and_continuous_changes_shrink_with_the_step(tmp_path):
    settings = CONFIG.evaluations["continuity"]
    write_table(measure_continuity(settings, "c", CONFIG.explanations, 0), tmp_path / "t.parquet")
    table = read_table(tmp_path / "t.parquet")
    assert len(table) == 4 * (64 + 256 + 1024)
    np.testing.assert_allclose(table["value"], table[["x1", "x2"]].max(axis=1))
    summary = summarise_continuity(table)
    changes = summary.pivot_table(index="steps", columns="explanation", values="change")
    np.testing.assert_allclose(changes["sensitivity"], np.sqrt(2), rtol=1e-6)
    assert changes["epsilon"].min() > 1.3
    halves = changes["alpha-beta"].to_numpy()
    np.testing.assert_allclose(halves[1:] / halves[:-1], 0.5, rtol=0.05)
    assert changes["softer"].iloc[-1] < 0.6 * changes["softer"].iloc[0]


def test_the_natural_decomposition_of_rectifiers_is_found():
    """Montavon et al., section 2.1: R_p = max(0, x_p), where sensitivity knows no value."""
    points = grid(8, "rectifiers")
    assert points.min() > -1
    assert points.max() < 1
    np.testing.assert_allclose(values_at(points, "rectifiers"), points.clip(0).sum(-1), rtol=1e-6)
    explained = {"classifier": "n", "images": ("a",)}
    relevance = DeepTaylor(method="deep_taylor", lowest=-1, **explained)
    vectors = explanation_vectors(relevance, points, 0, "rectifiers")
    np.testing.assert_allclose(vectors, points.clip(0), atol=1e-6)
    slope = Sensitivity(method="sensitivity", norm="squared", **explained)
    vectors = explanation_vectors(slope, points, 0, "rectifiers")
    np.testing.assert_allclose(vectors, points > 0)
