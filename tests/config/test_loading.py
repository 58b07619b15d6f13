"""Reading configurations: every mistake is found, and all are told at once."""

import copy
import re

import pytest
import yaml

from prediction_difference.attribution.image_choice import batches, slots
from prediction_difference.config import parse_config, read_config, windows_of_prior
from prediction_difference.errors import ConfigError

GOOD = {
    "run": {"name": "test"},
    "datasets": {
        "digits": {"source": "sklearn-digits"},
        "brains": {"source": "simulated-fa"},
    },
    "priors": {"patches": {"dataset": "digits", "patch": 6}},
    "classifiers": {
        "network": {"kind": "train", "dataset": "digits"},
        "diagnosis": {"kind": "logistic-regression", "dataset": "brains"},
    },
    "explanations": {
        "pda": {
            "method": "prediction-difference",
            "classifier": "network",
            "prior": "patches",
            "window": 3,
            "images": {"correct": 2},
        },
        "random": {"method": "random", "classifier": "network", "images": {"correct": 2}},
        "brain": {
            "method": "prediction-difference",
            "classifier": "diagnosis",
            "sampler": "marginal",
            "window": 3,
            "images": ["sub-01"],
        },
    },
    "evaluations": {
        "aopc": {"measure": "aopc", "explanations": ["pda", "random"], "region": 2, "steps": 9}
    },
    "figures": {
        "maps": {"kind": "heatmaps", "explanations": ["pda", "random"]},
        "curves": {"kind": "perturbation-curves", "evaluation": "aopc"},
        "slices": {"kind": "volume-slices", "explanations": ["brain"]},
    },
}


SLICES = {"kind": "volume-slices", "explanations": ["brain"]}


def photos(**keys):
    """A dataset of photographs with these keys."""
    return {"source": "imagenet", **keys}


def changed(**changes):
    """GOOD with `section__name__key=value` set; value None deletes the key."""
    raw = copy.deepcopy(GOOD)
    for path, value in changes.items():
        *parents, key = path.split("__")
        place = raw
        for parent in parents:
            place = place[parent]
        if value is None:
            del place[key]
        else:
            place[key] = value
    return raw


def problems(raw):
    with pytest.raises(ConfigError, match="problem") as caught:
        parse_config(raw)
    return [str(problem) for problem in caught.value.problems]


def test_a_right_configuration_is_read():
    config = parse_config(GOOD)
    assert config.run.seed == 0
    assert config.explanations["pda"].samples == 10
    assert slots(config.explanations["pda"]) == ["correct-1", "correct-2"]
    assert windows_of_prior(config, "patches") == [3]


def test_sides_and_files_are_given_in_two_ways():
    datasets = {
        "a": photos(resize=256, files="list.txt"),
        "b": photos(resize=[256, 300], files=["x.png"]),
        "c": photos(resize=200, size=[300, 150]),
    }
    config = parse_config({"datasets": datasets})
    assert config.datasets["a"].resize == 256
    assert str(config.datasets["a"].files) == "list.txt"
    assert config.datasets["b"].resize == (256, 300)
    assert config.datasets["b"].files == ("x.png",)
    again = {n: d.model_dump(mode="json") for n, d in config.datasets.items()}
    assert parse_config({"datasets": again}) == config


@pytest.mark.parametrize(
    ("changes", "where", "what", "remedy"),
    [
        ({"datasetz": {}}, "datasetz", "unknown", "did you mean 'datasets'"),
        ({"run__sed": 1}, "run.sed", "unknown", "did you mean 'seed'"),
        ({"run__seed": -1}, "run.seed", "-1 is less than 0", "0 or more"),
        ({"run__device": "tpu"}, "run.device", "tpu", "correct"),
        ({"datasets__digits__source": "digitz"}, "datasets.digits.source", "digitz", "choose|mean"),
        ({"datasets__digits__source": None}, "datasets.digits", "source is missing", "add it"),
        ({"datasets__digits__test_fracton": 1}, "test_fracton", "unknown", "'test_fraction'"),
        (
            {"datasets__digits__folds": 3},
            "datasets.digits",
            "exclude each other",
            "one of them to null",
        ),
        ({"datasets__x": photos(resize=0)}, "datasets.x.resize", "0 is less than", "set it to"),
        ({"datasets__x": photos(resize=[256])}, "datasets.x.resize.1", "missing", "add it"),
        (
            {"datasets__x": photos(resize=200)},
            "datasets.x",
            "crop of 224 x 224 does not fit into images that are scaled to 200",
            "raise resize, or lower size",
        ),
        (
            {"datasets__x": photos(resize=[256, 200])},
            "datasets.x",
            "does not fit into images that are scaled to 256 x 200",
            "raise resize",
        ),
        ({"datasets__x": photos(images=2, per_class=1)}, "datasets.x", "exclude", "one of them"),
        ({"datasets__x": photos(files=[])}, "datasets.x.files", "at least 1", "correct"),
        ({"datasets__x": photos(files=["a", 3])}, "datasets.x.files.1", "3", "give a text"),
        ({"datasets__x": photos(interpolation="cubic")}, "interpolation", "'cubic'", "'bicubic'"),
        ({"datasets__x": photos(download=True)}, "datasets.x.download", "unknown", "choose one of"),
        ({"datasets__brains__slab": {"start": 3, "stop": 3}}, "brains.slab", "none", "above start"),
        ({"datasets__brains__slab": {"start": 3, "stop": 99}}, "slab.stop", "beyond", "lower"),
        ({"datasets__brains__folds": 99}, "datasets.brains.folds", "99 folds", "24 or less"),
        ({"datasets__a/b": {"source": "sklearn-digits"}}, "datasets.a/b", "file name", "letters"),
        ({"priors__patches__dataset": "digit"}, "priors.patches.dataset", "no 'digit'", "'digits'"),
        ({"priors__patches__patch": 9}, "priors.patches.patch", "8 x 8", "at most 8"),
        ({"priors__patches__ridge": 0}, "priors.patches.ridge", "0 is not", "above 0"),
        ({"priors__patches__ridge": float("inf")}, "priors.patches.ridge", "inf", "finite"),
        (
            {"priors__patches__regularisation": "ledoit-wolf", "priors__patches__ridge": 0.1},
            "priors.patches",
            "takes no ridge",
            "remove the key ridge",
        ),
        ({"priors__patches__cells": 5}, "priors.patches", "has no grid", "remove the key cells"),
        ({"priors__patches__location": "voxel"}, "patches.location", "voxel", "voxel-mean"),
        ({"explanations__pda__nodes": [{"of": True}]}, "pda.nodes.0.of", "True", "label"),
        ({"classifiers__network__kind": "trian"}, "network.kind", "'trian'", "'train'"),
        ({"classifiers__network__dataset": "brains"}, "architecture", "2-D", "another kind"),
        (
            {"classifiers__diagnosis__dataset": "digits"},
            "diagnosis.dataset",
            "two classes",
            "more classes",
        ),
        ({"explanations__pda__method": "pda"}, "explanations.pda.method", "'pda'", "choose one of"),
        ({"explanations__pda__window": 6}, "explanations.pda.window", "patch=6", "at least 7"),
        ({"explanations__brain__window": 13}, "brain.window", "12 x 109 x 91", "at most 12"),
        ({"explanations__pda__prior": None}, "explanations.pda", "needs a prior", "name one"),
        ({"explanations__brain__prior": "patches"}, "explanations.brain", "no prior", "remove"),
        ({"explanations__pda__classifier": "net"}, "pda.classifier", "no 'net'", "network"),
        ({"explanations__pda__images": {"corect": 1}}, "pda.images.corect", "unknown", "'correct'"),
        ({"explanations__pda__images": {"random": -1}}, "pda.images.random", "-1", "0 or more"),
        ({"explanations__pda__images": {}}, "explanations.pda.images", "no image", "set random"),
        ({"explanations__pda__images": []}, "explanations.pda.images", "at least 1", "correct"),
        ({"explanations__pda__nodes": [{"of": "ten"}]}, "nodes.0.of", "no class 'ten'", "0, 1"),
        ({"explanations__pda__nodes": [{"of": 10}]}, "nodes.0.of", "no class 10", "0, 1"),
        ({"explanations__pda__engine": "linear"}, "pda.engine", "linear is for", "auto"),
        ({"explanations__pda__stride": 4}, "pda", "stride=4", "at most 3"),
        ({"explanations__pda__engine": "dens"}, "pda.engine", "'dens'", "'dense'"),
        ({"explanations__pda__batch_size": 0}, "pda.batch_size", "0", "1 or more"),
        ({"explanations__pda__standard_error": 0}, "pda.standard_error", "0", "above 0"),
        ({"explanations__brain__precision": "bfloat16"}, "brain.precision", "without a", "remove"),
        ({"explanations__pda__nodes": [{"layer": "a"}]}, "pda.nodes.0.maps", "missing", "add it"),
        (
            {"explanations__pda__nodes": [{"layer": "a", "mops": "all"}]},
            "pda.nodes.0.mops",
            "unknown",
            "'maps'",
        ),
        (
            {"explanations__pda__nodes": [{"layer": "a", "unit": -1}]},
            "pda.nodes.0.unit",
            "-1 is less than 0",
            "0 or more",
        ),
        (
            {"explanations__pda__nodes": [{"layer": "a", "maps": "all"}]},
            "evaluations.aopc.explanations",
            "the first node of 'pda' is of layer 'a'",
            "name a class first",
        ),
        (
            {"explanations__random__nodes": [{"layer": "a", "unit": 1}]},
            "random.nodes.0.layer",
            "random explains classes, not layers",
            "name a class",
        ),
        (
            {"explanations__brain__nodes": [{"layer": "a", "unit": 1}]},
            "brain.nodes.0.layer",
            "has no layers",
            "name a class",
        ),
        ({"explanations__brain__removed": {"layer": "a"}}, "brain.removed", "no layers", "remove"),
        ({"explanations__pda__removed": {"layer": "a"}}, "explanations.pda", "no prior", "remove"),
        ({"evaluations__aopc__explanations": ["pdb"]}, "aopc.explanations", "no 'pdb'", "'pda'"),
        ({"evaluations__aopc__explanations": ["pda", "brain"]}, "aopc", "different", "same"),
        ({"explanations__pda__nodes": [{"of": "label"}]}, "aopc", "different classes", "same"),
        ({"evaluations__aopc__order": "mor"}, "aopc.order", "'mor' is unknown", "'morf'.* LeRF$"),
        ({"evaluations__aopc__region": 9}, "aopc.region", "8 x 8", "at most 8"),
        ({"evaluations__aopc__steps": 17}, "aopc.steps", "16 regions", "at most 16"),
        ({"figures__maps__explanations": ["brain"]}, "maps.kind", "volumes", "a kind for volumes"),
        ({"figures__slices__explanations": ["pda"]}, "slices.kind", "2-D", "a kind for 2-D images"),
        ({"figures__slices__slices": [28]}, "slices.slices", "no slice 28", "29 to 40"),
        (
            {"figures__slices": {**SLICES, "axes": [1], "slices": [109]}},
            "slices",
            "109",
            "0 to 108",
        ),
        (
            {"figures__slices": {**SLICES, "axes": [0, 1], "slices": [30]}},
            "slices",
            "one axis",
            "draw",
        ),
        ({"figures__slices__slices": 0}, "slices.slices", "0", "1 or more"),
        ({"figures__slices__titles": {"pda": "a"}}, "slices.titles", "'pda'", "they are brain"),
        ({"figures__slices__images": ["correct-9"]}, "figures.slices", "does not explain", "add"),
        ({"figures__slices__node": 1}, "slices.node", "1 node", "at most 0"),
        ({"figures__maps__node": 1}, "maps.node", "1 node", "at most 0"),
        ({"figures__maps__rows": {"a": ["pda"]}}, "figures.maps", "either", "give one of them"),
        ({"figures__maps__explanations": ["image"]}, "figures.maps", "no map", "name an expl"),
        ({"figures__maps__columns": ["a"]}, "figures.maps", "1 titles", "the image's too"),
        ({"figures__maps__show": "overlap"}, "maps.show", "'overlap'", "'overlay'"),
        ({"figures__maps__top": 1}, "maps.top", "1 is not below 1", "below 1"),
        ({"figures__maps__across": 0}, "maps.across", "0 is less than 1", "1 or more"),
        ({"figures__maps__images": ["correct-3"]}, "maps", "'pda' does not explain", "add it"),
        (
            {"explanations__random__images": {"random": 1}},
            "figures.maps",
            "different images",
            "same images",
        ),
        ({"explanations__pda__nodes": [{"rank": 11}]}, "nodes.0.rank", "10 classes", "at most 10"),
        ({"explanations__pda__nodes": [{"rank": 0}]}, "pda.nodes.0.rank", "0", "1 or more"),
        ({"explanations__pda__nodes": [{"rank": 1, "of": "label"}]}, "nodes.0", "either", "one of"),
        ({"figures__maps__explanations": ["pdb"]}, "maps.explanations", "no 'pdb'", "'pda'"),
        ({"figures__slices__explanations": ["pdb"]}, "slices.explanations", "no 'pdb'", "'pda'"),
        ({"figures__curves__evaluation": "apoc"}, "curves.evaluation", "no 'apoc'", "'aopc'"),
    ],
)
def test_a_mistake_is_told_with_place_and_remedy(changes, where, what, remedy):
    found = [problem.partition(": ") for problem in problems(changed(**changes))]
    rest = next(rest for place, _, rest in found if where in place)
    assert what in rest
    assert re.search(remedy, rest)


@pytest.mark.parametrize(("papers", "ours"), [("MoRF", "morf"), ("LeRF", "lerf")])
def test_orders_may_be_written_as_in_papers(papers, ours):
    config = parse_config(changed(evaluations__aopc__order=papers))
    assert config.evaluations["aopc"].order == ours
    assert config == parse_config(changed(evaluations__aopc__order=ours))


def figure(**keys):
    """GOOD with one figure of two explanations of named images."""
    raw = changed(figures={"maps": {"kind": "heatmaps", **keys}}, evaluations={})
    for name in ("pda", "random"):
        raw["explanations"][name]["images"] = ["scan-0003", "scan-0005"]
    return raw


def test_panels_have_what_defaults_say():
    node = "score of predicted"
    random = {"explanation": "random", "show": "mask", "node": node}
    rows = {"first": ["image", "pda"], "second": [None, random]}
    maps = parse_config(figure(rows=rows, show="overlay")).figures["maps"]
    shown = [[p and (p if p == "image" else (p.explanation, p.node, p.show)) for p in row]
             for _, row in maps.panel_rows]  # fmt: skip
    assert shown == [["image", ("pda", 0, "overlay")], [None, ("random", node, "mask")]]
    assert maps.explanation_names == ("pda", "random")
    assert parse_config(figure(**maps.model_dump(mode="json", exclude={"kind"}))).figures == {
        "maps": maps
    }


@pytest.mark.parametrize(
    ("named", "order"),
    [
        (["pda", "random"], ["image", "pda", "random"]),
        (["pda", "image", "random"], ["pda", "image", "random"]),
    ],
)
def test_the_image_stands_first_or_where_it_is_named(named, order):
    ((_, row),) = parse_config(figure(explanations=named)).figures["maps"].panel_rows
    assert [p if p == "image" else p.explanation for p in row] == order


@pytest.mark.parametrize(
    ("rows", "where", "what", "remedy"),
    [
        ({"a": ["image", "pda"], "b": ["pda"]}, "maps", "different numbers of panels", "with null"),
        ({"a": [{"explanation": "pda", "nod": 1}]}, "maps.rows.a.0.nod", "unknown", "'node'"),
        ({"a": [{"explanation": "pda", "node": 4}]}, "maps.node", "1 node", "at most 0"),
        (
            {"a": [{"explanation": "pda", "node": "score of rank 2"}]},
            "maps.node",
            "'pda' has no node 'score of rank 2'",
            "its nodes are probability of predicted",
        ),
        ({"a": [{"explanation": "pda", "node": -1}]}, "maps.rows.a.0.node", "-1", "0 or more"),
        ({"a": []}, "maps.rows.a", "at least 1", "correct"),
        ({"a": ["pdb"]}, "figures.maps.rows", "no 'pdb'", "'pda'"),
    ],
)
def test_mistakes_in_rows_of_panels_are_told(rows, where, what, remedy):
    found = [problem.partition(": ") for problem in problems(figure(rows=rows))]
    rest = next(rest for place, _, rest in found if where in place)
    assert what in rest
    assert re.search(remedy, rest)


def test_figures_show_the_images_that_they_name():
    config = parse_config(figure(explanations=["pda", "random"], images=["scan-0005"]))
    maps = config.figures["maps"]
    assert maps.shown_slots(config.explanations) == {"pda": ["scan-0005"], "random": ["scan-0005"]}
    everything = parse_config(figure(explanations=["pda"])).figures["maps"]
    assert everything.shown_slots(config.explanations) == {"pda": ["scan-0003", "scan-0005"]}


def test_explanations_of_several_classifiers_need_named_images():
    raw = figure(explanations=["pda", "random"])
    raw["classifiers"]["other"] = {"kind": "train", "dataset": "digits"}
    raw["explanations"]["random"]["classifier"] = "other"
    parse_config(raw)
    for name in ("pda", "random"):
        raw["explanations"][name]["images"] = {"correct": 2}
    (problem,) = problems(raw)
    assert "of several classifiers" in problem
    assert "name the images" in problem


def test_feature_maps_need_nodes_of_layers():
    raw = figure(explanations=["pda"])
    raw["figures"]["maps"] = {"kind": "feature-maps", "explanations": ["pda"]}
    (problem,) = problems(raw)
    assert "maps of layers are not explained; add nodes such as" in problem
    raw["explanations"]["pda"]["nodes"] = [{"layer": "conv1", "maps": "all"}]
    config = parse_config(raw)
    assert config.figures["maps"].shown_slots(config.explanations) == {"pda": ["scan-0003"]}
    raw["figures"]["maps"]["layers"] = ["conv2"]
    (problem,) = problems(raw)
    assert "maps of conv2 are not explained" in problem


def removing(removed, **changes):
    """GOOD with an explanation that removes a layer, and nothing that compares it."""
    raw = changed(figures={}, evaluations={})
    raw["explanations"] = {
        "pda": {
            "method": "prediction-difference",
            "classifier": "network",
            "images": {"correct": 2},
            "window": 2,
            "removed": removed,
        }
        | changes
    }
    return raw


def test_layers_are_explained_and_removed():
    nodes = [{}, {"layer": "a", "maps": [0, 2]}, {"layer": "a", "unit": 3, "position": [1, 2]}]
    explanation = parse_config(removing({"layer": "b"}, nodes=nodes)).explanations["pda"]
    assert explanation.node_count == 4
    assert explanation.removed.neighbourhood(2) == 4
    assert explanation.nodes[2].position == (1, 2)
    nodes[1]["maps"] = "all"
    config = parse_config(removing({"layer": "b"}, nodes=nodes, sampler="marginal", window=9))
    assert config.explanations["pda"].node_count is None
    assert parse_config(config.model_dump(mode="json")) == config


@pytest.mark.parametrize(
    ("removed", "changes", "what", "remedy"),
    [
        ({"features": "units"}, {}, "one by one", "set window to 1"),
        ({"patch": 2}, {}, "window=2 does not fit inside removed.patch=2", "at least 3"),
        ({}, {"clip": True}, "for windows of images", "at their defaults"),
        ({}, {"engine": "incremental"}, "for windows of images", "at their defaults"),
        ({}, {"precision": "bfloat16"}, "for windows of images", "at their defaults"),
        ({}, {"prior": "patches"}, "takes no prior", "remove the key prior"),
        ({}, {"standard_error": 0.1, "max_samples": 5}, "less than samples=10", "raise it"),
        (
            {},
            {"standard_error": 0.1, "nodes": [{}, {"output": "score"}]},
            "some are in bits",
            "explain them apart",
        ),
        ({}, {"reference": "digit"}, "there is no 'digit'", "did you mean 'digits'"),
        ({}, {"reference": "brains"}, "it has volumes", "the same form"),
    ],
)
def test_what_does_not_fit_a_removed_layer_is_told(removed, changes, what, remedy):
    (problem,) = problems(removing({"layer": "b"} | removed, **changes))
    assert problem.startswith("explanations.pda")
    assert what in problem
    assert remedy in problem


def test_maps_of_removed_layers_are_not_compared_as_pixels():
    raw = removing({"layer": "b", "features": "units"}, window=1)
    raw["figures"] = {"maps": {"kind": "heatmaps", "explanations": ["pda"]}}
    raw["evaluations"] = {
        "e": {"measure": "aopc", "explanations": ["pda"], "region": 2, "steps": 4}
    }
    first, second = problems(raw)
    assert first.startswith("evaluations.e.explanations: 'pda' removes a hidden layer")
    assert second.startswith("figures.maps: 'pda' has relevance of a hidden layer's units")


def comparing(measured=("pda", "random"), **keys):
    """A figure of two panels, the second of which measures these explanations."""
    raw = changed()
    raw["evaluations"]["other"] = raw["evaluations"]["aopc"] | {"explanations": list(measured)}
    panels = {"left": "aopc", "right": "other"}
    raw["figures"] = {"areas": {"kind": "compared-areas", "evaluations": panels, **keys}}
    return raw


@pytest.mark.parametrize("keys", [{}, {"labels": {"pda": "PDA"}}, {"baseline": "pda"}])
def test_panels_with_a_baseline_and_others_are_right(keys):
    parse_config(comparing(**keys))


@pytest.mark.parametrize(
    ("measured", "keys", "problem"),
    [
        (
            ["random"],
            {},
            "evaluations: nothing of other is shown but the baseline; let it measure other expl",
        ),
        (
            ["pda"],
            {},
            "baseline: other measures no explanation that is a baseline, such as a random order",
        ),
        (
            ["pda"],
            {"baseline": "pda"},
            "evaluations: nothing of other is shown but the baseline; let it measure other expl",
        ),
        (
            ["random"],
            {"labels": {"pda": "PDA"}},
            "evaluations: nothing of other is shown but the baseline; let it measure other expl",
        ),
        (["random"], {"baseline": "pda"}, "baseline: other does not measure 'pda'; choose from r"),
    ],
)
def test_panels_need_a_baseline_and_something_to_compare(measured, keys, problem):
    (told,) = problems(comparing(measured, **keys))
    assert told.startswith(f"figures.areas.{problem}")


def test_a_panel_shows_what_has_a_label():
    labels = {"random": "chance"}
    told = problems(comparing(labels=labels))
    assert [one.partition("; ")[2] for one in told] == ["label one of pda"] * 2
    (told, _) = problems(comparing(labels={"pda": "PDA"}, baseline="random"))
    assert told.startswith("figures.areas.baseline: 'random' of aopc is not shown, or has another")


def with_other_datasets(**changes):
    raw = changed()
    raw["datasets"] |= {
        "colour": {"source": "cifar10"},
        "numbers": {"source": "mnist"},
        "photos": {"source": "image-folder", "root": ".", "size": [8, 8], "channels": 1},
    }
    raw["priors"] |= {
        "of-colour": {"dataset": "colour"},
        "of-numbers": {"dataset": "numbers", "patch": 14},
        "of-brains": {"dataset": "brains", "patch": 7},
        "of-photos": {"dataset": "photos", "patch": 4},
        "of-places": {"dataset": "numbers", "patch": 4, "location": "grid-cell", "cells": 5},
    }
    raw["explanations"]["pda"] |= changes
    return raw


@pytest.mark.parametrize(
    ("changes", "where", "what"),
    [
        ({"prior": "of-colour"}, "explanations.pda.prior", "3 channel"),
        ({"prior": "of-brains"}, "explanations.pda.prior", "volumes"),
        ({"prior": "of-numbers"}, "explanations.pda.prior", "patch=14 does not fit inside images"),
        (
            {"prior": "of-places"},
            "explanations.pda.prior",
            "the explained ones 8 x 8; choose a dataset of the same size, or set location of the "
            "prior to none",
        ),
        (
            {"prior": None, "sampler": "marginal", "reference": "numbers"},
            "explanations.pda.reference",
            "its images are 28 x 28, the explained ones 8 x 8",
        ),
        (
            {"prior": None, "sampler": "marginal", "reference": "brains"},
            "explanations.pda.reference",
            "volumes",
        ),
    ],
)
def test_what_is_drawn_has_the_form_of_what_is_explained(changes, where, what):
    (problem,) = problems(with_other_datasets(**changes))
    assert problem.startswith(where)
    assert what in problem


def test_unsplit_datasets_leave_nothing_to_learn_from():
    raw = with_other_datasets(prior="of-photos")
    raw["classifiers"]["network"]["dataset"] = "photos"
    first, second = problems(raw)
    assert "classifiers.network.dataset: all images of 'photos' are held out" in first
    assert "explanations.pda.prior: all images of its dataset are held out" in second
    raw["datasets"]["photos"]["folds"] = 2
    parse_config(raw)


def test_a_mistake_in_each_section_gives_one_message_with_all():
    raw = changed(
        run__seed="x",
        datasets__digits__test_fracton=0.2,
        priors__patches__patch=1,
        classifiers__network__epochs=0,
        explanations__random__method="rnd",
        evaluations__aopc__repeats=0,
        figures__maps__explanations=["nothing"],
    )
    with pytest.raises(ConfigError, match="problems found") as caught:
        parse_config(raw)
    message = str(caught.value)
    for section in GOOD:
        assert f"  - {section}" in message
    assert len(caught.value.problems) == 7


def test_a_missing_file_and_broken_yaml_are_named(tmp_path):
    with pytest.raises(ConfigError, match=r"nowhere\.yaml: No such file"):
        read_config(tmp_path / "nowhere.yaml")
    (tmp_path / "broken.yaml").write_text("a: [1")
    with pytest.raises(ConfigError, match=r"broken\.yaml: not YAML"):
        read_config(tmp_path / "broken.yaml")
    (tmp_path / "list.yaml").write_text("- 1")
    with pytest.raises(ConfigError, match=r"list\.yaml: holds no settings"):
        read_config(tmp_path / "list.yaml")


def test_yaml_cannot_run_code(tmp_path):
    (tmp_path / "evil.yaml").write_text("run: !!python/object/apply:os.getcwd []")
    with pytest.raises(ConfigError, match="not YAML"):
        read_config(tmp_path / "evil.yaml")


def test_reading_is_the_inverse_of_writing(tmp_path):
    (tmp_path / "good.yaml").write_text(yaml.safe_dump(GOOD))
    config = read_config(tmp_path / "good.yaml")
    again = parse_config(config.model_dump(mode="json"))
    assert again == config


def test_slots_are_safe_file_names_and_fill_batches():
    images = ["a b/c;$(d)", "..", "é"]
    raw = changed(
        explanations__pda__images=images,
        explanations__pda__images_per_job=2,
        explanations__random__images=images,
    )
    explanation = parse_config(raw).explanations["pda"]
    names = slots(explanation)
    assert all("/" not in name and " " not in name and "$" not in name for name in names)
    assert ".." not in names
    assert [len(batch) for batch in batches(explanation)] == [2, 1]
    assert [name for batch in batches(explanation) for name in batch] == names


LRP = {"method": "lrp_epsilon", "classifier": "network", "images": {"correct": 2}}


def with_evaluation(evaluation, figure=None, **explanations):
    """GOOD with `e` as its evaluation, maybe a figure of it, and further explanations."""
    raw = changed(figures={"f": {"evaluation": "e", **figure}} if figure else {})
    raw["evaluations"] = {"e": evaluation}
    raw["explanations"] |= {"lrp": LRP, **explanations}
    return raw


@pytest.mark.parametrize("measure", ["continuity", "image-specificity", "aggregation"])
def test_measures_and_their_figures_are_read(measure):
    evaluation = {"measure": measure, "explanations": ["lrp"]}
    config = parse_config(with_evaluation(evaluation, {"kind": measure}))
    assert config.evaluations["e"].explanations == ("lrp",)
    assert config.figures["f"].evaluation == "e"


@pytest.mark.parametrize(
    ("evaluation", "figure", "where", "what", "remedy"),
    [
        ({"measure": "continuity", "explanations": ["random"]}, None, "e.expl", "two num", "back"),
        ({"measure": "continuity", "explanations": ["lrpp"]}, None, "e.expl", "no 'lrpp'", "'lrp'"),
        ({"measure": "continuity", "explanations": ["lrp"], "steps": [1]}, None, "steps", "2", "."),
        (
            {"measure": "image-specificity", "explanations": ["pda"]},
            None,
            "e.explanations",
            "not made for turned images",
            "other methods",
        ),
        (
            {"measure": "image-specificity", "explanations": ["lrp"], "degrees": [0, 30]},
            None,
            "evaluations.e",
            "turns nothing",
            "remove it",
        ),
        (
            {"measure": "aggregation", "explanations": ["lrp", "label"]},
            None,
            "e.explanations",
            "different classes",
            "the same",
        ),
        ({"measure": "aggregation", "explanations": ["brain"]}, None, "e.expl", "volumes", "2-D"),
        (
            {"measure": "aggregation", "explanations": ["lrp"], "regions": 9},
            None,
            "e.regions",
            "8 x 8",
            "at most 8",
        ),
        (
            {"measure": "aggregation", "explanations": ["lrp"]},
            {"kind": "continuity"},
            "figures.f.evaluation",
            "measure: aggregation",
            "measure: continuity",
        ),
        (
            {"measure": "aggregation", "explanations": ["lrp"]},
            {"kind": "perturbation-curves"},
            "figures.f.evaluation",
            "measure: aggregation",
            "measure: aopc",
        ),
    ],
)
def test_measures_that_do_not_fit_are_refused(evaluation, figure, where, what, remedy):
    label = {**LRP, "nodes": [{"of": "label"}]}
    told = problems(with_evaluation(evaluation, figure, label=label))
    assert any(where in one and what in one and remedy in one for one in told), told


@pytest.mark.parametrize(
    ("claim", "what", "remedy"),
    [
        ({"claim": "accuracy", "published": 0.7}, "of a classifier or of", "name one"),
        ({"claim": "accuracy", "published": 0.7, "classifier": "n"}, "no 'n' in class", "are"),
        ({"claim": "accuracy", "published": 2, "classifier": "network"}, "2", "correct"),
        (
            {"claim": "finds-damage", "evaluation": "study", "explanation": "a", "than": "a"},
            "itself",
            "",
        ),
        (
            {"claim": "finds-damage", "evaluation": "study", "explanation": "brain", "than": "a"},
            "does not measure 'a'",
            "it measures brain; name one",
        ),
        (
            {"claim": "finds-damage", "evaluation": "aopc", "explanation": "brain", "than": "a"},
            "has measure: aopc",
            "measure: location",
        ),
        (
            {"claim": "finds-damage", "evaluation": "study", "method": "gaussian", "than": "a"},
            "method: this key is unknown",
            "write explanation",
        ),
    ],
)
def test_mistakes_in_claims_about_cohorts_are_told(claim, what, remedy):
    raw = changed()
    raw["evaluations"]["study"] = {"measure": "location", "explanations": ["brain"]}
    words = {"where": "4.2", "statement": "it is so"}
    raw["evaluations"]["claims"] = {"measure": "claims", "claims": [words | claim]}
    told = problems(raw)
    assert any(what in one and remedy in one for one in told), told
