"""Claims of papers as numbers: each against maps for which the answer is known."""

import json
from pathlib import Path

import numpy as np
import pandas
import pytest
import xarray
from pydantic import TypeAdapter
from scipy import stats

from prediction_difference.errors import StoreError
from prediction_difference.evaluation import claim_checks
from prediction_difference.evaluation.claim_checks import check_claims, read_claims, write_claims
from prediction_difference.evaluation.findings import Measured, find
from prediction_difference.evaluation.map_numbers import (
    clusters,
    correlation,
    entropy,
    neighbour_correlation,
    sparsity,
    top_share,
)
from prediction_difference.evaluation.measures.claims import Claims
from prediction_difference.evaluation.table import write_table
from prediction_difference.manifest import write_manifest
from prediction_difference.run import Run

WORDS = {"where": "Fig. 1", "statement": "it is so"}
READ = TypeAdapter(Claims).validate_python


def map_of(
    relevance,
    explanation="e",
    image="one",
    nodes=None,
    windows=None,
    seconds=1.0,
    samples=10,
    label="cat",
):
    """An attribution store in memory; relevance (nodes, y, x)."""
    relevance = np.asarray(relevance, dtype=np.float32)
    variables = {"relevance": (("node", "y", "x"), relevance)}
    if windows is not None:
        score, error = (np.asarray(one, dtype=np.float32)[None] for one in windows)
        axes = ("window_node", "window_y", "window_x")
        variables |= {"window_score": (axes, score), "window_standard_error": (axes, error)}
    nodes = nodes or [{"kind": "probability", "layer": None}] * len(relevance)
    variables["image"] = (("channel", "y", "x"), np.ones((1, *relevance.shape[1:]), np.float32))
    attributes = {
        "explanation": explanation,
        "image_name": image,
        "label": label,
        "nodes": nodes,
        "seconds": seconds,
        "settings": {"method": "prediction-difference", "samples": samples},
    }
    names = [f"node {number}" for number in range(len(relevance))]
    return xarray.Dataset(variables, coords={"node": names}, attrs=attributes)


@pytest.fixture
def checked(monkeypatch):
    """claim, stores by explanation -> the only record."""

    def check(claim, **stores):
        opened = {Path(n, str(i)): s for n, some in stores.items() for i, s in enumerate(some)}
        monkeypatch.setattr(claim_checks, "open_attribution", opened.__getitem__)
        settings = READ({"measure": "claims", "claims": [{**WORDS, **claim}]})
        paths = {n: [Path(n, str(i)) for i in range(len(some))] for n, some in stores.items()}
        (record,) = check_claims(settings, paths)
        assert json.loads(json.dumps(record, allow_nan=False))
        return record

    return check


def spot(y, x, side=8):
    values = np.zeros((1, side, side))
    values[0, y, x] = -3.0
    return values


# --- numbers of a map -------------------------------------------------------------------------


def test_numbers_of_known_maps():
    even, one = np.ones((8, 8)), spot(2, 3)
    assert entropy(even) == pytest.approx(6)
    assert entropy(one) == 0
    assert entropy(np.array([1.0, -1.0, 0.0])) == pytest.approx(1)
    assert sparsity(even) == pytest.approx(0, abs=1e-12)
    assert sparsity(one) == pytest.approx(1)
    assert top_share(even, 0.25) == pytest.approx(0.25)
    assert top_share(one, 0.01) == 1
    assert top_share(np.array([4.0, -3, 2, 1]), 0.5) == pytest.approx(0.7)
    slope = np.arange(9.0).reshape(3, 3)
    assert correlation(slope, 3 - 2 * slope) == pytest.approx(-1)


def test_empty_maps_have_numbers_too():
    none = np.zeros((4, 4))
    assert entropy(none) == sparsity(none) == top_share(none, 0.1) == 0
    assert correlation(none, np.eye(4)) == 0


def test_numbers_do_not_depend_on_scale_or_sign():
    values = np.random.default_rng(0).normal(size=(9, 9))
    for number in (entropy, sparsity, lambda x: top_share(x, 0.05)):
        assert number(-7 * values) == pytest.approx(number(values))


def test_neighbours_of_noise_slopes_and_chessboards():
    generator = np.random.default_rng(0)
    everywhere = np.ones((30, 30, 30), bool)
    noise = generator.normal(size=everywhere.shape)
    assert neighbour_correlation(noise, everywhere) == pytest.approx(0, abs=0.02)
    slope = np.broadcast_to(np.arange(30.0), everywhere.shape)
    assert neighbour_correlation(slope, everywhere) > 0.98
    chessboard = np.indices((6, 6)).sum(0) % 2
    assert neighbour_correlation(chessboard, np.ones((6, 6), bool)) == pytest.approx(-1)
    assert neighbour_correlation(np.zeros((6, 6)), np.ones((6, 6), bool)) == 0
    half = np.zeros((6, 6), bool)
    half[:, :3] = True
    mixed = np.where(half, np.arange(6.0)[:, None], generator.normal(size=(6, 6)))
    expected = neighbour_correlation(mixed[:, :3], np.ones((6, 3), bool))
    assert neighbour_correlation(mixed, half) == pytest.approx(expected)
    assert neighbour_correlation(mixed, np.eye(6, dtype=bool)) == 0


def test_neighbours_are_those_of_every_axis():
    values = np.random.default_rng(1).normal(size=(4, 5))
    pairs = [
        (values[one], values[other])
        for one in np.ndindex(4, 5)
        for other in np.ndindex(4, 5)
        if abs(one[0] - other[0]) + abs(one[1] - other[1]) == 1
    ]
    expected = np.corrcoef(np.array(pairs).T)[0, 1]
    found = neighbour_correlation(values, np.ones((4, 5), bool))
    assert found == pytest.approx(expected)


def test_clusters_are_of_strong_pixels_of_one_sign_that_touch():
    values = np.zeros((7, 7))
    values[0, 0] = values[1, 1] = 10.0  # touch at a corner
    values[1, 2] = -10.0  # of another sign
    values[5, 5] = 1.6
    values[6, 0] = 1.4  # too weak
    assert clusters(values, 0.15) == pytest.approx(100 * 3 / 4)
    assert clusters(-values, 0.15) == pytest.approx(100 * 3 / 4)
    assert clusters(np.zeros((4, 4, 4)), 0.15) == 0


# --- intervals --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "sense", "held"),
    [
        ((1.0, 1.1, 0.9), "above", True),
        ((1.0, 1.1, 0.9), "below", False),
        ((-1.0, -1.1, -0.9), "above", False),
        ((-1.0, -1.1, -0.9), "below", True),
        ((-1.0, 1.1, 0.2), "above", None),
        ((5.0,), "above", None),
        ((-1.0, 1.1, 0.2), "equal", True),
        ((1.0, 1.1, 0.9), "equal", False),
    ],
)
def test_a_claim_holds_if_the_interval_is_on_the_right_side(values, sense, held):
    found = find(Measured(np.array(values), "", "", 0.0, sense), 0.95)
    assert found.held is held
    assert found.mean == pytest.approx(np.mean(values))


def test_intervals_are_students():
    values = np.random.default_rng(1).normal(size=12)
    found = find(Measured(values, "", ""), 0.9)
    expected = stats.ttest_1samp(values, 0).confidence_interval(0.9)
    assert found.interval == pytest.approx((expected.low, expected.high))


# --- claims -----------------------------------------------------------------------------------


def test_concentration(checked):
    images = ["a", "b", "c"]
    narrow = [map_of(spot(n, n), "narrow", i) for n, i in enumerate(images)]
    wide = [map_of(np.ones((1, 8, 8)), "wide", i) for i in images[::-1]]
    claim = {"claim": "more-concentrated", "explanation": "narrow", "than": "wide"}
    record = checked(claim, narrow=narrow, wide=wide)
    assert record["values"] == pytest.approx([6, 6, 6])
    assert record["held"] is True
    record = checked({**claim, "by": "top-share"}, narrow=narrow, wide=wide)
    assert record["values"] == pytest.approx([1 - 3 / 64] * 3)
    opposite = {**claim, "explanation": "wide", "than": "narrow"}
    assert checked(opposite, narrow=narrow, wide=wide)["held"] is False


def test_similar_classes(checked):
    generator = np.random.default_rng(2)
    nodes = [{"kind": kind, "layer": None} for kind in ("score",) * 3 + ("probability",) * 3]

    def store(image):
        base = generator.normal(size=(8, 8))
        alike = [base + 0.1 * generator.normal(size=(8, 8)) for _ in range(3)]
        return map_of(
            [*alike, base, -base, generator.normal(size=(8, 8))], image=image, nodes=nodes
        )

    record = checked({"claim": "similar-classes", "explanation": "e"}, e=[store("a"), store("b")])
    assert record["held"] is True
    few = map_of(np.ones((2, 4, 4)), nodes=[nodes[0], nodes[3]])
    with pytest.raises(StoreError, match="has 1 nodes of the kind score"):
        checked({"claim": "similar-classes", "explanation": "e"}, e=[few])


@pytest.mark.parametrize("samples", [3, 10])
def test_chance_alone_is_no_effect(checked, samples):
    """Means of few draws, beside the standard errors of the same few draws."""
    generator = np.random.default_rng(3)

    def stores(effect):
        found = []
        for image in "abcd":
            draws = effect + generator.normal(size=(samples, 60, 60))
            error = draws.std(0, ddof=1) / np.sqrt(samples)
            windows = (draws.mean(0), error)
            found.append(map_of(np.ones((1, 4, 4)), image=image, windows=windows, samples=samples))
        return found

    claim = {"claim": "measurable-effect", "explanation": "e"}
    chance = checked(claim, e=stores(0.0))
    assert chance["number"] == pytest.approx(0.05, abs=0.01)
    assert chance["held"] is not True
    assert checked(claim, e=stores(1.0))["held"] is True
    with pytest.raises(StoreError, match="has no windows"):
        checked(claim, e=[map_of(np.ones((1, 4, 4)))])
    exact = (np.ones((4, 4)), np.full((4, 4), np.nan))
    with pytest.raises(StoreError, match="has no sampling error"):
        checked(claim, e=[map_of(np.ones((1, 4, 4)), windows=exact)])


def test_sparser_layers(checked):
    layers = ("low", "low", "high", "high")
    nodes = [{"kind": "feature_map", "layer": layer} for layer in layers]
    maps = np.concatenate([np.ones((2, 8, 8)), spot(1, 1), np.zeros((1, 8, 8))])
    stores = [map_of(maps, image=image, nodes=nodes) for image in "ab"]
    claim = {"claim": "sparser-layer", "explanation": "e", "layer": "high", "than_layer": "low"}
    assert checked(claim, e=stores)["values"] == pytest.approx([1, 1])
    # Of the two maps, one has its relevance in a pixel, and one none.
    assert checked({**claim, "across": "pixels"}, e=stores)["values"] == pytest.approx([0.5, 0.5])
    with pytest.raises(StoreError, match="has no node of layer 'top'"):
        checked({**claim, "layer": "top"}, e=stores)


def test_enough_samples(checked):
    generator = np.random.default_rng(4)
    few, many = [], []
    for image in "abcd":
        true = generator.normal(size=(1, 50, 50))
        for found, error, name in ((few, 0.3, "few"), (many, 0.1, "many")):
            score = true[0] + error * generator.normal(size=(50, 50))
            windows = (score, np.full((50, 50), error))
            found.append(map_of(score[None], name, image, windows=windows))
    claim = {"claim": "enough-samples", "explanation": "few", "than": "many"}
    expected = 1 / np.sqrt(1.09 * 1.01)
    record = checked({**claim, "limit": 0.9}, few=few, many=many)
    assert record["number"] == pytest.approx(expected, abs=0.01)
    assert record["held"] is True
    by_error = {**claim, "by": "standard-error", "limit": 1.2}
    record = checked(by_error, few=few, many=many)
    assert record["number"] == pytest.approx(1, abs=0.03)
    assert record["held"] is True
    assert checked({**by_error, "limit": 0.5}, few=few, many=many)["held"] is False


def test_costs_are_compared_image_by_image(checked):
    def stores(name, **seconds):
        some = np.ones((1, 4, 4))
        return [map_of(some, name, image, seconds=time) for image, time in seconds.items()]

    claim = {"claim": "cheaper", "explanation": "fast", "than": "slow"}
    fast, slow = stores("fast", a=1.0, b=3.0), stores("slow", b=12.0, a=4.0)
    assert checked(claim, fast=fast, slow=slow)["values"] == pytest.approx([2, 2])
    with pytest.raises(StoreError, match="explanation slow: has no map of b"):
        checked(claim, fast=fast, slow=slow[1:])


def test_what_was_found_is_read_back(tmp_path):
    record = {"where": "Fig. 1", "held": None}
    file = tmp_path / "claims.json"
    write_claims([record], Run(paper="p", setting="small"), file)
    assert read_claims(file) == {"paper": "p", "setting": "small", "claims": [record]}
    file.write_text("{}")
    with pytest.raises(StoreError, match=r"claims\.json: is damaged"):
        read_claims(file)
    write_manifest(file, [file])
    with pytest.raises(StoreError, match=r"claims\.json: cannot be read"):
        read_claims(file)


# --- claims about tables ----------------------------------------------------------------------


def perturbed(values, output="score"):
    """A table of curves with one step and one repeat; values[explanation]: a drop an image."""
    rows = [
        {"explanation": name, "method": name, "image": str(image), "repeat": 0, "step": step}
        | {"image_name": f"test-{image}"}
        | {"score": -drop * step, "probability": -drop * step / 10}
        for name, drops in values.items()
        for image, drop in enumerate(drops)
        for step in (0, 1)
    ]
    table = pandas.DataFrame(rows)
    table.attrs = {"settings": {"output": output, "region": 9}}
    return table


def check_table(table, tmp_path, **claim):
    write_table(table, tmp_path / "t.parquet")
    settings = READ({"measure": "claims", "claims": [{**WORDS, "evaluation": "t", **claim}]})
    (record,) = check_claims(settings, {}, {"t": tmp_path / "t.parquet"})
    assert json.loads(json.dumps(record, allow_nan=False))
    return record


@pytest.mark.parametrize(("output", "scale"), [("score", 1), ("probability", 0.1)])
def test_larger_areas_are_compared_image_by_image(tmp_path, output, scale):
    table = perturbed({"lrp": (3.0, 5.0, 7.0), "gradient": (1.0, 2.8, 5.0)}, output)
    claim = {"claim": "larger-aopc", "explanation": "lrp", "than": "gradient"}
    record = check_table(table, tmp_path, **claim)
    assert record["values"] == pytest.approx([scale, 1.1 * scale, scale])
    assert record["held"] is True
    assert record["settings"] == {"t": {"output": output, "region": 9}}
    turned = check_table(table, tmp_path, **(claim | {"explanation": "gradient", "than": "lrp"}))
    assert turned["held"] is False
    with pytest.raises(StoreError, match="evaluation t: did not measure 'deconvolution'"):
        check_table(table, tmp_path, **(claim | {"than": "deconvolution"}))


def follow(tmp_path, drops, accuracies, random=None, renamed=None):
    """drops, random: for each checkpoint an AOPC an image -> the record of the claim.

    renamed: names of the last checkpoint's images.
    """
    tables = {}
    for number, (some, accuracy) in enumerate(zip(drops, accuracies, strict=True)):
        others = {"random": random[number]} if random else {}
        table = perturbed({f"lrp-{number}": some, **others})
        table.attrs["accuracy"] = accuracy
        if renamed is not None and number == len(drops) - 1:
            table["image_name"] = table["image"].map(renamed)
        tables[f"after-{number}"] = tmp_path / f"{number}.parquet"
        write_table(table, tables[f"after-{number}"])
    explanations = [f"lrp-{number}" for number in range(len(drops))]
    claim = {"claim": "follows-accuracy", "evaluations": [*tables], "explanations": explanations}
    settings = READ({"measure": "claims", "claims": [{**WORDS, **claim}]})
    (record,) = check_claims(settings, {}, tables)
    assert json.loads(json.dumps(record, allow_nan=False))
    return record


def test_areas_follow_accuracy_where_they_rise_together(tmp_path):
    drops = [(1.0, 2.0, 0.0), (2.0, 2.5, 5.0), (4.0, 3.5, 5.5)]
    accuracies = (0.1, 0.5, 0.8)
    record = follow(tmp_path, drops, accuracies)
    expected = [np.corrcoef(column, accuracies)[0, 1] for column in np.array(drops).T]
    assert record["values"] == pytest.approx(expected)
    assert record["held"] is True
    assert follow(tmp_path, drops[::-1], accuracies)["held"] is False
    with pytest.raises(StoreError, match="know no accuracy"):
        follow(tmp_path, drops, (0.1, None, 0.8))


def test_what_any_order_would_follow_is_taken_off(tmp_path):
    """Scores grow while a network learns, so that random regions cost more and more, too."""
    accuracies = (0.1, 0.5, 0.8)
    random = [(1.0, 2.0, 1.5), (3.0, 4.0, 3.0), (6.0, 7.0, 5.0)]
    above = [(2.0, 1.0, 3.0), (1.5, 0.9, 2.0), (1.0, 0.5, 1.0)]
    drops = [tuple(np.add(r, a)) for r, a in zip(random, above, strict=True)]
    assert follow(tmp_path, drops, accuracies)["held"] is True
    record = follow(tmp_path, drops, accuracies, random)
    expected = [np.corrcoef(column, accuracies)[0, 1] for column in np.array(above).T]
    assert record["values"] == pytest.approx(expected)
    assert record["held"] is False
    assert "above random order" in record["quantity"]


def test_areas_of_other_images_do_not_follow_accuracy(tmp_path):
    drops, accuracies = [(1.0, 2.0), (2.0, 2.5), (4.0, 3.5)], (0.1, 0.5, 0.8)
    told = "evaluation after-2: was measured on other images than after-0; name the images"
    with pytest.raises(StoreError, match=told):
        follow(tmp_path, drops, accuracies, renamed={"0": "test-0", "1": "test-7"})
    with pytest.raises(StoreError, match=told):
        follow(tmp_path, [(1.0, 2.0), (2.0, 2.5), (4.0,)], accuracies)


@pytest.mark.parametrize("by", ["png_bytes", "jpeg_bytes", "entropy"])
def test_simpler_heatmaps_are_smaller(tmp_path, by):
    sizes = {"lrp": (3.0, 5.0, 7.0), "gradient": (4.0, 6.0, 8.5)}
    rows = [
        {"explanation": name, "image": str(image), by: size}
        for name, some in sizes.items()
        for image, size in enumerate(some)
    ]
    table = pandas.DataFrame(rows)
    table.attrs = {"settings": {}}
    claim = {"claim": "simpler", "explanation": "lrp", "than": "gradient", "by": by}
    record = check_table(table, tmp_path, **claim)
    assert record["values"] == [-1, -1, -1.5]
    assert (record["held"], record["required"]) == (True, "below 0")


def consistency_table() -> pandas.DataFrame:
    values = {"kept": (0.0, 0.001, 0.002), "lost": (0.5, 0.6, 0.9)}
    rows = [
        {"explanation": name, "image": str(n), "conservation": value, "outside": value / 2}
        for name, some in values.items()
        for n, value in enumerate(some)
    ]
    table = pandas.DataFrame(rows)
    table.attrs = {"settings": {}}
    return table


@pytest.mark.parametrize(
    ("name", "denied", "held"),
    [("kept", False, True), ("kept", True, False), ("lost", False, False), ("lost", True, True)],
)
def test_properties_hold_below_a_limit_and_are_denied_above(tmp_path, name, denied, held):
    claim = {"claim": "consistent", "explanation": name, "by": "conservation", "denied": denied}
    record = check_table(consistency_table(), tmp_path, **claim)
    assert record["held"] is held
    assert record["required"] == f"{'above' if denied else 'below'} 0.01"


def test_less_is_outside_where_differences_are_negative(tmp_path):
    claim = {"claim": "less-outside", "explanation": "kept", "than": "lost"}
    record = check_table(consistency_table(), tmp_path, **claim)
    assert record["values"] == pytest.approx([-0.25, -0.2995, -0.449])
    assert record["held"] is True


def strong_table() -> pandas.DataFrame:
    correct = {"only": (True, True, False), "without": (False, True, False)}
    rows = [{"part": "full", "threshold": 0.0, "image": str(n), "correct": True} for n in range(3)]
    rows += [
        {"part": part, "threshold": 0.1, "image": str(n), "correct": value}
        for part, some in correct.items()
        for n, value in enumerate(some)
    ]
    table = pandas.DataFrame(rows).assign(explanation="responses")
    table.attrs = {"settings": {}}
    return table


def test_strong_features_are_compared_with_all_others(tmp_path):
    claim = {"claim": "strong-features", "explanation": "responses", "threshold": 0.1}
    record = check_table(strong_table(), tmp_path, **claim)
    assert record["values"] == [1, 0, 0]
    assert record["held"] is None
    with pytest.raises(StoreError, match=r"did not measure 'responses' at threshold 0\.2"):
        check_table(strong_table(), tmp_path, **(claim | {"threshold": 0.2}))


def dominance_table(*rows):
    """rows: label, predicted and dominant class of every image."""
    columns = ("label", "predicted", "sum")
    table = pandas.DataFrame([dict(zip(columns, row, strict=True)) for row in rows])
    table["right"] = table["label"] == table["predicted"]
    table["explanation"] = "e"
    table.attrs = {"settings": {}}
    return table


def test_right_decisions_are_dominated_by_their_class_in_most_maps(tmp_path):
    """Wilson's interval, by scipy: two of two are no proof."""
    claim = {"claim": "dominant-class", "explanation": "e", "decisions": "right"}
    cat, dog = ("cat", "cat", "cat"), ("cat", "cat", "dog")
    record = check_table(dominance_table(cat, cat, cat, dog), tmp_path, **claim)
    assert record["values"] == [1, 1, 1, 0]
    assert record["required"] == "above 0.5"
    expected = stats.binomtest(3, 4).proportion_ci(0.95, "wilson")
    assert record["interval"] == (expected.low, expected.high)
    assert check_table(dominance_table(cat, cat), tmp_path, **claim)["held"] is None
    assert check_table(dominance_table(*[cat] * 10), tmp_path, **claim)["held"] is True


def test_wrong_decisions_are_dominated_by_the_prediction_more_often_than_by_the_label(tmp_path):
    rows = [("cat", "dog", found) for found in ("dog", "dog", "cat", "owl")]
    rows.append(("cat", "cat", "cat"))
    claim = {"claim": "dominant-class", "explanation": "e", "decisions": "wrong"}
    record = check_table(dominance_table(*rows), tmp_path, **claim)
    assert record["values"] == [1, 1, -1, 0]
    assert record["required"] == "above 0"


# --- claims about cohorts ---------------------------------------------------------------------


def subjects(explanation, patterns, generator, noise=0.3):
    """Three maps of every pattern (node, y, x), with noise of their own; the pattern's label."""
    return [
        map_of(
            pattern + noise * generator.normal(size=pattern.shape),
            explanation,
            f"{label}-{number}",
            label=label,
        )
        for label, pattern in patterns.items()
        for number in range(3)
    ]


def test_scatter(checked):
    generator = np.random.default_rng(3)
    names = ["a", "b", "c"]
    smooth = np.add.outer(np.arange(8.0), np.arange(8.0))[None]
    this = [map_of(n * smooth, "map", name) for n, name in enumerate(names, start=1)]
    that = [map_of(generator.normal(size=(1, 8, 8)), "weights", n) for n in names[::-1]]
    claim = {"claim": "less-scattered", "explanation": "map", "than": "weights"}
    for by in ("neighbours", "clusters"):
        assert checked({**claim, "by": by}, map=this, weights=that)["held"] is True
        opposite = {**claim, "by": by, "explanation": "weights", "than": "map"}
        assert checked(opposite, map=this, weights=that)["held"] is False
    record = checked({**claim, "by": "neighbours"}, map=this, weights=this)
    assert record["number"] == 0


def test_classes_are_distinct_where_their_maps_are(checked):
    generator = np.random.default_rng(4)
    one, other = generator.normal(size=(2, 2, 8, 8))
    other[1] = one[1]  # the second node does not tell classes apart
    maps = subjects("map", {"healthy": one, "ill": other}, generator)
    claim = {"claim": "distinct-classes", "explanation": "map"}
    record = checked(claim, map=maps)
    assert record["held"] is True
    assert record["images"] == 6
    assert record["number"] > 0.5
    same = checked({**claim, "node": "node 1"}, map=maps)
    assert same["number"] == pytest.approx(0, abs=0.05)
    assert "node 1" in same["quantity"]
    with pytest.raises(StoreError, match="map: has no node 'node 2'"):
        checked({**claim, "node": "node 2"}, map=maps)
    with pytest.raises(StoreError, match="two or more images of each of two labels"):
        checked(claim, map=maps[:3])


def test_specific_to_the_image(checked):
    generator = np.random.default_rng(5)
    patterns = {"healthy": np.ones((1, 8, 8)), "ill": -np.ones((1, 8, 8))}
    own = subjects("map", patterns, generator)
    weights = generator.normal(size=(1, 8, 8))
    alike = subjects("weights", {"healthy": weights, "ill": -weights}, generator, noise=0)
    claim = {"claim": "specific-to-image", "explanation": "map", "than": "weights"}
    record = checked(claim, map=own, weights=alike)
    assert record["held"] is True
    assert record["number"] == pytest.approx(-1, abs=0.2)


def test_time(checked):
    quick = [map_of(spot(1, 1), "e", str(n), seconds=n) for n in range(1, 5)]
    claim = {"claim": "within-time", "explanation": "e"}
    assert checked({**claim, "seconds": 10}, e=quick)["held"] is True
    assert checked({**claim, "seconds": 0.1}, e=quick)["held"] is False


@pytest.mark.parametrize("weights_from", ["here", "elsewhere"])
def test_accuracy_is_that_of_held_out_images(weights_from, tmp_path, monkeypatch):
    label = np.array([0, 1] * 20 + [1, -1])
    predicted = np.where(np.arange(42) < 28, label, 1 - label)
    table = pandas.DataFrame(
        {
            "image": [str(n) for n in range(42)],
            "split": ["fold-00"] * 40 + ["train", "fold-01"],
            "label": label,
            "predicted": predicted,
        }
    )
    table.to_parquet(tmp_path / "predictions.parquet")
    write_manifest(tmp_path / "card.json", [tmp_path / "predictions.parquet"])
    card = type("Card", (), {"settings": {"kind": "any"}, "weights_from": weights_from})
    monkeypatch.setattr(claim_checks, "read_card", lambda _: card)
    claim = {**WORDS, "claim": "accuracy", "classifier": "net", "published": 0.693}
    settings = READ({"measure": "claims", "claims": [claim]})
    (record,) = check_claims(settings, {}, {}, {"net": tmp_path})
    expected = stats.binomtest(28, 40).proportion_ci(0.95, "wilson")
    assert record["number"] == pytest.approx(0.7)
    assert record["interval"] == pytest.approx((expected.low, expected.high))
    assert record["required"] == "equal to 0.693"
    assert record["held"] is True
    assert record["settings"] == {"net": {"kind": "any"}}
    is_known = weights_from == "here"
    assert ("held-out" in record["quantity"]) == is_known
    assert ("it is not known whether it was trained" in record["quantity"]) == (not is_known)


def test_cohorts_are_what_is_counted_where_an_evaluation_has_several(tmp_path):
    rows = [
        (cohort, name, quantity, "left", value + 0.01 * cohort)
        for cohort in range(5)
        for name, quantity, value in (
            ("", "accuracy", 0.673),
            ("grid-cell", "auc", 0.75 + 0.01 * cohort),
            ("gaussian", "auc", 0.65),
        )
    ]
    table = pandas.DataFrame(rows, columns=["cohort", "explanation", "quantity", "region", "value"])
    table.attrs["settings"] = {"measure": "location"}
    write_table(table, tmp_path / "location.parquet")
    tables = {"location": tmp_path / "location.parquet"}
    accuracy = {**WORDS, "claim": "accuracy", "evaluation": "location", "published": 0.693}

    def written(table):
        write_table(table, tmp_path / "seeds.parquet")
        return {"location": tmp_path / "seeds.parquet"}

    damage = {**WORDS, "claim": "finds-damage", "evaluation": "location"}
    damage |= {"explanation": "grid-cell", "than": "gaussian"}
    settings = READ({"measure": "claims", "claims": [accuracy, damage]})
    first, second = check_claims(settings, {}, tables)
    assert first["values"] == pytest.approx([0.673, 0.683, 0.693, 0.703, 0.713])
    assert first["held"] is True
    assert second["values"] == pytest.approx([0.1, 0.11, 0.12, 0.13, 0.14])
    assert second["held"] is True
    seeds = pandas.DataFrame({"cohort": range(5), "accuracy": np.array(first["values"])})
    seeds.attrs["settings"] = {"measure": "cohort-accuracy"}
    own = READ({"measure": "claims", "claims": [accuracy]})
    assert check_claims(own, {}, written(seeds))[0]["values"] == pytest.approx(first["values"])
    with pytest.raises(StoreError, match="tries several classifiers"):
        check_claims(own, {}, written(pandas.concat([seeds, seeds])))
    missing = READ({"measure": "claims", "claims": [{**damage, "explanation": "marginal"}]})
    with pytest.raises(StoreError, match="location: did not measure 'marginal'"):
        check_claims(missing, {}, tables)
