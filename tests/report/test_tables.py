"""Rows of the report's tables."""

from example_maps import class_node, example_map, layer_node, noise, stored

from prediction_difference.classifiers.card import Card
from prediction_difference.report.tables import classifier_row, explained_tables


def rows_of(*nodes):
    maps = [example_map(noise(n, 6, 6), node) for n, node in enumerate(nodes)]
    (table,) = explained_tables([stored(*maps)], str)
    return maps, table.images[0].maps


def test_few_nodes_of_a_layer_have_rows_of_their_own():
    _, rows = rows_of(class_node(), *(layer_node(n) for n in range(16)))
    assert len(rows) == 17


def test_many_nodes_of_a_layer_share_a_row():
    nodes = [class_node(), *(layer_node(n) for n in range(17)), layer_node(0, "other")]
    maps, rows = rows_of(*nodes)
    assert len(rows) == 3
    assert rows[1].node == "17 nodes of inner"
    of_layer = [one.relevance for one in maps[1:18]]
    assert rows[1].largest == max(float(relevance.max()) for relevance in of_layer)
    assert rows[1].smallest == min(float(relevance.min()) for relevance in of_layer)
    assert abs(rows[1].total - sum(float(relevance.sum()) for relevance in of_layer)) < 1e-4


def card_with(measures, **settings):
    return Card(
        name="diagnosis",
        kind="logistic-regression",
        settings=settings,
        dataset="cohort",
        dataset_digest="",
        class_names=("control", "patient"),
        input_shape=(1, 3, 3, 3),
        training_instances={"fold-00": 90, "fold-01": 91},
        normalisation={},
        accuracy=0.7,
        held_out_images=100,
        seed=0,
        provenance={},
        measures=measures,
    )


def test_a_classifier_is_told_with_all_that_was_measured():
    other = {"accuracy": 0.81, "balanced_accuracy": 0.6, "largest_class": 0.76}
    measures = {
        "accuracy_interval": [0.604, 0.781],
        "largest_class": 0.75,
        "balanced_accuracy": 0.55,
        "area_under_curve": 0.66,
        "over_seeds": {"seeds": 10, "mean": 0.69, "interval": [0.66, 0.72]},
        "permutation_test": {"p": 0.005, "permutations": 1999},
        "C": {"fold-00": 0.1, "fold-01": 1.0},
        "also_predicted": {"scanner": other},
    }
    details = classifier_row(card_with(measures, C="nested", confounds=["age"]), "x").details
    assert details == (
        "95 % interval 60.4 to 78.1 %",
        "balanced 55.0%; a guess 75.0%",
        "area under the curve 0.660",
        "10 seeds of the folds: mean 69.0%, 95 % of them 66.0 to 72.0 %",
        "p = 0.005 of 1,999 permutations",
        "C by inner folds: 0.1, 1",
        "without what age explain(s)",
        "the same images tell scanner: 81.0%, balanced 60.0%; a guess 76.0%",
    )
    assert classifier_row(card_with({}), "x").details == ()
