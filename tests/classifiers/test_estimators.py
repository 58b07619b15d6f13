"""Estimators of scikit-learn as classifiers: fitted anew from what is stored, and explained."""

import json

import numpy as np
import pytest
import torch
from example_cohorts import cohort

import prediction_difference as pda
from prediction_difference.classifiers import estimators
from prediction_difference.classifiers.card import read_card
from prediction_difference.classifiers.kinds.scikit_learn import ScikitLearnClassifier
from prediction_difference.classifiers.loading import load_module, read_predictions
from prediction_difference.classifiers.making import make_classifier
from prediction_difference.errors import DataError, StoreError
from prediction_difference.manifest import digest_of, write_manifest


def settings(estimator="sklearn.svm:SVC", **keys):
    return ScikitLearnClassifier(kind="scikit-learn", dataset="cohort", estimator=estimator, **keys)


KINDS = {
    "forest": settings("sklearn.ensemble:RandomForestClassifier", parameters={"n_estimators": 7}),
    "discriminant": settings(
        "sklearn.discriminant_analysis:LinearDiscriminantAnalysis",
        parameters={"solver": "lsqr", "shrinkage": "auto"},
    ),
    "bayes": settings("sklearn.naive_bayes:GaussianNB", scaling=False),
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_loaded_estimator_says_what_was_published(tmp_path, kind):
    data = cohort(effect=3)
    card = make_classifier(KINDS[kind], "diagnosis", data, 4, "cpu", tmp_path)
    assert card.accuracy > 0.7
    assert not list(tmp_path.glob("*.pkl"))
    published = np.stack(read_predictions(tmp_path)["probabilities"])
    for split in data.held_out_splits:
        out = data.in_split(split)
        module = load_module(tmp_path, read_card(tmp_path), split)
        says = module(torch.from_numpy(data.images[out])).softmax(1).numpy()
        np.testing.assert_allclose(says, published[out], atol=1e-6)


def test_making_it_again_gives_the_same(tmp_path):
    for name in ("one", "two"):
        make_classifier(KINDS["forest"], "diagnosis", cohort(), 4, "cpu", tmp_path / name)
    one, two = (digest_of(tmp_path / name / "card.json") for name in ("one", "two"))
    assert one == two


def test_an_estimator_that_says_something_else_is_refused(tmp_path):
    data = cohort()
    make_classifier(KINDS["forest"], "diagnosis", data, 4, "cpu", tmp_path)
    card = json.loads((tmp_path / "card.json").read_text())
    card["settings"]["parameters"]["n_estimators"] = 3
    (tmp_path / "card.json").write_text(json.dumps(card))
    names = ("card.json", "predictions.parquet", "weights.safetensors")
    write_manifest(tmp_path / "card.json", [tmp_path / name for name in names])
    with pytest.raises(StoreError, match=r"fitted again gives probabilities that differ by 0\."):
        load_module(tmp_path, read_card(tmp_path), "fold-00")


def test_it_is_explained_by_full_forward_passes(tmp_path):
    data = cohort(effect=3)
    card = make_classifier(KINDS["bayes"], "diagnosis", data, 4, "cpu", tmp_path)
    module = load_module(tmp_path, card, "fold-00")
    sampler = pda.MarginalSampler(data.images[~data.in_split("fold-00")], window=2)
    for engine in ("auto", "dense"):
        analysis = pda.PredictionDifference(
            module, sampler, window=2, samples=3, engine=engine, training_instances=30
        )
        found = analysis.attribute(data.images[0], [pda.Node.probability(1)])
        assert np.isfinite(found.relevance).all()
        assert np.abs(found.relevance[0, 0]).mean() > np.abs(found.relevance[0, 2]).mean()


@pytest.mark.parametrize(
    ("chosen", "message"),
    [
        (settings("sklearn.svm:Nothing"), "cannot be made .*correct the name"),
        (settings(parameters={"kernels": 1}), "cannot be made .*kernels"),
        (settings("math:sqrt", parameters={}), "cannot be made"),
        (settings("sklearn.svm:LinearSVC"), "it has no predict_proba.*; choose another, or wrap"),
        (settings("builtins:dict"), "is no estimator: it has no fit"),
        (settings(parameters={"C": -1}), "cannot be fitted .*correct its parameters"),
    ],
)
def test_what_is_no_classifier_is_told(tmp_path, chosen, message):
    with pytest.raises(DataError, match=message):
        make_classifier(chosen, "diagnosis", cohort(), 4, "cpu", tmp_path)


def test_random_states_are_set_unless_they_are_given():
    forest = estimators.build(KINDS["forest"], 8)[-1]
    assert forest.random_state == 8
    own = settings("sklearn.ensemble:RandomForestClassifier", parameters={"random_state": 3})
    assert estimators.build(own, 8)[-1].random_state == 3
