"""Logistic regression in the row space is logistic regression in the voxels."""

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression

from prediction_difference.classifiers.linear_module import LinearModule
from prediction_difference.classifiers.logistic_regression import LinearClassifier, fit
from prediction_difference.errors import DataError


@pytest.mark.parametrize("penalty", [0.01, 1.0, 100.0])
def test_fit_equals_sklearn_on_all_voxels(generator, penalty):
    images = generator.normal(size=(20, 1, 4, 5, 3))
    labels = np.repeat([0, 1], 10)
    direct = LogisticRegression(C=penalty, tol=1e-10, max_iter=100_000)
    direct.fit(images.reshape(20, -1), labels)
    linear = fit(images, labels, None, penalty)
    np.testing.assert_allclose(linear.weight.ravel(), direct.coef_[0], atol=1e-5 * penalty)
    np.testing.assert_allclose(linear.intercept, direct.intercept_[0], atol=1e-5 * penalty)


def test_weights_outside_the_mask_are_zero(generator):
    images = generator.normal(size=(12, 1, 4, 4))
    mask = np.zeros((4, 4), bool)
    mask[1:3, 1:3] = True
    linear = fit(images, np.repeat([0, 1], 6), mask, 1.0)
    assert (linear.weight[:, ~mask] == 0).all()
    assert (linear.weight[:, mask] != 0).all()


def test_scores_give_the_probabilities_of_logistic_regression(generator):
    linear = LinearClassifier(generator.normal(size=(1, 3, 4)), 0.3)
    images = generator.normal(size=(6, 1, 3, 4))
    z = (images * linear.weight).sum((1, 2, 3)) + 0.3
    scores = linear.scores(images)
    np.testing.assert_allclose(scores[:, 1] - scores[:, 0], z)
    probabilities = torch.tensor(scores).softmax(1)[:, 1].numpy()
    np.testing.assert_allclose(probabilities, 1 / (1 + np.exp(-z)))
    module = LinearModule(linear)(torch.tensor(images, dtype=torch.float32))
    np.testing.assert_allclose(module.numpy(), scores, rtol=1e-5, atol=1e-5)


def test_a_single_class_is_refused(generator):
    with pytest.raises(DataError, match="needs images of two classes, there are 1"):
        fit(generator.normal(size=(4, 1, 2, 2)), np.zeros(4, int), None, 1.0)
