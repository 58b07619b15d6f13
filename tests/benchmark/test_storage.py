"""Every way to keep maps is measured on the same arrays."""

from prediction_difference.attribution.reading import BY_NODE
from prediction_difference.benchmark.storage import example_arrays, measure


def test_each_way_has_its_size_files_and_time():
    arrays = example_arrays(nodes=2, side=16, window=4)
    assert tuple(arrays) == BY_NODE
    plain, *ways = measure(arrays, rounds=1)
    values = sum(array.nbytes for array in arrays.values())
    assert values < plain["bytes"] < values + 4 * 200
    assert plain["files"] == 4
    assert len(ways) == 7
    assert {way["files"] for way in ways[:-1]} == {4 + 4 + 1}
    assert ways[-1]["files"] == 4 * 2 + 4 + 1
    assert all(way["seconds"] >= 0 for way in ways)
