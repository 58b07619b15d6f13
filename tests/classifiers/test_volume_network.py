"""The network for volumes learns, and both engines explain it alike."""

import numpy as np
from example_cohorts import SHAPE, cohort

import prediction_difference as pda
from prediction_difference.classifiers.kinds.train import TrainedNetwork
from prediction_difference.classifiers.loading import load_module
from prediction_difference.classifiers.making import make_classifier


def test_it_learns_a_cohort_and_is_explained(tmp_path):
    data = cohort(count=60, folds=2, effect=8)
    settings = TrainedNetwork(
        kind="train",
        dataset="cohort",
        architecture="volume-convolutional",
        width=4,
        dropout=0,
        epochs=12,
        batch_size=6,
        learning_rate=0.02,
    )
    card = make_classifier(settings, "network", data, 0, "cpu", tmp_path)
    assert card.accuracy > 0.8
    split = data.split[-1]
    module = load_module(tmp_path, card, split)
    sampler = pda.MarginalSampler(data.images[~data.in_split(split)], window=2)
    maps = [
        pda.PredictionDifference(
            module, sampler, window=2, samples=4, engine=engine, training_instances=30
        ).attribute(data.images[-1], [pda.Node.probability(1)]).relevance
        for engine in ("dense", "auto")
    ]  # fmt: skip
    assert maps[0].shape == (1, *SHAPE)
    np.testing.assert_allclose(maps[0], maps[1], atol=1e-4)
