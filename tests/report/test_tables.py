"""Rows of the report's tables."""

from example_maps import class_node, example_map, layer_node, noise, stored

from prediction_difference.report.tables import explained_tables


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
