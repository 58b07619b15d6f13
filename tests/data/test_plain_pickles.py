"""Pickles of strangers run nothing."""

import os
import pickle
from pathlib import Path

import numpy as np
import pytest

from prediction_difference.data.plain_pickles import read_plain_pickle
from prediction_difference.errors import DataError


class Malicious:
    """Makes a file when it is unpickled."""

    def __init__(self, path: Path):
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, (str(self.path),)


@pytest.mark.parametrize("protocol", [0, 2, 4])
def test_a_plain_pickle_is_read_and_another_runs_nothing(tmp_path: Path, protocol: int) -> None:
    file, trace = tmp_path / "batch", tmp_path / "trace"
    content = {"data": np.arange(6, dtype=np.uint8).reshape(2, 3), "labels": [1, 2], "name": "ä"}
    file.write_bytes(pickle.dumps(content, protocol))
    read = read_plain_pickle(file, "get it again")
    assert read.keys() == content.keys()
    np.testing.assert_array_equal(read["data"], content["data"])
    file.write_bytes(pickle.dumps({"data": Malicious(trace)}, protocol))
    with pytest.raises(DataError, match=r"holds more than plain data \(it asks for posix.mkdir\)"):
        read_plain_pickle(file, "get it again")
    assert not trace.exists()
    pickle.loads(file.read_bytes())
    assert trace.exists()
