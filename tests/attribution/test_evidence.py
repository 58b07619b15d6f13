"""Weight of evidence: the formulas of the paper, and their standard errors."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from prediction_difference.attribution.evidence import laplace, log2_odds, relevance
from prediction_difference.attribution.nodes import Node, node_values

P0 = [Node.probability(0)]
probabilities = st.floats(0, 1)


def evidence(p, p_without, variance=0.0, n=1000, k=10):
    with_window, without = np.array([p]), np.array([[p_without]])
    found = relevance(P0, with_window, without, np.array([[variance]]), n, k)
    return tuple(float(array[0, 0]) for array in found)


@given(probabilities, probabilities, st.integers(1, 10**7), st.integers(2, 1000))
def test_it_is_finite_and_antisymmetric_even_at_0_and_1(p, q, n, k):
    forth, _ = evidence(p, q, n=n, k=k)
    back, _ = evidence(q, p, n=n, k=k)
    assert np.isfinite(forth)
    np.testing.assert_allclose(forth, -back, atol=1e-9)


@given(probabilities)
def test_what_changes_nothing_is_no_evidence(p):
    assert evidence(p, p)[0] == 0


def test_known_values():
    np.testing.assert_allclose(log2_odds(np.array(0.8)), 2.0)
    assert laplace(np.array(0.0), 98, 2) == 0.01
    assert laplace(np.array(1.0), 98, 2) == 0.99
    np.testing.assert_allclose(evidence(0.8, 0.5, n=10**12)[0], 2.0, atol=1e-6)
    assert evidence(0.3, 0.6)[0] < 0 < evidence(0.6, 0.3)[0]


@given(st.floats(0.01, 0.99), st.floats(1e-6, 1e-2))
def test_the_error_is_the_slope_times_the_error_of_the_probability(p, deviation):
    _, error = evidence(0.5, p, deviation**2)
    step = 1e-7
    slope = (evidence(0.5, p + step)[0] - evidence(0.5, p - step)[0]) / (2 * step)
    np.testing.assert_allclose(error, abs(slope) * deviation, rtol=1e-4)


def test_scores_give_differences_in_their_own_unit():
    nodes = [Node.score(1), Node.probability(0)]
    difference, error = relevance(
        nodes, np.array([3.0, 0.5]), np.array([[1.0], [0.5]]), np.array([[4.0], [np.nan]]), 10, 2
    )
    assert difference[:, 0].tolist() == [2.0, 0.0]
    assert error[0, 0] == 2.0
    assert np.isnan(error[1, 0])
    assert [node.relevance_unit for node in nodes] == ["activation", "bits"]


def test_node_values_are_softmax_and_scores():
    scores = np.log(np.array([[1.0, 2.0, 1.0], [1.0, 1.0, 8.0]]))
    values = node_values([Node.probability(1), Node.score(2)], scores)
    np.testing.assert_allclose(values, [[0.5, 0.0], [0.1, np.log(8)]], atol=1e-12)
