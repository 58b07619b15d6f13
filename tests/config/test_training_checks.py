"""Checkpoints of a training, and figures over them: what does not fit is told."""

import copy

import pytest

from prediction_difference.config import parse_config
from prediction_difference.errors import ConfigError

EPOCHS = (0, 2, 5)
RAW = {
    "datasets": {"digits": {"source": "sklearn-digits"}, "scans": {"source": "simulated-fa"}},
    "classifiers": {
        "trained": {"kind": "train", "dataset": "digits", "epochs": 5, "checkpoints": [0, 2, 5]},
        "plane": {"kind": "logistic-regression", "dataset": "scans"},
        **{f"after-{n}": {"kind": "checkpoint", "of": "trained", "epoch": n} for n in EPOCHS},
    },
    "explanations": {
        f"{method}-{n}": {
            "method": method,
            "classifier": f"after-{n}",
            "images": {"random": 3},
        }
        for n in EPOCHS
        for method in ("sensitivity", "random")
    },
    "evaluations": {
        f"measured-{n}": {
            "measure": "aopc",
            "explanations": [f"sensitivity-{n}", f"random-{n}"],
            "region": 2,
            "steps": 4,
        }
        for n in EPOCHS
    },
    "figures": {
        "curves": {"kind": "training-curves", "evaluations": [f"measured-{n}" for n in EPOCHS]},
        "maps": {"kind": "heatmaps", "explanations": ["sensitivity-0", "sensitivity-5"]},
    },
}


def changed(place: str, **keys):
    """RAW with these keys of an entry, such as classifiers.after-0; None takes one away."""
    raw = copy.deepcopy(RAW)
    section, name = place.split(".")
    entry = raw[section].setdefault(name, {})
    for key, value in keys.items():
        if value is None:
            del entry[key]
        else:
            entry[key] = value
    return raw


def problems(raw):
    with pytest.raises(ConfigError, match="problem") as caught:
        parse_config(raw)
    return [str(problem) for problem in caught.value.problems]


def test_a_checkpoint_has_the_dataset_of_its_training():
    config = parse_config(RAW)
    assert config.classifiers["after-2"].dataset == "digits"
    written = {name: c.model_dump(mode="json") for name, c in config.classifiers.items()}
    assert parse_config(RAW | {"classifiers": written}) == config


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        (
            {"of": "trainee"},
            "classifiers.after-2.of: there is no 'trainee' in classifiers; did you mean 'trained'?",
        ),
        (
            {"of": "plane"},
            "classifiers.after-2.of: 'plane' is of kind 'logistic-regression', which keeps no "
            "checkpoints; name a classifier that keeps some",
        ),
        (
            {"epoch": 3},
            "classifiers.after-2.epoch: 'trained' keeps no checkpoint of epoch 3, but of 0, 2, 5; "
            "choose one of these, or add it to classifiers.trained.checkpoints",
        ),
        (
            {"dataset": "scans"},
            "classifiers.after-2.dataset: 'trained' is trained on 'digits', not 'scans'; remove "
            "the key",
        ),
    ],
)
def test_a_checkpoint_that_there_is_not_is_told(changes, problem):
    assert problem in problems(changed("classifiers.after-2", **changes))


def test_a_checkpoint_after_the_last_epoch_is_told():
    found = problems(changed("classifiers.trained", epochs=4))
    assert found[0] == (
        "classifiers.trained: there is no checkpoint after epoch 5, training ends with epoch 4; "
        "lower it, or raise epochs"
    )


@pytest.mark.parametrize(
    ("place", "changes", "problem"),
    [
        (
            "evaluations.measured-2",
            {"region": 3},
            "'measured-0' and 'measured-2' have different region; give all the same region",
        ),
        (
            "evaluations.measured-2",
            {"explanations": ["random-2", "sensitivity-2"]},
            "'measured-0' and 'measured-2' do not measure the same methods in the same order; let",
        ),
        (
            "explanations.sensitivity-2",
            {"norm": "linf"},
            "'measured-0' and 'measured-2' do not measure the same methods in the same order; let",
        ),
        (
            "classifiers.after-2",
            {"epoch": 5},
            "'measured-2' and 'measured-5' are both of epoch 5; leave one out",
        ),
        (
            "figures.curves",
            {"evaluations": ["measured-0", "measured-1"]},
            "there is no 'measured-1' in evaluations; did you mean 'measured-",
        ),
    ],
)
def test_curves_are_of_one_training_and_the_same_measure(place, changes, problem):
    assert any(
        one.startswith(f"figures.curves.evaluations: {problem}")
        for one in problems(changed(place, **changes))
    )


def test_every_explanation_has_its_label():
    (problem,) = problems(changed("figures.curves", labels=["gradient"]))
    assert problem.startswith("figures.curves.labels: 1 labels, but 'measured-0' has 2 expl")
    parse_config(changed("figures.curves", labels=["gradient", "chance"]))


def test_curves_of_several_trainings_or_of_none_are_told():
    raw = changed("classifiers.after-5", of="again", epoch=4)
    raw["classifiers"]["again"] = {**RAW["classifiers"]["trained"], "checkpoints": [4]}
    del raw["figures"]["maps"]
    (problem,) = problems(raw)
    assert "they are of several trainings (trained, again); name those of one training" in problem
    pretrained = {"model": "resnet18", "weights": "DEFAULT"}
    raw["classifiers"]["after-5"] = {"kind": "torchvision", "dataset": "digits", **pretrained}
    (problem,) = problems(raw)
    assert "'measured-5' is of 'after-5', which is no checkpoint of a training" in problem


def test_the_trained_network_itself_is_after_the_last_epoch():
    raw = copy.deepcopy(RAW)
    for method in ("sensitivity", "random"):
        raw["explanations"][f"{method}-5"]["classifier"] = "trained"
    parse_config(raw)


def test_only_random_images_are_the_same_after_every_epoch():
    raw = copy.deepcopy(RAW)
    for explanation in raw["explanations"].values():
        explanation["images"] = {"correct": 3}
    curves, maps = sorted(problems(raw))
    assert "'measured-0' draws images by whether they are classified correctly, which" in curves
    assert maps.startswith("figures.maps: its explanations are of several classifiers")


CLAIM = {
    "claim": "follows-accuracy",
    "where": "Fig. 7",
    "statement": "it is so",
    "evaluations": [f"measured-{n}" for n in EPOCHS],
    "explanations": [f"sensitivity-{n}" for n in EPOCHS],
}


def claiming(place="evaluations.claimed", changes=None, **keys):
    """RAW as `changed`, with a claim in place of figures."""
    raw = changed(place, **(changes or {}))
    raw["evaluations"]["claimed"] = {"measure": "claims", "claims": [CLAIM | keys]}
    del raw["figures"]
    return raw


@pytest.mark.parametrize(
    ("place", "changes", "problem"),
    [
        ("evaluations.measured-2", {"region": 3}, "'measured-0' and 'measured-2' have different r"),
        (
            "explanations.sensitivity-2",
            {"norm": "linf"},
            "'measured-0' and 'measured-2' do not measure the same methods in the same order; let",
        ),
        ("classifiers.after-2", {"epoch": 5}, "'measured-2' and 'measured-5' are both of epoch 5"),
    ],
)
def test_claims_of_accuracy_are_of_one_training_and_the_same_measure(place, changes, problem):
    parse_config(claiming())
    (told,) = problems(claiming(place, changes))
    assert told.startswith(f"evaluations.claimed.claims.0: {problem}")


def test_only_what_a_claim_compares_has_to_be_the_same():
    parse_config(claiming("explanations.random-2", {"images_per_job": 2}))
    mixed = ["sensitivity-0", "random-2", "sensitivity-5"]
    (told,) = problems(claiming(explanations=mixed))
    assert "'measured-0' and 'measured-2' do not measure the same methods" in told
    reordered = {"explanations": ["random-2", "sensitivity-2"]}
    parse_config(claiming("evaluations.measured-2", reordered))


def test_a_claim_of_accuracy_is_about_the_same_images():
    raw = claiming()
    for explanation in raw["explanations"].values():
        explanation["images"] = {"correct": 3}
    (told,) = problems(raw)
    assert "'measured-0' draws images by whether they are classified correctly, which" in told


@pytest.mark.parametrize("key", ["claim", "figure"])
def test_an_evaluation_is_named_once(key):
    names = ["measured-0", "measured-2", "measured-2"]
    if key == "claim":
        explanations = ["sensitivity-0", "sensitivity-2", "sensitivity-2"]
        raw = claiming(evaluations=names, explanations=explanations)
    else:
        raw = changed("figures.curves", evaluations=names)
    (told,) = problems(raw)
    assert "'measured-2' and 'measured-2' are both of epoch 2; leave one out" in told
